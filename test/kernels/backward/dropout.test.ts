import { describe, expect, it } from 'vitest';
import {
  type DropoutDraw,
  dropoutWords,
  maskWords,
  packMasks,
  planDropout,
  recordDrawMasks,
  siteTable,
} from '../../../src/ops/backward/dropout.js';
import { PlanBuilder } from '../../../src/runtime/plan-builder.js';
import { useTestDevice } from '../../support/device.js';
import { isKept } from '../../support/dropout.js';
import { runOp } from '../../support/run-op.js';

const device = useTestDevice();
const SITES = [
  { name: 'a', elements: 70 },
  { name: 'b', elements: 1 },
  { name: 'c', elements: 4096 },
];

async function draw(key: DropoutDraw): Promise<Uint32Array> {
  const results = await runOp(device(), (op) => {
    const plan = planDropout(op.builder, SITES);
    const masks = op.buffer('masks', new Uint32Array(plan.masks.bytes / 4));
    recordDrawMasks(op.builder, {
      ...plan,
      masks,
      uniform: op.buffer('dropout', dropoutWords(key)),
      table: op.buffer('sites', siteTable(plan)),
    });
    op.readWords('masks', masks);
  });
  return results.words('masks');
}

function keptBits(words: Uint32Array): boolean[][] {
  let first = 0;
  return SITES.map(({ elements }) => {
    const bits = Array.from({ length: elements }, (_, e) => (((words[first + (e >> 5)] as number) >>> (e & 31)) & 1) === 1);
    first += maskWords(elements);
    return bits;
  });
}

describe('dropout masks drawn on the device', () => {
  it.each([
    { probability: 0.1, seed: 7, step: 3 },
    { probability: 0.5, seed: 2 ** 40 + 5, step: 2 ** 31 + 1 },
  ])('are those of the generator on the host: $probability, seed $seed, step $step', async (key) => {
    const found = keptBits(await draw(key));
    const expected = SITES.map(({ elements }, site) => Array.from({ length: elements }, (_, e) => isKept(key, site, e)));
    expect(found).toEqual(expected);
  });

  it('keep the share that the probability says, and differ between steps', async () => {
    const key = { probability: 0.1, seed: 1, step: 0 };
    const [, , kept = []] = keptBits(await draw(key));
    const share = kept.filter((bit) => bit).length / kept.length;
    expect(Math.abs(share - 0.9)).toBeLessThan(0.02);
    expect(keptBits(await draw({ ...key, step: 1 }))).not.toEqual(keptBits(await draw(key)));
  });

  it('keep everything where the probability is 0', async () => {
    const words = await draw({ probability: 0 });
    expect(keptBits(words).flat()).not.toContain(false);
    expect(new Float32Array(dropoutWords({ probability: 0 }).buffer)[4]).toBe(1);
  });
});

describe('recorded masks', () => {
  it('are left as the host wrote them', async () => {
    expect(new Set(await draw({ probability: 0.5, recorded: true }))).toEqual(new Set([0]));
  });

  it('are refused where one is missing or of another size', () => {
    const plan = planDropout(new PlanBuilder('software'), SITES);
    const masks = new Map(SITES.map(({ name, elements }) => [name, new Uint8Array(elements)]));
    expect(packMasks(plan, masks)).toEqual(new Uint32Array(plan.masks.bytes / 4));
    expect(() => packMasks(plan, new Map([...masks, ['b', new Uint8Array(2)]]))).toThrow('dropout mask "b": expected 1 values, found 2');
    masks.delete('c');
    expect(() => packMasks(plan, masks)).toThrow('dropout mask "c": expected 4096 values, found none');
  });
});
