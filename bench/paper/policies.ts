// The paper's three policies, told from the names of configurations: `1×N_s`, `N_c×1_OS`, `N_c×N_s_OS`.

export const POLICIES = ['STR', 'MPS', 'MPS+STR'] as const;
export type Policy = (typeof POLICIES)[number];

export function divisionOf(configuration: string): { contexts: number; streams: number } {
  const [, contexts = '1', streams = '1'] = /^(\d+)×(\d+)/.exec(configuration) ?? [];
  return { contexts: Number(contexts), streams: Number(streams) };
}

export function lanesOf(configuration: string): number {
  const { contexts, streams } = divisionOf(configuration);
  return contexts * streams;
}

export function policyOf(configuration: string): Policy {
  const { contexts, streams } = divisionOf(configuration);
  if (contexts === 1) return 'STR';
  return streams === 1 ? 'MPS' : 'MPS+STR';
}
