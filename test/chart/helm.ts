// The real helm on the real chart, and what it renders as objects.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { loadAll } from 'js-yaml';

import { repositoryRoot } from '../control-plane/paths.ts';

const run = promisify(execFile);

export const chart = join(repositoryRoot, 'helm', 'daris');

/** What tests read of any object. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: unknown;
}

export interface RenderOptions {
  readonly release?: string;
  readonly namespace?: string;
  readonly values?: object;
  /** API groups with versions that the cluster is to have beside the built-in ones. */
  readonly apiVersions?: readonly string[];
  readonly kubeVersion?: string;
}

/** Absolute path of a tool that test/chart/tools/build.sh makes. */
export function chartTool(name: 'helm' | 'promtool' | 'status-of'): string {
  const path = join(repositoryRoot, 'build', 'chart-tools', 'bin', name);
  if (!existsSync(path)) throw new Error(`${path} is missing: build it with test/chart/tools/build.sh`);
  return path;
}

export interface HelmOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Standard output; rejects with what helm said. */
export async function helm(args: readonly string[], values: object = {}, options: HelmOptions = {}): Promise<string> {
  const { timeoutMs = 60_000, signal } = options;
  const child = run(chartTool('helm'), [...args], { timeout: timeoutMs, maxBuffer: 16 * 1024 * 1024, signal });
  child.child.stdin?.end(JSON.stringify(values));
  try {
    return (await child).stdout;
  } catch (error) {
    signal?.throwIfAborted();
    const said = typeof error === 'object' && error !== null && 'stderr' in error ? String(error.stderr) : '';
    throw new Error(`helm ${args[0]}: ${said.trim()}`, { cause: error });
  }
}

export function renderText(options: RenderOptions = {}): Promise<string> {
  const { release = 'daris', namespace = 'daris-system', apiVersions = [], kubeVersion, values } = options;
  const more = [
    ...apiVersions.flatMap((version) => ['--api-versions', version]),
    ...(kubeVersion === undefined ? [] : ['--kube-version', kubeVersion]),
  ];
  return helm(['template', release, chart, '--namespace', namespace, '--values', '-', ...more], values);
}

export async function render(options: RenderOptions = {}): Promise<Manifest[]> {
  return loadAll(await renderText(options)).filter((object) => object !== null) as Manifest[];
}
