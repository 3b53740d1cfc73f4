import { describe, expect, it } from 'vitest';
import { OptionError } from '../../src/foundation/errors.js';
import { chooseConv2dCut } from '../../src/ops/conv2d-variants.js';
import { chooseConv1dTiling } from '../../src/ops/variants.js';
import { checkVariantTable } from '../../src/runtime/check-variant-table.js';
import { conv2dKey, conv2dKeyChannels } from '../../src/runtime/tuned-conv2d.js';
import { adapterIdentity, type ConvolutionShape, convolutionKey, isTiling } from '../../src/runtime/variant-table.js';

const SHAPE: ConvolutionShape = {
  inChannels: 512,
  outChannels: 1024,
  kernelSize: 5,
  stride: 1,
  transposed: false,
  inLength: 16,
  outLength: 16,
  storage: 'f16',
  staged: false,
  splits: 1,
};
const KEY = 'conv1d 512x1024 k5 s1 16->16 f16';
const KEY_2D = 'conv2d 64x128 k3 s2 p1 21x21->11x11 f16';
const TILE = { pixels: 64, pixelsEach: 4, lanes: 16, lanesEach: 2 };
const table = (change: object = {}): object => ({
  version: 1,
  adapter: 'an adapter',
  convolutions: { [KEY]: { lanes: 16, slices: 8 } },
  ...change,
});

describe('the key of a convolution', () => {
  it('names everything that its speed depends on, but not the batch', () => {
    expect(convolutionKey(SHAPE)).toBe(KEY);
    expect(convolutionKey({ ...SHAPE, transposed: true, stride: 2, outLength: 32 })).toBe('conv_transpose1d 512x1024 k5 s2 16->32 f16');
    expect(convolutionKey({ ...SHAPE, storage: 'int8', staged: true, splits: 8 })).toBe('conv1d 512x1024 k5 s1 16->16 int8 staged split 8');
  });
});

describe('the key of a convolution of pictures', () => {
  const shape = { inChannels: 64, outChannels: 128, kernelSize: 3, stride: 2, padding: 1, storage: 'f16', encoders: 1, splits: 1 } as const;
  const sides = { inHeight: 21, inWidth: 21, outHeight: 11, outWidth: 11 };
  it('names everything that its speed depends on, but not the frames', () => {
    expect(conv2dKey({ ...shape, ...sides })).toBe(KEY_2D);
    expect(conv2dKey({ ...shape, ...sides, encoders: 16, splits: 4 })).toBe(`${KEY_2D} of 16 split 4`);
    expect(conv2dKeyChannels(`${KEY_2D} of 16 split 4`)).toBe(128);
    expect(conv2dKeyChannels(KEY)).toBeUndefined();
  });

  it('has a cut that replaces the shipped one on its own kind of device alone', () => {
    const problem = { layer: { ...shape }, outPixels: 121, outWidth: 11, frames: 1 };
    expect(chooseConv2dCut(problem, { deviceClass: 'gpu' }, TILE)).toEqual({ kind: 'tiled', tile: TILE });
    expect(chooseConv2dCut(problem, { deviceClass: 'gpu' }, { pixels: 64 })).toEqual(chooseConv2dCut(problem, { deviceClass: 'gpu' }));
    const lavapipe = { deviceClass: 'lavapipe', subgroupSize: 8 } as const;
    // 121 pixels in six tiles of at most 24: 21 each, three of them in another load, save a tenth of the products.
    expect(chooseConv2dCut(problem, lavapipe, { pixels: 24 })).toEqual({ kind: 'lanes', pixels: 21, subgroup: 8 });
    // 61 would save a twentieth, and be a text of its own.
    expect(chooseConv2dCut(problem, lavapipe, { pixels: 64 })).toEqual({ kind: 'lanes', pixels: 64, subgroup: 8 });
    expect(chooseConv2dCut(problem, lavapipe, TILE)).toEqual(chooseConv2dCut(problem, lavapipe));
  });
});

describe('a tuned tiling', () => {
  it('keeps to whole blocks of weights and to a workgroup', () => {
    expect(isTiling({ lanes: 32, slices: 8 }, 128)).toBe(true);
    // 10 output channels are one block of 8 lanes: more lanes would read past the weights.
    expect(isTiling({ lanes: 8, slices: 1 }, 10)).toBe(true);
    expect(isTiling({ lanes: 16, slices: 1 }, 10)).toBe(false);
  });

  it('replaces lanes and slices of the shipped one, never the columns', () => {
    const shape = { inChannels: 512, outChannels: 1024, outLength: 16, columnMultiple: 1 };
    expect(chooseConv1dTiling(shape, 'gpu', { lanes: 16, slices: 8 })).toEqual({ columns: 16, lanes: 16, slices: 8 });
    expect(chooseConv1dTiling(shape, 'gpu')).not.toMatchObject({ lanes: 16, slices: 8 });
  });
});

describe('a table of variants', () => {
  it('is taken as it is', () => {
    expect(checkVariantTable(table(), 'an adapter', 'file')).toEqual(table());
    const both = table({ convolutions2d: { [KEY_2D]: TILE, 'conv2d 3x64 k7 s2 p3 84x84->42x42 f32': { pixels: 24 } } });
    expect(checkVariantTable(both, 'an adapter', 'file')).toEqual(both);
    expect(checkVariantTable(table({ halfLoads: 'native', convolutions: {} }), 'an adapter', 'file')).toMatchObject({
      halfLoads: 'native',
    });
  });

  it.each([
    ['no object', [], 'a JSON object'],
    ['another version', table({ version: 2 }), 'expected version 1, found 2'],
    ['another adapter', table({ adapter: 'a toaster' }), 'expected a table of adapter "an adapter", found "a toaster"'],
    ['no convolutions', table({ convolutions: 3 }), 'expected an object of convolutions, found 3'],
    ['unknown loads', table({ halfLoads: 'fast' }), 'halfLoads "packed" or "native"'],
    ['an unknown key', table({ convolutions: { conv2d: { lanes: 8, slices: 1 } } }), 'found "conv2d"'],
    ['half a block', table({ convolutions: { [KEY]: { lanes: 12, slices: 1 } } }), 'a multiple of 8'],
    ['half an invocation', table({ convolutions: { [KEY]: { lanes: 8, slices: 1.5 } } }), 'integers'],
    ['no slice', table({ convolutions: { [KEY]: { lanes: 8, slices: 0 } } }), 'found {"lanes":8,"slices":0}'],
    ['too many invocations', table({ convolutions: { [KEY]: { lanes: 32, slices: 16 } } }), 'at most 256 invocations'],
    ['no list of pictures', table({ convolutions2d: [] }), 'an object of 2-D convolutions, found []'],
    ['a key along time for pictures', table({ convolutions2d: { [KEY]: { pixels: 8 } } }), 'keys like "conv2d 64x128'],
    ['pixels that fill no subgroup', table({ convolutions2d: { [KEY_2D]: { pixels: 12 } } }), 'found {"pixels":12}'],
    ['half a tile', table({ convolutions2d: { [KEY_2D]: { pixels: 32, lanes: 8 } } }), 'pixels, pixelsEach, lanes, lanesEach'],
    ['a tile that no workgroup loads', table({ convolutions2d: { [KEY_2D]: { ...TILE, pixelsEach: 16 } } }), 'can be cut into'],
    ['more lanes than weights', table({ convolutions2d: { [KEY_2D.replace('128', '32')]: TILE } }), 'can be cut into'],
    ['no cut', table({ convolutions2d: { [KEY_2D]: null } }), 'found null'],
    ['no tiling', table({ convolutions: { [KEY]: null } }), 'found null'],
  ])('with %s is refused, naming the file and what to do', (_, value, message) => {
    const check = (): unknown => checkVariantTable(value, 'an adapter', 'dir/variants.json');
    expect(check).toThrow(OptionError);
    expect(check).toThrow(message);
    expect(check).toThrow(/^dir\/variants\.json: .* Run `warmstep tune` on this adapter again, or leave the table out/);
  });

  it('calls an adapter by its description, or by all else that a browser says of it', () => {
    const adapter = { vendor: 'nvidia', architecture: 'hopper', device: '', description: '' };
    expect(adapterIdentity(adapter)).toBe('nvidia hopper');
    expect(adapterIdentity({ ...adapter, description: 'NVIDIA H200: 570' })).toBe('NVIDIA H200: 570');
  });
});
