// Scrapes all parts of the stack as a Prometheus would while the acts are played, of the metrics that the alerts ask for,
// and keeps the samples where the tests of the alerts can have them.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { allRules, metricsIn } from '../chart/rules.ts';
import { Recording, samplesOf, upOf, type Samples, type Target } from './recording.ts';

export const intervalSeconds = 5;
const timeoutMs = 2000;

export interface Scraped extends Target {
  /** Undefined while it is not there at all. */
  readonly port: number | undefined;
}

/** `from` and `to` count scrapes. */
interface RecordedAct {
  readonly title: string;
  readonly from: number;
  to: number;
}

const asked = new Set(allRules.flatMap(({ expr }) => metricsIn(expr)));

async function scrape({ port, ...target }: Scraped): Promise<Samples> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(timeoutMs) });
    const samples = samplesOf(await answer.text(), target, (metric) => asked.has(metric));
    return new Map([...samples, ...upOf(target, answer.ok)]);
  } catch {
    return upOf(target, false);
  }
}

export class Recorder {
  private readonly targets: () => readonly Scraped[];
  private readonly recording = new Recording();
  private readonly acts: RecordedAct[] = [];
  private readonly ending = new AbortController();
  private done: Promise<void> = Promise.resolve();

  /** `targets` is asked before each scrape. */
  constructor(targets: () => readonly Scraped[]) {
    this.targets = targets;
  }

  start(): void {
    this.done = this.scrapeAll();
  }

  act(title: string): void {
    this.acts.push({ title, from: this.recording.scrapes, to: this.recording.scrapes });
  }

  async stop(): Promise<void> {
    this.ending.abort();
    await this.done;
  }

  write(file: string): void {
    const { acts } = this;
    for (const [index, act] of acts.entries()) act.to = acts[index + 1]?.from ?? this.recording.scrapes;
    const content = { intervalSeconds, scrapes: this.recording.scrapes, acts, series: this.recording.values() };
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`);
  }

  /** On a grid of its own, so that no scrape moves the next one. */
  private async scrapeAll(): Promise<void> {
    const { signal } = this.ending;
    const started = performance.now();
    for (let count = 1; !signal.aborted; count += 1) {
      const all = await Promise.all(this.targets().map((target) => scrape(target)));
      this.recording.add(new Map(all.flatMap((samples) => [...samples])));
      const nextMs = started + count * intervalSeconds * 1000 - performance.now();
      await delay(Math.max(0, nextMs), undefined, { signal }).catch(() => undefined);
    }
  }
}
