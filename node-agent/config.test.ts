import { expect, test } from '@jest/globals';
import { readConfig, usage } from './config.ts';

const least = ['--node', 'n1', '--runtime-socket', '/run/daris/runtime.sock'];

test('what is needed, and the defaults of the rest', () => {
  expect(readConfig(least, {})).toEqual({
    node: 'n1',
    kubeconfig: undefined,
    runtimeSocket: '/run/daris/runtime.sock',
    metrics: { host: '127.0.0.1', port: 9091 },
    policy: { contexts: 2, streamsPerContext: 1, oversubscription: 1, highPriorityLimit: 0.75, admission: 'Predicted' },
    advertiseAddress: undefined,
    systemNamespace: 'daris-system',
    logLevel: 'info',
  });
});

test('flags win over the environment, the environment over defaults; both forms of a flag are read', () => {
  const environment = { DARIS_NODE: 'from-environment', DARIS_CONTEXTS: '4', DARIS_METRICS_ADDRESS: ':9000' };
  const config = readConfig(
    [...least, '--contexts=3', '--admission=Utilization', '--oversubscription=2.5'],
    environment,
  );
  expect(config).toMatchObject({
    node: 'n1',
    metrics: { host: '0.0.0.0', port: 9000 },
    policy: { contexts: 3, admission: 'Utilization', oversubscription: 2.5 },
  });
  const { DARIS_NODE, ...rest } = environment;
  expect(readConfig(least.slice(2), { ...rest, DARIS_NODE })).toMatchObject({ node: 'from-environment' });
});

test.each([
  ['an unknown flag', [...least, '--colour', 'red'], '--colour is no flag'],
  ['a word that is no flag', [...least, 'serve'], 'serve is no flag'],
  ['a flag without its value', [...least, '--contexts'], '--contexts needs a value: --contexts N'],
  ['no node', least.slice(2), '--node is missing: write --node NAME (or DARIS_NODE)'],
  ['an empty node', [...least, '--node='], '--node is missing'],
  ["a node called as the operators' Lease", [...least, '--node=daris-operator'], 'rename the node'],
  ['no context', [...least, '--contexts=0'], '--contexts 0: write an integer between 1 and 256'],
  ['a context and a half', [...least, '--contexts=1.5'], '--contexts 1.5: write an integer'],
  [
    'more than all contexts',
    [...least, '--oversubscription=3'],
    '--oversubscription 3: write a decimal between 1 and 2',
  ],
  ['a limit above one', [...least, '--high-priority-limit=75'], 'write a decimal between 0 and 1'],
  ['no such test', [...least, '--admission=predicted'], 'write one of Utilization, Predicted'],
  ['a relative socket', ['--node=n', '--runtime-socket=run.sock'], '--runtime-socket run.sock: write an absolute path'],
  ['an address without a port', [...least, '--metrics-address=localhost'], 'write HOST:PORT'],
  ['a port that cannot be', [...least, '--metrics-address=:70000'], 'write HOST:PORT'],
])('refused with words: %s', (_, argv, message) => {
  expect(() => readConfig(argv, {})).toThrow(expect.objectContaining({ code: 'Usage' }));
  expect(() => readConfig(argv, {})).toThrow(message);
});

test('help lists every flag with its variable, and asks for nothing else', () => {
  expect(readConfig(['--help'], {})).toBeUndefined();
  for (const flag of ['node', 'runtime-socket', 'contexts', 'high-priority-limit', 'advertise-address']) {
    expect(usage()).toContain(`--${flag}`);
    expect(usage()).toContain(`DARIS_${flag.toUpperCase().replaceAll('-', '_')}`);
  }
});
