// Writes docs/reference/api.md from crds/*.yaml and examples/*.yaml: `node hack/crd-reference.ts`.
// `make verify` runs it and fails where the committed file differs.
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { load } from 'js-yaml';
import { renderKind, type Crd, type Example } from './crd-markdown.ts';

const OUTPUT = 'docs/reference/api.md';

const HEAD = `# API reference

Generated from \`crds/\` by \`hack/crd-reference.ts\`; edit the CRDs instead. A field is required where its parent is
present. A list's items are written \`[]\`. Durations are strings with a unit, like \`33ms\`; fields ending in \`Us\` are
microseconds. Nothing has a default in the schema: what \`spec\` leaves out is resolved by the operator, and shown under
\`status.effective\`.`;

/** The whole reference, from a folder of CRDs and a folder of examples (which may be missing). */
export function renderReference(crdFolder: string, exampleFolder: string): string {
  const examples = readExamples(exampleFolder);
  const chapters = yamlFiles(crdFolder).flatMap((file) => {
    const crd = load(readFileSync(join(crdFolder, file), 'utf8')) as Crd;
    return crd.spec.versions.map((version) => renderKind(crd, version, examples.get(crd.spec.names.kind)));
  });
  return `${[HEAD, ...chapters].join('\n\n')}\n`;
}

/** The first document of each kind, with the comments that stand before it. */
function readExamples(folder: string): Map<string, Example> {
  const examples = new Map<string, Example>();
  for (const file of existsSync(folder) ? yamlFiles(folder) : []) {
    for (const text of readFileSync(join(folder, file), 'utf8').split(/^---$/m)) {
      const kind = kindOf(text);
      if (kind !== undefined && !examples.has(kind)) examples.set(kind, { file: join(folder, file), text });
    }
  }
  return examples;
}

function kindOf(text: string): string | undefined {
  const document: unknown = load(text);
  if (typeof document !== 'object' || document === null || !('kind' in document)) return undefined;
  return typeof document.kind === 'string' ? document.kind : undefined;
}

function yamlFiles(folder: string): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .sort();
}

if (import.meta.main) {
  mkdirSync(dirname(OUTPUT), { recursive: true });
  writeFileSync(OUTPUT, renderReference('crds', 'examples'));
}
