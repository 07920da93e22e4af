// What was measured of like jobs on all streams of a GPU, always running: one list from all sources.
import { readFileSync } from 'node:fs';
import type { OverheadFigures } from '../gpu/overhead.ts';
import type { BatchedSet, Served, UnbatchedSet } from '../gpu/sets.ts';
import { smsOf, type Sharing } from './model.ts';

export type Gpu = 'NVIDIA H200' | 'RTX 2080 Ti';

export interface Observation {
  readonly gpu: Gpu;
  readonly network: string;
  /** Where it is from; errors are told by network and source. */
  readonly source: string;
  /** In the paper's notation where it is one of the paper's configurations. */
  readonly configuration: string;
  readonly batch: number;
  readonly sharing: Sharing;
  /** Inferences a second of one stream on the whole GPU at that batch, and what all streams reached together. */
  readonly alone: number;
  readonly rate: number;
  /** `alone` over the highest rate of pure batching. */
  readonly share: number;
}

/** Fixed before anything was fitted. */
export const FITTED_NETWORKS: readonly string[] = ['resnet18', 'unet'];

interface Stream {
  readonly streams: number;
  readonly batch: number;
  readonly rate: number;
}

interface Narrow {
  readonly sms: number;
  readonly batch: number;
  readonly rate: number;
}

/** Jobs of many tasks, a third High, taken by whichever of two lanes is free, all that wait at once, none refused. */
export interface JoinedProbe {
  /** Of the highest rate of pure batching. */
  readonly offered: number;
  readonly largest: number;
  readonly rate: number;
  /** Jobs a unit. */
  readonly meanSize: number;
  readonly highP50Us: number;
  readonly highP99Us: number;
}

interface ProbedNetwork {
  readonly oneStream: Readonly<Record<string, number>>;
  readonly streams: readonly Stream[];
  readonly narrow: readonly Narrow[];
  readonly joined?: readonly JoinedProbe[];
  readonly inFourStages?: {
    readonly alone: number;
    readonly streams: readonly Stream[];
    readonly narrow: readonly Narrow[];
  };
}

export interface Probe {
  readonly sms: number;
  readonly source: string;
  readonly networks: Readonly<Record<string, ProbedNetwork>>;
}

export interface PaperNetwork {
  readonly alone: number;
  readonly roof: number;
  readonly high?: number;
  readonly low?: number;
  readonly jobsPerS?: number;
}

/** What the paper's text says in numbers; rates and changes as shares. */
export interface PaperClaims {
  readonly highMissed: number;
  readonly strLowMissRate: number;
  readonly strInception1x2LowMissRate: number;
  readonly mpsLowMissRate: number;
  readonly mpsBestLowMissRate: number;
  readonly mpsStrLowMissRate: number;
  readonly unetLowMissRate: number;
  readonly unetBestLowMissRate: number;
  readonly highResponseMs: readonly [number, number];
  readonly lowResponseMs: readonly [number, number];
  readonly highFasterThanLow: number;
  readonly highBetterThanLow: number;
  readonly noStagingThroughput: number;
  readonly noStagingHighMissRate: number;
  readonly noStagingLowMissRate: number;
  readonly noLastHighWorst: number;
  readonly noFixedMissRate: number;
  readonly batchingInceptionGain: number;
  readonly batchingUnetGain: number;
  readonly batchingUnetLowMissRate: number;
  readonly fullLoadLostToLow: number;
  readonly withoutOversubscriptionBelowBatching: number;
  readonly betterThanGslice: number;
  /** ResNet50 on the GPU of that work, jobs a second. */
  readonly gslice: { readonly batching: number; readonly rate: number };
  readonly closestHighMissRate: number;
  readonly closestLowMissRate: number;
  readonly rtgpuMissRate: number;
}

export interface PaperGpu {
  readonly claims: PaperClaims;
  readonly sms: number;
  readonly source: string;
  readonly networks: Readonly<Record<string, PaperNetwork>>;
  readonly throughput: readonly {
    readonly network: string;
    readonly contexts: number;
    readonly oversubscription: number;
    readonly rate?: number;
    readonly shareOfRoof?: number;
    readonly where: string;
  }[];
}

function read(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}

export const readProbe = (): Probe => read('bench/paper/data/h200-probe.json') as Probe;
export const readOverhead = (): OverheadFigures => read('bench/results/gpu-overhead.json') as OverheadFigures;
export const readPaper = (): PaperGpu => read('bench/paper/data/rtx2080ti.json') as PaperGpu;

export function readObservations(): Observation[] {
  const probe = readProbe();
  const overhead = readOverhead();
  const { sets } = read('bench/results/gpu-sets.json') as { sets: BatchedSet[] };
  const singles = read('bench/results/gpu-unbatched.json') as { sets: UnbatchedSet[] };
  return [
    ...Object.entries(probe.networks).flatMap(([name, network]) => probed(name, network, probe.sms)),
    ...overheadOf(overhead, probe),
    ...sets.flatMap((set) => batched(set, probe.sms)),
    ...singles.sets.flatMap((set) => unbatched(set, singleRate(set.model, overhead, probe), probe)),
    ...published(readPaper()),
  ];
}

function highest(network: ProbedNetwork): number {
  return Math.max(...Object.values(network.oneStream));
}

const H200 = { gpu: 'NVIDIA H200' } as const;

function probed(network: string, figures: ProbedNetwork, sms: number): Observation[] {
  const roof = highest(figures);
  const { inFourStages: staged } = figures;
  const rows = (
    alone: (batch: number) => number,
    streams: readonly Stream[],
    narrow: readonly Narrow[],
    source: string,
  ) => [
    ...streams.map((each) => ({
      ...H200,
      network,
      source,
      configuration: `1×${each.streams}`,
      batch: each.batch,
      sharing: { sms, contexts: 1, streamsPerContext: each.streams, smsPerContext: sms },
      alone: alone(each.batch),
      rate: each.rate,
      share: alone(each.batch) / roof,
    })),
    ...narrow.map((each) => ({
      ...H200,
      network,
      source: `${source}, one narrow context`,
      configuration: `${each.sms} SMs`,
      batch: each.batch,
      sharing: { sms, contexts: 1, streamsPerContext: 1, smsPerContext: each.sms },
      alone: alone(each.batch),
      rate: each.rate,
      share: alone(each.batch) / roof,
    })),
  ];
  const alone = (batch: number): number => figures.oneStream[String(batch)] ?? Number.NaN;
  return [
    ...rows(alone, figures.streams, figures.narrow, 'probe'),
    ...(staged === undefined ? [] : rows(() => staged.alone, staged.streams, staged.narrow, 'probe in four stages')),
  ];
}

/** One stream on all SMs, of the runs without copies. */
function oneStream({ runs }: OverheadFigures, model: string): number | undefined {
  const only = runs.find(
    (run) => run.model === model && run.contexts === 1 && run.streamsPerContext === 1 && !run.copies,
  );
  return only?.bare.jobsPerS;
}

/** As it is beside the engine's measurements of the same code; else as the probe has it. */
export function singleRate(model: string, overhead: OverheadFigures, probe: Probe): number | undefined {
  // The UNet that the engine ran is another build than the probe's, and was never measured alone at batch 1.
  if (model === 'unet') return undefined;
  return oneStream(overhead, model) ?? probe.networks[model]?.oneStream['1'];
}

function overheadOf(overhead: OverheadFigures, probe: Probe): Observation[] {
  return overhead.runs.flatMap(
    ({ model, batch, contexts, streamsPerContext, smsPerContext, oversubscription, copies, bare }) => {
      const [alone, network] = [oneStream(overhead, model), probe.networks[model]];
      if (alone === undefined || network === undefined || copies || contexts * streamsPerContext === 1) return [];
      return [
        {
          ...H200,
          network: model,
          source: 'gpu-overhead, bare loops',
          configuration: `${contexts}×${streamsPerContext}_${oversubscription}, ${smsPerContext} SMs`,
          batch,
          sharing: { sms: probe.sms, contexts, streamsPerContext, smsPerContext },
          alone,
          rate: bare.jobsPerS,
          share: alone / highest(network),
        },
      ];
    },
  );
}

/** `GreenContexts 4×2_1`. */
function partitionOf({ name, sms: smsPerContext }: Served, sms: number): { configuration: string; sharing: Sharing } {
  const [, contexts = '', streams = '', level = ''] = / (\d+)×(\d+)_([\d.]+)$/.exec(name) ?? [];
  const sharing = { sms, contexts: Number(contexts), streamsPerContext: Number(streams), smsPerContext };
  return { configuration: `${contexts}×${streams}_${level}`, sharing };
}

/** Overloaded sets: all streams are always busy, so throughput is that of like jobs. */
function batched({ model, batch, pureBatching, sweep }: BatchedSet, sms: number): Observation[] {
  const [alone, roof] = [pureBatching[String(batch)] ?? Number.NaN, Math.max(...Object.values(pureBatching))];
  return sweep.map((served) => ({
    ...H200,
    network: model,
    source: 'gpu-sets',
    ...partitionOf(served, sms),
    batch,
    alone,
    rate: served.elementsPerS,
    share: alone / roof,
  }));
}

function unbatched({ model, sweep }: UnbatchedSet, alone: number | undefined, { sms, networks }: Probe): Observation[] {
  const network = networks[model];
  if (alone === undefined || network === undefined) return [];
  return sweep.map((served) => ({
    ...H200,
    network: model,
    source: 'gpu-unbatched',
    ...partitionOf(served, sms),
    batch: 1,
    alone,
    rate: served.elementsPerS,
    share: alone / highest(network),
  }));
}

function published({ sms, networks, throughput }: PaperGpu): Observation[] {
  return throughput.flatMap(({ network, contexts, oversubscription, rate, shareOfRoof }) => {
    const known = networks[network];
    if (known === undefined) return [];
    return [
      {
        gpu: 'RTX 2080 Ti' as const,
        network,
        source: 'the paper',
        configuration: `${contexts}×1_${oversubscription}`,
        batch: 1,
        sharing: { sms, contexts, streamsPerContext: 1, smsPerContext: smsOf(sms, contexts, oversubscription) },
        alone: known.alone,
        rate: rate ?? (shareOfRoof ?? Number.NaN) * known.roof,
        share: known.alone / known.roof,
      },
    ];
  });
}
