// How this node's GPUs are divided and scheduled: the built-in default, with what the agent's flags say.
import { formatE9, wholeE9 } from '../api/utilization.ts';
import { Admission, type Policy } from './native/gen/runtime.ts';

export const builtInPolicy = 'built-in';

export interface PolicySettings {
  readonly contexts: number;
  readonly streamsPerContext: number;
  /** 1 (contexts share nothing) to `contexts` (each may use the whole GPU). */
  readonly oversubscription: number;
  readonly admission: 'Utilization' | 'Predicted';
  /** Share of a context's streams that High tasks may book, by AFET. */
  readonly highPriorityLimit: number;
}

export const defaultPolicy: PolicySettings = Object.freeze({
  contexts: 2,
  streamsPerContext: 1,
  oversubscription: 1,
  admission: 'Predicted',
  highPriorityLimit: 0.75,
});

/** Window of measured execution times (ws of eq. 1). */
const mretWindow = 5;

const admissions = {
  Utilization: Admission.ADMISSION_UTILIZATION,
  Predicted: Admission.ADMISSION_PREDICTED,
} as const;

export function runtimePolicy(settings: PolicySettings): Policy {
  return {
    contexts: settings.contexts,
    streamsPerContext: settings.streamsPerContext,
    oversubscription: settings.oversubscription,
    mretWindow,
    mretAging: true,
    admission: admissions[settings.admission],
    highPriorityAdmission: false,
    highPriorityUtilizationLimit: settings.highPriorityLimit,
  };
}

/** The limit as GpuNode's status shows it. */
export function formatLimit(limit: number): string {
  return formatE9(Math.round(limit * wholeE9));
}
