// Brings one profile to what is needed and decided: makes it where there is none, names who measures, says what is known.
import { isDeepStrictEqual } from 'node:util';

import { findCondition, withTransitionTimes } from '../../../api/conditions.ts';
import { profileName } from '../../../api/profiles.ts';
import { apiVersion, fieldManagers, type ModelProfile, type RealtimeInferenceTask } from '../../../api/resources.ts';
import type { KubeClient } from '../../../kube/client.ts';
import type { Clock } from '../../../kube/clock.ts';
import { done, type Outcome } from '../../../kube/controller.ts';
import type { EventRecorder } from '../../../kube/events.ts';
import type { Stored } from '../../../kube/resource.ts';
import type { Latest } from '../../latest.ts';
import type { OperatorMetrics } from '../../metrics.ts';
import type { Nodes } from '../../nodes.ts';
import { profilesResource, type ProfileStatus, type StoredProfile } from '../../resources.ts';
import type { Need } from '../placement/needs.ts';
import { afterFailedWrite, writeStatus } from '../status.ts';
import { assign, decideProfile, ownedProfileConditions, type Assignment, type GpuLoad } from './decide.ts';
import { gpuLoads } from './gather.ts';

export interface ProfileReconcilerOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly profiles: Latest<ModelProfile>;
  readonly nodes: Nodes;
  readonly tasksOn: (node: string) => readonly Stored<RealtimeInferenceTask>[];
  readonly events: EventRecorder;
  readonly metrics: OperatorMetrics;
  /** What the tasks need now, by name. */
  readonly needs: ReadonlyMap<string, Need>;
}

type OwnedStatus = Pick<ProfileStatus, 'observedGeneration' | 'source' | 'afetUs' | 'conditions'>;

export async function reconcileProfile(
  options: ProfileReconcilerOptions,
  name: string,
  signal: AbortSignal,
): Promise<Outcome> {
  const { profiles, nodes, needs, tasksOn } = options;
  const profile = profiles.get(name);
  const gpus = gpuLoads(nodes.list(), tasksOn);
  if (profile === undefined) {
    const need = needs.get(name);
    if (need !== undefined && !isThere(profiles, name)) await create(options, name, need, gpus, signal);
    return done;
  }
  if (profile.metadata.deletionTimestamp !== undefined) return done;
  return bring(options, profile, gpus, signal);
}

/** Whoever writes a profile by hand may call it as they like: what it says counts. */
function isThere(profiles: Latest<ModelProfile>, name: string): boolean {
  return profiles.list().some(({ spec }) => profileName(spec) === name);
}

async function create(
  { client, profiles, metrics }: ProfileReconcilerOptions,
  name: string,
  { spec }: Need,
  gpus: readonly GpuLoad[],
  signal: AbortSignal,
): Promise<void> {
  // Applied, not created: another operator, or a user, may have been faster, and wants the same.
  const wanted = { metadata: { name }, spec: { ...spec, ...assign(spec, gpus) } };
  profiles.remember(await client.apply(profilesResource, wanted, { ...asOperator, signal }));
  metrics.statusWrites.add(1, { kind: 'ModelProfile', result: 'created' });
}

async function bring(
  options: ProfileReconcilerOptions,
  profile: StoredProfile,
  gpus: readonly GpuLoad[],
  signal: AbortSignal,
): Promise<Outcome> {
  const { clock, profiles, needs } = options;
  const target = { resource: profilesResource, latest: profiles, signal };
  const stageCount = needs.get(profileName(profile.spec))?.stageCount;
  const { assignment } = decideProfile(profile, gpus, stageCount);
  let assigned: StoredProfile;
  try {
    assigned = await writeAssignment(options, profile, assignment, signal);
  } catch (error) {
    return afterFailedWrite(options, { ...target, object: profile }, error);
  }
  const { status } = decideProfile(assigned, gpus, stageCount);
  const conditions = withTransitionTimes(status.conditions, assigned.status?.conditions, clock.now());
  const wanted = sorted({ ...status, conditions });
  if (isDeepStrictEqual(wanted, ownedStatus(assigned))) return done;
  const written = (after: StoredProfile): void => tellOfTransitions(options.events, assigned, after);
  return writeStatus(options, { ...target, object: assigned, status: wanted, written });
}

const asOperator = { fieldManager: fieldManagers.operator, force: true } as const;

/** Says the whole of what identifies the profile again: with server-side apply, what is left out is given up. */
async function writeAssignment(
  { client, profiles, metrics }: ProfileReconcilerOptions,
  profile: StoredProfile,
  assignment: Assignment,
  signal: AbortSignal,
): Promise<StoredProfile> {
  const { estimate: _estimate, node, gpu, ...key } = profile.spec;
  if (node === assignment.node && gpu === assignment.gpu) return profile;
  const { name, resourceVersion } = profile.metadata;
  const wanted = { metadata: { name }, spec: { ...key, ...assignment } };
  const written = await client.apply(profilesResource, wanted, { ...asOperator, resourceVersion, signal });
  profiles.remember(written);
  metrics.statusWrites.add(1, { kind: 'ModelProfile', result: 'assigned' });
  return written;
}

function ownedStatus({ status }: StoredProfile): OwnedStatus {
  const { observedGeneration, source, afetUs } = status ?? {};
  return sorted({
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
    ...(source === undefined ? {} : { source }),
    ...(afetUs === undefined ? {} : { afetUs }),
    conditions: (status?.conditions ?? []).filter(({ type }) => ownedProfileConditions.includes(type)),
  });
}

function sorted(status: OwnedStatus): OwnedStatus {
  const rank = (type: string): number => ownedProfileConditions.indexOf(type);
  return { ...status, conditions: (status.conditions ?? []).toSorted((a, b) => rank(a.type) - rank(b.type)) };
}

function tellOfTransitions(events: EventRecorder, before: StoredProfile, after: StoredProfile): void {
  const [was, is] = [before, after].map(({ status }) => findCondition(status?.conditions, 'Ready'));
  if (is === undefined || (is.status === was?.status && is.reason === was.reason)) return;
  const stalled = findCondition(after.status?.conditions, 'Stalled') !== undefined;
  if (is.status === 'False' && !stalled) return;
  const type = stalled ? 'Warning' : 'Normal';
  events.record({
    regarding: { ...after, apiVersion, kind: 'ModelProfile' },
    type,
    reason: is.reason,
    action: 'Profile',
    note: is.message,
  });
}
