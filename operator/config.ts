// What the operator can be told, by flag or by environment; flags win. One table serves parsing, help and errors.
import { parseArgs } from 'node:util';

export interface Config {
  /** Absent: the service account of the pod. */
  readonly kubeconfig?: string;
  readonly metricsHost: string;
  readonly metricsPort: number;
  readonly logLevel: LogLevel;
  readonly systemNamespace: string;
  readonly nodeLeaseMs: number;
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
    help: "namespace of the agents' Leases",
  },
  nodeLeaseSeconds: {
    flag: 'node-lease-seconds',
    value: 'SECONDS',
    default: '10',
    help: 'a node whose agent has not renewed its Lease for so long is lost',
  },
} as const satisfies Record<string, Option>;

/** A flag or variable that cannot be used; the message names it and says what would work. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

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
  };
}

export function helpText(): string {
  const rows = Object.values<Option>(options).map((option) => {
    const fallback = option.default === undefined ? '' : ` (${option.default})`;
    return `  --${option.flag} ${option.value}\n      ${option.help}${fallback}; ${variableOf(option)}\n`;
  });
  return `Usage: node operator/main.js [flags]\n\nPlaces RealtimeInferenceTasks on GPU contexts. Flags win over variables.\n\n${rows.join('')}  --help\n      this text\n`;
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

function parseSeconds({ name, text }: Setting): number {
  const seconds = Number(text);
  if (text.trim() !== '' && seconds >= 1 && seconds <= 3600) return seconds;
  throw new ConfigError(`${name}: "${text}" is not a number of seconds from 1 to 3600, like 10`);
}
