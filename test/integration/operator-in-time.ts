// An operator inside the test's own process, by a clock that the test may hurry: what takes minutes of its time takes
// seconds. Everything else is real.
import { setTimeout as sleep } from 'node:timers/promises';

import { pino } from 'pino';

import { createApp, type App } from '../../operator/app.ts';
import { ConfigError, parseConfig } from '../../operator/config.ts';
import { FakeClock } from '../../kube/clock.ts';

/** The longest that anything lasts by its clock alone: nothing else of the test hurries with it. */
const patient = [
  '--node-lease-seconds=3600',
  '--leader-lease-seconds=3600',
  '--leader-renew-seconds=3000',
  '--leader-retry-seconds=1',
  // Watches find the server silent where time is hurried, and say so; they begin anew after their backoff.
  '--log-level=error',
];
const tickMs = 5;
/** Of its time within a tick: requests that are under way get their answers in between. */
const hurriedMs = 500;

export class OperatorInTime {
  readonly #clock = new FakeClock();
  readonly #app: App;
  readonly #ticking: Promise<void>;
  #port = 0;
  #aheadMs = 0;
  #stopped = false;

  private constructor(args: readonly string[]) {
    const config = parseConfig([...args, ...patient], {});
    if (config === 'help') throw new ConfigError('--help starts nothing');
    this.#app = createApp({ config, clock: this.#clock, log: pino({ level: config.logLevel }) });
    this.#ticking = this.#tick();
  }

  static async start(args: readonly string[]): Promise<OperatorInTime> {
    const operator = new OperatorInTime(args);
    operator.#port = (await operator.#app.start()).metricsPort;
    return operator;
  }

  /** Lets so much time pass, beside that which passes anyway. */
  async pass(ms: number): Promise<void> {
    this.#aheadMs += ms;
    while (this.#aheadMs > 0) await sleep(tickMs);
  }

  async stop(): Promise<void> {
    await this.#app.stop();
    this.#stopped = true;
    await this.#ticking;
  }

  async metric(name: string): Promise<number | undefined> {
    const answer = await fetch(`http://127.0.0.1:${this.#port}/metrics`, { signal: AbortSignal.timeout(5_000) });
    const line = (await answer.text()).split('\n').find((each) => each.startsWith(`${name} `));
    return line === undefined ? undefined : Number(line.slice(name.length + 1));
  }

  async #tick(): Promise<void> {
    let lastMs = performance.now();
    while (!this.#stopped) {
      await sleep(tickMs);
      const nowMs = performance.now();
      const hurryMs = Math.min(hurriedMs, this.#aheadMs);
      await this.#clock.advance(nowMs - lastMs + hurryMs);
      this.#aheadMs -= hurryMs;
      lastMs = nowMs;
    }
  }
}
