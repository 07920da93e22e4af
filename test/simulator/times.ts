// Random times on a grid, at least one step each.
import type { Random } from './random.ts';

export function onGrid(time: number, grid: number): number {
  return Math.max(1, Math.round(time / grid)) * grid;
}

/** Execution times of the stages of one job or unit: near its AFETs, some well off. */
export function rowOf(random: Random, afetUs: readonly number[], grid: number): number[] {
  const factor = random.pick([1, 1, random.between(0.4, 1.2), random.between(0.8, 3)]);
  return afetUs.map((afet) => onGrid(afet * (random.chance(0.5) ? factor : factor * random.between(0.5, 1.4)), grid));
}
