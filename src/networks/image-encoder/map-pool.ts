import { type FeatureMap, featureMap, mapElements } from '../../runtime/feature-map.js';
import type { BufferHandle, PlanBuilder } from '../../runtime/plan-builder.js';

/**
 * Buffers for maps that are read once or twice and then given back: a backbone would keep some hundred megabytes for large pictures
 * otherwise. A map has a buffer of just its size, since every reader binds the whole of it.
 */
export class MapPool {
  readonly #builder: PlanBuilder;
  readonly #free = new Map<number, BufferHandle[]>();

  constructor(builder: PlanBuilder) {
    this.#builder = builder;
  }

  take(label: string, shape: Omit<FeatureMap, 'buffer'>): FeatureMap {
    const buffer = this.#free.get(mapElements(shape) * 4)?.pop();
    return buffer ? { ...shape, buffer } : featureMap(this.#builder, label, shape);
  }

  /** The map will not be read any more. */
  giveBack({ buffer }: FeatureMap): void {
    const free = this.#free.get(buffer.bytes);
    if (free) free.push(buffer);
    else this.#free.set(buffer.bytes, [buffer]);
  }
}
