// Flags, variables, and what is said of wrong ones.
import { describe, expect, test } from '@jest/globals';

import { helpText, parseConfig, type Config } from './config.ts';

const defaults: Config = {
  metricsHost: '::',
  metricsPort: 9090,
  logLevel: 'info',
  systemNamespace: 'daris-system',
  nodeLeaseMs: 10_000,
  election: { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 },
};

const accepted: Record<string, { args?: string[]; environment?: Record<string, string>; want: Partial<Config> }> = {
  nothing: { want: {} },
  flags: {
    args: ['--kubeconfig', '/k', '--metrics-address=127.0.0.1:0', '--log-level', 'debug', '--node-lease-seconds=2.5'],
    want: { kubeconfig: '/k', metricsHost: '127.0.0.1', metricsPort: 0, logLevel: 'debug', nodeLeaseMs: 2_500 },
  },
  variables: {
    environment: { DARIS_KUBECONFIG: '/k', DARIS_SYSTEM_NAMESPACE: 'gpu' },
    want: { kubeconfig: '/k', systemNamespace: 'gpu' },
  },
  'a flag beside its variable: the flag wins': {
    args: ['--log-level=warn'],
    environment: { DARIS_LOG_LEVEL: 'debug' },
    want: { logLevel: 'warn' },
  },
  'an empty variable is none': { environment: { DARIS_LOG_LEVEL: '' }, want: {} },
  'times of the election': {
    args: ['--leader-lease-seconds=3', '--leader-renew-seconds=2', '--leader-retry-seconds=0.5'],
    want: { election: { leaseDurationMs: 3_000, renewDeadlineMs: 2_000, retryPeriodMs: 500 } },
  },
  'an IPv6 address': { args: ['--metrics-address=[::1]:9'], want: { metricsHost: '::1', metricsPort: 9 } },
};

describe('accepted', () => {
  test.each(Object.entries(accepted))('%s', (_name, { args = [], environment = {}, want }) => {
    expect(parseConfig(args, environment)).toEqual({ ...defaults, ...want });
  });
});

test.each<[args: string[], environment: Record<string, string>, message: string]>([
  [['--bogus'], {}, 'unknown flag --bogus; there are --kubeconfig, --metrics-address,'],
  [['--log-levels=info'], {}, 'unknown flag --log-levels=info'],
  [['--log-level=loud'], {}, '--log-level: "loud" is not one of trace, debug, info, warn, error'],
  [[], { DARIS_LOG_LEVEL: 'loud' }, 'DARIS_LOG_LEVEL: "loud" is not one of'],
  [['--metrics-address=nowhere'], {}, '--metrics-address: "nowhere" is not HOST:PORT, like 127.0.0.1:9090'],
  [['--metrics-address=:70000'], {}, '--metrics-address: ":70000" is not HOST:PORT'],
  [
    ['--node-lease-seconds=soon'],
    {},
    '--node-lease-seconds: "soon" is not a number of seconds from 1 to 3600, like 10',
  ],
  [['--node-lease-seconds=0'], {}, '--node-lease-seconds: "0" is not a number of seconds'],
  [
    ['--leader-lease-seconds=10'],
    {},
    '--leader-renew-seconds: 10 is too long for --leader-lease-seconds 10: a leader must have stopped before another',
  ],
  [
    ['--leader-retry-seconds=9'],
    { DARIS_LEADER_RENEW_SECONDS: '10.5' },
    '--leader-retry-seconds: 9 is too long for DARIS_LEADER_RENEW_SECONDS 10.5: a leader needs more than one attempt',
  ],
  [['--leader-retry-seconds=0'], {}, '--leader-retry-seconds: "0" is not a number of seconds from 0.1 to 3600'],
  [['--leader-lease-seconds=long'], {}, '--leader-lease-seconds: "long" is not a number of seconds from 1'],
  [['--system-namespace=A_B'], {}, '--system-namespace: "A_B" is not the name of a namespace, like daris-system'],
  [['--kubeconfig'], {}, '--kubeconfig'],
  [['extra'], {}, "Unexpected argument 'extra'"],
])('%j with %j is refused', (args, environment, message) => {
  expect(() => parseConfig(args, environment)).toThrow(message);
});

test('help names every flag and its variable', () => {
  expect(parseConfig(['--help'], {})).toBe('help');
  const general = ['kubeconfig', 'metrics-address', 'log-level', 'system-namespace', 'node-lease-seconds'];
  for (const flag of [...general, 'leader-lease-seconds', 'leader-renew-seconds', 'leader-retry-seconds']) {
    expect(helpText()).toContain(`--${flag} `);
    expect(helpText()).toContain(`DARIS_${flag.replaceAll('-', '_').toUpperCase()}`);
  }
});
