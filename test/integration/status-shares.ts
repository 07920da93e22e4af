// Who writes which field and which condition of each status, with values to try it by. A test holds it against the CRDs,
// so that a field of theirs without an author here is noticed.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { load } from 'js-yaml';

import { builtInPolicy } from '../../api/resources.ts';
import { effective, placement } from '../../node-agent/testing/fixtures.ts';
import { ownedModelConditions } from '../../operator/controllers/model/decide.ts';
import { ownedConditions } from '../../operator/controllers/placement/decide.ts';
import { ownedNodeConditions } from '../../operator/controllers/policy/decide.ts';
import { ownedProfileConditions } from '../../operator/controllers/profile/decide.ts';
import { repositoryRoot } from '../control-plane/paths.ts';

export interface Share {
  /** Of a field of the agent: a value that it may write. */
  readonly agent: Readonly<Record<string, unknown>>;
  /** Of a field of the operator: what it wrote, and what somebody else might want there. */
  readonly operator: Readonly<Record<string, readonly [present: unknown, forged: unknown]>>;
  readonly agentTypes: readonly string[];
  readonly operatorTypes: readonly string[];
}

const digest = `sha256:${'c'.repeat(64)}`;
const terms = { name: builtInPolicy, contexts: 2, streamsPerContext: 1, oversubscription: '1' };
const time = '2030-01-01T00:00:00Z';
const alone = { type: 'Healthy', status: 'True', reason: 'NoFault', message: '', lastTransitionTime: time };
const shared = { ...alone, type: 'ForeignSharing', reason: 'ForeignProcess' };
const reading = { memoryUsedBytes: 1, throttling: ['PowerBrake'], lastXid: { code: 31, time } };
const hardware = { uuid: 'gpu-0', product: 'CPU', sms: 2, memoryBytes: 1, engine: 'openvino' };
const gpu = { ...hardware, conditions: [alone, shared], reading };

/** By plural; `node` is the one whose agent tries. */
export function statusShares(node: string): Readonly<Record<string, Share>> {
  const placed = { ...placement, node };
  return {
    realtimeinferencetasks: {
      agent: { runtime: { epoch: 1, context: 1 } },
      operator: {
        observedGeneration: [1, 2],
        leaderTransitions: [1, 2],
        effective: [effective, { ...effective, periodUs: 1_000 }],
        placement: [placed, { ...placed, context: 0 }],
        endpoint: [{ address: '192.0.2.1:8001' }, { address: '192.0.2.66:8001' }],
      },
      agentTypes: ['Serving', 'DeadlinesMet'],
      operatorTypes: ownedConditions,
    },
    inferencemodels: {
      agent: { package: { digest, name: 'detector' } },
      operator: {
        observedGeneration: [1, 2],
        leaderTransitions: [1, 2],
        inspector: [{ node }, { node: 'another' }],
      },
      agentTypes: ['Inspected'],
      operatorTypes: ownedModelConditions,
    },
    modelprofiles: {
      agent: {
        progress: { stage: 1, of: 4 },
        batches: [{ size: 1, afetUs: 3, stageAfetUs: [1, 2] }],
        measuredAt: '2030-01-01T00:00:00Z',
      },
      operator: {
        observedGeneration: [1, 2],
        leaderTransitions: [1, 2],
        source: ['Measured', 'Estimate'],
        afetUs: [3, 1],
      },
      agentTypes: ['Measured'],
      operatorTypes: ownedProfileConditions,
    },
    gpunodes: {
      agent: {
        address: '192.0.2.1:8001',
        observedPolicy: { name: 'edge', generation: 1 },
        appliedPolicy: terms,
        admission: 'Predicted',
        highPriorityUtilizationLimit: '0.75',
        runtimeVersion: '1',
        gpus: [gpu],
      },
      operator: { policy: [{ name: 'edge' }, { name: builtInPolicy }] },
      agentTypes: ['Ready', 'PolicyApplied'],
      operatorTypes: ownedNodeConditions,
    },
  };
}

interface Crd {
  readonly spec: {
    readonly versions: readonly {
      readonly schema: {
        readonly openAPIV3Schema: { readonly properties: { readonly status: { readonly properties: object } } };
      };
    }[];
  };
}

/** The fields of the status of a kind, as its CRD lists them. */
export function statusFields(plural: string): string[] {
  const crd = load(readFileSync(join(repositoryRoot, 'crds', `${plural}.yaml`), 'utf8')) as Crd;
  return crd.spec.versions.flatMap(({ schema }) => Object.keys(schema.openAPIV3Schema.properties.status.properties));
}
