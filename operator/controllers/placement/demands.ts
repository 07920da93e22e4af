// What a task needs on each kind of GPU, by the profiles of its package. Pure.
import { utilizationE9 } from '../../../api/utilization.ts';
import { profileFailed, profiling } from '../../placement/kinds.ts';
import type { Demand, JobClass, Place, Refusal, UnitTimes } from '../../placement/terms.ts';
import type { PackageProfiles } from '../../profile-book.ts';
import { type BatchTimes, profileState, type ProfileState } from '../../../api/profile-state.ts';
import type { Effective, StoredProfile } from '../../resources.ts';

/** What a cycle knows of GPUs and of times measured on them. */
export interface Measurements {
  of(digest: string): PackageProfiles;
  /** Kind of the GPU at a place (`gpuKindKey`). */
  kindAt(place: Place): string | undefined;
  /** Product of each kind that there is. */
  readonly products: ReadonlyMap<string, string>;
}

/** A place that was decided and may not be in the status yet. */
export interface Assumed {
  readonly place: Place;
  readonly effective: Effective;
  /** Of its jobs alone, also where they go together with others. */
  readonly utilizationE9: number;
  /** By which it was booked; absent: not known. */
  readonly stageAfetUs?: readonly number[];
}

export interface Demands {
  readonly known: Map<string, Demand>;
  /** Kinds whose times in `known` were not measured there. */
  readonly standIns: Set<string>;
  readonly unmeasured: Map<string, Refusal>;
}

export function demandsOf(profiles: PackageProfiles, effective: Effective, stageCount: number | undefined): Demands {
  const known = new Map<string, Demand>();
  const unmeasured = new Map<string, Refusal>();
  for (const [kind, list] of profiles) {
    const state = bestState(list, effective.batchSize, stageCount);
    if (state === undefined) continue;
    const times = state.kind === 'Ready' ? stageTimes(state, effective.batchSize) : undefined;
    if (times !== undefined && state.kind === 'Ready') {
      known.set(kind, { ...demandOf(times, effective), ...joinsOf(state.batches, effective) });
    }
    if (state.kind !== 'Ready') unmeasured.set(kind, refusalOf(state));
  }
  return { known, standIns: new Set(), unmeasured };
}

/** Of profiles for the same: one with times before one without, one that may still get some before one that failed. */
function bestState(
  list: readonly StoredProfile[],
  batchSize: number,
  stageCount: number | undefined,
): ProfileState | undefined {
  const states = list
    .filter(({ spec }) => spec.batchSizes.includes(batchSize))
    .map((profile) => profileState(profile, stageCount));
  return (
    states.find((state) => state.kind === 'Ready' && stageTimes(state, batchSize) !== undefined) ??
    states.find(({ kind }) => kind === 'Pending') ??
    states.find(({ kind }) => kind === 'Failed')
  );
}

function stageTimes(
  { batches }: Extract<ProfileState, { kind: 'Ready' }>,
  batchSize: number,
): readonly number[] | undefined {
  const times = batches.find((batch) => batch.size === batchSize)?.stageAfetUs;
  return times !== undefined && times.length > 0 && times.every((us) => us >= 0) ? times : undefined;
}

function refusalOf(state: Exclude<ProfileState, { kind: 'Ready' }>): Refusal {
  if (state.kind === 'Pending') return { reason: profiling, message: state.message };
  return { reason: profileFailed, message: `its profile failed: ${state.reason}: ${state.message}` };
}

export function demandOf(stageAfetUs: readonly number[], effective: Effective): Demand {
  const afetUs = Math.max(1, sumOf(stageAfetUs));
  return {
    afetUs,
    longestStageUs: Math.max(...stageAfetUs),
    utilizationE9: utilizationE9(afetUs, effective.deadlineUs, effective.periodUs),
    // What takes less than the clock can tell takes some time all the same.
    stageAfetUs: stageAfetUs.map((us) => Math.max(1, us)),
  };
}

/** As docs/joining.md bounds capacities. */
const mostUnits = 16;
const mostJobs = 256;

/** Jobs of batch b go together as far as the package has batch sizes b · n, of which every time is known. */
function joinsOf(batches: readonly BatchTimes[], { model, batchSize }: Effective): { joins?: JobClass } {
  const stages = batches.find(({ size }) => size === batchSize)?.stageAfetUs.length;
  const units = batches
    .filter(({ size, stageAfetUs }) => size % batchSize === 0 && size <= mostJobs * batchSize && areTimes(stageAfetUs))
    .filter(({ stageAfetUs }) => stageAfetUs.length === stages)
    .map((batch) => unitTimes(batch, batchSize))
    .sort((a, b) => a.jobs - b.jobs)
    .slice(0, mostUnits);
  const [alone, ...larger] = units;
  if (alone?.jobs !== 1 || larger.length === 0) return {};
  return { joins: { key: `${model.digest}/${batchSize}`, units: [alone, ...larger] } };
}

function areTimes(stageAfetUs: readonly number[]): boolean {
  return stageAfetUs.every((us) => Number.isSafeInteger(us) && us > 0);
}

function unitTimes({ size, stageAfetUs }: BatchTimes, batchSize: number): UnitTimes {
  const afetUs = sumOf(stageAfetUs);
  return { jobs: size / batchSize, afetUs, longestStageUs: Math.max(...stageAfetUs) };
}

/** What jobs alone would book, of a booking that may be a share of some that go together. */
export function aloneE9(
  booked: { readonly utilizationE9: number; readonly capacity?: number; readonly stageAfetUs?: readonly number[] },
  effective: Pick<Effective, 'deadlineUs' | 'periodUs'>,
): number {
  const { utilizationE9: e9, capacity, stageAfetUs } = booked;
  if (capacity === undefined || stageAfetUs === undefined) return e9;
  return utilizationE9(sumOf(stageAfetUs), effective.deadlineUs, effective.periodUs);
}

function sumOf(times: readonly number[]): number {
  return times.reduce((sum, us) => sum + us, 0);
}

/** The AFET that was booked; as its stages are not known, all of it counts as one. */
export function demandFromBooking(present: Assumed, effective: Effective): Demand {
  const spanUs = Math.min(present.effective.deadlineUs, present.effective.periodUs);
  const afetUs = Math.max(1, Number((BigInt(present.utilizationE9) * BigInt(spanUs)) / 1_000_000_000n));
  return withoutStages(demandOf([afetUs], effective));
}

/**
 * What runs already must not stop because its GPU was divided anew: until that is measured, it counts by what was
 * measured on the same product otherwise divided, or else by what was booked.
 */
export function addStandIns(
  { known, standIns }: Demands,
  present: Assumed,
  effective: Effective,
  at: Measurements,
): void {
  const { digest } = effective.model;
  if (present.effective.batchSize !== effective.batchSize || present.effective.model.digest !== digest) return;
  const presentKind = at.kindAt(present.place);
  const product = presentKind === undefined ? undefined : at.products.get(presentKind);
  if (product === undefined) return;
  const measured = [...known].filter(([kind]) => productOf(kind) === product).map(([, demand]) => demand);
  const longest = measured.toSorted((a, b) => b.afetUs - a.afetUs)[0] ?? demandFromBooking(present, effective);
  for (const [kind, other] of at.products) {
    if (other !== product || known.has(kind)) continue;
    known.set(kind, withoutStages(longest));
    standIns.add(kind);
  }
}

/** What was not measured there is nothing that a runtime should go by. */
function withoutStages({ stageAfetUs: _stageAfetUs, joins: _joins, ...demand }: Demand): Demand {
  return demand;
}

/** Also of a kind that no GPU is of any more. */
function productOf(kind: string): string {
  return String((JSON.parse(kind) as unknown[])[0]);
}
