// What was measured of partitionings on the H200, set by set, and a check of what the guide says about it.
import { readFileSync } from 'node:fs';
import type { LoadBesideFigures } from '../../gpu/load-beside.ts';
import type { OverheadFigures } from '../../gpu/overhead.ts';
import { bestOf, type Served } from '../../gpu/sets.ts';
import type { SoakFigures } from '../../gpu/soak.ts';
import { readSets } from '../platform.ts';
import { lanesOf } from '../policies.ts';

/** One task set, single jobs or batches, under each partitioning that there was time for. */
export interface MeasuredSet {
  readonly network: string;
  readonly batch: number;
  /** Of what the GPU can do, what the tasks ask for. */
  readonly load: number;
  /** Images a second of the largest batch, one after the other; of single jobs the same network's, from its batches. */
  readonly roofPerS: number;
  /** Images a second of the same jobs one after the other; not measured of single jobs. */
  readonly purePerS: number | undefined;
  readonly best: Served;
  readonly sweep: readonly Served[];
}

export interface MeasuredGpu {
  readonly gpu: string;
  readonly singles: readonly MeasuredSet[];
  readonly batches: readonly MeasuredSet[];
  readonly overhead: OverheadFigures;
  readonly soak: SoakFigures;
  readonly beside: LoadBesideFigures;
}

function read(name: string): unknown {
  return JSON.parse(readFileSync(`bench/results/gpu-${name}.json`, 'utf8'));
}

export function readMeasured(): MeasuredGpu {
  const { batched, unbatched } = readSets();
  const roofOf = (model: string): number =>
    Math.max(...batched.filter((set) => set.model === model).flatMap((set) => Object.values(set.pureBatching)));
  const singles = unbatched.map(({ model, batch, load, sweep }) => ({
    network: model,
    batch,
    load,
    sweep,
    best: bestOf(sweep),
    roofPerS: roofOf(model),
    purePerS: undefined,
  }));
  const batches = batched.map(({ model, batch, load, sweep, best, pureBatching }) => ({
    network: model,
    batch,
    load,
    sweep,
    best,
    roofPerS: roofOf(model),
    purePerS: pureBatching[String(batch)],
  }));
  const { machine } = read('sets') as { machine: { gpu: string } };
  return {
    gpu: machine.gpu,
    singles,
    batches,
    overhead: read('overhead') as OverheadFigures,
    soak: read('soak') as SoakFigures,
    beside: read('load-beside') as LoadBesideFigures,
  };
}

export function setsOf({ singles, batches }: MeasuredGpu): readonly MeasuredSet[] {
  return [...singles, ...batches];
}

export function setNamed(gpu: MeasuredGpu, network: string, single: boolean): MeasuredSet {
  const found = (single ? gpu.singles : gpu.batches).find((set) => set.network === network);
  if (found === undefined) throw new Error(`no set of ${network} was measured`);
  return found;
}

export function titleOf({ network, batch }: MeasuredSet): string {
  return batch === 1 ? `${network}, single jobs` : `${network}, batches of ${batch}`;
}

/** The longest run of that partitioning, under that test where one is named; of like ones that under the default test. */
export function runOf({ sweep }: MeasuredSet, name: string, admission?: string): Served | undefined {
  const runs = sweep.filter((run) => run.name === name && (admission === undefined || run.admission === admission));
  const byTest = ({ admission: test }: Served): number => (test === 'Predicted' ? 0 : 1);
  return runs.toSorted((a, b) => Math.round(b.seconds) - Math.round(a.seconds) || byTest(a) - byTest(b))[0];
}

export function configurationOf({ name }: Served): string {
  return name.replace(/^\S+ /, '');
}

export function streamsAtOnce(run: Served): number {
  return lanesOf(configurationOf(run));
}

/** Streams of one context, fewest first. */
export function streamsOnly(set: MeasuredSet): Served[] {
  const names = [...new Set(set.sweep.map(({ name }) => name))].filter((name) => name.startsWith('Streams'));
  return names.flatMap((name) => runOf(set, name) ?? []).toSorted((a, b) => streamsAtOnce(a) - streamsAtOnce(b));
}

/** Both tests of admission on one partitioning, where both were run for the same time. */
export function pairsOfTests(set: MeasuredSet): { predicted: Served; utilization: Served }[] {
  return [...new Set(set.sweep.map(({ name }) => name))].flatMap((name) => {
    const [predicted, utilization] = [runOf(set, name, 'Predicted'), runOf(set, name, 'Utilization')];
    if (predicted === undefined || utilization === undefined) return [];
    return Math.round(predicted.seconds) === Math.round(utilization.seconds) ? [{ predicted, utilization }] : [];
  });
}

/** Ends the generation of the guide where results no longer bear out what its prose says. */
export function premise(holds: boolean, says: string): void {
  if (!holds) throw new Error(`the guide rests on this, and the results no longer say so: ${says}`);
}
