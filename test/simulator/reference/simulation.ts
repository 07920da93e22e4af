// "Order at one instant": 1. completions by (gpu, context, stream); 2. releases by task index; 3. dispatch.
// The reference predicts every line of a trace from the scenario alone.
import type { Scenario } from '../scenario.ts';
import { release } from './admission.ts';
import { assignAll } from './assignment.ts';
import { worldOf } from './build.ts';
import { complete, dispatch } from './execution.ts';
import { retime } from './interference.ts';
import { Trace, type Event } from './trace.ts';
import type { Context, OnFormation, Task, World } from './world.ts';

/** Job k of a task is released at `phaseUs + k · periodUs`, while that is less than the duration. */
function nextRelease({ phase, releases, period }: Task, duration: bigint): bigint | undefined {
  const at = phase + releases * period;
  return at < duration ? at : undefined;
}

function contextsOf(world: World): Context[] {
  return world.gpus.flatMap(({ contexts }) => contexts);
}

/** The earliest completion or release; the run ends when that is later than the duration. */
function nextInstant(world: World, duration: bigint): bigint | undefined {
  const completions = contextsOf(world).flatMap(({ streams }) => streams.map((running) => running?.until));
  const releases = world.tasks.map((task) => nextRelease(task, duration));
  const instants = [...completions, ...releases].filter((at) => at !== undefined && at <= duration);
  return instants.reduce(
    (first, at) => (first === undefined || (at !== undefined && at < first) ? at : first),
    undefined,
  );
}

function completeAll(world: World, trace: Trace, now: bigint): void {
  for (const context of contextsOf(world)) {
    for (const [stream, running] of context.streams.entries()) {
      if (running?.until === now) complete(world, trace, context, stream);
    }
  }
}

export interface Outcome {
  events: readonly Event[];
  /** What is unfinished at the end stays so. */
  world: World;
}

export function simulate(scenario: Scenario, onFormation: OnFormation = () => {}): Outcome {
  const [world, trace, duration] = [worldOf(scenario, onFormation), new Trace(), BigInt(scenario.durationUs)];
  assignAll(scenario, world, trace);
  for (let now = nextInstant(world, duration); now !== undefined; now = nextInstant(world, duration)) {
    completeAll(world, trace, now);
    for (const task of world.tasks) if (nextRelease(task, duration) === now) release(world, trace, task, now);
    for (const context of contextsOf(world)) dispatch(world, trace, context, now);
    retime(world, now);
  }
  return { events: trace.events, world };
}
