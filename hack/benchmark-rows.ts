// The README's rows about each benchmark: a goal, and what its JSON says was measured.
import type { Spread } from '../bench/result.ts';

export interface Row {
  readonly what: string;
  /** Absent where there is no goal. */
  readonly goal?: { readonly text: string; readonly reached: boolean };
  readonly measured: string;
}

type Middle = Pick<Spread, 'p50'>;
type Tail = Pick<Spread, 'p50' | 'p99'>;

export interface RuntimeResult {
  readonly models: readonly { model: string; bareJobUs: Middle; runtimeAddsPerStageUs: Tail }[];
}

export function runtimeRows({ models }: RuntimeResult): Row[] {
  return models.map(({ model, bareJobUs, runtimeAddsPerStageUs: adds }) => ({
    what: `runtime's overhead a stage, ${model} (${(bareJobUs.p50 / 1000).toFixed(1)} ms a job), against bare OpenVINO calls`,
    goal: { text: '≤ 15 µs', reached: adds.p50 <= 15 },
    measured: `p50 ${Math.round(adds.p50)} µs, p99 ${Math.round(adds.p99)} µs`,
  }));
}

export interface SchedResult {
  readonly perStage: readonly {
    admission: string;
    tasks: number;
    contexts: number;
    cpuNs: Middle;
    instructions: number;
    level1Misses: number;
  }[];
  readonly growth: readonly { admission: string; from: number; to: number; factor: number }[];
  readonly recorded: { tasks: number; cpuNs: Middle };
  readonly joined?: readonly {
    tasks: number;
    jobsPerUnit: number;
    nsPerJob: Middle;
    dispatcher: { nsPerJob: Middle; instructions: number };
  }[];
  readonly bytesPerTask: number;
  readonly simulator: readonly { tasks: number; eventsPerSecond: Middle }[];
}

/** Under the default admission; the JSON holds both. */
const ADMISSION = 'Predicted';
const HEADLINE_TASKS = 50;

export function schedRows({ perStage, growth, recorded, joined, bytesPerTask, simulator }: SchedResult): Row[] {
  const stages = perStage.filter(({ admission, tasks }) => admission === ADMISSION && tasks === HEADLINE_TASKS);
  const growths = growth.filter(({ admission }) => admission === ADMISSION);
  return [
    ...stages.map(({ tasks, contexts, cpuNs, instructions }) => ({
      what: `scheduler core: release, admission, dispatch and completion of a stage, ${tasks} tasks on ${contexts} contexts`,
      goal: { text: '≤ 500 ns', reached: cpuNs.p50 <= 500 },
      measured: `p50 ${Math.round(cpuNs.p50)} ns of CPU time, ${number(instructions)} instructions`,
    })),
    {
      what: `the same with ${recorded.tasks} tasks, every input and decision recorded for traces`,
      measured: `p50 ${Math.round(recorded.cpuNs.p50)} ns of CPU time`,
    },
    ...(joined ?? []).map(({ tasks, jobsPerUnit, nsPerJob, dispatcher }) => ({
      what: `dispatcher under joining, without its launches, from release to end of a job: ${number(tasks)} tasks of 30 jobs a second`,
      goal: { text: '≤ 2 µs', reached: dispatcher.nsPerJob.p50 <= 2000 },
      measured:
        `p50 ${Math.round(dispatcher.nsPerJob.p50)} ns of CPU time, ${number(dispatcher.instructions)} instructions, ` +
        `${jobsPerUnit.toFixed(0)} jobs a unit; the scheduler core's part of it ${Math.round(nsPerJob.p50)} ns`,
    })),
    ...growths.map(({ from, to, factor }) => ({
      what: `a stage with ${number(to)} tasks instead of ${from}`,
      goal: { text: '≤ 3 ×', reached: factor <= 3 },
      measured: `${factor.toFixed(2)} ×${detail(perStage, to)}`,
    })),
    { what: 'memory of the scheduler core for a task of four stages', measured: `${number(bytesPerTask)} bytes` },
    ...simulator.map(({ tasks, eventsPerSecond }) => ({
      what: `simulator on one core, ${number(tasks)} tasks, trace not written`,
      goal: { text: '≥ 1 million events a second', reached: eventsPerSecond.p50 >= 1e6 },
      measured: `p50 ${(eventsPerSecond.p50 / 1e6).toFixed(1)} million`,
    })),
  ];
}

function detail(perStage: SchedResult['perStage'], tasks: number): string {
  const many = perStage.find((stage) => stage.admission === ADMISSION && stage.tasks === tasks);
  if (many === undefined) return '';
  return ` (${number(many.instructions)} instructions, ${many.level1Misses.toFixed(0)} cache lines from beyond 48 KiB)`;
}

export interface SystemResult {
  readonly applyToServed: { readonly toFirstJobMs: Tail; readonly toReadyMs: Tail };
  readonly apiWrites: { readonly tasks: number; readonly perMinute: Readonly<Record<string, number>> };
  readonly residentMemory: { readonly operatorMiB: number; readonly agentMiB: number; readonly runtimeMiB: number };
}

export function systemRows({ applyToServed, apiWrites, residentMemory }: SystemResult): Row[] {
  const writes = apiWrites.perMinute;
  const rate = (kind: string): string => String(Math.round(writes[kind] ?? 0));
  return [
    { what: '`kubectl apply` → first job of a task', measured: tail(applyToServed.toFirstJobMs) },
    { what: '`kubectl apply` → `Ready=True`', measured: tail(applyToServed.toReadyMs) },
    {
      what: `API writes a minute, ${apiWrites.tasks} tasks, nothing changes`,
      measured: `${rate('total')}, of which ${rate('leases')} Leases, ${rate('realtimeinferencetasks/status')} task statuses`,
    },
    {
      what: 'resident memory, the runtime with three models',
      measured: `operator ${Math.round(residentMemory.operatorMiB)} MiB, agent ${Math.round(residentMemory.agentMiB)} MiB, runtime ${Math.round(residentMemory.runtimeMiB)} MiB`,
    },
  ];
}

export interface FailoverResult {
  readonly leaseSeconds: number;
  readonly servedSeconds: Spread;
  readonly split: {
    readonly untilDeclaredLostSeconds: Middle;
    readonly thenUntilPlacedSeconds: Middle;
    readonly thenUntilServedSeconds: Middle;
  };
}

/** Beyond the Lease, for the last task to be served. */
const FAILOVER_SECONDS = 5;

export function failoverRows({ leaseSeconds, servedSeconds, split }: FailoverResult): Row[] {
  const goal = leaseSeconds + FAILOVER_SECONDS;
  const seconds = (value: number): string => `${value.toFixed(1)} s`;
  return [
    {
      what: `SIGKILL of a node's agent and runtime → all of its tasks served by another (Lease of ${leaseSeconds} s)`,
      goal: { text: `≤ ${goal} s`, reached: servedSeconds.max <= goal },
      measured: `p50 ${seconds(servedSeconds.p50)}, max ${seconds(servedSeconds.max)} of ${servedSeconds.count} runs`,
    },
    {
      what: 'of that, until the node is declared lost, then all are placed, then their models are loaded and jobs completed',
      measured: [split.untilDeclaredLostSeconds, split.thenUntilPlacedSeconds, split.thenUntilServedSeconds]
        .map(({ p50 }) => `p50 ${seconds(p50)}`)
        .join(', '),
    },
  ];
}

export interface PlacementResult {
  readonly figures: { readonly allPending: { tasks: number; contexts: number; decisionsPerSecond: number } };
  readonly growth: readonly { placed: number; usPerDecision: number }[];
}

const PLACEMENTS_PER_SECOND = 20_000;

export function placementRows({ figures: { allPending }, growth }: PlacementResult): Row[] {
  const reached = allPending.decisionsPerSecond >= PLACEMENTS_PER_SECOND;
  const placed = growth.map((each) => number(each.placed)).join(', ');
  return [
    {
      what: `placement decisions, ${number(allPending.tasks)} tasks on ${number(allPending.contexts)} contexts`,
      goal: { text: `≥ ${number(PLACEMENTS_PER_SECOND)} a second`, reached },
      measured: `${number(allPending.decisionsPerSecond)} a second`,
    },
    {
      what: `one of them where ${placed} tasks are placed already`,
      measured: `${growth.map((each) => each.usPerDecision.toFixed(0)).join(', ')} µs`,
    },
  ];
}

export interface ScaleResult {
  readonly tasks: number;
  readonly nodes: number;
  readonly serving: {
    readonly placedPerSecond: number;
    readonly toAllPlacedSeconds: number;
    readonly toAllReadySeconds: number;
    readonly cpu: Readonly<Record<string, { readonly share: number }>>;
  };
  readonly atRest: {
    readonly seconds: number;
    readonly writesPerMinute: Readonly<Record<string, Readonly<Record<string, number>>>>;
  };
}

/** One status write a node and 10 s. */
const STATUS_WRITES_PER_MINUTE = 6;

export function scaleRows({ tasks, nodes, serving, atRest }: ScaleResult): Row[] {
  const where = `${number(tasks)} tasks on ${nodes} nodes of engine sim`;
  const parts = Object.values(atRest.writesPerMinute);
  const sum = (rates: readonly number[]): number => rates.reduce((all, rate) => all + rate, 0);
  const kinds = parts.flatMap((part) => Object.entries(part).filter(([kind]) => kind !== 'total'));
  const statuses = sum(kinds.filter(([kind]) => kind.includes('/status')).map(([, rate]) => rate)) / nodes;
  const leases = sum(parts.map(({ leases: rate = 0 }) => rate));
  // Writes every 10 s may fall into the window once more than its length says.
  const most = STATUS_WRITES_PER_MINUTE + 60 / atRest.seconds;
  return [
    {
      what: `${where}, applied at once: placed`,
      measured: `${number(serving.placedPerSecond)} a second, all after ${serving.toAllPlacedSeconds.toFixed(1)} s`,
    },
    { what: 'until all of them are `Ready=True`', measured: `${serving.toAllReadySeconds.toFixed(1)} s` },
    {
      what: 'the API server’s share of the CPU that control plane, operator, agents and runtimes used meanwhile',
      measured: `${Math.round((serving.cpu['kube-apiserver']?.share ?? 0) * 100)} %`,
    },
    {
      what: `status writes of agents and operator a node and minute, ${where}, nothing changes`,
      goal: { text: `≤ ${STATUS_WRITES_PER_MINUTE}`, reached: statuses <= most },
      measured: `${statuses.toFixed(1)}, beside ${Math.round(leases)} of Leases a minute`,
    },
  ];
}

function tail({ p50, p99 }: Tail): string {
  return `p50 ${Math.round(p50)} ms, p99 ${Math.round(p99)} ms`;
}

function number(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
