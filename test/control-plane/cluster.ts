// A cluster seen through kubectl as its administrator: applying, reading, and kubeconfigs for lesser identities.
// It starts and stops nothing, so any process that knows the kubeconfig's path can use it.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { KubeConfig } from '@kubernetes/client-node';

import { writeKubeconfig } from './kubeconfig.ts';
import { binary, repositoryRoot, shipped } from './paths.ts';

const run = promisify(execFile);

// The namespace first: what the chart ships lies in it.
const rbacFiles = [
  ['-f', join(repositoryRoot, 'test', 'control-plane', 'namespace.yaml')],
  ['-f', join(shipped, 'rbac')],
].flat();

export interface KubectlOptions {
  /** Manifest passed on standard input, for `-f -`. */
  input?: string;
  signal?: AbortSignal | undefined;
  timeoutMs?: number;
}

export interface ServiceAccount {
  namespace: string;
  name: string;
  /** The Node to which the token is bound: the API server then tells the node's name to admission and RBAC. */
  node?: string;
}

/** kubectl's own refusal: `stderr` is what a user would read. */
export class KubectlError extends Error {
  readonly stderr: string;

  constructor(args: readonly string[], stderr: string, cause: unknown) {
    super(`kubectl ${args.join(' ')}: ${stderr.trim()}`, { cause });
    this.stderr = stderr;
  }
}

export class Cluster {
  readonly kubeconfig: string;

  constructor(kubeconfig: string) {
    this.kubeconfig = kubeconfig;
  }

  /** Standard output of kubectl; rejects with KubectlError. */
  async kubectl(args: readonly string[], options: KubectlOptions = {}): Promise<string> {
    const child = run(binary('kubectl'), ['--kubeconfig', this.kubeconfig, ...args], {
      maxBuffer: 64 * 1024 * 1024,
      timeout: options.timeoutMs ?? 60_000,
      signal: options.signal,
    });
    child.child.stdin?.end(options.input ?? '');
    try {
      return (await child).stdout;
    } catch (error) {
      options.signal?.throwIfAborted();
      const stderr =
        typeof error === 'object' && error !== null && 'stderr' in error ? String(error.stderr) : String(error);
      throw new KubectlError(args, stderr, error);
    }
  }

  async apply(manifest: object, options: KubectlOptions = {}): Promise<void> {
    await this.kubectl(['apply', '-f', '-'], { ...options, input: JSON.stringify(manifest) });
  }

  async applyCrds(signal?: AbortSignal): Promise<void> {
    const folder = join(shipped, 'crds');
    await this.kubectl(['apply', '--server-side', '-f', folder], { signal });
    await this.kubectl(['wait', '--for=condition=Established', '--timeout=30s', '-f', folder], { signal });
  }

  /** The namespace daris-system, the service accounts daris-operator and daris-agent, and their rights. */
  async applyRbac(signal?: AbortSignal): Promise<void> {
    await this.kubectl(['apply', ...rbacFiles], { signal });
  }

  /** Takes away what applyCrds and applyRbac made, and with the CRDs all objects of their kinds. */
  async deleteCrdsAndRbac(signal?: AbortSignal): Promise<void> {
    const remove = ['delete', '--ignore-not-found', '--timeout=30s'];
    await this.kubectl([...remove, '-f', join(shipped, 'crds')], { signal });
    await this.kubectl([...remove, ...rbacFiles], { signal });
  }

  async createNamespace(prefix: string): Promise<string> {
    const manifest = { apiVersion: 'v1', kind: 'Namespace', metadata: { generateName: `${prefix}-` } };
    const answer = await this.kubectl(['create', '-o', 'jsonpath={.metadata.name}', '-f', '-'], {
      input: JSON.stringify(manifest),
    });
    return answer.trim();
  }

  /** A stand-in for what a kubelet would register. */
  async createNode(name: string, labels: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.apply({ apiVersion: 'v1', kind: 'Node', metadata: { name, labels } });
  }

  /** Writes a kubeconfig holding a one-day token of the service account, which must exist, as must its node. */
  async writeServiceAccountKubeconfig(path: string, account: ServiceAccount, signal?: AbortSignal): Promise<void> {
    const bound =
      account.node === undefined ? [] : ['--bound-object-kind', 'Node', '--bound-object-name', account.node];
    const token = await this.kubectl(
      ['create', 'token', account.name, '--namespace', account.namespace, '--duration', '24h', ...bound],
      { signal },
    );
    this.writeTokenKubeconfig(path, account, token.trim());
  }

  /** Writes a kubeconfig that holds a token of the service account which somebody was given. */
  writeTokenKubeconfig(path: string, { namespace, name }: ServiceAccount, token: string): void {
    const { server, certificateAuthority } = this.endpoint();
    const user = `system:serviceaccount:${namespace}:${name}`;
    writeKubeconfig(path, { server, certificateAuthority, user, token });
  }

  /** Address and authority from our own kubeconfig. */
  private endpoint(): { server: string; certificateAuthority: string } {
    const config = new KubeConfig();
    config.loadFromFile(this.kubeconfig);
    const cluster = config.getCurrentCluster();
    if (cluster === null) throw new Error(`${this.kubeconfig} names no current cluster`);
    const authority = cluster.caData ?? readFileSync(cluster.caFile ?? '', 'base64');
    const certificateAuthority = Buffer.from(authority, 'base64').toString('utf8');
    return { server: cluster.server, certificateAuthority };
  }
}
