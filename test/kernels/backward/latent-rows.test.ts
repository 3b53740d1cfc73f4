import { describe, expect, it } from 'vitest';
import { recordLatentForward } from '../../../src/ops/backward/latents.js';
import { recordSpreadRows } from '../../../src/ops/backward/spread-rows.js';
import { useTestDevice } from '../../support/device.js';
import { runOp } from '../../support/run-op.js';
import { floatsOf, inputRows, outputRows } from '../../support/training-op.js';
import { expectClose, Normals, type Values, valueAt, valuesOf } from '../../support/values.js';

const device = useTestDevice();
const TOLERANCE = { atol: 1e-6, rtol: 1e-5 };
const BATCH = 67;

/** As many values as several workgroups have invocations, the last of them in part. */
const values = (seed: number, channels: number): Values => new Normals(seed).values(BATCH, channels, 1);

describe('the input of a decoder', () => {
  const [CONDITION, LATENTS] = [5, 4];

  it.each([
    ['exp', (raw: number) => Math.exp(Math.min(6, Math.max(-6, raw)))],
    ['softplus', (raw: number) => Math.min(10, Math.max(0.01, Math.log1p(Math.exp(raw))))],
  ] as const)('is the condition and a latent of every sample, its deviation by %s', async (deviation, spread) => {
    const [source, heads] = [values(1, CONDITION + 2), values(2, 2 * LATENTS)];
    const drawn = new Normals(3).floats(BATCH * LATENTS);
    const results = await runOp(device(), (op) => {
      recordLatentForward(op.builder, {
        deviation,
        source: inputRows(op, source),
        condition: CONDITION,
        heads: inputRows(op, heads),
        drawn: { buffer: op.buffer('drawn', drawn) },
        joined: outputRows(op, 'joined', BATCH, 1, CONDITION + LATENTS),
      });
    });
    const expected = valuesOf(BATCH, CONDITION + LATENTS, 1, (b, c) => {
      const latent = c - CONDITION;
      if (latent < 0) return valueAt(source, b, c, 0);
      return valueAt(heads, b, latent, 0) + spread(valueAt(heads, b, LATENTS + latent, 0)) * (drawn[b * LATENTS + latent] as number);
    });
    expectClose(results.values('joined'), expected, TOLERANCE, 'joined');
  });
});

describe('rows that are spread over places', () => {
  it('stand at every place from a channel on, and nothing else is written', async () => {
    const [PLACES, CHANNELS, FIRST] = [3, 4, 8];
    const [x, before] = [values(4, CHANNELS), new Normals(5).values(BATCH, 16, PLACES)];
    const results = await runOp(device(), (op) => {
      const into = inputRows(op, before);
      op.readWords('into', into.buffer);
      recordSpreadRows(op.builder, inputRows(op, x), into, FIRST);
    });
    const found = floatsOf(results.words('into'));
    for (let b = 0; b < BATCH; b++) {
      for (let t = 0; t < PLACES; t++) {
        const expected = Array.from({ length: 16 }, (_, c) => {
          const isSpread = c >= FIRST && c < FIRST + CHANNELS;
          return Math.fround(isSpread ? valueAt(x, b, c - FIRST, 0) : valueAt(before, b, c, t));
        });
        const row = (b * PLACES + t) * 16;
        expect([...found.subarray(row, row + 16)]).toEqual(expected);
      }
    }
  });
});
