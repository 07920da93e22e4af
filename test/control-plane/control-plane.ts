// A real Kubernetes control plane on free loopback ports: etcd, kube-apiserver, and kube-controller-manager on request.
// All of its state lies in one temporary folder, which stop() removes; its processes die with this one.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Cluster } from './cluster.ts';
import { Daemon } from './daemon.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import { binary } from './paths.ts';
import { freePorts } from './ports.ts';

/** Who may log in with a token of the file, beside administrator and controller-manager. */
export interface Identity {
  /** Its kubeconfig is NAME.kubeconfig in the control plane's folder. */
  readonly name: string;
  readonly user: string;
  readonly group?: string;
}

export interface ControlPlaneOptions {
  /** Garbage collection, namespaces' deletion and token controllers; costs about 70 MB. Default true. */
  controllerManager?: boolean;
  /** Added after our own kube-apiserver flags, for instance `--goaway-chance=0.02`. */
  apiServerFlags?: readonly string[];
  /** Where the logs go, which then outlive stop(). Default: the temporary folder. */
  logDir?: string;
  /** Address of the API server; default loopback, where no pod can reach it. */
  host?: string;
  /** Nodes have a kubelet: pods are scheduled, and nodes that fall silent are tainted. Default false. */
  realNodes?: boolean;
  identities?: readonly Identity[];
  signal?: AbortSignal;
  /** One line a step that was done, with its time. */
  onStep?: (title: string, elapsedMs: number) => void;
}

type DaemonName = 'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler';

const readyTimeoutMs = 60_000;
const administrator: Identity = { name: 'admin', user: 'admin', group: 'system:masters' };
const controllerManager: Identity = { name: 'controller-manager', user: 'system:kube-controller-manager' };
const scheduler: Identity = { name: 'scheduler', user: 'system:kube-scheduler' };

export class ControlPlane {
  readonly dir: string;
  readonly cluster: Cluster;
  private readonly server: string;
  private readonly etcdPorts: readonly [number, number];
  private readonly options: ControlPlaneOptions;
  private readonly daemons: Daemon[] = [];
  private apiServer: Daemon | undefined;

  private constructor(options: ControlPlaneOptions, dir: string, ports: readonly number[]) {
    const [client, peer, api] = ports;
    if (client === undefined || peer === undefined || api === undefined) throw new Error('three ports are needed');
    this.options = options;
    this.dir = dir;
    this.etcdPorts = [client, peer];
    this.server = `https://${options.host ?? '127.0.0.1'}:${api}`;
    this.cluster = new Cluster(this.kubeconfigOf(administrator.name));
  }

  /** Resolves when the API server answers /readyz and the controller-manager (where asked for) works. */
  static async start(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
    const dir = mkdtempSync(join(tmpdir(), 'daris-control-plane-'));
    const plane = new ControlPlane(options, dir, await freePorts(3));
    try {
      await plane.startAll();
    } catch (error) {
      await plane.stop();
      throw error;
    }
    return plane;
  }

  get processIds(): number[] {
    return [...this.processes.values()];
  }

  /** Path of the kubeconfig of one of the identities. */
  kubeconfigOf(name: string): string {
    return this.path(`${name}.kubeconfig`);
  }

  /** Those that run, by name. */
  get processes(): Map<string, number> {
    return new Map(this.daemons.filter((daemon) => daemon.running).map(({ name, pid }) => [name, pid]));
  }

  /** Ends the API server and starts it anew on the same address and store: every watch and connection breaks. */
  async restartApiServer(flags?: readonly string[]): Promise<void> {
    await this.apiServer?.stop();
    await this.startApiServer(flags ?? this.options.apiServerFlags ?? []);
  }

  /** Stops all processes, the API server's clients first, and removes the folder. Safe to call twice. */
  async stop(): Promise<void> {
    for (const daemon of this.daemons.splice(0).toReversed()) await daemon.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }

  private async startAll(): Promise<void> {
    this.writeKeysAndTokens();
    await this.step('etcd', () => this.startEtcd());
    await this.step('kube-apiserver', () => this.startApiServer(this.options.apiServerFlags ?? []));
    if (this.options.controllerManager ?? true) {
      await this.step('kube-controller-manager', () => this.startControllerManager());
    }
    if (this.options.realNodes ?? false) await this.step('kube-scheduler', () => this.startScheduler());
  }

  private async step(title: string, work: () => Promise<void>): Promise<void> {
    const started = performance.now();
    await work();
    this.options.onStep?.(title, performance.now() - started);
  }

  private path(name: string): string {
    return join(this.dir, name);
  }

  private writeKeysAndTokens(): void {
    const keys = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    writeFileSync(this.path('service-account.key'), keys.privateKey, { mode: 0o600 });
    writeFileSync(this.path('service-account.pub'), keys.publicKey);
    // Operator and agents are service accounts; the file knows only those who exist before any service account.
    const lines = this.identities().map(({ user, group = '' }) => `${token()},${user},${user},"${group}"\n`);
    writeFileSync(this.path('tokens.csv'), lines.join(''), { mode: 0o600 });
  }

  private identities(): readonly Identity[] {
    const own = [administrator, controllerManager, ...((this.options.realNodes ?? false) ? [scheduler] : [])];
    return [...own, ...(this.options.identities ?? [])];
  }

  private async startEtcd(): Promise<void> {
    const [client, peer] = this.etcdPorts.map((port) => `http://127.0.0.1:${port}`);
    const etcd = await this.daemon('etcd', [
      `--data-dir=${this.path('etcd')}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      '--unsafe-no-fsync',
      '--log-level=warn',
    ]);
    const healthy = async (): Promise<boolean> =>
      (await fetch(`${client}/health`, { signal: AbortSignal.timeout(2000) })).ok;
    await etcd.ready(healthy, readyTimeoutMs, this.options.signal);
  }

  private async startApiServer(flags: readonly string[]): Promise<void> {
    const certificates = this.path('certificates');
    mkdirSync(certificates, { recursive: true });
    const admission = (this.options.controllerManager ?? true) ? [] : ['--disable-admission-plugins=ServiceAccount'];
    const apiServer = await this.daemon('kube-apiserver', [
      `--etcd-servers=http://127.0.0.1:${this.etcdPorts[0]}`,
      `--cert-dir=${certificates}`,
      `--bind-address=${new URL(this.server).hostname}`,
      `--secure-port=${new URL(this.server).port}`,
      '--service-cluster-ip-range=10.96.0.0/24',
      '--allow-privileged=true',
      '--authorization-mode=Node,RBAC',
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${this.path('service-account.pub')}`,
      `--service-account-signing-key-file=${this.path('service-account.key')}`,
      `--token-auth-file=${this.path('tokens.csv')}`,
      '--shutdown-delay-duration=0s',
      ...admission,
      ...flags,
    ]);
    this.apiServer = apiServer;
    await apiServer.ready(() => this.apiServerReady(), readyTimeoutMs, this.options.signal);
    this.writeKubeconfigs();
  }

  /** The server makes its own certificate at its first start; until then there is nothing to trust. */
  private get certificateAuthority(): string {
    return readFileSync(join(this.path('certificates'), 'apiserver.crt'), 'utf8');
  }

  private apiServerReady(): Promise<boolean> {
    return httpsStatus(`${this.server}/readyz`, { ca: this.certificateAuthority }).then((status) => status === 200);
  }

  private writeKubeconfigs(): void {
    const rows = readFileSync(this.path('tokens.csv'), 'utf8').trimEnd().split('\n');
    const { server, certificateAuthority } = this;
    for (const [index, { name, user }] of this.identities().entries()) {
      const [secret = ''] = (rows[index] ?? '').split(',');
      writeKubeconfig(this.kubeconfigOf(name), { server, certificateAuthority, user, token: secret });
    }
  }

  private async startControllerManager(): Promise<void> {
    const [port] = await freePorts(1);
    const manager = await this.daemon('kube-controller-manager', [
      `--kubeconfig=${this.kubeconfigOf(controllerManager.name)}`,
      `--service-account-private-key-file=${this.path('service-account.key')}`,
      `--root-ca-file=${join(this.path('certificates'), 'apiserver.crt')}`,
      '--use-service-account-credentials=true',
      // A stand-in for a node has no kubelet: that controller would taint it as unreachable.
      ...((this.options.realNodes ?? false) ? [] : ['--controllers=*,-node-lifecycle-controller']),
      '--leader-elect=false',
      '--kube-api-qps=500',
      '--kube-api-burst=500',
      '--bind-address=127.0.0.1',
      `--secure-port=${port}`,
    ]);
    await manager.ready(() => this.defaultAccountExists(), readyTimeoutMs, this.options.signal);
  }

  private async startScheduler(): Promise<void> {
    const [port] = await freePorts(1);
    const daemon = await this.daemon('kube-scheduler', [
      `--kubeconfig=${this.kubeconfigOf(scheduler.name)}`,
      '--leader-elect=false',
      '--bind-address=127.0.0.1',
      `--secure-port=${port}`,
    ]);
    // Its certificate is made at each start and known to nobody; nothing is told to it.
    const ready = async (): Promise<boolean> =>
      (await httpsStatus(`https://127.0.0.1:${port}/readyz`, { rejectUnauthorized: false })) === 200;
    await daemon.ready(ready, readyTimeoutMs, this.options.signal);
  }

  /** The controller-manager's first visible work; before it, no pod or token request would succeed. */
  private async defaultAccountExists(): Promise<boolean> {
    const name = await this.cluster.kubectl(['get', 'serviceaccount', 'default', '-o', 'name'], {
      signal: this.options.signal,
    });
    return name.trim() !== '';
  }

  private async daemon(name: DaemonName, args: string[]): Promise<Daemon> {
    const logFile = join(this.options.logDir ?? this.dir, `${name}.log`);
    const daemon = await Daemon.start({ name, command: binary(name), args, logFile });
    this.daemons.push(daemon);
    return daemon;
  }
}

function token(): string {
  return randomBytes(32).toString('hex');
}

type TlsTrust = { readonly ca: string } | { readonly rejectUnauthorized: false };

function httpsStatus(url: string, trust: TlsTrust): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const call = request(url, { ...trust, timeout: 2000, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    call.on('timeout', () => call.destroy(new Error(`${url} did not answer within 2 s`)));
    call.on('error', reject);
    call.end();
  });
}
