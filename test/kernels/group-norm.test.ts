import { describe, expect, it } from 'vitest';
import { loadNorm, recordGroupNorm } from '../../src/ops/norm.js';
import { useTestDevice } from '../support/device.js';
import { groupNormMish } from '../support/reference.js';
import { runOp, type TensorOrder } from '../support/run-op.js';
import { expectClose, expectSameBits, Normals, sampleOf, type Tolerance, type Values, valueAt, valuesOf } from '../support/values.js';

const TOLERANCE: Tolerance = { atol: 3e-6, rtol: 2e-6 };

interface GroupNormCase {
  readonly channels: number;
  readonly groups: number;
  readonly length: number;
  readonly batch?: number;
  readonly residual?: boolean;
  readonly order?: TensorOrder;
}

/** The class of this adapter, where three columns have no kernel by fours, and the class that has one. */
const classes = [
  ['of this adapter', {}, 3],
  ['lavapipe', { deviceClass: 'lavapipe' }, 4],
] as const;

describe.each(classes)('device class %s', (_name, options, length) => {
  const device = useTestDevice(options);

  async function run(p: GroupNormCase, x: Values, seed = 1): Promise<{ actual: Values; expected: Values }> {
    const { channels, groups, length, batch = 1 } = p;
    const normals = new Normals(seed + 100);
    const gamma = normals.floats(channels);
    const beta = normals.floats(channels);
    const residual = normals.values(batch, channels, length);
    const results = await runOp(device(), async (op) => {
      const weights = await loadNorm(op.loader({ 'n.weight': gamma, 'n.bias': beta }), 'n', channels);
      recordGroupNorm(op.builder, weights, {
        x: op.input(x, p.order),
        y: op.output('y', batch, channels, length, p.order),
        groups,
        ...(p.residual ? { residual: op.input(residual, p.order === 'tokens' ? 'channels-first' : 'tokens') } : {}),
      });
    });
    const h = groupNormMish({ x, gamma, beta, groups });
    const expected = valuesOf(batch, channels, length, (b, c, t) => valueAt(h, b, c, t) + (p.residual ? valueAt(residual, b, c, t) : 0));
    return { actual: results.values('y'), expected };
  }

  describe('group norm with Mish', () => {
    it.each<GroupNormCase>([
      { channels: 10, groups: 2, length: 3 },
      { channels: 80, groups: 2, length: 16, batch: 2 },
      { channels: 7, groups: 7, length: 5, batch: 3 },
      { channels: 3, groups: 1, length: 1 },
      { channels: 15, groups: 3, length: 1, batch: 2 },
      { channels: 24, groups: 8, length: 64, batch: 2, residual: true },
      { channels: 60, groups: 2, length: 8, residual: true },
      { channels: 20, groups: 4, length: 7, residual: true, order: 'tokens' },
    ])('$channels channels in $groups groups, length $length', async (shape) => {
      const x = new Normals(shape.channels).values(shape.batch ?? 1, shape.channels, shape.length, 2);
      const { actual, expected } = await run(shape, x);
      expectClose(actual, expected, TOLERANCE, 'y');
    });

    it('small variations around a large mean survive: the variance takes two passes', async () => {
      const shape = { channels: 10, groups: 2, length: 16, batch: 2 };
      const normals = new Normals(3);
      const x = valuesOf(2, 10, 16, () => Math.fround(1000 + 0.05 * normals.next()));
      const { actual, expected } = await run(shape, x);
      // The sum of 80,000 is good to 8e-3, so the mean to a hundredth of the spread; E[x²] − E[x]² would be off by 1 and more.
      expectClose(actual, expected, { atol: 2e-2, rtol: 0 }, 'y');
    });

    it('a group of one value, and one without spread, end at beta: epsilon keeps the quotient finite', async () => {
      const one = { channels: 5, groups: 5, length: 1 };
      const single = await run(one, new Normals(4).values(1, 5, 1));
      expectClose(single.actual, single.expected, TOLERANCE, 'one value');
      const flat = await run(
        { channels: 6, groups: 2, length: 4 },
        valuesOf(1, 6, 4, () => 3.25),
      );
      expectClose(flat.actual, flat.expected, TOLERANCE, 'no spread');
      // Epsilon dominates: 1e-5 against a variance of 1e-6.
      const small = await run({ channels: 6, groups: 2, length: 4 }, new Normals(5).values(1, 6, 4, 1e-3));
      expectClose(small.actual, small.expected, TOLERANCE, 'small spread');
    });
  });

  describe('FiLM in group norm', () => {
    const batch = 2;
    const channels = 6;
    const groups = 2;
    const offset = 5;
    /** Rows of the table of timesteps are bound at dynamic offsets, 256 bytes apart here. */
    const rowStride = 64;

    it.each([true, false])("scale %s: row by timestep plus row by sample, at the block's offset", async (scale) => {
      const normals = new Normals(scale ? 7 : 8);
      const rowLength = offset + (scale ? 2 : 1) * channels + 2;
      const x = normals.values(batch, channels, length);
      const gamma = normals.floats(channels);
      const beta = normals.floats(channels);
      const timestepRows = normals.floats(3 * rowStride);
      const observationRows = normals.floats(batch * rowLength);
      const row = 2;
      const results = await runOp(
        device(),
        async (op) => {
          const weights = await loadNorm(op.loader({ 'n.weight': gamma, 'n.bias': beta }), 'n', channels);
          const film = {
            timestepRows: op.buffer('timestep rows', timestepRows),
            timestepRow: op.builder.offset('row'),
            rowBytes: rowLength * 4,
            observationRows: op.buffer('observation rows', observationRows),
            rowLength,
            offset,
            scale,
          };
          recordGroupNorm(op.builder, weights, { x: op.input(x), y: op.output('y', batch, channels, length), groups, film });
        },
        { steps: [{ row: row * rowStride * 4 }] },
      );
      const h = groupNormMish({ x, gamma, beta, groups });
      const film = (b: number, value: number): number =>
        (timestepRows[row * rowStride + offset + value] as number) + (observationRows[b * rowLength + offset + value] as number);
      const expected = valuesOf(batch, channels, length, (b, c, t) =>
        scale ? valueAt(h, b, c, t) * film(b, c) + film(b, channels + c) : valueAt(h, b, c, t) + film(b, c),
      );
      expectClose(results.values('y'), expected, TOLERANCE, 'y');
    });

    it.each([true, false])("scale %s: values of their own for every column, at the block's offset", async (scale) => {
      const normals = new Normals(scale ? 11 : 12);
      const rowLength = offset + (scale ? 2 : 1) * channels + 2;
      const x = normals.values(batch, channels, length);
      const gamma = normals.floats(channels);
      const beta = normals.floats(channels);
      const rows = normals.floats(batch * rowLength * length);
      const results = await runOp(device(), async (op) => {
        const weights = await loadNorm(op.loader({ 'n.weight': gamma, 'n.bias': beta }), 'n', channels);
        const film = { slotRows: op.buffer('slot rows', rows), rowLength, offset, scale };
        recordGroupNorm(op.builder, weights, { x: op.input(x), y: op.output('y', batch, channels, length), groups, film });
      });
      const h = groupNormMish({ x, gamma, beta, groups });
      const film = (b: number, value: number, t: number): number => rows[(b * rowLength + offset + value) * length + t] as number;
      const expected = valuesOf(batch, channels, length, (b, c, t) =>
        scale ? valueAt(h, b, c, t) * film(b, c, t) + film(b, channels + c, t) : valueAt(h, b, c, t) + film(b, c, t),
      );
      expectClose(results.values('y'), expected, TOLERANCE, 'y');
    });

    it('a probe holds the value before FiLM and changes nothing else', async () => {
      const normals = new Normals(9);
      const x = normals.values(batch, channels, length);
      const gamma = normals.floats(channels);
      const beta = normals.floats(channels);
      const rows = normals.floats(batch * 2 * channels);
      const results = await runOp(
        device(),
        async (op) => {
          const weights = await loadNorm(op.loader({ 'n.weight': gamma, 'n.bias': beta }), 'n', channels);
          const film = {
            timestepRows: op.buffer('zeros', new Float32Array(2 * channels)),
            timestepRow: op.builder.offset('row'),
            rowBytes: 8 * channels,
            observationRows: op.buffer('rows', rows),
            rowLength: 2 * channels,
            offset: 0,
            scale: true,
          };
          const input = op.input(x);
          recordGroupNorm(op.builder, weights, { x: input, y: op.output('plain', batch, channels, length), groups, film });
          recordGroupNorm(op.builder, weights, {
            x: input,
            y: op.output('probed', batch, channels, length),
            groups,
            film,
            probeName: 'inner',
          });
          const probe = op.builder.buffers.find(({ label }) => label === 'inner');
          if (!probe) throw new Error('no buffer was made for the probe');
          op.read('inner', { ...input, buffer: probe });
        },
        { probes: ['inner'] },
      );
      expectClose(results.values('inner'), groupNormMish({ x, gamma, beta, groups }), TOLERANCE, 'probe');
      expectSameBits(results.values('probed'), results.values('plain'), 'probed and plain output');
    });
  });
});

describe('group norm by fours', () => {
  const device = useTestDevice({ deviceClass: 'lavapipe' });

  it('of a batch that no uniform holds has the bits of each of its samples alone', async () => {
    const [batch, channels, length] = [3, 64, 128];
    const normals = new Normals(21);
    const [gamma, beta] = [normals.floats(channels), normals.floats(channels)];
    const [x, residual] = [normals.values(batch, channels, length, 2), normals.values(batch, channels, length)];
    const run = async (x: Values, residual: Values): Promise<{ y: Values; label: string | undefined }> => {
      let label: string | undefined;
      const results = await runOp(device(), async (op) => {
        const weights = await loadNorm(op.loader({ 'n.weight': gamma, 'n.bias': beta }), 'n', channels);
        const call = { x: op.input(x), y: op.output('y', x.batch, channels, length), groups: 4, residual: op.input(residual) };
        recordGroupNorm(op.builder, weights, call);
        label = op.builder.segments[0]?.dispatches[0]?.kernel.label;
      });
      return { y: results.values('y'), label };
    };
    const together = await run(x, residual);
    expect(together.label).toBe('group_norm by fours, x storage, residual storage');
    const h = groupNormMish({ x, gamma, beta, groups: 4 });
    const expected = valuesOf(batch, channels, length, (b, c, t) => valueAt(h, b, c, t) + valueAt(residual, b, c, t));
    expectClose(together.y, expected, TOLERANCE, 'y');
    for (let b = 0; b < batch; b++) {
      const alone = await run(sampleOf(x, b), sampleOf(residual, b));
      expect(alone.label).toBe('group_norm by fours, x uniform, residual uniform');
      expectSameBits(sampleOf(together.y, b), alone.y, `sample ${b}`);
    }
  });
});
