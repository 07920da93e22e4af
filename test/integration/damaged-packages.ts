// Model packages that must be refused, each made from a good one by a single change.
import { createHash } from 'node:crypto';
import { cpSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Artifact {
  file: string;
  sha256: string;
  bytes: number;
}

interface Manifest {
  name: string;
  artifacts: Artifact[];
  stages: { name: string; inputs: string[]; outputs: string[] }[];
}

export interface Damage {
  what: string;
  /** Reason of the model's Inspected condition. */
  reason: string;
  /** What its message must name. */
  names: RegExp;
  /** Damages the package in `folder`; answers the digest that the InferenceModel shall name. */
  apply(folder: string): string;
}

function sha256(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

export function digestOf(folder: string): string {
  return `sha256:${sha256(join(folder, 'model.json'))}`;
}

/** Rewrites model.json; the digest stays honest, so what is refused is the change itself. */
function rewrite(folder: string, change: (manifest: Manifest, first: Artifact) => void): string {
  const file = join(folder, 'model.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as Manifest;
  const [first] = manifest.artifacts;
  if (first === undefined) throw new Error(`${file} lists no artifact`);
  change(manifest, first);
  writeFileSync(file, JSON.stringify(manifest));
  return digestOf(folder);
}

function firstArtifact(folder: string): string {
  const manifest = JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8')) as Manifest;
  return join(folder, manifest.artifacts[0]?.file ?? '');
}

/** Makes it the same package under another name, and so another digest. */
export function variant(folder: string, name: string): string {
  return rewrite(folder, (manifest) => {
    manifest.name = name;
  });
}

export const damages: readonly Damage[] = [
  {
    what: 'a digest that is not its own',
    reason: 'DigestMismatch',
    names: /model\.json/,
    apply: () => `sha256:${'0'.repeat(64)}`,
  },
  {
    what: 'a file that is not what the manifest says',
    reason: 'DigestMismatch',
    names: /\.onnx/,
    apply: (folder) => {
      truncateSync(firstArtifact(folder), 100);
      return digestOf(folder);
    },
  },
  {
    what: "a path with '..'",
    reason: 'UnsafePath',
    names: /\.\./,
    apply: (folder) =>
      rewrite(folder, (_, first) => {
        first.file = '../person-detector/model.json';
      }),
  },
  {
    what: 'a symlink',
    reason: 'UnsafePath',
    names: /symlink|symbolic link/i,
    apply: (folder) => {
      const file = firstArtifact(folder);
      cpSync(file, `${folder}.elsewhere`);
      rmSync(file);
      symlinkSync(`${folder}.elsewhere`, file);
      return digestOf(folder);
    },
  },
  {
    what: 'an unlisted file',
    reason: 'UnlistedFile',
    names: /extra\.bin/,
    apply: (folder) => {
      writeFileSync(join(folder, 'extra.bin'), 'not in model.json');
      return digestOf(folder);
    },
  },
  {
    what: 'a truncated ONNX file',
    reason: 'InvalidArtifact',
    names: /\.onnx/,
    apply: (folder) => {
      const file = firstArtifact(folder);
      truncateSync(file, Math.floor(statSync(file).size / 2));
      return rewrite(folder, (_, first) => {
        first.sha256 = sha256(file);
        first.bytes = statSync(file).size;
      });
    },
  },
  {
    what: 'stages that do not join',
    reason: 'InvalidPackage',
    names: /nobody\/wrote-this/,
    apply: (folder) =>
      rewrite(folder, ({ stages }) => {
        stages[1]?.inputs.splice(0, 1, 'nobody/wrote-this');
      }),
  },
];
