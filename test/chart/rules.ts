// The alert rules that the chart installs, and which metrics they ask for.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { load } from 'js-yaml';

import { shipped } from '../control-plane/paths.ts';

interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
}

export const rulesFile = join(shipped, 'rules.yaml');

export const rules = load(readFileSync(rulesFile, 'utf8')) as {
  readonly groups: readonly { readonly rules: readonly Rule[] }[];
};

export const allRules: readonly Rule[] = rules.groups.flatMap((group) => group.rules);

/** Names of metrics in an expression, as far as they can be ours. */
export function metricsIn(expression: string): string[] {
  return expression.match(/\b(daris|reflector|controller|kube_client|metrics)_[a-z_]+\b(?!=["~])/g) ?? [];
}
