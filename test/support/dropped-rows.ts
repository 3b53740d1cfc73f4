import { recordDroppedRows, recordDroppedRowsGradient } from '../../src/ops/backward/dropped-rows.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import { newRows, type Rows, rowChannels, rowsTensor } from '../../src/runtime/rows.js';
import { recordedMasks, withMasks } from './dropout.js';
import { type OpRecorder, runOp } from './run-op.js';
import { inputRows } from './training-op.js';
import { expectClose, Normals, type Values, valueAt, valuesOf } from './values.js';

const PROBABILITY = 0.3;
const TOLERANCE = { atol: 1e-6, rtol: 2e-6 };
const [BATCH, LENGTH, CHANNELS, OFFSET] = [3, 5, 12, 8];

/** Dropout of rows and the FiLM behind it, forwards and backwards, against plain loops in float64; rows lie among others. */
export async function checkDroppedRows(device: ComputeDevice, kind: 'none' | 'bias' | 'scale-bias'): Promise<void> {
  const normals = new Normals(8);
  const [x, dy] = [normals.values(BATCH, CHANNELS, LENGTH), normals.values(BATCH, CHANNELS, LENGTH)];
  const width = OFFSET + 2 * CHANNELS + 4;
  const values = normals.values(BATCH, width, 1);
  const masks = recordedMasks(
    [
      { name: 'first', elements: 33 },
      { name: 'site', elements: x.data.length },
    ],
    PROBABILITY,
  );
  const results = await runOp(device, (op) => {
    const { builder } = op;
    const dropout = withMasks(op, masks, PROBABILITY);
    const [, site] = dropout.sites;
    if (!site) throw new Error('no site');
    const gradients = newRows(builder, 'dfilm', BATCH, 1, width);
    op.read('dfilm', rowsTensor(gradients));
    const film = kind === 'none' ? undefined : { kind, rows: inputRows(op, values), gradients, offset: OFFSET };
    const call = { x: inputRows(op, x), film, dropout, site };
    recordDroppedRows(builder, { ...call, y: among(op, 'y') });
    if (film) recordDroppedRowsGradient(builder, { ...call, film, dy: inputRows(op, dy), dx: among(op, 'dx') });
  });
  const mask = masks.get('site') as Uint8Array;
  const kept = (b: number, c: number, t: number): number =>
    mask[(b * LENGTH + t) * CHANNELS + c] === 1 ? valueAt(x, b, c, t) / (1 - PROBABILITY) : 0;
  const scale = (b: number, c: number): number => (kind === 'scale-bias' ? valueAt(values, b, OFFSET + c, 0) : 1);
  const shift = (b: number, c: number): number =>
    kind === 'none' ? 0 : valueAt(values, b, OFFSET + c + (kind === 'bias' ? 0 : CHANNELS), 0);
  const of = (value: (b: number, c: number, t: number) => number): Values => valuesOf(BATCH, CHANNELS, LENGTH, value);
  expectClose(
    results.values('y'),
    of((b, c, t) => kept(b, c, t) * scale(b, c) + shift(b, c)),
    TOLERANCE,
    'y',
  );
  if (kind === 'none') return;
  const factor = (b: number, c: number, t: number): number => (mask[(b * LENGTH + t) * CHANNELS + c] === 1 ? 1 / (1 - PROBABILITY) : 0);
  expectClose(
    results.values('dx'),
    of((b, c, t) => factor(b, c, t) * scale(b, c) * valueAt(dy, b, c, t)),
    TOLERANCE,
    'dx',
  );
  const sum = (value: (t: number) => number): number =>
    Array.from({ length: LENGTH }, (_, t) => value(t)).reduce((all, one) => all + one, 0);
  const ofScale = (b: number, c: number): number => sum((t) => valueAt(dy, b, c, t) * kept(b, c, t));
  const ofShift = (b: number, c: number): number => sum((t) => valueAt(dy, b, c, t));
  const found = results.values('dfilm');
  const own = kind === 'bias' ? CHANNELS : 2 * CHANNELS;
  expectClose(
    valuesOf(BATCH, own, 1, (b, j) => valueAt(found, b, OFFSET + j, 0)),
    valuesOf(BATCH, own, 1, (b, j) => (kind === 'bias' ? ofShift(b, j) : j < CHANNELS ? ofScale(b, j) : ofShift(b, j - CHANNELS))),
    TOLERANCE,
    'dfilm',
  );
}

/** Rows in the middle of wider ones, read back. */
function among(op: OpRecorder, name: string): Rows {
  const rows = rowChannels(newRows(op.builder, name, BATCH, LENGTH, CHANNELS + 8), 4, CHANNELS);
  op.read(name, rowsTensor(rows));
  return rows;
}
