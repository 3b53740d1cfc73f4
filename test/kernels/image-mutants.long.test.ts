import { describe, expect, it } from 'vitest';
import type { WinogradTile } from '../../kernels/conv/winograd-transforms.js';
import { partialMaps, recordConv2d, uploadConv2d } from '../../src/ops/conv2d.js';
import { recordFinishMap, recordMaxPool, recordMeanPool, recordSpatialSoftmax, uploadMapNorm } from '../../src/ops/feature-maps.js';
import { loadFramePreparation, recordPrepareFrames } from '../../src/ops/frames.js';
import { recordWinograd, uploadWinograd, winogradMaps } from '../../src/ops/winograd.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import { featureMap } from '../../src/runtime/feature-map.js';
import { chainOfMaps } from '../support/chain-of-maps.js';
import { type Conv2dCase, conv2dInputs, expectedConv2d, runConv2d } from '../support/conv2d-case.js';
import { asMap, inputMap, mapOf, outputMap, readMap } from '../support/feature-maps.js';
import { dropBarrier, type Mutation, replace, useMutantDevice } from '../support/mutants.js';
import { groupNorm, maxPool, spatialSoftmax } from '../support/reference-maps.js';
import { runOp } from '../support/run-op.js';
import { Normals, type Values, valueAt, valuesOf } from '../support/values.js';

/** Two encoders, frames that share a tile, channels that fill no block, a window that leaves the map on all sides. */
const CONV: Conv2dCase = {
  inChannels: 12,
  outChannels: 20,
  kernelSize: 3,
  stride: 2,
  padding: 1,
  height: 6,
  width: 5,
  frames: 2,
  encoders: 2,
};

/** Two encoders of two groups of 252 vec4s, with residual and ReLU. */
async function checkGroupNorm(device: ComputeDevice, parts: number): Promise<readonly [Values, Values]> {
  const shape = { batch: 2, channels: 32, height: 9, width: 7 };
  const normals = new Normals(1);
  const [x, residual] = [0, 1].map(() => asMap(normals.values(2, 32, 63), 9, 7)) as [ReturnType<typeof asMap>, ReturnType<typeof asMap>];
  const values = [0, 1].map(() => ({ gamma: normals.floats(32), beta: normals.floats(32) }));
  const results = await runOp(device, async (op) => {
    const norm = await uploadMapNorm(op.loader({}), 'norm', 32, 16, values);
    const call = { x: inputMap(op, x), y: outputMap(op, 'y', shape), residual: inputMap(op, residual), relu: true, parts };
    recordFinishMap(op.builder, norm, call);
  });
  const normed = values.map(({ gamma, beta }) => groupNorm(x, 2, gamma, beta));
  const expected = mapOf(shape, (b, c, row, column) => {
    const at = row * 7 + column;
    return Math.max(0, valueAt(normed[b] as Values, b, c, at) + valueAt(residual, b, c, at));
  });
  return [readMap(results, 'y', shape), expected];
}

/** Tiles that are cut off, two encoders, residual and ReLU. */
async function checkWinograd(device: ComputeDevice, tile: WinogradTile): Promise<readonly [Values, Values]> {
  const p: Conv2dCase = { ...CONV, stride: 1, height: 5 };
  const inputs = conv2dInputs({ ...p, residual: true });
  const shape = { batch: 4, channels: 20, height: 5, width: 5 };
  const results = await runOp(device, async (op) => {
    const values = inputs.weights.map((weight, encoder) => ({ weight, bias: inputs.biases[encoder] }));
    const weights = await uploadWinograd(op.loader({}), 'conv', p, values, tile);
    const x = inputMap(op, inputs.x);
    const [patches, products] = winogradMaps(weights, x);
    recordWinograd(op.builder, weights, {
      x,
      y: outputMap(op, 'y', shape),
      patches: featureMap(op.builder, 'patches', patches),
      products: featureMap(op.builder, 'products', products),
      residual: inputs.residual && inputMap(op, inputs.residual),
      relu: true,
    });
  });
  return [readMap(results, 'y', shape), expectedConv2d({ ...p, relu: true }, inputs)];
}

const CHECKS: Readonly<Record<string, (device: ComputeDevice) => Promise<readonly [Values, Values]>>> = {
  conv2d: async (device) => {
    const inputs = conv2dInputs({ ...CONV, residual: true });
    return [await runConv2d(device, { ...CONV, relu: true }, inputs), expectedConv2d({ ...CONV, relu: true }, inputs)];
  },
  int8: async (device) => {
    // Weights of one size in a channel, another one in the next: int8 holds them exactly.
    const p: Conv2dCase = { ...CONV, inChannels: 20, outChannels: 36 };
    const inputs = conv2dInputs(p);
    inputs.weights.forEach((weight, encoder) =>
      weight.forEach((value, i) => (weight[i] = Math.sign(value) * (1 + (Math.floor(i / (p.inChannels * 9)) % 7) + encoder))),
    );
    return [await runConv2d(device, p, inputs, 'int8'), expectedConv2d(p, inputs)];
  },
  split: async (device) => {
    const inputs = conv2dInputs(CONV);
    const shape = { batch: 4, channels: 20, height: 3, width: 3 };
    const results = await runOp(device, async (op) => {
      const loader = op.loader({});
      const weights = await uploadConv2d(
        loader,
        'conv',
        CONV,
        inputs.weights.map((weight) => ({ weight })),
      );
      const sums = partialMaps(op.builder, 'sums', { ...shape, splits: 3 });
      recordConv2d(op.builder, weights, { x: inputMap(op, inputs.x), y: sums });
      const gamma = new Float32Array(20).fill(1);
      const norm = await uploadMapNorm(
        loader,
        'biases',
        20,
        undefined,
        inputs.biases.map((beta) => ({ gamma, beta })),
      );
      recordFinishMap(op.builder, norm, { x: sums, y: outputMap(op, 'y', shape), relu: false });
    });
    return [readMap(results, 'y', shape), expectedConv2d(CONV, inputs)];
  },
  winograd: (device) => checkWinograd(device, 2),
  'winograd 4x4': (device) => checkWinograd(device, 4),
  'small map': async (device) => {
    const p: Conv2dCase = { ...CONV, order: 'plane by plane', height: 4, residual: true, relu: true };
    const inputs = conv2dInputs(p);
    return [await runConv2d(device, p, inputs), expectedConv2d(p, inputs)];
  },
  picture: async (device) => {
    const p: Conv2dCase = { ...CONV, inChannels: 3, width: 9, residual: true, relu: true };
    const inputs = conv2dInputs(p);
    return [await runConv2d(device, p, inputs), expectedConv2d(p, inputs)];
  },
  'group norm': (device) => checkGroupNorm(device, 1),
  'group norm in parts': (device) => checkGroupNorm(device, 4),
  'maps in textures': async (device) => [await chainOfMaps(device, 'texture'), await chainOfMaps(device, 'buffer')],
  'max pool': async (device) => {
    const normals = new Normals(2);
    const x = asMap(normals.values(2, 5, 42), 6, 7);
    const shape = { batch: 2, channels: 5, height: 3, width: 4 };
    const results = await runOp(device, (op) => recordMaxPool(op.builder, inputMap(op, x), outputMap(op, 'y', shape)));
    const pooled = maxPool(x);
    return [readMap(results, 'y', shape), mapOf(shape, (b, c, row, column) => Math.max(0, valueAt(pooled, b, c, row * 4 + column)))];
  },
  'spatial softmax': async (device) => {
    const normals = new Normals(3);
    // Every position counts, and none could do without the maximum.
    const x = mapOf({ batch: 2, channels: 6, height: 7, width: 11 }, () => Math.fround(100 + normals.next()));
    const grid = normals.floats(2 * 77 * 2);
    const results = await runOp(device, async (op) => {
      const positions = await op.loader({}).uploader.uploadFloats('grid', grid);
      recordSpatialSoftmax(op.builder, positions, 2, inputMap(op, x), op.output('y', 2, 12, 1, 'tokens'));
    });
    const [first, second] = [spatialSoftmax(x, grid), spatialSoftmax(x, grid.subarray(154))];
    const expected = { ...first, data: Float64Array.from([...first.data.subarray(0, 12), ...second.data.subarray(12)]) };
    return [results.values('y'), expected];
  },
  'mean pool': async (device) => {
    const normals = new Normals(4);
    const x = asMap(normals.values(2, 6, 77), 7, 11);
    const results = await runOp(device, (op) => recordMeanPool(op.builder, inputMap(op, x), op.output('y', 2, 6, 1, 'tokens')));
    const mean = (b: number, c: number): number =>
      Array.from({ length: 77 }, (_, p) => valueAt(x, b, c, p)).reduce((sum, value) => sum + value, 0) / 77;
    return [results.values('y'), valuesOf(2, 6, 1, mean)];
  },
  frames: async (device) => {
    const bytes = Uint8Array.from({ length: 2 * 60 }, (_, i) => (i * 37 + ((i * i) % 11)) % 256);
    const shape = { batch: 2, channels: 3, height: 3, width: 4 };
    const results = await runOp(device, async (op) => {
      const preparation = await loadFramePreparation(op.loader({}), { frame: [4, 5], crop: [3, 4] });
      const statistics = Float32Array.from({ length: 24 }, (_, i) => 0.5 + i / 16);
      const uploaded = await op.loader({}).uploader.uploadFloats('statistics', statistics);
      const y = outputMap(op, 'y', shape);
      // Each camera by itself, as where they arrive otherwise.
      for (const first of [0, 1]) {
        recordPrepareFrames(op.builder, preparation, {
          frames: { buffer: op.buffer('frames', new Uint32Array(bytes.buffer, first * 60, 15)), offset: 0, bytes: 60 },
          format: 'u8-hwc3',
          statistics: uploaded,
          cameras: 2,
          y,
          first,
          count: 1,
        });
      }
    });
    const s = (camera: number, c: number, i: number): number => 0.5 + (camera * 12 + c * 4 + i) / 16;
    const expected = mapOf(shape, (b, c, row, column) => {
      // Halves are rounded to even: the crop begins at row and column 0.
      const value = (bytes[b * 60 + (row * 5 + column) * 3 + c] as number) / 255;
      return ((value - s(b, c, 0)) / s(b, c, 1)) * s(b, c, 2) + s(b, c, 3);
    });
    return [readMap(results, 'y', shape), expected];
  },
};

async function agrees(device: ComputeDevice, check: string): Promise<boolean> {
  const [actual, expected] = await (CHECKS[check] as NonNullable<(typeof CHECKS)[string]>)(device);
  return expected.data.every((value, i) => Math.abs((actual.data[i] as number) - value) <= 1e-4 + 1e-4 * Math.abs(value));
}

interface CheckedMutation extends Mutation {
  readonly check: string;
  readonly what: string;
}

const LANES = /^conv2d lanes/;
const TILED = /^conv2d tiled/;
const MAP = /^conv2d map/;
const PICTURE = /^conv2d picture/;
const STATISTICS = /^map_statistics/;
const PARTS = /^group_norm_map, in parts/;

const SOFTWARE: readonly CheckedMutation[] = [
  {
    check: 'maps in textures',
    what: 'a map is read by rows of another length',
    kernel: LANES,
    mutate: replace(/fn load_x\(([^}]*)index \/ 8192u/, 'fn load_x($1index / 8191u'),
  },
  {
    check: 'maps in textures',
    what: 'a map is stored in one row',
    kernel: /^max_pool, y in texture/,
    mutate: replace('index / 8192u', '0u'),
  },
  {
    check: 'maps in textures',
    what: 'a residual is read as numbers instead of bits',
    kernel: /^winograd_output 2x2.*residual/,
    mutate: replace(/fn load_residual\(([^}]*)bitcast<vec4f>/, 'fn load_residual($1vec4f'),
  },
  {
    check: 'maps in textures',
    what: 'a variance of what was before the mean',
    kernel: /^group_norm_map.*in texture/,
    mutate: replace('let d = sum_partials(first + e) - mean', 'let d = sum_partials(first + e)'),
  },
  {
    check: 'conv2d',
    what: 'weights of two channels swapped',
    kernel: LANES,
    mutate: replace('load_chunk(chunk + 8u)', 'load_chunk(chunk + 16u)'),
  },
  {
    check: 'conv2d',
    what: 'a column further',
    kernel: LANES,
    mutate: replace(/% shape\.out_width \* shape\.stride/g, '% shape.out_width * shape.stride + 1u'),
  },
  { check: 'conv2d', what: 'rows outside are not zeros', kernel: LANES, mutate: replace(/u32\(r\d\) < shape\.in_height && /g, '') },
  { check: 'conv2d', what: 'columns outside are not zeros', kernel: LANES, mutate: replace(/ && u32\(c\d\) < shape\.in_width/g, '') },
  {
    check: 'conv2d',
    what: 'weights of the first encoder for all',
    kernel: LANES,
    mutate: replace('(encoder * shape.encoder_blocks + workgroup.x)', 'workgroup.x'),
  },
  {
    check: 'conv2d',
    what: 'bias of the first encoder for all',
    kernel: LANES,
    mutate: replace('bias[encoder * shape.out_planes + lane]', 'bias[lane]'),
  },
  {
    check: 'conv2d',
    what: 'frames of the first encoder for all',
    kernel: LANES,
    mutate: replace(/\(encoder \* shape\.frames \+ pixel0/g, '(pixel0'),
  },
  {
    check: 'conv2d',
    what: 'last plane left out',
    kernel: LANES,
    mutate: replace('plane < shape.in_planes', 'plane + 1u < shape.in_planes'),
  },
  { check: 'conv2d', what: 'no ReLU', kernel: LANES, mutate: replace('select(value, vec4f(), value < vec4f())', 'value') },
  { check: 'conv2d', what: 'no residual', kernel: LANES, mutate: replace('value += residual[at];', '') },
  {
    check: 'int8',
    what: 'scales of the first encoder for all',
    kernel: LANES,
    mutate: replace('encoder * shape.encoder_blocks * BLOCK_LANES + lane', 'lane'),
  },
  {
    check: 'group norm',
    what: 'epsilon outside of the root',
    kernel: /^group_norm_map/,
    mutate: replace('/ count + EPSILON)', '/ count) + 0.5f'),
  },
  {
    check: 'group norm',
    what: 'a plane less to a group',
    kernel: /^group_norm_map/,
    mutate: replace('let elements = shape.group_planes', 'let elements = (shape.group_planes - 1u)'),
  },
  {
    check: 'group norm',
    what: 'scales of the first encoder for all',
    kernel: /^group_norm_map/,
    mutate: replace('sample / shape.frames * shape.planes', '0u'),
  },
  ...(
    [
      ['statistics of the first group for all', STATISTICS, 'workgroup.z * workgroups.x + workgroup.x', '0u'],
      ['statistics of the first part for all', STATISTICS, 'let begin = workgroup.y * shape.part_elements', 'let begin = 0u'],
      ['the last element of a part left out', STATISTICS, 'e < end; e += INVOCATIONS', 'e + 1u < end; e += INVOCATIONS'],
      ['squares around 0', STATISTICS, 'sum_partials(first + e) - mean', 'sum_partials(first + e)'],
      ['means of parts that differ add nothing to the variance', PARTS, 'part.y + part_count * d * d', 'part.y'],
      ['a part less', PARTS, 'local < shape.parts', 'local + 1u < shape.parts'],
      ['statistics of the first sample for all', PARTS, '(sample * shape.planes + first_plane) / shape.group_planes', 'workgroup.x'],
      ['the first part is written by all', PARTS, 'let begin = workgroup.y * shape.part_elements', 'let begin = 0u'],
    ] as const
  ).map(([what, kernel, from, to]) => ({ check: 'group norm in parts', what, kernel, mutate: replace(from, to) })),
  { check: 'max pool', what: 'windows a row too low', kernel: /^max_pool/, mutate: replace('max(row + i, 1u) - 1u', '(row + i)') },
  { check: 'max pool', what: 'two columns to a window', kernel: /^max_pool/, mutate: replace('var j = 0u', 'var j = 1u') },
  { check: 'spatial softmax', what: 'the maximum is not taken off', kernel: /^spatial_softmax/, mutate: replace(' - largest)', ')') },
  {
    check: 'spatial softmax',
    what: 'positions of the first encoder for all',
    kernel: /^spatial_softmax/,
    mutate: replace('sample / shape.frames * shape.positions', '0u'),
  },
  {
    check: 'spatial softmax',
    what: 'the last position left out',
    kernel: /^spatial_softmax/,
    mutate: replace(/p < shape\.positions/g, 'p + 1u < shape.positions'),
  },
  { check: 'frames', what: 'bytes of the next word left out', kernel: /^prepare_frames/, mutate: replace('low | high', 'low') },
  { check: 'frames', what: 'divided by 256', kernel: /^prepare_frames/, mutate: replace('/ 255.0f', '/ 256.0f') },
  { check: 'frames', what: 'a row further', kernel: /^prepare_frames/, mutate: replace('(y + shape.top)', '(y + 1u + shape.top)') },
  {
    check: 'frames',
    what: 'statistics of the first camera for all',
    kernel: /^prepare_frames/,
    mutate: replace('let camera = place / shape.frames_per_camera * 3u', 'let camera = 0u'),
  },
  {
    check: 'frames',
    what: 'frames of the first camera once more',
    kernel: /^prepare_frames/,
    mutate: replace('shape.first + id.z', 'id.z'),
  },
  {
    check: 'mean pool',
    what: 'the last position left out',
    kernel: /^mean_pool/,
    mutate: replace('p < shape.positions', 'p + 1u < shape.positions'),
  },
  {
    check: 'mean pool',
    what: 'one invocation too few',
    kernel: /^mean_pool/,
    mutate: replace('var other = 0u', 'var other = 1u'),
  },
  { check: 'mean pool', what: 'channels of the first sample', kernel: /^mean_pool/, mutate: replace('sample * ((shape', '0u * ((shape') },
];

const WINOGRAD: readonly CheckedMutation[] = [
  { check: 'winograd', what: 'a sign of the input', kernel: /^winograd_input/, mutate: replace('r2[j] = d2 - d1', 'r2[j] = d1 - d2') },
  {
    check: 'winograd',
    what: 'rows below are not zeros',
    kernel: /^winograd_input/,
    mutate: replace(/inside && u32\(first_row \+ [23]\) < shape\.height/g, 'inside'),
  },
  { check: 'winograd', what: 'rows above are not zeros', kernel: /^winograd_input/, mutate: replace('inside && first_row >= 0', 'inside') },
  {
    check: 'winograd',
    what: 'columns outside are not zeros',
    kernel: /^winograd_input/,
    mutate: replace('let inside = u32(column) < shape.width', 'let inside = true'),
  },
  {
    check: 'winograd',
    what: 'positions in another order',
    kernel: /^winograd_input/,
    mutate: replace('place(id.z, 1u,', 'place(id.z, 2u,'),
  },
  { check: 'winograd', what: 'a sign of the output', kernel: /^winograd_output/, mutate: replace('m1 - m2 - m3', 'm1 - m2 + m3') },
  {
    check: 'winograd',
    what: 'outputs of a tile swapped',
    kernel: /^winograd_output/,
    mutate: replace('finish(at + 0u * shape.width + 1u, r0', 'finish(at + 0u * shape.width + 1u, r1'),
  },
  {
    check: 'winograd',
    what: 'a cut-off tile writes into the next row',
    kernel: /^winograd_output/,
    mutate: replace('column + 1u < shape.width', 'true'),
  },
  {
    check: 'winograd',
    what: 'maps of the first encoder for all',
    kernel: /^winograd_output/,
    mutate: replace('sample / shape.frames * 16u', '0u'),
  },
  {
    check: 'winograd',
    what: 'planes of the first',
    kernel: /^winograd_input/,
    mutate: replace('let plane = id.x / tiles', 'let plane = 0u'),
  },
  {
    check: 'winograd 4x4',
    what: 'odd powers of the other point',
    kernel: /^winograd_input 4x4/,
    mutate: replace('even_a + odd_a', 'even_a + odd_b'),
  },
  {
    check: 'winograd 4x4',
    what: 'a row of the patch',
    kernel: /^winograd_input 4x4/,
    mutate: replace(/u32\(first_row \+ 5\)/g, 'u32(first_row + 4)'),
  },
  {
    check: 'winograd 4x4',
    what: 'a cut-off tile writes below the map',
    kernel: /^winograd_output 4x4/,
    mutate: replace('row + 1u < shape.height', 'true'),
  },
  {
    check: 'winograd 4x4',
    what: 'a power of a point',
    kernel: /^winograd_output 4x4/,
    mutate: replace('0.5625f * sum_a', '0.75f * sum_a'),
  },
];

const SMALL_MAPS: readonly CheckedMutation[] = [
  { check: 'small map', what: 'chunks of another tap', kernel: MAP, mutate: replace('load_chunk(chunk + 8u)', 'load_chunk(chunk + 16u)') },
  { check: 'small map', what: 'another pixel of the input', kernel: MAP, mutate: replace(/v0\.x, 1u/, 'v0.x, 2u') },
  { check: 'small map', what: 'the first sample for all', kernel: MAP, mutate: replace('shape.frames + workgroup.y', 'shape.frames') },
  { check: 'small map', what: 'the first plane for all', kernel: MAP, mutate: replace(/\+ plane \* (\d+)u\]/g, '+ 0u * $1u]') },
];

const PICTURES: readonly CheckedMutation[] = [
  {
    check: 'picture',
    what: 'weights of another tap',
    kernel: PICTURE,
    mutate: replace('load_chunk(chunk + 32u)', 'load_chunk(chunk + 64u)'),
  },
  { check: 'picture', what: 'weights of another row', kernel: PICTURE, mutate: replace('first_chunk + ky', 'first_chunk + (ky + 1u)') },
  { check: 'picture', what: 'another column', kernel: PICTURE, mutate: replace(/v0\.x, 1u/, 'v0.x, 2u') },
  { check: 'picture', what: 'columns outside are not zeros', kernel: PICTURE, mutate: replace(/\], inside\d\)/g, '], true)') },
  { check: 'picture', what: 'rows above are read', kernel: PICTURE, mutate: replace('u32(max(-first_row, 0))', '0u') },
  {
    check: 'picture',
    what: 'the last row left out',
    kernel: PICTURE,
    mutate: replace('in_height) - first_row', 'in_height) - 1 - first_row'),
  },
  { check: 'picture', what: 'the first sample for all', kernel: PICTURE, mutate: replace('let first = sample', 'let first = 0u * sample') },
  { check: 'picture', what: 'the first row of outputs for all', kernel: PICTURE, mutate: replace('i32(row * shape.stride)', '0') },
  { check: 'picture', what: 'a sum of the neighbour', kernel: PICTURE, mutate: replace('    acc0 = acc1;', '    acc0 = acc2;') },
  {
    check: 'picture',
    what: 'weights of the first encoder for all',
    kernel: PICTURE,
    mutate: replace('(encoder * shape.encoder_blocks + workgroup.x)', 'workgroup.x'),
  },
];

const GPU: readonly CheckedMutation[] = [
  { check: 'conv2d', what: 'the loop begins in the other place', kernel: TILED, mutate: replace('place = 1u - place', 'place = place') },
  {
    check: 'conv2d',
    what: 'a unit left out',
    kernel: TILED,
    mutate: replace('min(first_unit + shape.split_units, shape.units)', 'shape.units - 1u'),
  },
  { check: 'conv2d', what: 'taps do not come back to the first column', kernel: TILED, mutate: replace(/kx(\d) = 0u;/g, 'kx$1 = 1u;') },
  { check: 'conv2d', what: 'inputs outside are not zeros', kernel: TILED, mutate: replace(/ && u32\(column\) < shape\.in_width/g, '') },
  {
    check: 'conv2d',
    what: 'weights of the first encoder for all',
    kernel: TILED,
    mutate: replace('encoder * shape.encoder_blocks + first_lane', 'first_lane'),
  },
  { check: 'conv2d', what: 'a lane further', kernel: TILED, mutate: replace('[lane_y + 0u]', '[(lane_y + 1u) % LANES]') },
  { check: 'split', what: 'all sums in one place', kernel: TILED, mutate: replace('split * shape.split_stride', '0u * split') },
  {
    check: 'split',
    what: 'every share begins at the first row of weights',
    kernel: TILED,
    mutate: replace('var chunk_row = first_unit', 'var chunk_row = 0u * first_unit'),
  },
  {
    check: 'split',
    what: 'the last partial sum left out',
    kernel: /^finish_map/,
    mutate: replace('i < shape.partials', 'i + 1u < shape.partials'),
  },
  { check: 'split', what: 'one partial sum for all', kernel: /^finish_map/, mutate: replace('i * shape.partial_stride', '0u') },
  { check: 'conv2d', what: 'no barrier before the first product', kernel: TILED, mutate: dropBarrier(0) },
  { check: 'conv2d', what: 'no barrier before the next products', kernel: TILED, mutate: dropBarrier(1) },
  { check: 'group norm', what: 'no barrier before the rows are added', kernel: /^group_norm_map/, mutate: dropBarrier(1) },
  { check: 'group norm', what: 'no barrier before the sum of rows', kernel: /^group_norm_map/, mutate: dropBarrier(2) },
  { check: 'spatial softmax', what: 'no barrier before the maxima are read', kernel: /^spatial_softmax/, mutate: dropBarrier(0) },
  { check: 'spatial softmax', what: 'no barrier before the sums are read', kernel: /^spatial_softmax/, mutate: dropBarrier(2) },
];

describe.each([
  ['software', [...SOFTWARE, ...WINOGRAD, ...SMALL_MAPS]],
  ['lavapipe', PICTURES],
  ['gpu', GPU],
] as const)('comparison with float64 notices a broken kernel of image encoders, class %s', (deviceClass, mutations) => {
  const { device, mutated } = useMutantDevice(deviceClass);
  const used = [...new Set(mutations.map(({ check }) => check))];

  it.each(used)('control: %s agrees while nothing is broken', async (check) => {
    expect(await agrees(device(), check)).toBe(true);
  });

  it.each(mutations.map((mutation) => [`${mutation.check}: ${mutation.what}`, mutation] as const))('%s', async (_what, mutation) => {
    // Lavapipe runs invocations as one vector, in step: it needs no barrier to get small workgroups right.
    if (process.env['WARMSTEP_ADAPTER'] === 'lavapipe' && mutation.what.startsWith('no barrier')) return;
    const { result, mutants } = await mutated(mutation, () => agrees(device(), mutation.check));
    expect(mutants, 'texts that changed').toBeGreaterThan(0);
    expect(result, 'agrees').toBe(false);
  });
});
