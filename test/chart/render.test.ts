// What the chart renders, rule by rule; what an API server makes of it is in test/integration/chart.test.ts.
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import { loadAll } from 'js-yaml';

import { shipped } from '../control-plane/paths.ts';

import { chart, helm, render, renderText, type Manifest } from './helm.ts';
import { find, podsOf } from './pods.ts';

// Each helm or kubectl is a process of its own, and on a busy machine takes its time.
jest.setTimeout(300_000);

let objects: Manifest[] = [];

beforeAll(async () => {
  objects = await render({
    apiVersions: ['monitoring.coreos.com/v1'],
    values: { metrics: { dashboard: { enabled: true } } },
  });
});

function filesIn(folder: string): { name: string; text: string }[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => ({ name, text: readFileSync(join(parentPath, name), 'utf8') }));
}

test('helm lints it, strictly', async () => {
  await expect(helm(['lint', '--strict', chart])).resolves.toContain('0 chart(s) failed');
});

test('a package of it renders the same', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'daris-test-'));
  try {
    await helm(['package', chart, '--destination', folder]);
    const packaged = await helm(['template', 'daris', join(folder, 'daris-0.1.0.tgz'), '--namespace', 'daris-system']);
    expect(packaged).toBe(await renderText());
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the same values give the same text: no look-up, no chance, no clock, no hook but the test', async () => {
  expect(await renderText()).toBe(await renderText());
  for (const { name, text } of filesIn(join(chart, 'templates'))) {
    expect({
      name,
      found: text.match(/\b(lookup|rand\w+|uuidv4|now|gen\w+(Cert|CA|Key)|getHostByName)\b(?=.*}})/g),
    }).toEqual({ name, found: null });
  }
  const hooks = objects
    .map(({ metadata }) => metadata.annotations?.['helm.sh/hook'])
    .filter((hook) => hook !== undefined);
  expect(hooks).toEqual(['test']);
});

describe('what is shipped as files', () => {
  const files = ['crds', 'rbac'].flatMap((folder) =>
    filesIn(join(shipped, folder)).flatMap(({ text }) => loadAll(text) as Manifest[]),
  );

  test.each(files.map((file) => [`${file.kind} ${file.metadata.name}`, file] as const))(
    '%s is installed as it is',
    (_name, file) => {
      const { metadata, ...rest } = find(objects, file.kind, file.metadata.name);
      const { metadata: given, ...wanted } = file;
      expect(rest).toEqual(wanted);
      expect(metadata).toMatchObject(given);
    },
  );

  test('CRDs stay when the release is removed, and carry the number of their chart', () => {
    const crds = objects.filter(({ kind }) => kind === 'CustomResourceDefinition');
    expect(crds).toHaveLength(5);
    for (const { metadata } of crds) {
      expect(metadata.annotations).toMatchObject({ 'helm.sh/resource-policy': 'keep', 'daris.dev/revision': '1000' });
    }
  });

  test('what an API server must not lose stays, too, and nothing else does', () => {
    const kept = objects.filter(({ metadata }) => metadata.annotations?.['helm.sh/resource-policy'] === 'keep');
    const names = kept
      .filter(({ kind }) => kind !== 'CustomResourceDefinition')
      .map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    expect(names.toSorted()).toEqual([
      'Lease daris-operator',
      'ValidatingAdmissionPolicy daris-crds-never-older',
      'ValidatingAdmissionPolicy daris-operator-leads',
      'ValidatingAdmissionPolicyBinding daris-crds-never-older',
      'ValidatingAdmissionPolicyBinding daris-operator-leads',
    ]);
  });

  test('CRDs may come from elsewhere', async () => {
    const rendered = await render({ values: { crds: { install: false } } });
    expect(rendered.filter(({ kind }) => kind === 'CustomResourceDefinition')).toEqual([]);
  });
});

test('in another namespace nothing speaks of daris-system any more', async () => {
  expect(await renderText({ namespace: 'vision', release: 'other' })).not.toContain('daris-system');
});

test('all objects carry the labels of the release', () => {
  const unlabelled = objects.filter(({ metadata }) => metadata.labels?.['app.kubernetes.io/instance'] !== 'daris');
  expect(unlabelled).toEqual([]);
});

test('selectors find the pods, and services the monitor', () => {
  const pods = podsOf(objects);
  const services = objects.filter(({ kind }) => kind === 'Service');
  expect(services).toHaveLength(2);
  for (const { spec } of services) {
    const { selector, ports } = spec as {
      selector: Record<string, string>;
      ports: { port: number; targetPort: string }[];
    };
    const [pod, ...others] = pods.filter(({ labels }) =>
      Object.entries(selector).every(([key, value]) => labels[key] === value),
    );
    expect(others).toEqual([]);
    const open = pod?.spec.containers.flatMap((container) => container.ports ?? []);
    expect(open).toContainEqual({ name: ports[0]?.targetPort, containerPort: ports[0]?.port });
  }
  const monitor = find(objects, 'ServiceMonitor', 'daris').spec as { selector: { matchLabels: object } };
  for (const { metadata } of services) expect(metadata.labels).toMatchObject(monitor.selector.matchLabels);
});

test('every pod has a network policy of its own, with ports that the pod has', () => {
  const policies = objects.filter(({ kind }) => kind === 'NetworkPolicy').map(({ spec }) => spec as NetworkPolicySpec);
  for (const pod of podsOf(objects)) {
    const own = policies.filter(({ podSelector }) =>
      Object.entries(podSelector.matchLabels).every(([key, value]) => pod.labels[key] === value),
    );
    expect(own).toHaveLength(1);
    const open = pod.spec.containers.flatMap(({ ports }) => (ports ?? []).map(({ name }) => name));
    const admitted = (own[0]?.ingress ?? []).flatMap(({ ports }) => ports.map(({ port }) => port));
    expect(admitted.sort()).toEqual(open.sort());
    expect(own[0]?.policyTypes).toEqual(['Ingress', 'Egress']);
  }
});

interface NetworkPolicySpec {
  readonly podSelector: { readonly matchLabels: Readonly<Record<string, string>> };
  readonly policyTypes: readonly string[];
  readonly ingress?: readonly { readonly ports: readonly { readonly port: string }[] }[];
}

test('monitoring needs its API in the cluster', async () => {
  const kinds = (await render()).map(({ kind }) => kind);
  expect(kinds).not.toContain('ServiceMonitor');
  expect(kinds).not.toContain('PrometheusRule');
  expect(objects.map(({ kind }) => kind)).toEqual(
    expect.arrayContaining(['ServiceMonitor', 'PrometheusRule', 'ConfigMap']),
  );
});

test('two operators are spread and may lose one at a time; one alone has no budget that would block a drain', async () => {
  const operator = find(objects, 'Deployment', 'daris-operator').spec as {
    replicas: number;
    template: { spec: { topologySpreadConstraints: object[] } };
  };
  expect(operator.replicas).toBe(2);
  expect(operator.template.spec.topologySpreadConstraints).toHaveLength(2);
  expect(find(objects, 'PodDisruptionBudget', 'daris-operator').spec).toMatchObject({ maxUnavailable: 1 });
  const alone = await render({ values: { operator: { replicas: 1 } } });
  expect(alone.filter(({ kind }) => kind === 'PodDisruptionBudget')).toEqual([]);
});

test('a digest wins over a tag, and the tag over the version', async () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  const rendered = await render({ values: { images: { operator: { tag: 'next', digest }, agent: { tag: 'next' } } } });
  const images = podsOf(rendered).flatMap((pod) => pod.spec.containers.map(({ image }) => image));
  expect(new Set(images)).toEqual(new Set([`daris-operator@${digest}`, 'daris-agent:next']));
  const plain = podsOf(objects).flatMap((pod) => pod.spec.containers.map(({ image }) => image));
  expect(new Set(plain)).toEqual(new Set(['daris-operator:0.1.0', 'daris-agent:0.1.0']));
});

test('a namespace of its own enforces what it is told', async () => {
  const namespace = find(await render({ values: { namespace: { create: true } } }), 'Namespace', 'daris-system');
  expect(namespace.metadata.labels).toMatchObject({ 'pod-security.kubernetes.io/enforce': 'restricted' });
  expect(objects.filter(({ kind }) => kind === 'Namespace')).toEqual([]);
});

describe('pods', () => {
  test('the token of the API server reaches the processes that need it, and no other', () => {
    const holders = podsOf(objects).flatMap((pod) => {
      expect(pod.spec.automountServiceAccountToken).toBe(false);
      return pod.spec.containers.filter(({ volumeMounts }) => volumeMounts?.some(({ name }) => name === 'token'));
    });
    expect(holders.map(({ name }) => name).sort()).toEqual(['agent', 'operator']);
  });

  test('nothing but sockets and temporary files can be written by agent and runtime', () => {
    const agent = podsOf(objects).find(({ of }) => of.startsWith('DaemonSet'));
    const writable = agent?.spec.containers
      .flatMap(({ volumeMounts }) => volumeMounts ?? [])
      .filter(({ readOnly }) => readOnly !== true);
    expect(new Set(writable?.map(({ name }) => name))).toEqual(new Set(['run', 'tmp']));
  });

  test('all are probed, bounded in memory, and system-critical', () => {
    for (const pod of podsOf(objects).filter(({ of }) => !of.startsWith('Pod'))) {
      expect(pod.spec.priorityClassName).toMatch(/^system-(node|cluster)-critical$/);
      for (const container of pod.spec.containers) {
        expect(container).toMatchObject({ startupProbe: {}, livenessProbe: {} });
        expect(container.resources).toMatchObject({
          requests: { cpu: expect.anything(), memory: expect.anything() },
          limits: { memory: expect.anything() },
        });
      }
      expect(pod.spec.containers.some(({ readinessProbe }) => readinessProbe !== undefined)).toBe(true);
    }
  });
});
