import { expect, test } from '@jest/globals';

import { freePorts } from './ports.ts';
import { waitFor } from './wait.ts';

function refuse(): Promise<never> {
  return Promise.reject(new Error('connection refused'));
}

test('answers as soon as the probe does, past its failures', async () => {
  let calls = 0;
  const probe = (): number | undefined => {
    calls += 1;
    if (calls === 1) throw new Error('not yet');
    return calls === 3 ? calls : undefined;
  };
  await expect(waitFor(probe, { what: 'three calls', timeoutMs: 10_000, intervalMs: 1 })).resolves.toBe(3);
});

test('the error at the deadline names what was awaited and the last obstacle', async () => {
  await expect(waitFor(refuse, { what: 'a server', timeoutMs: 0 })).rejects.toThrow(
    'timed out after 0 s waiting for a server: connection refused',
  );
});

test('an abort ends the wait', async () => {
  const signal = AbortSignal.abort(new Error('interrupted'));
  await expect(waitFor(() => undefined, { what: 'nothing', timeoutMs: 60_000, signal })).rejects.toThrow('interrupted');
});

test('ports are distinct', async () => {
  const ports = await freePorts(20);
  expect(new Set(ports).size).toBe(20);
});
