import type { Observation, ObservationValue } from '../observations/frame.js';
import type { RawImage } from '../observations/picture.js';
import type { GoldenCase } from './golden-case.js';

/**
 * The observations under a prefix of a case, e.g. `ticks.input.observation.`: one for each row of their tensors. Images are U8
 * [rows][…][3][height][width].
 */
export async function recordedObservations(golden: GoldenCase, prefix: string): Promise<Observation[]> {
  const rows: Record<string, ObservationValue>[] = [];
  for (const name of golden.names(prefix)) {
    const values = await recordedRows(golden, prefix + name);
    values.forEach((value, row) => ((rows[row] ??= {})[`observation.${name}`] = value));
  }
  return rows;
}

async function recordedRows(golden: GoldenCase, name: string): Promise<ObservationValue[]> {
  const shape = golden.shape(name);
  const [count = 0] = shape;
  if (!golden.isBytes(name)) return slices(await golden.values(name), count);
  const [height = 0, width = 0] = shape.slice(-2);
  const image = (data: Uint8Array): RawImage => ({ data, height, width, layout: 'chw' });
  const rows = slices(await golden.bytes(name), count);
  // [row][frame][3][height][width], or without frames.
  const frames = shape.length === 5 ? (shape[1] as number) : undefined;
  return rows.map((row) => (frames === undefined ? image(row) : slices(row, frames).map(image)));
}

function slices<T extends Float32Array | Uint8Array>(values: T, count: number): T[] {
  const size = values.length / Math.max(1, count);
  return Array.from({ length: count }, (_, row) => values.slice(row * size, (row + 1) * size) as T);
}
