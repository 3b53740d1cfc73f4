import { recordShiftChunk } from '../../ops/sampling.js';
import type { Start } from './start.js';

/** The previous chunk moved by `rows` rows. */
export function shiftStart(rows: number): Start {
  return {
    kind: 'shift',
    rowWidth: 0,
    latentDim: 0,
    latentStd: 1,
    record: (builder, { history }, prediction) => recordShiftChunk(builder, history, rows, prediction),
  };
}
