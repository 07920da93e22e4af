/**
 * Where the API server is and how to prove who we are, read with client-node's KubeConfig (kubeconfig, exec plugins, service
 * account). Read anew every minute and after a 401, so that rotated tokens and certificates are picked up.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import { dirname, resolve as resolvePath } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { load as parseYaml } from 'js-yaml';
import type { Clock } from './clock.ts';
import { TerminalError } from './errors.ts';

export interface CredentialOptions {
  /** Absent: $KUBECONFIG, then ~/.kube/config, then the pod's service account. */
  readonly kubeconfigPath?: string | undefined;
  /** Use the pod's service account, and nothing else. */
  readonly inCluster?: boolean | undefined;
}

export interface Credentials {
  /** URL of the server, without a slash at the end. */
  readonly server: string;
  /** Namespace of the kubeconfig's context or of the pod; absent there: 'default'. */
  readonly namespace: string;
  readonly headers: { readonly [name: string]: string };
  readonly tls: Pick<ConnectionOptions, (typeof tlsFields)[number]>;
  readonly proxyUrl: string | undefined;
  /** Changes exactly when open connections no longer fit: another server, proxy, CA or client certificate. */
  readonly fingerprint: string;
}

const tlsFields = ['ca', 'cert', 'key', 'rejectUnauthorized', 'servername'] as const;
const maxAgeMs = 60_000;
const minAgeMs = 1_000;

export class CredentialSource {
  readonly #options: CredentialOptions;
  readonly #clock: Clock;
  #config: KubeConfig;
  #loadedMs: number;
  #current: Promise<Credentials> | undefined;

  /** @throws TerminalError where no usable configuration is found */
  constructor(options: CredentialOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    this.#config = load(options);
    this.#loadedMs = clock.monotonic();
  }

  get server(): string {
    return serverOf(this.#config);
  }

  get namespace(): string {
    return namespaceOf(this.#config);
  }

  /** The credentials to use now. Where the newest cannot be read, the last good ones serve on. */
  async current(): Promise<Credentials> {
    if (this.#clock.monotonic() - this.#loadedMs > maxAgeMs) this.#reload();
    this.#current ??= resolve(this.#config);
    try {
      return await this.#current;
    } catch (error) {
      this.#current = undefined;
      throw error;
    }
  }

  /** The server did not accept these credentials: read them anew, but not more than once a second. */
  reject(): void {
    if (this.#clock.monotonic() - this.#loadedMs >= minAgeMs) this.#reload();
  }

  #reload(): void {
    this.#loadedMs = this.#clock.monotonic();
    try {
      this.#config = load(this.#options);
      this.#current = undefined;
    } catch {
      // A file in the middle of being replaced; the next minute, or the next 401, reads it again.
    }
  }
}

function load(options: CredentialOptions): KubeConfig {
  const config = new KubeConfig();
  const where = options.inCluster ? 'the service account' : (options.kubeconfigPath ?? 'the default kubeconfig');
  try {
    if (options.inCluster) config.loadFromCluster();
    else if (options.kubeconfigPath !== undefined) loadFile(config, options.kubeconfigPath);
    else config.loadFromDefault();
  } catch (cause) {
    throw new TerminalError(`cannot read ${where}: ${String(cause)}`, { code: 'BadKubeconfig', cause });
  }
  if (!URL.canParse(serverOf(config)) || (options.inCluster && serverOf(config).includes('undefined'))) {
    const hint = 'set KUBECONFIG, or run in a pod with a service account';
    throw new TerminalError(`${where} names no API server (current-context ${config.currentContext}): ${hint}`, {
      code: 'BadKubeconfig',
    });
  }
  return config;
}

// client-node does not know the field `tokenFile` of a kubeconfig's user, which is how rotated tokens are handed over.
function loadFile(config: KubeConfig, path: string): void {
  config.loadFromFile(path);
  const user = config.getCurrentUser();
  const { users = [] } = parseYaml(readFileSync(path, 'utf8')) as { users?: { name: string; user?: UserEntry }[] };
  const tokenFile = users.find((entry) => entry.name === user?.name)?.user?.tokenFile;
  if (user === null || tokenFile === undefined) return;
  const token = readFileSync(resolvePath(dirname(path), tokenFile), 'utf8').trim();
  config.users = config.users.map((other) => (other === user ? { ...user, token } : other));
}

interface UserEntry {
  readonly tokenFile?: string;
}

function serverOf(config: KubeConfig): string {
  return config.getCurrentCluster()?.server.replace(/\/+$/, '') ?? '';
}

function namespaceOf(config: KubeConfig): string {
  return config.getContextObject(config.currentContext)?.namespace?.trim() || 'default';
}

async function resolve(config: KubeConfig): Promise<Credentials> {
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const headers = Object.entries(options.headers ?? {}).map(([name, value]) => [name, String(value).trim()]);
  if (options.auth != null) headers.push(['Authorization', `Basic ${Buffer.from(options.auth).toString('base64')}`]);
  const server = serverOf(config);
  const given = tlsFields.filter((field) => options[field] != null).map((field) => [field, options[field]]);
  const tls = Object.fromEntries(given) as Credentials['tls'];
  const proxyUrl = config.getCurrentCluster()?.proxyUrl;
  return {
    server,
    namespace: namespaceOf(config),
    headers: Object.fromEntries(headers) as Credentials['headers'],
    tls,
    proxyUrl,
    fingerprint: createHash('sha256')
      .update(JSON.stringify([server, proxyUrl, tls]))
      .digest('hex'),
  };
}
