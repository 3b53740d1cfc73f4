import { describe, expect, it } from 'vitest';
import { conv2dTiledKernel } from '../../kernels/conv/conv2d-tiled.wgsl.js';
import { LARGE_TILE, SMALL_TILE } from '../../src/ops/conv2d-variants.js';
import { isTile } from '../../src/runtime/tuned-conv2d.js';
import { candidateConv2dCuts, candidateTilings, fits, fitsShape, tableLists } from '../../src/tuning/candidates.js';
import { disagreement, holdContest } from '../../src/tuning/contest.js';
import { loadTunableEncoder, loadTunableNetwork, type RecordedConvolution } from '../../src/tuning/record-network.js';
import { chooseVariant } from '../../src/tuning/tune.js';
import { openTestDevice } from '../support/device.js';

describe('candidates', () => {
  it('stay within a workgroup and a shape', () => {
    for (const { lanes, slices } of candidateTilings('gpu'))
      expect(fitsShape({ lanes, slices }, { inChannels: 512, outChannels: 512 })).toBe(lanes * slices <= 256);
    expect(fitsShape({ lanes: 8, slices: 16 }, { inChannels: 10, outChannels: 512 })).toBe(false);
    expect(candidateTilings('lavapipe')).toContainEqual({ lanes: 16, slices: 1 });
  });

  it('of pictures are tiles on GPUs, the shipped ones among them, and numbers of pixels on software drivers', () => {
    const tiles = candidateConv2dCuts('gpu');
    expect(tiles).toContainEqual(SMALL_TILE);
    expect(tiles).toContainEqual(LARGE_TILE);
    expect(new Set(tiles.map((tile) => JSON.stringify(tile))).size).toBe(tiles.length);
    expect(tiles.length).toBeGreaterThan(8);
    // Every one of them is a text that the kernel can be written for.
    for (const tile of tiles) {
      if (!isTile(tile)) throw new TypeError('expected a tile');
      expect(() => conv2dTiledKernel({ storage: 'f32', bias: false, residual: false, relu: false, tile, split: false })).not.toThrow();
    }
    expect(candidateConv2dCuts('software')).toContainEqual({ pixels: 16 });
  });

  it('are for one kind of convolution', () => {
    const [in1d, in2d] = ['conv1d 64x64 k5 s1 16->16 f32', 'conv2d 64x64 k3 s1 p1 21x21->21x21 f32'];
    expect([fits({ lanes: 8, slices: 4 }, in1d), fits({ lanes: 8, slices: 4 }, in2d)]).toEqual([true, false]);
    expect([fits(LARGE_TILE, in1d), fits(LARGE_TILE, in2d), fits({ pixels: 24 }, in2d)]).toEqual([false, true, true]);
    // 32 channels are one block of eight lanes.
    expect(fits(LARGE_TILE, 'conv2d 512x32 k1 s1 p0 3x3->3x3 f32')).toBe(false);
    expect(tableLists({ [in1d]: { lanes: 8, slices: 4 }, [in2d]: { pixels: 24 } })).toEqual({
      convolutions: { [in1d]: { lanes: 8, slices: 4 } },
      convolutions2d: { [in2d]: { pixels: 24 } },
    });
    expect(tableLists({})).toEqual({ convolutions: {} });
  });
});

describe('the choice', () => {
  const candidate = { cut: { lanes: 16, slices: 8 }, spread: 0 };
  it('takes the fastest that wins by more than 3 %', () => {
    const { chosen, chosenMs } = chooseVariant('key', 2, { ms: 1, spread: 0.01 }, [
      { ...candidate, ms: 0.9 },
      { ...candidate, cut: { lanes: 32, slices: 8 }, ms: 0.8 },
    ]);
    expect([chosen, chosenMs]).toEqual([{ lanes: 32, slices: 8 }, 0.8]);
    expect(chooseVariant('key', 2, { ms: 1, spread: 0.01 }, [{ ...candidate, ms: 0.98 }])).toMatchObject({
      chosen: undefined,
      chosenMs: 1,
    });
  });

  it('leaves the shipped variant where the gain is within its noise, or a faster one was dropped', () => {
    expect(chooseVariant('key', 2, { ms: 1, spread: 0.15 }, [{ ...candidate, ms: 0.9 }]).chosen).toBeUndefined();
    expect(chooseVariant('key', 2, { ms: 1, spread: 0 }, [{ ...candidate, ms: undefined, dropped: 'wrong' }]).chosen).toBeUndefined();
  });
});

describe('correctness', () => {
  it('is agreement up to the order of sums', () => {
    const reference = [Float32Array.of(1, -8)];
    expect(disagreement(reference, [Float32Array.of(1.00005, -8)])).toBeUndefined();
    expect(disagreement(reference, [Float32Array.of(1.001, -8)])).toMatch(/computes 1\.00\d+ where the shipped variant has 1/);
    expect(disagreement(reference, [Float32Array.of(Number.NaN, -8)])).toContain('computes NaN');
    expect(disagreement([Float32Array.of(0, 0)], [Float32Array.of(0, 0)])).toContain('nothing that could be compared');
  });

  it('convolutions of a picture keep their bits however they are cut, and a cut that is wrong is dropped', async () => {
    // 36 pixels in tiles of at most 16 are tiles of 12: these begin one too far.
    const device = await openTestDevice({
      transformShader: ({ label, code }) =>
        label.startsWith('conv2d lanes 12 ') ? code.replace('workgroup.y * PIXELS', 'workgroup.y * PIXELS + 1u') : code,
    });
    const picture = { height: 24, width: 24, norm: 'group' } as const;
    const network = await loadTunableEncoder(device, { picture, precision: 'f16' });
    try {
      const key = 'conv2d 64x64 k3 s1 p1 6x6->6x6 f16';
      const cut = (pixels: number): RecordedConvolution => {
        const variants = { version: 1, adapter: '', convolutions: {}, convolutions2d: { [key]: { pixels } } } as const;
        const found = network
          .record({ deviceClass: 'software', subgroupSize: device.subgroupSize, halfLoads: 'packed', variants })
          .get(key);
        if (!found) throw new Error(`the encoder has no "${key}"`);
        return found;
      };
      const variants = [cut(8), cut(24), cut(16)];
      expect(variants.map(({ dispatch }) => dispatch.workgroups)).toEqual([
        [2, 5, 1],
        [2, 2, 1],
        [2, 3, 1],
      ]);
      const [shipped, right, wrong] = await holdContest(device, variants, 0.01);
      expect(shipped?.ms).toBeGreaterThan(0);
      expect(right?.dropped).toBeUndefined();
      expect(wrong?.dropped).toMatch(/^computes /);
    } finally {
      network.destroy();
      device.dispose();
    }
  });

  it('a candidate that computes something else is dropped, and one that is right is measured', async () => {
    // The third variant loses the sign of its first output column.
    const device = await openTestDevice({
      transformShader: ({ label, code }) =>
        label.includes(' 32x1 ') ? code.replace(/(finish\(row_group, k % 4u, first \+ k \/ 4u, batch, split, )acc0\.x/, '$1-acc0.x') : code,
    });
    const network = await loadTunableNetwork(device, { size: 'tiny', precision: 'f32', horizon: 16 });
    try {
      const key = 'conv1d 128x128 k5 s1 8->8 f32';
      const variant = (lanes: number): RecordedConvolution => {
        const variants = { version: 1, adapter: '', convolutions: { [key]: { lanes, slices: 1 } } } as const;
        const found = network.record({ deviceClass: 'software', halfLoads: 'packed', variants }).get(key);
        if (!found) throw new Error(`the network has no "${key}"`);
        return found;
      };
      const [shipped, right, wrong] = await holdContest(device, [variant(8), variant(16), variant(32)], 0.01);
      expect(shipped?.ms).toBeGreaterThan(0);
      expect(right).toMatchObject({ ms: expect.any(Number) as number });
      expect(right?.dropped).toBeUndefined();
      expect(wrong?.ms).toBeUndefined();
      expect(wrong?.dropped).toMatch(/^computes /);
    } finally {
      network.destroy();
      device.dispose();
    }
  });
});
