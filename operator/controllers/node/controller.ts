// Watches the agents' Leases. A node whose Lease stands still too long is lost, once a read of our own confirms it.
import type { KubeClient } from '../../../kube/client.ts';
import type { Clock } from '../../../kube/clock.ts';
import { Controller, done, requeueAfter, type Outcome } from '../../../kube/controller.ts';
import { isNotFound } from '../../../kube/errors.ts';
import { leases, type Lease } from '../../../kube/lease.ts';
import type { MetricRegistry } from '../../../kube/metrics.ts';
import type { Reflector } from '../../../kube/reflector.ts';
import { refOf } from '../../../kube/resource.ts';
import type { Logger } from 'pino';
import type { LeaseWatch } from './lease-watch.ts';

export interface NodeControllerOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: MetricRegistry;
  readonly leases: Reflector<Lease>;
  readonly watch: LeaseWatch;
  /** Called when a node is lost, or back. */
  readonly changed: (node: string) => void;
}

export function createNodeController(options: NodeControllerOptions): Controller {
  const { clock, log, metrics } = options;
  const reconcile = (key: string, signal: AbortSignal): Promise<Outcome> => reconcileLease(options, key, signal);
  // Noted as it comes, not by way of the queue: once the reflector is synced, all that live are known to live.
  options.leases.subscribe((key, _before, now) => noteLease(options, refOf(key).name, now));
  return new Controller({ name: 'node', reconcile, clock, log, metrics }).watch(options.leases);
}

function noteLease({ watch, changed }: NodeControllerOptions, node: string, lease: Lease | undefined): void {
  if (lease === undefined) watch.forget(node);
  if (lease === undefined || watch.observe(node, lease)) changed(node);
}

async function reconcileLease(options: NodeControllerOptions, key: string, signal: AbortSignal): Promise<Outcome> {
  const { watch, changed } = options;
  const { name } = refOf(key);
  const lease = options.leases.store.get(key);
  if (lease === undefined) return done;
  const remainingMs = watch.remainingMs(name);
  if (remainingMs === undefined) return done;
  if (remainingMs > 0) return requeueAfter(remainingMs);
  if (await stillStands(options, key, lease, signal)) {
    if (watch.suspect(name)) return requeueAfter(watch.remainingMs(name) ?? 0);
    watch.declareLost(name);
    options.log.warn({ node: name }, 'node lost: its agent does not renew its Lease');
    changed(name);
    return done;
  }
  watch.excuse(name);
  return requeueAfter(watch.remainingMs(name) ?? 0);
}

/** A watch that lags, or a server that does not answer, proves nothing about the node. */
async function stillStands(
  options: NodeControllerOptions,
  key: string,
  seen: Lease,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const now = await options.client.get(leases, refOf(key), { signal });
    return now.spec?.renewTime === seen.spec?.renewTime;
  } catch (err) {
    if (isNotFound(err)) return true;
    options.log.warn({ lease: key, err }, 'cannot read the Lease of a silent node, its time starts anew');
    return false;
  }
}
