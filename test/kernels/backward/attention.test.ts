import { describe, it } from 'vitest';
import { probabilityCount, recordAttentionBackward, recordAttentionForward } from '../../../src/ops/backward/trained-attention.js';
import { channelRange } from '../../../src/runtime/tensor.js';
import { useTestDevice } from '../../support/device.js';
import { recordedMasks, withMasks } from '../../support/dropout.js';
import { attentionGradient } from '../../support/reference-token-gradients.js';
import { runOp } from '../../support/run-op.js';
import { expectClose, Normals, type Values } from '../../support/values.js';

const device = useTestDevice();
const TOLERANCE = { atol: 5e-6, rtol: 2e-6 };

interface Case {
  readonly batch: number;
  readonly heads: number;
  readonly headDim: number;
  readonly queries: number;
  readonly keys: number;
  readonly probability: number;
}

/** Cross-attention: q in a buffer of its own, k and v as channels of one, as are their gradients. */
async function run({ batch, heads, headDim, queries, keys, probability }: Case): Promise<void> {
  const width = heads * headDim;
  const normals = new Normals(queries * 31 + keys);
  const [q, dy] = [normals.values(batch, width, queries), normals.values(batch, width, queries)];
  const [k, v] = [normals.values(batch, width, keys), normals.values(batch, width, keys)];
  const masks = recordedMasks([{ name: 'p', elements: probabilityCount(batch, heads, queries, keys) }], probability);
  const results = await runOp(device(), (op) => {
    const dropout = withMasks(op, masks, probability);
    const [site] = dropout.sites;
    if (!site) throw new Error('no site');
    const [memory, dMemory] = [
      op.output('memory', batch, 2 * width, keys, 'tokens'),
      op.output('dMemory', batch, 2 * width, keys, 'tokens'),
    ];
    const [keyPart, valuePart] = [channelRange(memory, 0, width), channelRange(memory, width, width)];
    op.write(keyPart, k);
    op.write(valuePart, v);
    const y = op.output('y', batch, width, queries, 'tokens');
    const kept = recordAttentionForward(op.builder, 'test', {
      heads,
      q: op.input(q, 'tokens'),
      k: keyPart,
      v: valuePart,
      y,
      dropout,
      site,
    });
    const [dk, dv] = [channelRange(dMemory, 0, width), channelRange(dMemory, width, width)];
    recordAttentionBackward(op.builder, 'test', kept, {
      dy: op.input(dy, 'tokens'),
      dq: op.output('dq', batch, width, queries, 'tokens'),
      dk,
      dv,
    });
    op.read('dk', dk);
    op.read('dv', dv);
  });
  const mask = masks.get('p') as Uint8Array;
  const expected = attentionGradient({ q, k, v, dy }, heads, (b, head, i, j) => {
    const element = ((b * heads + head) * queries + i) * keys + j;
    return mask[element] === 1 ? 1 / (1 - probability) : 0;
  });
  for (const name of ['y', 'dq', 'dk', 'dv'] as const) expectClose(results.values(name), expected[name] satisfies Values, TOLERANCE, name);
}

describe('attention and its gradients', () => {
  it.each<Case>([
    { batch: 1, heads: 1, headDim: 1, queries: 1, keys: 1, probability: 0 },
    { batch: 2, heads: 3, headDim: 5, queries: 7, keys: 3, probability: 0 },
    { batch: 3, heads: 4, headDim: 10, queries: 17, keys: 18, probability: 0.1 },
    { batch: 1, heads: 2, headDim: 32, queries: 3, keys: 38, probability: 0.4 },
  ])('batch $batch, $heads heads of $headDim, $queries queries, $keys keys, dropout $probability', run);
});
