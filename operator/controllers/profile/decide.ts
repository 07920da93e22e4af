// Who measures a profile, and what follows from what is known of it. Pure.
import type { ConditionState } from '../../../api/conditions.ts';
import { formatDurationUs } from '../../../api/durations.ts';
import { gpuKindKey, gpuKindWords } from '../../../api/profiles.ts';
import { profileState, smallestAfet, type ProfileState } from '../../../api/profile-state.ts';
import { compareText } from '../../placement/order.ts';
import type { NodeState, Refusal } from '../../placement/terms.ts';
import type { ProfileSpec, ProfileStatus, StoredProfile } from '../../resources.ts';

/** One GPU with what is placed on it. */
export interface GpuLoad {
  readonly node: string;
  readonly gpu: string;
  readonly state: NodeState;
  /** Why its node is not Ready. */
  readonly message: string;
  /** Why this GPU takes nothing new, although its node does. */
  readonly closed?: Refusal;
  /** Its kind (`gpuKindKey`). */
  readonly kind: string;
  readonly highTasks: number;
  /** Booked by all tasks. */
  readonly totalE9: number;
}

/** Who measures; empty: nobody. */
export type Assignment = Pick<ProfileSpec, 'node' | 'gpu'>;

export interface ProfileDecision {
  readonly assignment: Assignment;
  readonly status: Pick<ProfileStatus, 'observedGeneration' | 'source' | 'afetUs'> & {
    readonly conditions: readonly ConditionState[];
  };
}

/** Conditions of a profile that the operator owns. */
export const ownedProfileConditions: readonly string[] = ['Ready', 'Reconciling', 'Stalled'];

/** Of a profile that is about to be made, or that nobody measures yet. An estimate needs nobody. */
export function assign(spec: ProfileSpec, gpus: readonly GpuLoad[]): Assignment {
  if (spec.estimate !== undefined) return {};
  const chosen = ready(spec, gpus)
    .filter((gpu) => gpu.closed === undefined)
    .toSorted(compareLoads)[0];
  return chosen === undefined ? {} : { node: chosen.node, gpu: chosen.gpu };
}

export function decideProfile(
  profile: StoredProfile,
  gpus: readonly GpuLoad[],
  stageCount: number | undefined,
): ProfileDecision {
  const observedGeneration = profile.metadata.generation ?? 0;
  const state = profileState(profile, stageCount);
  const assignment = assignmentOf(profile, state, gpus);
  const states = statesOf(profile, state, assignment, gpus);
  return {
    assignment,
    status: {
      observedGeneration,
      ...(state.kind === 'Ready' ? { source: state.source, afetUs: smallestAfet(state.batches).afetUs } : {}),
      conditions: Object.entries(states).map(([type, each]) => ({ type, ...each, observedGeneration })),
    },
  };
}

/**
 * Who measures, or measured, stays; where its node is lost before the end, or its GPU is another by now or takes nothing
 * new, someone else does. What has failed is not tried elsewhere by itself, since it would most often fail there too.
 */
function assignmentOf(profile: StoredProfile, state: ProfileState, gpus: readonly GpuLoad[]): Assignment {
  const { spec } = profile;
  const { node, gpu } = spec;
  const present = { ...(node === undefined ? {} : { node }), ...(gpu === undefined ? {} : { gpu }) };
  if (state.kind === 'Ready') return state.source === 'Measured' ? present : {};
  if (spec.estimate !== undefined) return {};
  const kept = gpus.find((each) => each.node === node && each.gpu === gpu);
  const holds = kept !== undefined && kept.state !== 'Lost' && kept.kind === gpuKindKey(spec);
  if (holds && (kept.closed === undefined || state.kind === 'Failed')) return present;
  return assign(spec, gpus);
}

function ready(spec: ProfileSpec, gpus: readonly GpuLoad[]): readonly GpuLoad[] {
  const kind = gpuKindKey(spec);
  return gpus.filter((gpu) => gpu.state === 'Ready' && gpu.kind === kind);
}

/** The idlest first: what is measured there disturbs nobody, and holds best elsewhere. */
function compareLoads(a: GpuLoad, b: GpuLoad): number {
  return a.highTasks - b.highTasks || a.totalE9 - b.totalE9 || compareText(a.node, b.node) || compareText(a.gpu, b.gpu);
}

type State = Omit<ConditionState, 'type' | 'observedGeneration'>;

function statesOf(
  profile: StoredProfile,
  state: ProfileState,
  assignment: Assignment,
  gpus: readonly GpuLoad[],
): Record<string, State> {
  if (state.kind === 'Ready') return { Ready: { status: 'True', ...readyWords(profile, state) } };
  const { reason, message } = state.kind === 'Failed' ? state : waitingWords(profile, state, assignment, gpus);
  const type = state.kind === 'Failed' && !isNewAssignment(profile, assignment) ? 'Stalled' : 'Reconciling';
  return { Ready: { status: 'False', reason, message }, [type]: { status: 'True', reason, message } };
}

function isNewAssignment({ spec }: StoredProfile, { node, gpu }: Assignment): boolean {
  return node !== undefined && (spec.node !== node || spec.gpu !== gpu);
}

function readyWords(
  { spec }: StoredProfile,
  state: Extract<ProfileState, { kind: 'Ready' }>,
): Pick<State, 'reason' | 'message'> {
  const { size, afetUs } = smallestAfet(state.batches);
  const times = `AFET ${formatDurationUs(afetUs)} at batch size ${size}`;
  if (state.source === 'Estimate') return { reason: 'Estimated', message: `${times}, by spec.estimate` };
  return { reason: 'Measured', message: `${times}, measured on node ${spec.node ?? 'unknown'}` };
}

function waitingWords(
  profile: StoredProfile,
  state: Extract<ProfileState, { kind: 'Pending' }>,
  { node }: Assignment,
  gpus: readonly GpuLoad[],
): Pick<State, 'reason' | 'message'> {
  const { spec } = profile;
  if (node === undefined) return nobodyWords(spec, ready(spec, gpus));
  const holder = gpus.find((each) => each.node === node);
  if (holder !== undefined && holder.state !== 'Ready') {
    const message = `node ${node} was to measure it, but is not ready: ${holder.message}`;
    return { reason: 'NodeNotReady', message };
  }
  return { reason: 'Profiling', message: spec.node === node ? state.message : `profiling on node ${node}` };
}

const namedGpus = 3;

function nobodyWords(spec: ProfileSpec, among: readonly GpuLoad[]): Pick<State, 'reason' | 'message'> {
  const kind = gpuKindWords(spec);
  if (among.length === 0) return { reason: 'NoGpu', message: `no ready node has a GPU of this kind (${kind})` };
  return closedWords(among);
}

/** Of GPUs that take nothing new. */
function closedWords(among: readonly GpuLoad[]): Pick<State, 'reason' | 'message'> {
  const named = among.slice(0, namedGpus).map(({ node, gpu, closed }) => `${gpu} of node ${node}: ${closed?.message}`);
  const more = among.length > namedGpus ? `; and ${among.length - namedGpus} GPUs more` : '';
  return { reason: among[0]?.closed?.reason ?? 'NoGpu', message: named.join('; ') + more };
}
