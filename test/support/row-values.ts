import { alignUp } from '../../src/runtime/buffers.js';
import type { BufferHandle } from '../../src/runtime/plan-builder.js';
import type { Rows } from '../../src/runtime/rows.js';
import type { OpRecorder, OpResults } from './run-op.js';
import { type Values, valuesOf } from './values.js';

type RowShape = Pick<Values, 'batch' | 'channels' | 'length'>;

function rowsIn(buffer: BufferHandle, { batch, channels, length }: RowShape): Rows {
  return { buffer, batch, length, channels, offset: 0, stride: alignUp(channels, 4) };
}

/** New rows that hold these values, padded with zeros. */
export function rowsOf(op: OpRecorder, values: Values): Rows {
  const stride = alignUp(values.channels, 4);
  const words = new Float32Array(values.batch * values.length * stride);
  valuesOf(values.batch, values.channels, values.length, (b, c, t) => {
    words[(b * values.length + t) * stride + c] = values.data[(b * values.channels + c) * values.length + t] as number;
    return 0;
  });
  return rowsIn(op.buffer('rows', words), values);
}

/** New rows that are read back under `name`: NaN where no op writes. */
export function rowsRead(op: OpRecorder, name: string, shape: RowShape): Rows {
  const words = new Float32Array(shape.batch * shape.length * alignUp(shape.channels, 4)).fill(NaN);
  const buffer = op.buffer(name, words);
  op.readWords(name, buffer);
  return rowsIn(buffer, shape);
}

/** What an op left in them. */
export function rowValues(results: OpResults, name: string, { batch, channels, length }: RowShape): Values {
  const words = new Float32Array(results.words(name).buffer);
  const stride = alignUp(channels, 4);
  return valuesOf(batch, channels, length, (b, c, t) => words[(b * length + t) * stride + c] as number);
}
