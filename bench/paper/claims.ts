// All claims of the paper that its text makes in numbers, or that can be told as one.
import { batchClaims } from './batch-claims.ts';
import { fastest, Lookup, type Claim } from './claim.ts';
import type { GpuFit } from './fit.ts';
import type { PaperGpu } from './observations.ts';
import { POLICIES, policyOf, type Policy } from './policies.ts';
import { rateClaims } from './rate-claims.ts';
import { moduleClaims } from './module-claims.ts';
import { ratioClaims } from './ratio-claims.ts';
import type { PaperResults } from './results.ts';
import type { Simulated } from './simulate.ts';
import { timeClaims } from './time-claims.ts';

export function claimsOf(results: PaperResults, paper: PaperGpu, fits: readonly GpuFit[]): Claim[] {
  const from = new Lookup(results, paper, fits);
  return [...rateClaims(from), ...batchClaims(from), ...timeClaims(from), ...moduleClaims(from), ...ratioClaims(from)];
}

/** The fastest of each policy, with what it costs. */
export function policyRows(main: PaperResults['main']): { network: string; policy: Policy; run: Simulated }[] {
  return Object.entries(main).flatMap(([network, runs]) =>
    POLICIES.map((policy) => ({
      network,
      policy,
      run: fastest(runs.filter(({ configuration }) => policyOf(configuration) === policy)),
    })),
  );
}
