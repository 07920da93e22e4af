// The agent's settings: one table of flags and environment variables, of which the flag wins. Read once, at the start.
import { defaultPolicy, type PolicySettings } from './policy.ts';
import { leaderLease, systemNamespace } from '../api/resources.ts';
import { AppError } from '../kube/errors.ts';

export interface Config {
  readonly node: string;
  /** Absent: the pod's service account. */
  readonly kubeconfig: string | undefined;
  readonly runtimeSocket: string;
  readonly metrics: { readonly host: string; readonly port: number };
  readonly policy: PolicySettings;
  readonly advertiseAddress: string | undefined;
  readonly systemNamespace: string;
  readonly logLevel: string;
}

interface Setting {
  readonly flag: string;
  readonly value: string;
  readonly fallback?: string;
  readonly help: string;
}

const settings = [
  { flag: 'node', value: 'NAME', help: 'name of the Node that this agent speaks for' },
  { flag: 'kubeconfig', value: 'FILE', fallback: '', help: "absent: the pod's service account" },
  {
    flag: 'runtime-socket',
    value: 'PATH',
    help: "the runtime's Unix socket; those of a node's further GPUs lie beside it",
  },
  {
    flag: 'metrics-address',
    value: 'HOST:PORT',
    fallback: '127.0.0.1:9091',
    help: '/metrics, /healthz, /readyz, /trace; port 0: any',
  },
  { flag: 'contexts', value: 'N', fallback: String(defaultPolicy.contexts), help: 'contexts of each GPU' },
  {
    flag: 'streams-per-context',
    value: 'N',
    fallback: String(defaultPolicy.streamsPerContext),
    help: 'streams of a context',
  },
  {
    flag: 'oversubscription',
    value: 'X',
    fallback: String(defaultPolicy.oversubscription),
    help: '1 (contexts share nothing) to the number of contexts',
  },
  {
    flag: 'high-priority-limit',
    value: 'X',
    fallback: String(defaultPolicy.highPriorityLimit),
    help: "share of a context's streams that High tasks may book, 0 to 1",
  },
  { flag: 'admission', value: 'TEST', fallback: defaultPolicy.admission, help: 'Utilization or Predicted' },
  {
    flag: 'advertise-address',
    value: 'HOST',
    fallback: '',
    help: "replaces the host of the runtime's inference address",
  },
  { flag: 'system-namespace', value: 'NAME', fallback: systemNamespace, help: "namespace of the agents' Leases" },
  { flag: 'log-level', value: 'LEVEL', fallback: 'info', help: 'trace, debug, info, warn, error' },
] as const satisfies readonly Setting[];

type Flag = (typeof settings)[number]['flag'];

/** What is wrong with the command line; its message is one line for the person who wrote it. */
export class UsageError extends AppError {
  constructor(message: string) {
    super(message, { code: 'Usage' });
  }
}

export function usage(): string {
  const lines = settings.map((setting) => {
    const preset = 'fallback' in setting && setting.fallback !== '' ? ` (${setting.fallback})` : '';
    return (
      `  --${setting.flag} ${setting.value}`.padEnd(34) +
      `${environmentName(setting.flag).padEnd(30)}${setting.help}${preset}`
    );
  });
  return ['usage: daris-node-agent --node NAME --runtime-socket PATH [flags]', '', ...lines, '  --help', ''].join('\n');
}

/** Undefined: help was asked for. @throws UsageError naming the flag and what would work */
export function readConfig(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Config | undefined {
  const flags = readFlags(argv);
  if (flags === undefined) return undefined;
  const text = (flag: Flag): string => valueOf(flag, flags, environment);
  const contexts = integer('contexts', text('contexts'), 256);
  return {
    node: nodeName(text('node')),
    kubeconfig: text('kubeconfig') || undefined,
    runtimeSocket: absolutePath(text('runtime-socket')),
    metrics: hostPort(text('metrics-address')),
    policy: {
      contexts,
      streamsPerContext: integer('streams-per-context', text('streams-per-context'), 64),
      oversubscription: decimal('oversubscription', text('oversubscription'), [1, contexts]),
      highPriorityLimit: decimal('high-priority-limit', text('high-priority-limit'), [0, 1]),
      admission: choice('admission', text('admission'), ['Utilization', 'Predicted']),
    },
    advertiseAddress: text('advertise-address') || undefined,
    systemNamespace: text('system-namespace'),
    logLevel: choice('log-level', text('log-level'), ['trace', 'debug', 'info', 'warn', 'error']),
  };
}

function readFlags(argv: readonly string[]): ReadonlyMap<Flag, string> | undefined {
  const flags = new Map<Flag, string>();
  const words = argv.values();
  for (const word of words) {
    if (word === '--help') return undefined;
    const [, name = '', joined] = /^--([a-z-]+)(?:=(.*))?$/s.exec(word) ?? [];
    const setting = settings.find(({ flag }) => flag === name);
    if (setting === undefined) throw new UsageError(`${word} is no flag of the agent; --help lists them`);
    const value = joined ?? words.next().value;
    if (value === undefined) throw new UsageError(`--${name} needs a value: --${name} ${setting.value}`);
    flags.set(setting.flag, value);
  }
  return flags;
}

function valueOf(
  flag: Flag,
  flags: ReadonlyMap<Flag, string>,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  const setting: Setting | undefined = settings.find((candidate) => candidate.flag === flag);
  const value = flags.get(flag) ?? environment[environmentName(flag)] ?? setting?.fallback;
  if (value === undefined || (value === '' && setting?.fallback !== '')) {
    throw new UsageError(`--${flag} is missing: write --${flag} ${setting?.value ?? ''} (or ${environmentName(flag)})`);
  }
  return value;
}

function environmentName(flag: string): string {
  return `DARIS_${flag.toUpperCase().replaceAll('-', '_')}`;
}

function nodeName(text: string): string {
  if (text !== leaderLease) return text;
  throw new UsageError(
    `--node ${text}: this is the name of the operators' Lease; rename the node, to have an agent on it`,
  );
}

function integer(flag: Flag, text: string, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= most) return value;
  throw new UsageError(`--${flag} ${text}: write an integer between 1 and ${most}`);
}

function decimal(flag: Flag, text: string, [least, most]: readonly [number, number]): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value >= least && value <= most) return value;
  throw new UsageError(`--${flag} ${text}: write a decimal between ${least} and ${most}`);
}

function choice<T extends string>(flag: Flag, text: string, values: readonly T[]): T {
  const found = values.find((value) => value === text);
  if (found === undefined) throw new UsageError(`--${flag} ${text}: write one of ${values.join(', ')}`);
  return found;
}

function absolutePath(text: string): string {
  if (text.startsWith('/')) return text;
  throw new UsageError(`--runtime-socket ${text}: write an absolute path`);
}

/** `:PORT` listens on all addresses. */
function hostPort(text: string): { host: string; port: number } {
  const [, host, digits] = /^(.*):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (host === undefined || port > 65_535) {
    throw new UsageError(`--metrics-address ${text}: write HOST:PORT or :PORT, like 127.0.0.1:9091`);
  }
  return { host: host === '' ? '0.0.0.0' : host.replace(/^\[(.*)\]$/, '$1'), port };
}
