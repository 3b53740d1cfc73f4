import { channelsFirstValues, type FeatureMap, featureMap, mapElements, planes } from '../../src/runtime/feature-map.js';
import type { OpRecorder, OpResults } from './run-op.js';
import { type Values, valueAt, valuesOf } from './values.js';

/** Values of a map: `length` is height × width, row by row. */
export interface MapValues extends Values {
  readonly height: number;
  readonly width: number;
}

export function asMap(values: Values, height: number, width: number): MapValues {
  if (values.length !== height * width) throw new Error(`${values.length} values are no map of ${height}×${width}`);
  return { ...values, height, width };
}

export function mapOf(shape: Omit<FeatureMap, 'buffer'>, value: (b: number, c: number, row: number, column: number) => number): MapValues {
  const { batch, channels, height, width } = shape;
  const values = valuesOf(batch, channels, height * width, (b, c, p) => value(b, c, Math.floor(p / width), p % width));
  return asMap(values, height, width);
}

/** A new map that holds these values; channels past the last one are zeros. */
export function inputMap(op: OpRecorder, values: MapValues): FeatureMap {
  const { batch, channels, height, width } = values;
  const shape = { batch, channels, height, width };
  const words = new Float32Array(mapElements(shape));
  const pixels = height * width;
  for (let b = 0; b < batch; b++) {
    for (let c = 0; c < channels; c++) {
      for (let p = 0; p < pixels; p++) words[((b * planes(shape) + (c >> 2)) * pixels + p) * 4 + (c & 3)] = valueAt(values, b, c, p);
    }
  }
  return { ...shape, buffer: op.buffer('input map', words) };
}

/** A new map, read back under `name` after the run. Values that no op writes are read as NaN. */
export function outputMap(op: OpRecorder, name: string, shape: Omit<FeatureMap, 'buffer'>): FeatureMap {
  const map = { ...featureMap(op.builder, name, shape), buffer: op.buffer(name, new Float32Array(mapElements(shape)).fill(NaN)) };
  op.readWords(name, map.buffer);
  return map;
}

export function readMap(results: OpResults, name: string, shape: Omit<FeatureMap, 'buffer'>): MapValues {
  const { batch, channels, height, width } = shape;
  const data = Float64Array.from(channelsFirstValues(shape, new Float32Array(results.words(name).buffer)));
  return { batch, channels, length: height * width, height, width, data };
}
