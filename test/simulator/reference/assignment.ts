// Algorithm 1, the offline phase: a context for every task, before anything runs.
import type { Scenario } from '../scenario.ts';
import { enter, findAllCounted } from './classes.ts';
import {
  contextOf,
  element,
  tasksIn,
  totalUtilization,
  utilization,
  type Context,
  type Task,
  type World,
} from './world.ts';
import { billionths, type Trace } from './trace.ts';

/** Names sort by UTF-8 bytes, unsigned. */
function byName(a: Task, b: Task): number {
  return Buffer.compare(Buffer.from(a.name, 'utf8'), Buffer.from(b.name, 'utf8'));
}

/** HP before LP; descending utilization within a priority, by the AFETs of jobs alone; ties by name. */
function inOrderOfAssignment(a: Task, b: Task): number {
  if (a.high !== b.high) return a.high ? -1 : 1;
  const [ua, ub] = [utilization(a), utilization(b)];
  if (ua !== ub) return ua > ub ? -1 : 1;
  return byName(a, b);
}

/** `total_a · N_s,b < total_b · N_s,a`; the earlier by GPU and index stays on a tie. */
function leastUtilized(world: World): Context {
  const contexts = world.gpus.flatMap((gpu) => gpu.contexts);
  return contexts.reduce((best, each) => {
    const [bestTotal, total] = [totalUtilization(tasksIn(world, best)), totalUtilization(tasksIn(world, each))];
    return total * best.gpu.streamsPerContext < bestTotal * each.gpu.streamsPerContext ? each : best;
  });
}

function assign(world: World, trace: Trace, task: Task, context: Context): void {
  enter(world, task, context);
  trace.write(0n, 'assign', {
    task: task.name,
    gpu: context.gpu.name,
    context: context.index,
    util: billionths(utilization(task)),
    total: billionths(totalUtilization(tasksIn(world, context))),
  });
}

/** Tasks that name a context come first, in task order; Algorithm 1 assigns the others. While it runs, every n* is 1. */
export function assignAll(scenario: Scenario, world: World, trace: Trace): void {
  for (const task of world.tasks) {
    const named = element(scenario.tasks, task.index).context;
    if (named === undefined) continue;
    const gpu = world.gpus.find(({ name }) => name === named.gpu);
    if (gpu === undefined) throw new Error(`task ${task.name} names an unknown GPU`);
    assign(world, trace, task, element(gpu.contexts, named.index));
  }
  const others = world.tasks.filter(({ context }) => context === undefined).sort(inOrderOfAssignment);
  for (const task of others) assign(world, trace, task, leastUtilized(world));
  world.tasks.forEach(contextOf);
  findAllCounted(world);
}
