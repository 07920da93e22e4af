// One GPU of a snapshot with its contexts.
import { compareContexts, ContextState } from './context-state.ts';
import { GpuBook, type GpuPosition } from './gpu-book.ts';

export class GpuState extends GpuBook {
  /** By index. */
  readonly contexts: readonly ContextState[];

  constructor(position: GpuPosition) {
    super(position);
    const contexts = this.gpu.contexts.toSorted((a, b) => a.index - b.index);
    this.contexts = contexts.map((context) => new ContextState(this, context));
  }

  /** The least utilized of its contexts that is accepted. */
  least(accepts: (context: ContextState) => boolean): ContextState | undefined {
    let best: ContextState | undefined;
    for (const context of this.contexts) {
      if ((best === undefined || compareContexts(context, best) < 0) && accepts(context)) best = context;
    }
    return best;
  }
}
