// What the operator can be told, by flag or by environment; flags win. One table serves parsing, help and errors.
import { parseArgs } from 'node:util';

import { retryJitter, timingProblem, type ElectionTiming } from '../kube/election.ts';

export interface Config {
  /** Absent: the service account of the pod. */
  readonly kubeconfig?: string;
  readonly metricsHost: string;
  readonly metricsPort: number;
  readonly logLevel: LogLevel;
  readonly systemNamespace: string;
  readonly nodeLeaseMs: number;
  readonly election: ElectionTiming;
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

const logLevels: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error'];

interface Option {
  readonly flag: string;
  readonly value: string;
  readonly default?: string;
  readonly help: string;
}

const options = {
  kubeconfig: {
    flag: 'kubeconfig',
    value: 'FILE',
    help: 'how to reach the API server; absent: the service account of the pod',
  },
  metricsAddress: {
    flag: 'metrics-address',
    value: 'HOST:PORT',
    default: ':9090',
    help: '/metrics, /healthz and /readyz; without a host on all addresses, port 0 picks a free one',
  },
  logLevel: { flag: 'log-level', value: 'LEVEL', default: 'info', help: logLevels.join(', ') },
  systemNamespace: {
    flag: 'system-namespace',
    value: 'NAME',
    default: 'daris-system',
    help: "namespace of the agents' Leases and of the operators' own",
  },
  nodeLeaseSeconds: {
    flag: 'node-lease-seconds',
    value: 'SECONDS',
    default: '10',
    help: 'a node whose agent has not renewed its Lease for so long is lost',
  },
  leaderLeaseSeconds: {
    flag: 'leader-lease-seconds',
    value: 'SECONDS',
    default: '15',
    help: 'another operator takes over once the leader has not renewed its Lease for so long',
  },
  leaderRenewSeconds: {
    flag: 'leader-renew-seconds',
    value: 'SECONDS',
    default: '10',
    help: 'a leader that could not renew its Lease for so long writes nothing any more, and ends',
  },
  leaderRetrySeconds: {
    flag: 'leader-retry-seconds',
    value: 'SECONDS',
    default: '2',
    help: 'between two renewals of the Lease, or two attempts to acquire it',
  },
} as const satisfies Record<string, Option>;

/** A flag or variable that cannot be used; the message names it and says what would work. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Exit status of an operator that led and does not any more: whoever runs it starts it anew, as a candidate. */
export const lostStatus = 3;

/** 'help' where that was asked for. @throws ConfigError */
export function parseConfig(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Config | 'help' {
  const flags = parseFlags(args);
  if (flags['help'] === true) return 'help';
  const text = (option: Option): Setting => settingOf(option, flags[option.flag], environment);
  const kubeconfig = text(options.kubeconfig).text;
  return {
    ...(kubeconfig === '' ? {} : { kubeconfig }),
    ...parseAddress(text(options.metricsAddress)),
    logLevel: parseLogLevel(text(options.logLevel)),
    systemNamespace: parseNamespace(text(options.systemNamespace)),
    nodeLeaseMs: parseSeconds(text(options.nodeLeaseSeconds)) * 1000,
    election: parseElection({
      lease: text(options.leaderLeaseSeconds),
      renew: text(options.leaderRenewSeconds),
      retry: text(options.leaderRetrySeconds),
    }),
  };
}

export function helpText(): string {
  const rows = Object.values<Option>(options).map((option) => {
    const fallback = option.default === undefined ? '' : ` (${option.default})`;
    return `  --${option.flag} ${option.value}\n      ${option.help}${fallback}; ${variableOf(option)}\n`;
  });
  const what =
    'Places RealtimeInferenceTasks on GPU contexts. Several may run: one leads, the others stand by and take over.';
  const statuses = `Exit status: 0 told to end, ${lostStatus} no longer the leader, 2 a wrong flag, 1 anything else.`;
  return `Usage: node operator/main.js [flags]\n\n${what}\nFlags win over variables.\n\n${rows.join('')}  --help\n      this text\n\n${statuses}\n`;
}

function parseFlags(args: readonly string[]): Record<string, string | boolean | undefined> {
  const flags = Object.values<Option>(options).map(({ flag }) => flag);
  const known = Object.fromEntries(flags.map((flag) => [flag, { type: 'string' as const }]));
  const unknown = args.find((arg) => arg.startsWith('-') && !['help', ...flags].some((flag) => isFlag(arg, flag)));
  if (unknown !== undefined) {
    throw new ConfigError(`unknown flag ${unknown}; there are ${flags.map((flag) => `--${flag}`).join(', ')}, --help`);
  }
  try {
    return parseArgs({ args: [...args], options: { ...known, help: { type: 'boolean' } }, strict: true }).values;
  } catch (cause) {
    const said = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    throw new ConfigError(`${said}`, { cause });
  }
}

function isFlag(arg: string, flag: string): boolean {
  return arg === `--${flag}` || arg.startsWith(`--${flag}=`);
}

interface Setting {
  /** `--log-level`, or the variable by which it was set. */
  readonly name: string;
  readonly text: string;
}

function settingOf(
  option: Option,
  flag: string | boolean | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): Setting {
  if (typeof flag === 'string') return { name: `--${option.flag}`, text: flag };
  const variable = variableOf(option);
  const value = environment[variable];
  if (value !== undefined && value !== '') return { name: variable, text: value };
  return { name: `--${option.flag}`, text: option.default ?? '' };
}

function variableOf({ flag }: Option): string {
  return `DARIS_${flag.replaceAll('-', '_').toUpperCase()}`;
}

function parseAddress({ name, text }: Setting): Pick<Config, 'metricsHost' | 'metricsPort'> {
  const [, host = '', digits = ''] = /^(.*):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === '' || port > 65_535) throw new ConfigError(`${name}: "${text}" is not HOST:PORT, like 127.0.0.1:9090`);
  return { metricsHost: host === '' ? '::' : host.replace(/^\[(.*)\]$/, '$1'), metricsPort: port };
}

function parseLogLevel({ name, text }: Setting): LogLevel {
  const level = logLevels.find((known) => known === text);
  if (level === undefined) throw new ConfigError(`${name}: "${text}" is not one of ${logLevels.join(', ')}`);
  return level;
}

function parseNamespace({ name, text }: Setting): string {
  if (/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text)) return text;
  throw new ConfigError(`${name}: "${text}" is not the name of a namespace, like daris-system`);
}

function parseSeconds({ name, text }: Setting, least = 1): number {
  const seconds = Number(text);
  if (text.trim() !== '' && seconds >= least && seconds <= 3600) return seconds;
  throw new ConfigError(`${name}: "${text}" is not a number of seconds from ${least} to 3600, like 10`);
}

function parseElection({ lease, renew, retry }: { lease: Setting; renew: Setting; retry: Setting }): ElectionTiming {
  const timing = {
    leaseDurationMs: parseSeconds(lease) * 1000,
    renewDeadlineMs: parseSeconds(renew) * 1000,
    retryPeriodMs: parseSeconds(retry, 0.1) * 1000,
  };
  const problem = timingProblem(timing);
  if (problem === undefined) return timing;
  const [longer, shorter, why] =
    problem === 'leaseDuration'
      ? [lease, renew, 'a leader must have stopped before another may take over']
      : [renew, retry, `a leader needs more than one attempt, and each waits up to ${1 + retryJitter} times as long`];
  throw new ConfigError(`${shorter.name}: ${shorter.text} is too long for ${longer.name} ${longer.text}: ${why}`);
}
