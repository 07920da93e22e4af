// How long `make paper` took where it was recorded (`node bench/paper/run.ts --record`): the one result that another run
// would not repeat byte for byte.
export const TIME_FILE = 'bench/paper/results/time.json';

export interface Took {
  readonly machine: { readonly processor: string; readonly cores: number };
  readonly seconds: number;
  /** Of the machine before it began: what others wanted of its cores. */
  readonly loadBefore: number;
  readonly events: number;
  readonly runs: number;
  readonly eventsPerS: number;
}
