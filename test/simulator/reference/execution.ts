// Dispatch and completion of stages, and the end of a job.
import { findCounted } from './classes.ts';
import { formed, isDropped } from './formation.ts';
import { better, keyOf, levelOf } from './key.ts';
import type { Fields, Trace } from './trace.ts';
import {
  element,
  isRunning,
  mretOf,
  stageOf,
  tasksIn,
  type Context,
  type Job,
  type Task,
  type Unit,
  type World,
} from './world.ts';

const picosecondsPerUs = 1_000_000n;

/** The best ready stage of these tasks. */
function bestOf(world: World, tasks: readonly Task[]): Job | undefined {
  return tasks
    .map(({ active }) => active)
    .filter((job) => job !== undefined && !isRunning(job))
    .reduce((best, job) => {
      if (best === undefined || job === undefined) return best ?? job;
      return better(keyOf(world, job), keyOf(world, best)) ? job : best;
    }, undefined);
}

/** What goes where this job is the best: before a job that has not started, those of its class that have. */
function instead(world: World, context: Context, best: Job): Job {
  if (best.unit !== undefined || best.task.class.larger.length === 0) return best;
  const begun = tasksIn(world, context).filter(
    (task) => task.class === best.task.class && task.active?.unit?.running === false,
  );
  return bestOf(world, begun) ?? best;
}

function several({ members, size: { capacity } }: Unit): Fields {
  return capacity === 1n ? {} : { jobs: members.length, capacity };
}

/** The next stage of the unit that the best job leads; the level is the lead's, the deadline each member's own. */
function launch(world: World, trace: Trace, lead: Job, place: { context: Context; stream: number; now: bigint }): void {
  const { context, stream, now } = place;
  const unit = lead.unit ?? formed(world, lead, { context, now });
  const level = levelOf(world, lead.task, unit.current, lead.predecessorMissed);
  for (const member of unit.members) {
    trace.write(now, 'dispatch', {
      task: member.task.name,
      job: member.number,
      stage: unit.current,
      gpu: context.gpu.name,
      context: context.index,
      stream,
      level,
      deadline: element(member.virtualDeadlines, unit.current),
      ...several(unit),
    });
  }
  unit.running = true;
  const alone = element(unit.row, unit.current);
  const unstretched = { left: alone * picosecondsPerUs, stretched: now, slowdown: undefined };
  context.streams[stream] = { unit, since: now, until: now + alone, ...unstretched };
}

/** Lowest free stream first, the best ready stage or what goes instead, until no stream or no stage is left. */
export function dispatch(world: World, trace: Trace, context: Context, now: bigint): void {
  for (;;) {
    const stream = context.streams.indexOf(undefined);
    const best = stream === -1 ? undefined : bestOf(world, tasksIn(world, context));
    if (best === undefined) return;
    const job = instead(world, context, best);
    if (isDropped(job, now)) {
      trace.write(now, 'drop', { task: job.task.name, job: job.number, stage: stageOf(job) });
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
  const { unit, since, until: now } = running;
  const [exec, stage] = [now - since, element(unit.size.stages, unit.current)];
  context.streams[stream] = undefined;
  context.gpu.busy += exec;
  stage.measured.push(exec);
  if (stage.measured.length > world.rules.mretWindow) stage.measured.shift();
  const { class: own } = element(unit.members, 0).task;
  if (unit.size === own.counted) own.measurements += 1;
  findCounted(world, context.gpu, own);
  for (const member of unit.members) completeMember(trace, member, now, { exec, mret: mretOf(stage) });
  unit.running = false;
  unit.current += 1;
}

function completeMember(trace: Trace, job: Job, now: bigint, { exec, mret }: { exec: bigint; mret: bigint }): void {
  const stage = stageOf(job);
  const missed = now > element(job.virtualDeadlines, stage);
  trace.write(now, 'complete', { task: job.task.name, job: job.number, stage, exec, missed, mret });
  job.predecessorMissed = missed;
  if (stage === job.virtualDeadlines.length - 1) finish(trace, job, now);
}

/** A job misses when it finishes strictly later than `release + deadlineUs`. */
function finish(trace: Trace, job: Job, now: bigint): void {
  const missed = now > job.release + job.task.deadline;
  trace.write(now, 'finish', { task: job.task.name, job: job.number, response: now - job.release, missed });
  job.task.active = undefined;
}
