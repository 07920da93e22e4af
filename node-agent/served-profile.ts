// What the agent adds to a measured profile while its model serves jobs that go together: MRETs in service. Pure. Nothing is
// placed by them; they tell people how far service is from what was measured.
import { findCondition } from '../api/conditions.ts';
import { isMeasured } from './profile-model.ts';
import { dividedAs, modelOf, type ProfileInput } from './profile-status.ts';
import type { ProfileStatus, StoredProfile } from './resources.ts';
import type { Change } from './status.ts';

type ServedStatement = Pick<ProfileStatus, 'batches' | 'measuredAt' | 'conditions'>;

/** Undefined where it is not ours, or nothing of it has run so: then what status says stays. */
export function servedStatement(profile: StoredProfile, { node, view }: ProfileInput): ServedStatement | undefined {
  const { spec, status } = profile;
  const measured = findCondition(status?.conditions, 'Measured');
  if (spec.node !== node || spec.estimate !== undefined || view.kind !== 'up') return undefined;
  if (measured === undefined || !isMeasured(profile) || dividedAs(profile, view) !== 'as wanted') return undefined;
  const observed = modelOf(profile, view);
  const served = new Map(observed?.batches.map(({ size, stageMretUs }) => [size, stageMretUs]));
  if (![...served.values()].some((stages) => stages.length > 0)) return undefined;
  const batches = (status?.batches ?? []).map((batch) => {
    const stageMretUs = served.get(batch.size) ?? [];
    return stageMretUs.length === 0 ? batch : { ...batch, stageMretUs };
  });
  const { measuredAt } = status ?? {};
  return { conditions: [measured], batches, ...(measuredAt === undefined ? {} : { measuredAt }) };
}

/** Worth a write where a stage takes a tenth more or less than is said: all agents watch profiles. */
const worthTelling = 0.1;

export function servedChange({ status }: StoredProfile, { batches = [] }: ServedStatement): Change {
  const before = new Map(status?.batches?.map(({ size, stageMretUs = [] }) => [size, stageMretUs]));
  const moved = batches.some(({ size, stageMretUs = [] }) => {
    const said = before.get(size) ?? [];
    return stageMretUs.length !== said.length || stageMretUs.some((us, at) => isFar(us, said[at] ?? 0));
  });
  return moved ? 'figures' : 'none';
}

function isFar(us: number, saidUs: number): boolean {
  return Math.abs(us - saidUs) > worthTelling * saidUs;
}
