// Which kind of GPU is where, as one placement cycle sees it.
import { isDeepStrictEqual } from 'node:util';

import type { Place } from '../../placement/terms.ts';
import type { NodeView } from '../../nodes.ts';

export class GpuKinds {
  #byGpu = new Map<string, string>();
  #products: ReadonlyMap<string, string> = new Map();

  refresh(views: readonly NodeView[]): void {
    const gpus = views.flatMap(({ placement }) => placement.gpus.map((gpu) => ({ node: placement.name, ...gpu })));
    const divided = gpus.filter(({ kind }) => kind !== '');
    this.#byGpu = new Map(divided.map(({ node, uuid, kind }) => [`${node}/${uuid}`, kind]));
    const products = new Map(divided.map(({ kind, product }) => [kind, product]));
    if (!isDeepStrictEqual(products, this.#products)) this.#products = products;
  }

  /** Product of each kind; the same object for as long as there are the same kinds. */
  get products(): ReadonlyMap<string, string> {
    return this.#products;
  }

  /** Undefined where there is no such GPU, or it is not divided. */
  at({ node, gpu }: Pick<Place, 'node' | 'gpu'>): string | undefined {
    return this.#byGpu.get(`${node}/${gpu}`);
  }
}
