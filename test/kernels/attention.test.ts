import { describe, it } from 'vitest';
import { recordAttention } from '../../src/ops/attention.js';
import { channelRange } from '../../src/runtime/tensor.js';
import { useTestDevice } from '../support/device.js';
import { attention } from '../support/reference.js';
import { runOp } from '../support/run-op.js';
import { expectClose, Normals, type Values, valueAt, valuesOf } from '../support/values.js';

const device = useTestDevice();

/** Channels [first, first + count) of values. */
function part(values: Values, first: number, count: number): Values {
  return valuesOf(values.batch, count, values.length, (b, c, t) => valueAt(values, b, first + c, t));
}

async function runSelf(qkv: Values, heads: number): Promise<{ actual: Values; expected: Values }> {
  const width = qkv.channels / 3;
  const results = await runOp(device(), (op) => {
    const x = op.input(qkv, 'tokens');
    const [q, k, v] = [channelRange(x, 0, width), channelRange(x, width, width), channelRange(x, 2 * width, width)];
    recordAttention(op.builder, { heads, q, k, v, y: op.output('y', qkv.batch, width, qkv.length, 'tokens') });
  });
  const expected = attention(part(qkv, 0, width), part(qkv, width, width), part(qkv, 2 * width, width), heads);
  return { actual: results.values('y'), expected };
}

async function runCross(q: Values, memory: Values, heads: number): Promise<{ actual: Values; expected: Values }> {
  const width = q.channels;
  const results = await runOp(device(), (op) => {
    const kv = op.input(memory, 'tokens');
    const y = op.output('y', q.batch, width, q.length, 'tokens');
    recordAttention(op.builder, { heads, q: op.input(q, 'tokens'), k: channelRange(kv, 0, width), v: channelRange(kv, width, width), y });
  });
  return { actual: results.values('y'), expected: attention(q, part(memory, 0, width), part(memory, width, width), heads) };
}

const TOLERANCE = { atol: 2e-6, rtol: 1e-6 };

describe('self-attention over one product with in_proj', () => {
  it.each([
    { tokens: 1, heads: 2, headDim: 10, batch: 1 },
    { tokens: 7, heads: 3, headDim: 5, batch: 2 },
    { tokens: 17, heads: 4, headDim: 10, batch: 3 },
    { tokens: 38, heads: 2, headDim: 32, batch: 2 },
  ])('$tokens tokens, $heads heads of $headDim, batch $batch', async ({ tokens, heads, headDim, batch }) => {
    const { actual, expected } = await runSelf(new Normals(tokens).values(batch, 3 * heads * headDim, tokens), heads);
    expectClose(actual, expected, TOLERANCE, 'y');
  });
});

describe('cross-attention over keys and values of another length', () => {
  it.each([
    { tokens: 16, keys: 1, heads: 2, headDim: 10, batch: 2 },
    { tokens: 3, keys: 38, heads: 1, headDim: 32, batch: 1 },
    { tokens: 5, keys: 19, heads: 4, headDim: 3, batch: 3 },
    { tokens: 1, keys: 300, heads: 1, headDim: 1, batch: 1 },
  ])('$tokens queries, $keys keys, $heads heads of $headDim, batch $batch', async ({ tokens, keys, heads, headDim, batch }) => {
    const normals = new Normals(keys);
    const q = normals.values(batch, heads * headDim, tokens);
    const memory = normals.values(batch, 2 * heads * headDim, keys);
    const { actual, expected } = await runCross(q, memory, heads);
    expectClose(actual, expected, TOLERANCE, 'y');
  });
});

describe('softmax at extreme logits', () => {
  const headDim = 4;

  it.each([1000, -1000])('logits up to ±1e3 and an offset of %i neither overflow nor vanish', async (offset) => {
    // Whole numbers: the products are exact in f32, so all that is left is the softmax.
    const normals = new Normals(11);
    const q = valuesOf(1, headDim, 3, (_b, c) => (c === 0 ? 20 : 1));
    const memory = valuesOf(1, 2 * headDim, 9, (_b, c, j) =>
      c >= headDim ? normals.next() : c === 0 ? offset / 10 : c === 1 && j % 3 === 0 ? 2 : Math.round(normals.next()),
    );
    const { actual, expected } = await runCross(q, memory, 1);
    expectClose(actual, expected, TOLERANCE, 'y');
  });

  it('one key far above the rest takes all the weight', async () => {
    const q = valuesOf(1, headDim, 2, () => 10);
    const memory = valuesOf(1, 2 * headDim, 5, (_b, c, j) => (c >= headDim ? j + c : j === 2 ? 50 : -50));
    const { actual, expected } = await runCross(q, memory, 1);
    expectClose(actual, expected, { atol: 0, rtol: 0 }, 'y');
  });
});
