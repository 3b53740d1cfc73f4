import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { PrologueParameters } from '../../kernels/conv/conv-prologue.wgsl.js';
import { conv1dKernel } from '../../kernels/conv/conv1d.wgsl.js';
import type { Conv1dParameters } from '../../kernels/conv/conv1d-shape.js';
import { conv2dLanesKernel } from '../../kernels/conv/conv2d-lanes.wgsl.js';
import { conv2dMapKernel } from '../../kernels/conv/conv2d-map.wgsl.js';
import { conv2dPictureKernel } from '../../kernels/conv/conv2d-picture.wgsl.js';
import { conv2dTiledKernel } from '../../kernels/conv/conv2d-tiled.wgsl.js';
import { winogradInputKernel, winogradOutputKernel } from '../../kernels/conv/winograd.wgsl.js';
import { maxPoolKernel } from '../../kernels/image/max-pool.wgsl.js';
import { meanPoolKernel } from '../../kernels/image/mean-pool.wgsl.js';
import { prepareFramesKernel } from '../../kernels/image/prepare-frames.wgsl.js';
import { spatialSoftmaxKernel } from '../../kernels/image/spatial-softmax.wgsl.js';
import type { Kernel } from '../../kernels/lib/kernel.js';
import { loadWeightsKernel } from '../../kernels/lib/load-weights.wgsl.js';
import { finishMapKernel } from '../../kernels/norm/finish-map.wgsl.js';
import { finishNormKernel } from '../../kernels/norm/finish-norm.wgsl.js';
import { groupNormKernel } from '../../kernels/norm/group-norm.wgsl.js';
import { groupNormColumnsKernel } from '../../kernels/norm/group-norm-columns.wgsl.js';
import { layerNormKernel } from '../../kernels/norm/layer-norm.wgsl.js';
import { mapStatisticsKernel } from '../../kernels/norm/map-statistics.wgsl.js';
import { drawStartKernel } from '../../kernels/sampling/draw-start.wgsl.js';
import { normalizeKernel } from '../../kernels/sampling/normalize.wgsl.js';
import { shiftChunkKernel } from '../../kernels/sampling/shift-chunk.wgsl.js';
import { slotConditioningKernel } from '../../kernels/sampling/slot-conditioning.wgsl.js';
import { solverStepKernel } from '../../kernels/sampling/solver-step.wgsl.js';
import { startKernel } from '../../kernels/sampling/start.wgsl.js';
import { thresholdingStepKernel } from '../../kernels/sampling/thresholding-step.wgsl.js';
import { unnormalizeKernel } from '../../kernels/sampling/unnormalize.wgsl.js';
import { attentionKernel } from '../../kernels/transformer/attention.wgsl.js';
import { embedTokenKernel } from '../../kernels/transformer/embed-token.wgsl.js';
import { tokenLayerKernel } from '../../kernels/transformer/token-layer.wgsl.js';
import type { TokenSizes } from '../../kernels/transformer/token-stages.wgsl.js';

const FOLDER = fileURLToPath(new URL('snapshots/', import.meta.url));

/** The convolution of a U-Net's middle level on a software driver: 4 columns, one invocation per reduction. */
const CONV: Conv1dParameters = {
  geometry: { kernelSize: 5, stride: 1, padding: 2, transposed: false, inLength: 4, outLength: 4 },
  tiling: { columns: 4, lanes: 8, slices: 1 },
  storage: 'f32',
  inVector: 'time',
  ragged: false,
  bias: true,
  residual: false,
  inActivation: 'none',
  outActivation: 'none',
};
const GPU_TILING = { columns: 4, lanes: 8, slices: 32 } as const;

const LINEAR: Conv1dParameters = {
  ...CONV,
  geometry: { kernelSize: 1, stride: 1, padding: 0, transposed: false, inLength: 4, outLength: 4 },
  inVector: 'channel',
};

const PROLOGUE: PrologueParameters = {
  epsilon: 1e-5,
  length: 4,
  film: 'scale-bias',
  residual: true,
  stored: true,
  probeSums: false,
  probeNormalized: false,
};

const TOKENS: TokenSizes = { storage: 'f32', modelDim: 64, heads: 4, epsilon: 1e-5, maxInput: 256, maxOutput: 256, maxKeys: 18 };

const CONV2D = { storage: 'f32', bias: true, residual: true, relu: true } as const;

/** Every kernel, in the variants whose texts differ by more than a number. */
const KERNELS: Readonly<Record<string, Kernel>> = {
  'conv1d-software-f32': conv1dKernel(CONV),
  'conv1d-software-f16': conv1dKernel({ ...CONV, storage: 'f16' }),
  'conv1d-software-int8': conv1dKernel({ ...CONV, storage: 'int8' }),
  'conv1d-lavapipe-f16': conv1dKernel({ ...CONV, storage: 'f16', place: 'texture', inSpace: 'uniform' }),
  'conv1d-lavapipe-by-column': conv1dKernel({ ...CONV, storage: 'int8', place: 'texture', inSpace: 'uniform', order: 'by column' }),
  'conv1d-lavapipe-by-tile': conv1dKernel({
    ...CONV,
    storage: 'int8',
    carried: true,
    place: 'texture',
    inSpace: 'uniform',
    order: 'by tile',
  }),
  'conv1d-lavapipe-handed': conv1dKernel({
    ...CONV,
    place: 'texture',
    inSpace: 'uniform',
    order: 'by column',
    handed: { subgroup: 8, channels: 2 },
  }),
  'conv1d-lavapipe-handed-tiles-ragged': conv1dKernel({
    ...CONV,
    geometry: { kernelSize: 3, stride: 1, padding: 1, transposed: false, inLength: 9, outLength: 9 },
    tiling: { columns: 4, lanes: 8, slices: 1 },
    storage: 'f16',
    place: 'texture',
    inVector: 'scalar',
    order: 'by column',
    handed: { subgroup: 4, channels: 2 },
    ragged: true,
  }),
  'linear-lavapipe-handed-tokens': conv1dKernel({
    ...LINEAR,
    place: 'texture',
    inSpace: 'uniform',
    order: 'by column',
    handed: { subgroup: 8, channels: 8 },
    inActivation: 'mish',
  }),
  'conv1d-gpu-f32': conv1dKernel({ ...CONV, tiling: GPU_TILING }),
  'conv1d-gpu-f16-native': conv1dKernel({ ...CONV, tiling: GPU_TILING, storage: 'f16', halfLoads: 'native' }),
  'conv1d-gpu-prologue-split': conv1dKernel({
    ...CONV,
    tiling: GPU_TILING,
    inVector: undefined,
    stage: PROLOGUE,
    split: true,
    bias: false,
  }),
  'conv1d-gpu-sums-joined-split': conv1dKernel({
    ...CONV,
    tiling: GPU_TILING,
    inVector: undefined,
    stage: { ...PROLOGUE, norm: 'none', film: 'none', residual: false, joined: true, stored: true },
    split: true,
    bias: false,
  }),
  'conv1d-transposed': conv1dKernel({
    ...CONV,
    geometry: { kernelSize: 4, stride: 2, padding: 1, transposed: true, inLength: 4, outLength: 8 },
    tiling: { columns: 8, lanes: 8, slices: 1 },
  }),
  'conv1d-strided-ragged': conv1dKernel({
    ...CONV,
    geometry: { kernelSize: 3, stride: 2, padding: 1, transposed: false, inLength: 9, outLength: 5 },
    inVector: 'scalar',
    ragged: true,
  }),
  'conv2d-lanes-f32': conv2dLanesKernel({ ...CONV2D, pixels: 8, subgroup: 1 }),
  'conv2d-lanes-subgroup-int8': conv2dLanesKernel({ ...CONV2D, storage: 'int8', place: 'texture', pixels: 16, subgroup: 8 }),
  'conv2d-lanes-rgb-9': conv2dLanesKernel({ ...CONV2D, pixels: 9, subgroup: 8, channels: 3, residual: false }),
  'conv2d-tiled-f32': conv2dTiledKernel({ ...CONV2D, tile: { pixels: 32, pixelsEach: 4, lanes: 8, lanesEach: 1 }, split: false }),
  'conv2d-tiled-f16-split': conv2dTiledKernel({
    storage: 'f16',
    bias: false,
    residual: false,
    relu: false,
    tile: { pixels: 64, pixelsEach: 4, lanes: 16, lanesEach: 2 },
    split: true,
  }),
  'conv2d-map-int8': conv2dMapKernel({
    ...CONV2D,
    storage: 'int8',
    place: 'texture',
    subgroup: 8,
    geometry: { inHeight: 3, inWidth: 3, outHeight: 2, outWidth: 2, kernelSize: 3, stride: 2, padding: 1 },
  }),
  'conv2d-picture-f16': conv2dPictureKernel({
    ...CONV2D,
    storage: 'f16',
    place: 'texture',
    subgroup: 8,
    pixels: 5,
    layer: { inChannels: 3, kernelSize: 3, stride: 2 },
  }),
  'winograd-input': winogradInputKernel(8, 2),
  'winograd-input-4x4': winogradInputKernel(8, 4),
  'winograd-output': winogradOutputKernel({ invocations: 8, tile: 2, bias: true, residual: true, relu: true }),
  'winograd-output-4x4': winogradOutputKernel({ invocations: 8, tile: 4, bias: true, residual: true, relu: true }),
  'winograd-input-textures': winogradInputKernel(8, 2, 'texture'),
  'winograd-output-textures': winogradOutputKernel({
    invocations: 8,
    tile: 2,
    bias: true,
    residual: true,
    relu: true,
    maps: { x: 'texture', residual: 'texture', y: 'texture' },
  }),
  'conv2d-lanes-textures': conv2dLanesKernel({
    ...CONV2D,
    place: 'texture',
    pixels: 8,
    subgroup: 8,
    maps: { x: 'texture', residual: 'texture', y: 'texture' },
  }),
  'linear-gelu-residual': conv1dKernel({ ...LINEAR, outActivation: 'gelu', residual: true }),
  'finish-map-residual-relu': finishMapKernel({ invocations: 64, norm: 'none', epsilon: 1e-5, residual: true, relu: true }),
  'finish-map-group-norm': finishMapKernel({ invocations: 256, norm: 'group', epsilon: 1e-5, residual: false, relu: false }),
  'finish-map-group-norm-textures': finishMapKernel({
    invocations: 8,
    norm: 'group',
    epsilon: 1e-5,
    residual: true,
    relu: true,
    maps: { x: 'texture', residual: 'buffer', y: 'texture' },
  }),
  'finish-map-group-norm-parts': finishMapKernel({ invocations: 256, norm: 'parts', epsilon: 1e-5, residual: true, relu: true }),
  'map-statistics': mapStatisticsKernel(256),
  'max-pool': maxPoolKernel(64),
  'max-pool-textures': maxPoolKernel(64, { x: 'texture', y: 'texture' }),
  'mean-pool': meanPoolKernel(64),
  'prepare-frames-u8-hwc3': prepareFramesKernel({ format: 'u8-hwc3', resized: false, invocations: 64 }),
  'prepare-frames-f32-chw-resized': prepareFramesKernel({ format: 'f32-chw', resized: true, invocations: 64 }),
  'spatial-softmax': spatialSoftmaxKernel(8),
  'finish-norm': finishNormKernel(PROLOGUE, 256),
  'finish-norm-film-per-column': finishNormKernel({ ...PROLOGUE, filmSlots: true }, 256),
  'finish-norm-residual-sums': finishNormKernel(
    { ...PROLOGUE, film: 'none', residual: true, residualParts: true, probeResidual: true, stored: true },
    256,
  ),
  'finish-sums': finishNormKernel({ ...PROLOGUE, norm: 'none', film: 'none', residual: false, stored: true }, 256),
  'group-norm-film-residual': groupNormKernel({ epsilon: 1e-5, invocations: 8, film: 'scale-bias', residual: true, probed: false }),
  'group-norm-film-per-column': groupNormKernel({
    epsilon: 1e-5,
    invocations: 8,
    film: 'scale-bias',
    filmSlots: true,
    residual: false,
    probed: false,
  }),
  'group-norm-film-bias-probed': groupNormKernel({ epsilon: 1e-5, invocations: 64, film: 'bias', residual: false, probed: true }),
  'group-norm-columns': groupNormColumnsKernel({
    epsilon: 1e-5,
    invocations: 8,
    film: 'scale-bias',
    x: 'uniform',
    residual: 'scalar',
    probed: true,
  }),
  'layer-norm': layerNormKernel({ epsilon: 1e-5, invocations: 8 }),
  attention: attentionKernel({ maxKeys: 32, invocations: 8 }),
  'embed-token': embedTokenKernel({ ...TOKENS, actionDim: 2, observationDim: 5, historySteps: 16, observationSteps: 2 }),
  'token-layer': tokenLayerKernel(TOKENS),
  'load-weights-f16': loadWeightsKernel('f16', 'native'),
  normalize: normalizeKernel(2, 5, 64),
  unnormalize: unnormalizeKernel(16, 2, 64),
  'slot-conditioning': slotConditioningKernel(),
  start: startKernel(32, 64),
  'shift-chunk': shiftChunkKernel(16, 2, 8, 64),
  'solver-step': solverStepKernel(32, 64),
  'solver-step-parts': solverStepKernel(32, 64, { parts: 8, channels: 2, stored: true }),
  'solver-step-slots': solverStepKernel(32, 64, undefined, { rows: 16, channels: 2 }),
  'draw-start': drawStartKernel(32, 64),
  'thresholding-step': thresholdingStepKernel(32, 64),
};

/**
 * What the templates produce, to be read: a change of a template shows as a change of WGSL in the review. After an intended
 * change, `npx vitest run --project pure test/kernels/wgsl-snapshots -u` writes the texts again.
 */
describe('WGSL', () => {
  it.each(Object.entries(KERNELS))('%s is the text in snapshots/', async (name, { label, bindings, code }) => {
    const access = bindings.map((binding) => `${binding.access}${binding.dynamic ? ' (dynamic)' : ''}`).join(', ');
    await expect(`// ${label}\n// bindings: ${access}\n${code}`).toMatchFileSnapshot(`${FOLDER}${name}.wgsl`);
  });

  it('is refused for weights that have no such form', () => {
    expect(() => conv1dKernel({ ...CONV, storage: 'int8', place: 'texture', order: 'by tile' })).toThrow(/by tile take carried codes/);
    expect(() => conv1dKernel({ ...CONV, storage: 'f16', carried: true })).toThrow(/codes of int8 are carried, f16 has none/);
    expect(() => conv1dKernel({ ...CONV, storage: 'f16', halfLoads: 'native', place: 'texture' })).toThrow(/native halves are loaded/);
  });

  it('has no snapshot of a kernel that is gone', () => {
    expect(readdirSync(FOLDER).sort()).toEqual(
      Object.keys(KERNELS)
        .map((name) => `${name}.wgsl`)
        .sort(),
    );
  });
});
