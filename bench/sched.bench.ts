// The scheduler core: time, instructions and cache misses a stage, memory a task, events a second of the simulator;
// and of joined jobs, a job: the core alone, recorded, and all that a dispatcher does.
// Times are noisy where others share the machine, so CPU time stands beside real time, and counts beside both.
import { spawnSync } from 'node:child_process';

import { round, writeResult } from './result.ts';
import { byBenchmark, counterSpread, perStage, totalsIn, type Counted, type Repetition } from './sched.ts';

const REPETITIONS = 15;
const TASKS = [50, 500, 5000] as const;
const ADMISSIONS = ['Utilization', 'Predicted'] as const;
/** At 9,000, 78,000 and 117,000 jobs a second; the GPU whose times these are can do 83,000. */
const JOINED_TASKS = [300, 2600, 3900] as const;
const CONTEXTS = 8;
/** Jobs before and while counting: by then no window is empty and all storage has its size. */
const WARM_UP_JOBS = 20_000;
const COUNTED_JOBS = 40_000;
/** Stages before and while counting: with 5,000 tasks their windows fill within the first. */
const WARM_UP_STAGES = 100_000;
const COUNTED_STAGES = 50_000;
/** A fixed cache, so that counts do not depend on the machine: 48 KiB, 12 ways, lines of 64 bytes. */
const LEVEL_1 = '49152,12,64';

function output(program: string, args: readonly string[]): { stdout: string; stderr: string } {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`${program} ended with ${status ?? error?.message ?? 'a signal'}: ${stderr}`);
  return { stdout, stderr };
}

function count(kind: string, tasks: number, times: number): Counted {
  const program = ['build/bin/sched-stages', kind, String(tasks), String(times)];
  const options = ['--tool=callgrind', '--cache-sim=yes', `--D1=${LEVEL_1}`, '--callgrind-out-file=/dev/null'];
  return totalsIn(output('valgrind', [...options, ...program]).stderr);
}

const groups = byBenchmark(
  output('build/bin/sched-bench', [
    `--benchmark_repetitions=${REPETITIONS}`,
    '--benchmark_enable_random_interleaving=true',
    '--benchmark_format=json',
  ]).stdout,
);

function repetitionsOf(name: string): readonly Repetition[] {
  const found = groups.get(name);
  if (found === undefined) throw new Error(`sched-bench has no ${name}; it has ${[...groups.keys()].join(', ')}`);
  return found;
}

function stage(admission: string, tasks: number): object {
  const repetitions = repetitionsOf(`${admission}/PerStage/${tasks}`);
  const counted = (stages: number): Counted => count(admission.toLowerCase(), tasks, stages);
  return {
    admission,
    tasks,
    contexts: CONTEXTS,
    cpuNs: counterSpread(repetitions, 'cpu_time'),
    realNs: counterSpread(repetitions, 'real_time'),
    ...perStage(counted(WARM_UP_STAGES), counted(WARM_UP_STAGES + COUNTED_STAGES), COUNTED_STAGES),
  };
}

/** By the medians of CPU time. */
function growth(admission: string): object {
  const cpu = (tasks: number): number => counterSpread(repetitionsOf(`${admission}/PerStage/${tasks}`), 'cpu_time').p50;
  return { admission, from: 50, to: 5000, factor: round(cpu(5000) / cpu(50)) };
}

/** Of a job that goes with others, from its release to its end: nanoseconds of CPU time, and counts. */
function joined(tasks: number): object {
  const core = repetitionsOf(`Joined/PerJob/${tasks}`);
  const dispatcher = repetitionsOf(`Joined/Dispatcher/${tasks}`);
  const counted = (kind: string): Counted =>
    perStage(count(kind, tasks, WARM_UP_JOBS), count(kind, tasks, WARM_UP_JOBS + COUNTED_JOBS), COUNTED_JOBS);
  return {
    tasks,
    jobsPerUnit: counterSpread(core, 'jobsPerUnit').p50,
    nsPerJob: counterSpread(core, 'nsPerJob'),
    ...counted('joined'),
    recorded: { nsPerJob: counterSpread(repetitionsOf(`Joined/Recorded/${tasks}`), 'nsPerJob') },
    dispatcher: {
      nsPerJob: counterSpread(dispatcher, 'nsPerJob'),
      publishingNsPerJob: counterSpread(dispatcher, 'publishingNsPerJob'),
      ...counted('dispatcher'),
    },
  };
}

writeResult(process.argv[2] ?? 'bench/results/sched.json', {
  repetitions: REPETITIONS,
  perStage: ADMISSIONS.flatMap((admission) => TASKS.map((tasks) => stage(admission, tasks))),
  growth: ADMISSIONS.map(growth),
  recorded: {
    admission: 'Predicted',
    tasks: 50,
    cpuNs: counterSpread(repetitionsOf('Recorded/PerStage/50'), 'cpu_time'),
  },
  joined: JOINED_TASKS.map(joined),
  bytesPerTask: counterSpread(repetitionsOf('MemoryPerTask/4096'), 'bytesPerTask').p50,
  simulator: [50, 5000].map((tasks) => ({
    tasks,
    eventsPerSecond: counterSpread(repetitionsOf(`Simulator/${tasks}`), 'events/s'),
  })),
});
