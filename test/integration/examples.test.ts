// The examples name the packages that the model tool builds here: their bytes are the same on every machine.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from '@jest/globals';
import { loadAll } from 'js-yaml';

import type { InferenceModel, RealtimeInferenceTask } from '../../api/resources.ts';
import { repositoryRoot } from '../control-plane/paths.ts';

import { digestOf } from './damaged-packages.ts';

function documents<T>(file: string): T[] {
  return loadAll(readFileSync(join(repositoryRoot, 'examples', file), 'utf8')) as T[];
}

const models = documents<InferenceModel>('models.yaml');
const tasks = [
  ...documents<RealtimeInferenceTask>('high-priority.yaml'),
  ...documents<RealtimeInferenceTask>('low-priority.yaml'),
];

test.each(models.map(({ metadata, spec }) => [metadata.name, spec.source] as const))(
  '%s has the digest of the package that was built',
  (_name, source) => {
    const folder = join(repositoryRoot, 'build', 'models', source.uri.replace('file:///', ''));
    expect(digestOf(folder)).toBe(source.digest);
  },
);

test('every task runs a model that is there, and every model is run', () => {
  const named = new Set(models.map(({ metadata }) => metadata.name));
  expect(new Set(tasks.map(({ spec }) => spec.model))).toEqual(named);
});
