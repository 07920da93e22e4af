// Which changes of objects make a controller work: most are figures, which decide nothing.
import { isDeepStrictEqual } from 'node:util';

import type { Reflector } from '../../kube/reflector.ts';
import type { KubeObject, Stored } from '../../kube/resource.ts';

/** Calls `changed` with the key of each object that comes, goes, or has other inputs than before; answers how to end that. */
export function onInputsChanged<T extends KubeObject>(
  reflector: Reflector<T>,
  inputs: (object: Stored<T>) => unknown,
  changed: (key: string) => void,
): () => void {
  return reflector.subscribe((key, before, now) => {
    const same = before !== undefined && now !== undefined && isDeepStrictEqual(inputs(before), inputs(now));
    if (!same) changed(key);
  });
}
