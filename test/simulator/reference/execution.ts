// Dispatch and completion of stages, and the end of a job.
import { better, keyOf } from './key.ts';
import type { Trace } from './trace.ts';
import { element, mretOf, tasksIn, type Context, type Job, type World } from './world.ts';

/** The best ready stage of a context. */
function bestReady(world: World, context: Context): Job | undefined {
  return tasksIn(world, context)
    .map(({ active }) => active)
    .filter((job) => job !== undefined && !job.running)
    .reduce((best, job) => {
      if (best === undefined || job === undefined) return best ?? job;
      return better(keyOf(world, job), keyOf(world, best)) ? job : best;
    }, undefined);
}

/** `lateJobs: "Drop"`: a stage that would be dispatched at `now > release + deadline` ends its job instead. */
function isDropped({ task, release }: Job, now: bigint): boolean {
  return task.drops && now > release + task.deadline;
}

function launch(world: World, trace: Trace, job: Job, place: { context: Context; stream: number; now: bigint }): void {
  const { context, stream, now } = place;
  const [level, deadline] = keyOf(world, job);
  trace.write(now, 'dispatch', {
    task: job.task.name,
    job: job.number,
    stage: job.current,
    gpu: context.gpu.name,
    context: context.index,
    stream,
    level,
    deadline,
  });
  job.running = true;
  context.streams[stream] = { job, since: now, until: now + element(job.row, job.current) };
}

/** Lowest free stream first, the best ready stage, until no stream or no stage is left. */
export function dispatch(world: World, trace: Trace, context: Context, now: bigint): void {
  for (;;) {
    const stream = context.streams.indexOf(undefined);
    const job = stream === -1 ? undefined : bestReady(world, context);
    if (job === undefined) return;
    if (isDropped(job, now)) {
      trace.write(now, 'drop', { task: job.task.name, job: job.number, stage: job.current });
      job.task.active = undefined;
    } else {
      launch(world, trace, job, { context, stream, now });
    }
  }
}

/** What a stream runs has ended; the MRET window is updated before anything else at that instant looks at it. */
export function complete(world: World, trace: Trace, context: Context, stream: number): void {
  const running = context.streams[stream];
  if (running === undefined) throw new Error(`stream ${stream} runs nothing`);
  const { job, since, until: now } = running;
  context.streams[stream] = undefined;
  const stage = element(job.task.stages, job.current);
  stage.measured.push(now - since);
  if (stage.measured.length > world.rules.mretWindow) stage.measured.shift();
  const missed = now > element(job.virtualDeadlines, job.current);
  const names = { task: job.task.name, job: job.number };
  trace.write(now, 'complete', { ...names, stage: job.current, exec: now - since, missed, mret: mretOf(stage) });
  job.running = false;
  job.current += 1;
  job.predecessorMissed = missed;
  if (job.current === job.task.stages.length) finish(trace, job, now);
}

/** A job misses when it finishes strictly later than `release + deadlineUs`. */
function finish(trace: Trace, job: Job, now: bigint): void {
  const missed = now > job.release + job.task.deadline;
  trace.write(now, 'finish', { task: job.task.name, job: job.number, response: now - job.release, missed });
  job.task.active = undefined;
}
