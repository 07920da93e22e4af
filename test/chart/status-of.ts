// What GitOps tools make of an object: kstatus by its own library, Argo CD by the scripts of examples/gitops in a real Lua.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { load } from 'js-yaml';

import { repositoryRoot } from '../control-plane/paths.ts';

import { chartTool } from './helm.ts';

const run = promisify(execFile);

export interface StatusOf {
  readonly status: string;
  readonly message: string;
}

export const healthScripts: ReadonlyMap<string, string> = new Map(
  Object.entries(
    (load(readFileSync(join(repositoryRoot, 'examples', 'gitops', 'argocd-health.yaml'), 'utf8')) as Patch).data,
  ).map(([key, script]) => [key.replace('resource.customizations.health.daris.dev_', ''), script]),
);

interface Patch {
  readonly data: Readonly<Record<string, string>>;
}

export function kstatusOf(object: object): Promise<StatusOf> {
  return ask({ object });
}

export function argoHealthOf(object: { readonly kind: string }): Promise<StatusOf> {
  const lua = healthScripts.get(object.kind);
  if (lua === undefined) throw new Error(`examples/gitops/argocd-health.yaml has no script for ${object.kind}`);
  return ask({ object, lua });
}

async function ask(request: object): Promise<StatusOf> {
  const child = run(chartTool('status-of'), [], { timeout: 60_000 });
  child.child.stdin?.end(`${JSON.stringify(request)}\n`);
  const {
    error,
    status = '',
    message = '',
  } = JSON.parse((await child).stdout) as Partial<StatusOf> & { error?: string };
  if (error !== undefined) throw new Error(error);
  return { status, message };
}
