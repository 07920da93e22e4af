// Several operators on one control plane: one leads and the others stand by; when the leader dies, is halted past its Lease
// or ends in order, another leads, and no task is moved or written anew because of that.
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';

import { fieldManagers, systemNamespace } from '../../api/resources.ts';
import { KubeClient } from '../../kube/client.ts';
import { connect } from '../../kube/connection.ts';
import { leases, type Lease } from '../../kube/lease.ts';
import { waitFor } from '../control-plane/wait.ts';

import { taskResource, type AgentPart } from './agent-part.ts';
import type { OperatorProcess } from './operator-process.ts';
import { OperatorWorld, placed, timeoutMs, type Task } from './operator-world.ts';

const world = new OperatorWorld();
/** Short for a test, and yet long against the pauses of a busy machine. */
const election = ['--leader-lease-seconds=9', '--leader-renew-seconds=7', '--leader-retry-seconds=1'];
const takeoverTimeoutMs = 40_000;
const names = ['lane', 'sign', 'asleep'];
jest.setTimeout(120_000);
let leader: OperatorProcess;
let standby: OperatorProcess;

beforeAll(async () => {
  await world.startWithoutOperator();
  leader = await world.addOperator(election);
  await leads(leader);
  standby = await world.addOperator(election);
  const node: AgentPart = await world.addNode('n1', 2, '127.0.0.1:43121');
  await world.readyModel('detector', 'a');
  await world.applyTask('lane', node, { priority: 'High' });
  await world.applyTask('sign', node);
  await world.applyTask('asleep', node, { suspend: true });
  await world.untilTask('lane', placed);
  await world.untilTask('sign', placed);
  await world.untilTask('asleep', ({ status }) => status?.observedGeneration !== undefined);
}, 120_000);

afterAll(() => world.stop(), 60_000);

function leads(operator: OperatorProcess): Promise<true> {
  const probe = async (): Promise<true | undefined> => ((await operator.leads()) ? true : undefined);
  return waitFor(probe, { what: `${operator.daemon.name} to lead`, timeoutMs: takeoverTimeoutMs });
}

async function lease(): Promise<NonNullable<Lease['spec']>> {
  return (await world.client.get(leases, { namespace: systemNamespace, name: 'daris-operator' })).spec ?? {};
}

function tasks(): Promise<Task[]> {
  return Promise.all(names.map((name) => world.task(name)));
}

/** A cycle was run, no key waits, and no reconcile is counted any more: what it had to write is written. */
async function settled(operator: OperatorProcess): Promise<void> {
  let last = '';
  const probe = async (): Promise<true | undefined> => {
    const all = [...(await operator.metrics())];
    const now = JSON.stringify(
      all.filter(([name]) => /^controller_(queue|reconciles).*"(task|model|endpoint)"/.test(name)),
    );
    const same = now === last && (await operator.readyz()).startsWith('200') && now.includes('done');
    last = now;
    return same || undefined;
  };
  await waitFor(probe, { what: 'the new leader to be done', timeoutMs, intervalMs: 500 });
}

test('one leads, the other stands by, is ready to take over, and says whom it waits for', async () => {
  const { holderIdentity, leaseTransitions } = await lease();
  expect(await leader.readyz()).toContain(`ok: leader, transitions ${leaseTransitions}`);
  const said = await waitFor(
    async () => {
      const text = await standby.readyz();
      return text.includes('standby') ? text : undefined;
    },
    { what: 'the standby to have read the Lease', timeoutMs },
  );
  expect(said).toMatch(/^200 /);
  expect(said).toContain(`ok: standby, ${holderIdentity} leads`);
  expect([await leader.leads(), await standby.leads()]).toEqual([true, false]);
  expect((await standby.metrics()).get('daris_leader')).toBe(0);
  const [lane] = await tasks();
  expect(lane?.status).toMatchObject({ leaderTransitions: leaseTransitions, placement: { leaderTransitions: 1 } });
});

test('the leader is killed: the other leads once the Lease has expired, and writes nothing because of it', async () => {
  await settled(leader);
  const before = await tasks();
  const { leaseTransitions = 0 } = await lease();
  await leader.daemon.kill();
  await leads(standby);
  expect((await lease()).leaseTransitions).toBe(leaseTransitions + 1);
  await settled(standby);
  expect(await tasks()).toEqual(before);
  leader = standby;
});

test('the leader is halted past its Lease: another leads, and the first ends without another write when it goes on', async () => {
  standby = await world.addOperator(election);
  const [old, next] = [leader, standby];
  const before = await tasks();
  const stale = (await lease()).leaseTransitions ?? 0;
  old.daemon.pause();
  await leads(next);
  await changePeriod('sign', '25ms');
  const written = await world.untilTask('sign', ({ status }) => status?.effective?.periodUs === 25_000);
  await settled(next);
  expect(written.status?.leaderTransitions).toBe(stale + 1);
  expect(written.status?.placement).toEqual({
    ...before[1]?.status?.placement,
    bookedUtilization: written.status?.placement?.bookedUtilization,
  });
  const after = await tasks();

  old.daemon.resume();
  expect(await old.daemon.ended(timeoutMs)).toBe(3);
  expect(old.logged('operator ends, since it does not lead any more')).toHaveLength(1);
  expect(await tasks()).toEqual(after);
  expect(await next.leads()).toBe(true);

  // What it might have sent all the same: its own identity, its own number, onto a task that the new leader never wrote.
  await expect(forge(stale)).rejects.toThrow(`written under leaderTransitions ${stale}, but the Lease`);
  expect(await tasks()).toEqual(after);
  leader = next;
});

async function changePeriod(name: string, period: string): Promise<void> {
  const patch = JSON.stringify({ spec: { period } });
  await world.cluster.kubectl(['patch', 'rit', name, '-n', world.namespace, '--type=merge', '-p', patch]);
}

/** Takes the placement of `lane` away, as a former leader would that has decided so. */
async function forge(leaderTransitions: number): Promise<void> {
  const connection = connect({ kubeconfigPath: world.operatorKubeconfig, userAgent: 'former-leader' });
  try {
    const status = { observedGeneration: 1, leaderTransitions };
    const metadata = { name: 'lane', namespace: world.namespace };
    const options = { fieldManager: fieldManagers.operator, force: true, subresource: 'status' } as const;
    await new KubeClient(connection).apply(taskResource, { metadata, status }, options);
  } finally {
    await connection.close();
  }
}

test('the leader is told to end: it gives the Lease up, and the next leads without waiting for it to expire', async () => {
  await leader.daemon.stop();
  // Nobody waits for these: their Leases last for much longer than the test.
  const patient = await world.addOperator();
  await leads(patient);
  const next = await world.addOperator();
  const before = await tasks();
  const { leaseTransitions = 0 } = await lease();
  await patient.daemon.stop();
  expect(patient.logged('leadership released')).toHaveLength(1);
  await leads(next);
  expect(await lease()).toMatchObject({ leaseTransitions: leaseTransitions + 1, leaseDurationSeconds: 120 });
  await settled(next);
  expect(await tasks()).toEqual(before);
});
