// What the endpoint controller knows of each task's Service, for the one writer of task statuses.
import { isDeepStrictEqual } from 'node:util';

import type { EndpointFacts } from '../placement/decide.ts';

interface Entry {
  readonly uid: string;
  readonly facts: EndpointFacts;
}

export class EndpointBook {
  readonly #entries = new Map<string, Entry>();

  /** Undefined until the controller has looked at this very task. */
  get(key: string, uid: string): EndpointFacts | undefined {
    const entry = this.#entries.get(key);
    return entry?.uid === uid ? entry.facts : undefined;
  }

  /** True where that is news. */
  set(key: string, uid: string, facts: EndpointFacts): boolean {
    const before = this.get(key, uid);
    this.#entries.set(key, { uid, facts });
    return !isDeepStrictEqual(before, facts);
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }
}
