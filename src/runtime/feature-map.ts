import type { MapPlace } from '../../kernels/lib/map-place.wgsl.js';
import type { BufferHandle, PlanBuilder } from './plan-builder.js';

/**
 * Activations with two sides: vec4f [batch][⌈channels / 4⌉][height][width], four channels of a pixel side by side. Channels
 * past the last one are zeros where a convolution reads them. Its buffer may be a texture, where all who read and write it can do that.
 */
export interface FeatureMap {
  readonly buffer: BufferHandle;
  readonly batch: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** Groups of four channels. */
export function planes({ channels }: Pick<FeatureMap, 'channels'>): number {
  return Math.ceil(channels / 4);
}

/** Elements of a map in its buffer, padding channels included. */
export function mapElements(map: Omit<FeatureMap, 'buffer'>): number {
  return map.batch * planes(map) * 4 * map.height * map.width;
}

/** A new buffer for a map, or a texture. */
export function featureMap(builder: PlanBuilder, label: string, shape: Omit<FeatureMap, 'buffer'>, place: MapPlace = 'buffer'): FeatureMap {
  return { ...shape, buffer: builder[place](label, mapElements(shape) * 4) };
}

/** What holds a map. */
export function placeOf({ buffer }: Pick<FeatureMap, 'buffer'>): MapPlace {
  return buffer.texture ? 'texture' : 'buffer';
}

/** The values of a map's buffer in the order [batch][channels][height][width], without the padding. */
export function channelsFirstValues(shape: Omit<FeatureMap, 'buffer'>, values: Float32Array): Float32Array {
  const { batch, channels, height, width } = shape;
  const pixels = height * width;
  const out = new Float32Array(batch * channels * pixels);
  for (let b = 0; b < batch; b++) {
    for (let c = 0; c < channels; c++) {
      const from = (b * planes(shape) + (c >> 2)) * pixels * 4 + (c & 3);
      const to = (b * channels + c) * pixels;
      for (let pixel = 0; pixel < pixels; pixel++) out[to + pixel] = values[from + 4 * pixel] as number;
    }
  }
  return out;
}
