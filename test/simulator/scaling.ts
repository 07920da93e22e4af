// A scenario with all of its times multiplied: the same schedule, in larger numbers.
import type { ClassSpec, Scenario, TaskSpec } from './scenario.ts';

function times(list: readonly number[], scale: number): number[] {
  return list.map((time) => time * scale);
}

function rowsOf(rows: readonly number[][], scale: number): number[][] {
  return rows.map((row) => times(row, scale));
}

function scaledTask(task: TaskSpec, scale: number): TaskSpec {
  return {
    ...task,
    periodUs: task.periodUs * scale,
    deadlineUs: task.deadlineUs * scale,
    phaseUs: task.phaseUs * scale,
    afetUs: times(task.afetUs, scale),
    execUs: rowsOf(task.execUs, scale),
  };
}

function scaledClass({ afetUs, execUs, ...rest }: ClassSpec, scale: number): ClassSpec {
  return { ...rest, afetUs: rowsOf(afetUs, scale), execUs: execUs.map((rows) => rowsOf(rows, scale)) };
}

export function scaled(scenario: Scenario, scale: number): Scenario {
  const { joining } = scenario;
  const tasks = scenario.tasks.map((task) => scaledTask(task, scale));
  const larger = { ...scenario, durationUs: scenario.durationUs * scale, tasks };
  if (joining === undefined) return larger;
  return { ...larger, joining: { ...joining, classes: joining.classes.map((each) => scaledClass(each, scale)) } };
}
