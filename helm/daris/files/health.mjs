// Asks each pod behind two headless Services for its metrics; ends with 1 where the system is not well.
import { lookup } from 'node:dns/promises';

const deadline = Date.now() + Number(process.env.TIMEOUT_SECONDS ?? 60) * 1000;

/** The value of a metric without labels in every pod of a Service; none where the Service has no pod. */
async function valuesOf(metric, service) {
  const { hostname, port } = new URL(service);
  const pods = await lookup(hostname, { all: true }).catch(() => []);
  return Promise.all(
    pods.map(async ({ address, family }) => {
      const host = family === 6 ? `[${address}]` : address;
      const answer = await fetch(`http://${host}:${port}/metrics`, { signal: AbortSignal.timeout(5000) });
      const line = (await answer.text()).split('\n').find((text) => text.startsWith(`${metric} `));
      return Number(line?.split(' ')[1]);
    }),
  );
}

async function problem() {
  const leaders = await valuesOf('daris_leader', process.env.OPERATORS);
  const leading = leaders.filter((value) => value === 1).length;
  if (leading !== 1) return `${leading} of ${leaders.length} operators lead, expected 1`;
  const runtimes = await valuesOf('daris_runtime_up', process.env.AGENTS);
  const up = runtimes.filter((value) => value === 1).length;
  if (up !== runtimes.length) return `${runtimes.length - up} of ${runtimes.length} agents are without their runtime`;
  console.log(`1 of ${leaders.length} operators leads, ${up} agents have their runtime`);
  return undefined;
}

let found = 'nothing was asked yet';
while (found !== undefined && Date.now() < deadline) {
  found = await problem().catch((error) => `${error.message}: ${error.cause?.message ?? 'no cause'}`);
  if (found !== undefined) await new Promise((resolve) => setTimeout(resolve, 1000));
}
if (found !== undefined) {
  console.error(found);
  process.exitCode = 1;
}
