// The GitOps examples: health scripts for every kind, and values that the chart takes.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, jest, test } from '@jest/globals';
import { load, loadAll } from 'js-yaml';

import { repositoryRoot, shipped } from '../control-plane/paths.ts';

import { render, type Manifest } from './helm.ts';
import { find } from './pods.ts';
import { argoHealthOf, healthScripts, kstatusOf } from './status-of.ts';

jest.setTimeout(120_000);

const folder = join(repositoryRoot, 'examples', 'gitops');

interface Application {
  readonly spec: { readonly source: { readonly path: string; readonly helm: { readonly valuesObject: object } } };
}

interface HelmRelease {
  readonly spec: { readonly chart: { readonly spec: { readonly chart: string } }; readonly values: object };
}

test('Argo CD has a script for each kind, and for no other', () => {
  const crds = readdirSync(join(shipped, 'crds')).map((file) => {
    return load(readFileSync(join(shipped, 'crds', file), 'utf8')) as { spec: { names: { kind: string } } };
  });
  expect([...healthScripts.keys()].toSorted()).toEqual(crds.map(({ spec }) => spec.names.kind).toSorted());
});

describe('before anybody has said anything', () => {
  test.each([...healthScripts.keys()])('Argo CD waits for a %s', async (kind) => {
    const object = { apiVersion: 'daris.dev/v1alpha1', kind, metadata: { name: 'a', generation: 1 } };
    expect(await argoHealthOf(object)).toMatchObject({ status: 'Progressing' });
    expect(await argoHealthOf({ ...object, status: {} } as typeof object)).toMatchObject({ status: 'Progressing' });
  });

  test.each(['RealtimeInferenceTask', 'InferenceModel', 'ModelProfile', 'GpuSchedulingPolicy'])(
    'an edit of a %s that nobody has looked at is in progress, for both',
    async (kind) => {
      const conditions = [{ type: 'Ready', status: 'True', reason: 'Serving', message: '' }];
      const metadata = { name: 'a', generation: 2 };
      const object = {
        apiVersion: 'daris.dev/v1alpha1',
        kind,
        metadata,
        status: { observedGeneration: 1, conditions },
      };
      expect(await argoHealthOf(object)).toMatchObject({ status: 'Progressing' });
      expect(await kstatusOf(object)).toMatchObject({ status: 'InProgress' });
    },
  );
});

test('the Application of Argo CD has values that the chart takes', async () => {
  const { spec } = load(readFileSync(join(folder, 'argocd-application.yaml'), 'utf8')) as Application;
  expect(spec.source.path).toBe('helm/daris');
  const objects = await render({ values: spec.source.helm.valuesObject });
  expect(find(objects, 'Namespace', 'daris-system').metadata.annotations).toMatchObject({
    'helm.sh/resource-policy': 'keep',
  });
  for (const { kind, metadata } of objects.filter((object) => object.kind === 'CustomResourceDefinition')) {
    expect({ kind, ...metadata.annotations }).toMatchObject({ 'argocd.argoproj.io/sync-options': 'Prune=false' });
  }
});

test('the HelmRelease of Flux has values that the chart takes', async () => {
  const documents = loadAll(readFileSync(join(folder, 'flux.yaml'), 'utf8')) as Manifest[];
  const { spec } = find(documents, 'HelmRelease', 'daris') as unknown as HelmRelease;
  expect(spec.chart.spec.chart).toBe('./helm/daris');
  await expect(render({ values: spec.values })).resolves.not.toEqual([]);
});

test('nothing in the chart is a link, which Flux would leave out', () => {
  const entries = readdirSync(join(repositoryRoot, 'helm'), { recursive: true, withFileTypes: true });
  expect(entries.filter((entry) => entry.isSymbolicLink()).map(({ name }) => name)).toEqual([]);
});
