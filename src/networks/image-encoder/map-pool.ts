import type { MapPlace } from '../../../kernels/lib/map-place.wgsl.js';
import { chooseMapPlace } from '../../ops/feature-maps.js';
import { type FeatureMap, featureMap, mapElements, placeOf } from '../../runtime/feature-map.js';
import type { BufferHandle, PlanBuilder } from '../../runtime/plan-builder.js';

/**
 * Buffers for maps that are read once or twice and then given back: a backbone would keep some hundred megabytes for large pictures
 * otherwise. A map has a buffer of just its size, since every reader binds the whole of it.
 */
export class MapPool {
  readonly #builder: PlanBuilder;
  readonly #free: Readonly<Record<MapPlace, Map<number, BufferHandle[]>>> = { buffer: new Map(), texture: new Map() };

  constructor(builder: PlanBuilder) {
    this.#builder = builder;
  }

  /** `place`: default where the device reads maps fastest. */
  take(label: string, shape: Omit<FeatureMap, 'buffer'>, place = chooseMapPlace(shape, this.#builder)): FeatureMap {
    const buffer = this.#free[place].get(mapElements(shape) * 4)?.pop();
    return buffer ? { ...shape, buffer } : featureMap(this.#builder, label, shape, place);
  }

  /** The map will not be read any more. */
  giveBack(map: FeatureMap): void {
    const { buffer } = map;
    const free = this.#free[placeOf(map)];
    const same = free.get(buffer.bytes);
    if (same) same.push(buffer);
    else free.set(buffer.bytes, [buffer]);
  }
}
