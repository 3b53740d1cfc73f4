import { recordShiftChunk } from '../../ops/sampling.js';
import type { Start } from './start.js';

/** The previous chunk moved by `rows` rows. */
export function shiftStart(rows: number): Start {
  return { kind: 'shift', record: (builder, history, _frames, prediction) => recordShiftChunk(builder, history, rows, prediction) };
}
