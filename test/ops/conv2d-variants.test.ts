import { describe, expect, it } from 'vitest';
import type { Conv2dLayer } from '../../kernels/conv/conv2d-shape.js';
import { splitUnits } from '../../kernels/conv/conv2d-shape.js';
import { TILE_UNITS, tileInvocations } from '../../kernels/conv/conv2d-tiled.wgsl.js';
import { chooseConv2dCut, chooseConv2dSplits, chooseUnitOrder, chooseWinograd } from '../../src/ops/conv2d-variants.js';

const LAYERS: readonly Conv2dLayer[] = [
  { inChannels: 3, outChannels: 64, kernelSize: 7, stride: 2, padding: 3 },
  { inChannels: 64, outChannels: 64, kernelSize: 3, stride: 1, padding: 1 },
  { inChannels: 512, outChannels: 512, kernelSize: 3, stride: 1, padding: 1 },
  { inChannels: 256, outChannels: 512, kernelSize: 1, stride: 2, padding: 0 },
  { inChannels: 512, outChannels: 5, kernelSize: 1, stride: 1, padding: 0 },
];
const PIXELS = [1, 2, 9, 30, 36, 121, 441, 1764, 19_200, 76_800];

describe('cuts of 2-D convolutions', () => {
  it('on GPUs stay within what every device grants', () => {
    for (const layer of LAYERS) {
      for (const outPixels of PIXELS) {
        const cut = chooseConv2dCut({ layer, outPixels, outWidth: 1, frames: 2 }, { deviceClass: 'gpu', subgroupSize: 32 });
        if (cut.kind !== 'tiled') throw new Error('GPUs have tiles');
        expect(tileInvocations(cut.tile)).toBeLessThanOrEqual(256);
        // Two places for inputs and weights.
        expect(2 * TILE_UNITS * (cut.tile.pixels + 4 * cut.tile.lanes) * 16).toBeLessThanOrEqual(16_384);
      }
    }
  });

  it('on software drivers hold all pixels in the fewest tiles: whole subgroups of them, or no pixel more than there are', () => {
    for (const subgroupSize of [1, 4, 8]) {
      for (const outPixels of PIXELS) {
        const layer = LAYERS[1] as Conv2dLayer;
        const cut = chooseConv2dCut({ layer, outPixels, outWidth: 1, frames: 3 }, { deviceClass: 'software', subgroupSize });
        if (cut.kind !== 'lanes') throw new Error('software drivers have lanes');
        const all = 3 * outPixels;
        const tiles = Math.ceil(all / cut.pixels);
        // What is left over is less than a pixel of every tile.
        expect(cut.pixels % subgroupSize === 0 || cut.pixels * tiles - all < tiles).toBe(true);
        expect(tiles).toBe(Math.ceil(all / Math.max(8, 4 * subgroupSize)));
        expect(cut.pixels).toBeLessThanOrEqual(32);
        expect(cut.subgroup).toBe(subgroupSize);
      }
    }
  });

  it('use fewer products where the window slides over many tiles, where multiplications bind', () => {
    const layer = LAYERS[1] as Conv2dLayer;
    const large = { height: 21, width: 21 };
    expect(chooseWinograd(layer, large, 'f32', 'lavapipe')).toBe(4);
    expect(chooseWinograd(layer, large, 'f32', 'software')).toBe(2);
    expect(chooseWinograd(layer, { height: 6, width: 6 }, 'f32', 'software')).toBe(2);
    expect(chooseWinograd(layer, { height: 6, width: 6 }, 'f32', 'lavapipe')).toBe(2);
    expect(chooseWinograd(layer, { height: 3, width: 3 }, 'f32', 'lavapipe')).toBeUndefined();
    expect(chooseWinograd(layer, { height: 11, width: 11 }, 'f32', 'software')).toBeUndefined();
    expect(chooseWinograd(layer, { height: 11, width: 11 }, 'f32', 'lavapipe')).toBe(4);
    expect(chooseWinograd(layer, large, 'f16', 'lavapipe')).toBe(4);
    expect(chooseWinograd(layer, { height: 8, width: 10 }, 'int8', 'lavapipe')).toBe(2);
    expect(chooseWinograd(layer, { height: 6, width: 6 }, 'int8', 'lavapipe')).toBeUndefined();
    expect(chooseWinograd(layer, large, 'f32', 'gpu')).toBeUndefined();
    expect(chooseWinograd({ ...layer, stride: 2 }, large, 'f32', 'lavapipe')).toBeUndefined();
  });

  it('keep whole maps where they are small and loads are handed round on lavapipe', () => {
    const layer: Conv2dLayer = { inChannels: 512, outChannels: 512, kernelSize: 3, stride: 1, padding: 1 };
    const lavapipe = { deviceClass: 'lavapipe', subgroupSize: 8 } as const;
    expect(chooseUnitOrder(layer, 9, lavapipe)).toBe('plane by plane');
    expect(chooseConv2dCut({ layer, order: 'plane by plane', outPixels: 9, outWidth: 3, frames: 3 }, lavapipe)).toEqual({
      kind: 'map',
      subgroup: 8,
    });
    expect(chooseUnitOrder(layer, 12, lavapipe)).toBe('tap by tap');
    expect(chooseUnitOrder({ ...layer, kernelSize: 1 }, 9, lavapipe)).toBe('tap by tap');
    expect(chooseUnitOrder({ ...layer, stride: 3 }, 9, lavapipe)).toBe('tap by tap');
    expect(chooseUnitOrder(layer, 9, { deviceClass: 'software', subgroupSize: 4 })).toBe('tap by tap');
    expect(chooseUnitOrder(layer, 9, { deviceClass: 'gpu', subgroupSize: 32 })).toBe('tap by tap');
  });

  it('take stretches of a row of a picture on lavapipe, as long as each other, and of anything else what stays decoded', () => {
    const lavapipe = { deviceClass: 'lavapipe', subgroupSize: 8 } as const;
    const [picture, sliding] = LAYERS as [Conv2dLayer, Conv2dLayer];
    const cut = (
      layer: Conv2dLayer,
      outWidth: number,
      target: Parameters<typeof chooseConv2dCut>[1] = lavapipe,
      pixels?: number,
    ): unknown =>
      chooseConv2dCut(
        { layer, outPixels: outWidth * outWidth, outWidth, frames: 2 },
        target,
        pixels === undefined ? undefined : { pixels },
      );
    expect(cut(picture, 160)).toEqual({ kind: 'picture', pixels: 20, subgroup: 8 });
    expect(cut(picture, 42)).toEqual({ kind: 'picture', pixels: 14, subgroup: 8 });
    expect(cut(picture, 5)).toEqual({ kind: 'picture', pixels: 5, subgroup: 8 });
    expect(cut(picture, 42, lavapipe, 8)).toEqual({ kind: 'picture', pixels: 7, subgroup: 8 });
    expect(cut(sliding, 160)).toEqual({ kind: 'lanes', pixels: 24, subgroup: 8 });
    expect(cut(picture, 42, { deviceClass: 'software', subgroupSize: 4 })).toMatchObject({ kind: 'lanes' });
    expect(cut(picture, 42, { deviceClass: 'lavapipe', subgroupSize: 16 })).toMatchObject({ kind: 'lanes', subgroup: 1 });
  });

  it('hand no loads round where a workgroup is a part of a subgroup', () => {
    const layer = LAYERS[1] as Conv2dLayer;
    const wide = { deviceClass: 'lavapipe', subgroupSize: 16 } as const;
    expect(chooseConv2dCut({ layer, outPixels: 441, outWidth: 21, frames: 1 }, wide)).toMatchObject({ kind: 'lanes', subgroup: 1 });
    expect(chooseUnitOrder(layer, 9, wide)).toBe('tap by tap');
  });

  it('share a reduction in parts that all have something to do, whatever the number of frames', () => {
    for (const layer of LAYERS) {
      for (const outPixels of PIXELS) {
        const of = (frames: number): number => chooseConv2dSplits({ layer, outPixels, frames }, { deviceClass: 'gpu' });
        const splits = of(1);
        expect(of(4)).toBe(splits);
        const units = layer.kernelSize ** 2 * Math.ceil(layer.inChannels / 4);
        const share = splitUnits(units, splits, TILE_UNITS);
        expect((splits - 1) * share).toBeLessThan(units);
        expect(splits * share).toBeGreaterThanOrEqual(units);
        expect(chooseConv2dSplits({ layer, outPixels, frames: 1 }, { deviceClass: 'software' })).toBe(1);
      }
    }
  });
});
