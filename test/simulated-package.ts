// Packages for engine sim, written by the tool that users have.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { repositoryRoot } from './control-plane/paths.ts';

const run = promisify(execFile);

export interface SimulatedPackage {
  readonly name: string;
  /** Mean times, like `400us`. */
  readonly stages: readonly string[];
  readonly batches?: readonly number[];
  /** Standard deviation as a share of the mean. */
  readonly deviation?: number;
}

/** Writes the package as a folder of its name below the model root; answers what an InferenceModel names. */
export async function writeSimulatedPackage(
  modelRoot: string,
  { name, stages, batches = [1], deviation = 0 }: SimulatedPackage,
): Promise<{ uri: string; digest: string }> {
  const python = join(repositoryRoot, 'build', 'venv', 'bin', 'python');
  const times = [`--stages=${stages.join(',')}`, `--batches=${batches.join(',')}`, `--deviation=${deviation}`];
  const args = ['-m', 'daris_package', 'sim', `--name=${name}`, ...times, `--output=${join(modelRoot, name)}`];
  const { stdout } = await run(python, args, { cwd: join(repositoryRoot, 'models'), timeout: 60_000 });
  const digest = /sha256:[0-9a-f]{64}/.exec(stdout)?.[0];
  if (digest === undefined) throw new Error(`daris-package sim printed no digest: ${stdout}`);
  return { uri: `file:///${name}`, digest };
}
