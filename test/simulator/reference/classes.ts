// Classes of tasks whose jobs may go together: who is in them, what high-priority tasks bear, and n*.
import type { ClassSpec } from '../scenario.ts';
import { sum } from './arithmetic.ts';
import { demandOf, sizeOf } from './build.ts';
import { preferred } from './pace.ts';
import { element, mretsOf, tasksIn } from './world.ts';
import type { Context, Gpu, Size, Task, TaskClass, World } from './world.ts';

function largest(values: readonly bigint[]): bigint {
  return values.reduce((most, value) => (value > most ? value : most), 0n);
}

/** The longest stage of a unit of this size, by MRET. */
function longestStage(size: Size): bigint {
  return largest(mretsOf(size));
}

/** M_i(1). */
function mretAlone({ class: { alone } }: Task): bigint {
  return sum(mretsOf(alone));
}

/** Rule (c): whether all high-priority tasks of a context can wait for the longest stage of such a unit. */
export function isBearable(world: World, context: Context, size: Size): boolean {
  const high = tasksIn(world, context).filter((task) => task.high);
  return high.every((task) => longestStage(size) <= task.deadline - mretAlone(task));
}

/** B: the longest stage, by AFET and one job alone, of the GPU's tasks of other classes or of none. */
function blocking(world: World, gpu: Gpu, own: TaskClass): bigint {
  const others = world.tasks.filter((task) => task.context?.gpu === gpu && task.class !== own);
  return largest(others.flatMap((task) => task.class.alone.stages.map(({ afet }) => afet)));
}

/** Rule (d): a job may find the longest stage of others and a unit of its own class before its own. */
export function leavesTime(world: World, gpu: Gpu, own: TaskClass, size: Size): boolean {
  const needed = blocking(world, gpu, own) + 2n * sum(mretsOf(size));
  return world.tasks.every((task) => task.class !== own || needed <= task.deadline);
}

/** Finds n*: (a) of full capacities that can fill in all contexts, obey (d), and are bearable everywhere; else 1. */
export function findCounted(world: World, gpu: Gpu, own: TaskClass): void {
  if (own.larger.length === 0) return;
  const contexts = BigInt(gpu.contexts.length);
  const holds = (size: Size): boolean =>
    size.capacity * contexts <= BigInt(own.tasks) &&
    leavesTime(world, gpu, own, size) &&
    gpu.contexts.every((context) => isBearable(world, context, size));
  own.counted = preferred(own, Number(element(own.larger, own.larger.length - 1).capacity), holds);
}

function classOf(
  { afetUs, execUs, demand }: ClassSpec,
  capacities: readonly number[],
  { class: { alone } }: Task,
): TaskClass {
  const larger = capacities.slice(1).map((capacity, i) => {
    const rows = element(execUs, i).map((row) => row.map(BigInt));
    return sizeOf(BigInt(capacity), element(afetUs, i).map(BigInt), rows, demandOf(demand?.[i]));
  });
  return { tasks: 0, alone, larger, counted: alone, measurements: 0 };
}

/** Puts a task into its class on this GPU; the first one makes the class. */
function join({ joining }: World, task: Task, { classes }: Gpu): void {
  const spec = joining?.classes.find(({ name }) => name === task.className);
  if (joining === undefined || spec === undefined || joining.capacities.length === 1) return;
  task.class = classes.get(spec.name) ?? classOf(spec, joining.capacities, task);
  task.class.tasks += 1;
  classes.set(spec.name, task.class);
}

/** A task comes to a context. */
export function enter(world: World, task: Task, context: Context): void {
  task.context = context;
  join(world, task, context.gpu);
}

/** Tasks have come: n* of all classes. */
export function findAllCounted(world: World): void {
  for (const gpu of world.gpus) for (const each of gpu.classes.values()) findCounted(world, gpu, each);
}
