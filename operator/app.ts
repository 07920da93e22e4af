// The operator as a whole: builds reflectors and controllers around one client, starts them, stops them in order.
import { hostname } from 'node:os';

import type { Logger } from 'pino';

import { KubeClient } from '../kube/client.ts';
import type { Clock } from '../kube/clock.ts';
import { connect, type Connection } from '../kube/connection.ts';
import { TerminalError } from '../kube/errors.ts';
import { EventRecorder } from '../kube/events.ts';
import { HttpServer } from '../kube/http.ts';
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
import { Latest } from './latest.ts';
import { OperatorMetrics } from './metrics.ts';
import { Nodes } from './nodes.ts';
import {
  gpuNodesResource,
  modelsResource,
  nodesResource,
  policiesResource,
  servicesResource,
  slicesResource,
  tasksResource,
} from './resources.ts';

export interface AppOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface App {
  /** Resolves when the operational endpoint listens; the rest starts as the API server answers. */
  start(): Promise<{ readonly metricsPort: number }>;
  /** Ends all work in hand and closes every connection. */
  stop(): Promise<void>;
}

const connections = 6;
const stopEventsMs = 1_000;

export function createApp({ config, clock, log }: AppOptions): App {
  const registry = new MetricRegistry();
  const connection = connectTo(config, clock, registry);
  const client = new KubeClient(connection);
  const base = { client, clock, log, metrics: registry };
  const reflectors = createReflectors(base, config.systemNamespace);
  const events = new EventRecorder({ client, controller: 'daris.dev/operator', instance: hostname(), clock, log });
  const controllers = createControllers({ ...base, config, reflectors, events });
  const http = new HttpServer({
    address: config.metricsHost,
    port: config.metricsPort,
    metrics: registry,
    readiness: { placement: () => (controllers.placement.planned ? undefined : 'no placement cycle was run yet') },
    log,
  });
  const running = [
    controllers.node,
    controllers.model,
    controllers.placement,
    controllers.endpoint,
    controllers.policy,
  ];
  return {
    async start() {
      const { port } = await http.start();
      events.start();
      for (const each of [...running, ...Object.values(reflectors)]) each.start();
      return { metricsPort: port };
    },
    async stop() {
      await Promise.all(running.map((each) => each.stop()));
      await events.stop(stopEventsMs);
      await Promise.all(Object.values(reflectors).map((each) => each.stop()));
      await http.stop();
      await connection.close();
    },
  };
}

/** @throws ConfigError where the kubeconfig, or the pod's service account, cannot be used */
function connectTo(config: Config, clock: Clock, metrics: MetricRegistry): Connection {
  const from = config.kubeconfig === undefined ? { inCluster: true } : { kubeconfigPath: config.kubeconfig };
  try {
    return connect({ ...from, userAgent: 'daris-operator', connections, clock, metrics });
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
    gpuNodes: reflect(gpuNodesResource),
    policies: reflect(policiesResource),
    nodes: reflect(nodesResource),
    leases: reflect(leases, { selection: { namespace: systemNamespace } }),
    services: reflect(servicesResource, owned),
    slices: reflect(slicesResource, owned),
  };
}

interface Parts extends Base {
  readonly config: Config;
  readonly reflectors: ReturnType<typeof createReflectors>;
  readonly events: EventRecorder;
}

function createControllers({ client, clock, log, metrics: registry, config, reflectors, events }: Parts) {
  const metrics = new OperatorMetrics(registry);
  const watch = new LeaseWatch(clock, config.nodeLeaseMs);
  const nodes = new Nodes({
    gpuNodes: reflectors.gpuNodes.store,
    nodes: reflectors.nodes.store,
    policies: reflectors.policies.store,
    liveness: watch,
  });
  const tasks = new Latest(reflectors.tasks.store);
  const endpoints = new EndpointBook();
  const base = { client, clock, log, registry, nodes, events, metrics, tasks };
  const placement = new PlacementController({ ...base, reflectors, endpoints });
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
  return { node, model, placement, endpoint, policy };
}
