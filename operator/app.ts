// The operator as a whole: stands by until it leads, then starts reflectors and controllers around one client; stops all
// in order. Nothing is read before it leads, so that what it decides on is newer than the last write of its predecessor.
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';

import type { Logger } from 'pino';

import { leaderLease } from '../api/resources.ts';
import { KubeClient } from '../kube/client.ts';
import type { Clock } from '../kube/clock.ts';
import { connect, type Connection, type ConnectOptions } from '../kube/connection.ts';
import { TerminalError } from '../kube/errors.ts';
import { EventRecorder } from '../kube/events.ts';
import { HttpServer } from '../kube/http.ts';
import { LeaderElector, type LeaderState } from '../kube/leader-elector.ts';
import { leases } from '../kube/lease.ts';
import { MetricRegistry } from '../kube/metrics.ts';
import { Reflector, type ReflectorOptions } from '../kube/reflector.ts';
import type { KubeObject, Resource } from '../kube/resource.ts';
import { ConfigError, type Config } from './config.ts';
import { EndpointBook } from './controllers/endpoint/book.ts';
import { EndpointController } from './controllers/endpoint/controller.ts';
import { managedBy, managedByLabel } from './controllers/endpoint/decide.ts';
import { ModelController } from './controllers/model/controller.ts';
import { createNodeController } from './controllers/node/controller.ts';
import { LeaseWatch } from './controllers/node/lease-watch.ts';
import { byNode, PlacementController, placedOn } from './controllers/placement/controller.ts';
import { PolicyController } from './controllers/policy/controller.ts';
import { ProfileController } from './controllers/profile/controller.ts';
import { Latest } from './latest.ts';
import { LeaderClient } from './leader-client.ts';
import { exposeLeader, OperatorMetrics } from './metrics.ts';
import { Nodes } from './nodes.ts';
import {
  gpuNodesResource,
  modelsResource,
  nodesResource,
  policiesResource,
  profilesResource,
  servicesResource,
  slicesResource,
  tasksResource,
} from './resources.ts';

export interface AppOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Logger;
  /** Absent: one of its own. */
  readonly registry?: MetricRegistry | undefined;
}

export interface App {
  /** Resolves when the operational endpoint listens; the rest starts as the API server answers. */
  start(): Promise<{ readonly metricsPort: number }>;
  /** Resolves with the reason when it led and does not any more: nothing is written from then on, and it should end. */
  readonly lost: Promise<string>;
  /** Ends all work in hand, then gives up the leadership, and closes every connection. */
  stop(): Promise<void>;
}

const connections = 6;
const stopEventsMs = 1_000;

export function createApp({ config, clock, log, registry = new MetricRegistry() }: AppOptions): App {
  const lost = Promise.withResolvers<string>();
  // Its own sockets: what the rest of the process asks of the API server never stands before a renewal.
  const election = connectTo(config, { clock, metrics: registry, connections: 1 });
  let stopping = false;
  const elector = new LeaderElector({
    client: new KubeClient(election),
    lease: { namespace: config.systemNamespace, name: leaderLease },
    identity: `${hostname()}_${randomUUID()}`,
    timing: config.election,
    clock,
    log,
    onElected: () => {
      if (!stopping) parts.start();
    },
    onLost: lost.resolve,
  });
  const beforeWrite = (): void => elector.assertLeading();
  const connection = connectTo(config, { clock, metrics: registry, connections, beforeWrite });
  const parts = createParts({ config, clock, log, elector, registry, connection });
  exposeLeader(registry, elector);
  const http = new HttpServer({
    address: config.metricsHost,
    port: config.metricsPort,
    metrics: registry,
    readiness: {
      leadership: () => elector.problem(),
      placement: () => (elector.leading && !parts.planned() ? 'no placement cycle was run yet' : undefined),
    },
    role: () => roleOf(elector.state),
    log,
  });
  return {
    lost: lost.promise,
    async start() {
      const { port } = await http.start();
      elector.start();
      return { metricsPort: port };
    },
    async stop() {
      stopping = true;
      await parts.stop();
      await elector.stop();
      await http.stop();
      await Promise.all([connection.close(), election.close()]);
    },
  };
}

function roleOf(state: LeaderState): string {
  if (state.kind === 'Leading') return `leader, transitions ${state.transitions}`;
  if (state.kind === 'Standby') return `standby, ${state.holder} leads`;
  return state.kind.toLowerCase();
}

interface PartsOptions extends AppOptions {
  readonly elector: LeaderElector;
  readonly registry: MetricRegistry;
  readonly connection: Connection;
}

/** All that works for a leader: events, reflectors, controllers. */
function createParts({ config, clock, log, elector, registry, connection }: PartsOptions) {
  const client = new LeaderClient(connection, elector);
  const base = { client, clock, log, metrics: registry };
  const reflectors = createReflectors(base, config.systemNamespace);
  const events = new EventRecorder({ client, controller: 'daris.dev/operator', instance: hostname(), clock, log });
  const leaderTransitions = (): number => elector.transitions;
  const controllers = createControllers({ ...base, config, reflectors, events, leaderTransitions });
  const { node, model, placement, profile, endpoint, policy } = controllers;
  const running = [node, model, placement, profile, endpoint, policy];
  return {
    planned: () => placement.planned,
    start() {
      events.start();
      for (const each of [...running, ...Object.values(reflectors)]) each.start();
    },
    async stop() {
      await Promise.all(running.map((each) => each.stop()));
      await events.stop(elector.leading ? stopEventsMs : 0);
      await Promise.all(Object.values(reflectors).map((each) => each.stop()));
    },
  };
}

/** @throws ConfigError where the kubeconfig, or the pod's service account, cannot be used */
function connectTo(config: Config, options: Omit<ConnectOptions, 'userAgent'>): Connection {
  const from = config.kubeconfig === undefined ? { inCluster: true } : { kubeconfigPath: config.kubeconfig };
  try {
    return connect({ ...from, userAgent: 'daris-operator', ...options });
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error;
    throw new ConfigError(`--kubeconfig: ${error.message}`, { cause: error });
  }
}

type Base = Pick<ReflectorOptions<KubeObject>, 'client' | 'clock' | 'log'> & { readonly metrics: MetricRegistry };

function createReflectors(base: Base, systemNamespace: string) {
  const reflect = <T extends KubeObject>(
    resource: Resource<T>,
    more: Pick<ReflectorOptions<T>, 'selection' | 'indexes'> = {},
  ): Reflector<T> => new Reflector({ ...base, resource, ...more });
  const owned = { selection: { labelSelector: `${managedByLabel}=${managedBy}` } };
  return {
    tasks: reflect(tasksResource, { indexes: { [byNode]: placedOn } }),
    models: reflect(modelsResource),
    profiles: reflect(profilesResource),
    gpuNodes: reflect(gpuNodesResource),
    policies: reflect(policiesResource),
    nodes: reflect(nodesResource),
    // The agents', not the operators' own.
    leases: reflect(leases, {
      selection: { namespace: systemNamespace, fieldSelector: `metadata.name!=${leaderLease}` },
    }),
    services: reflect(servicesResource, owned),
    slices: reflect(slicesResource, owned),
  };
}

interface Parts extends Base {
  readonly config: Config;
  readonly reflectors: ReturnType<typeof createReflectors>;
  readonly events: EventRecorder;
  readonly leaderTransitions: () => number;
}

function createControllers(parts: Parts) {
  const { client, clock, log, metrics: registry, config, reflectors, events, leaderTransitions } = parts;
  const metrics = new OperatorMetrics(registry);
  const watch = new LeaseWatch(clock, config.nodeLeaseMs);
  const nodes = new Nodes({
    gpuNodes: reflectors.gpuNodes.store,
    nodes: reflectors.nodes.store,
    policies: reflectors.policies.store,
    liveness: watch,
  });
  const tasks = new Latest(reflectors.tasks.store);
  const profiles = new Latest(reflectors.profiles.store);
  const endpoints = new EndpointBook();
  const base = { client, clock, log, registry, nodes, events, metrics, tasks };
  const placement = new PlacementController({
    ...base,
    reflectors,
    endpoints,
    leaderTransitions,
    profiles,
    needed: (needs) => profile.needed(needs),
  });
  const profile = new ProfileController({
    ...base,
    profiles,
    tasksOn: (node) => reflectors.tasks.store.byIndex(byNode, node),
    reflector: reflectors.profiles,
    reflectors,
  });
  const model = new ModelController({
    ...base,
    models: new Latest(reflectors.models.store),
    reflector: reflectors.models,
    gpuNodes: reflectors.gpuNodes,
    others: [reflectors.nodes, reflectors.leases],
  });
  const endpoint = new EndpointController({
    ...base,
    services: new Latest(reflectors.services.store),
    slices: new Latest(reflectors.slices.store),
    book: endpoints,
    refresh: (key) => placement.refresh(key),
    reflectors,
  });
  const policy = new PolicyController({
    ...base,
    policies: new Latest(reflectors.policies.store),
    gpuNodes: new Latest(reflectors.gpuNodes.store),
    reflectors,
  });
  const changed = (node: string): void => {
    placement.nodeChanged(node);
    model.nodeChanged();
  };
  const node = createNodeController({
    client,
    clock,
    log,
    metrics: registry,
    leases: reflectors.leases,
    watch,
    changed,
  });
  return { node, model, placement, profile, endpoint, policy };
}
