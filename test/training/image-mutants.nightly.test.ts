import { describe, expect, it } from 'vitest';
import type { ComputeDevice } from '../../src/runtime/device.js';
import { checkConvolution, checkKeypoints, checkMapNorm, checkMaxPool } from '../support/map-checks.js';
import { type Mutation, replace, useMutantDevice } from '../support/mutants.js';

type Check = (device: ComputeDevice) => Promise<void>;

const strided: Check = (device) =>
  checkConvolution(device, { batch: 2, inChannels: 37, outChannels: 9, height: 6, width: 5, kernelSize: 3, stride: 2 });
const plain: Check = (device) =>
  checkConvolution(device, { batch: 2, inChannels: 6, outChannels: 40, height: 5, width: 7, kernelSize: 3, stride: 1 });
const norm: Check = (device) => checkMapNorm(device, { batch: 2, channels: 32, groupChannels: 16, length: 35, residual: true, relu: true });
const pool: Check = (device) => checkMaxPool(device, { height: 8, width: 7 });
const keypoints: Check = (device) => checkKeypoints(device, { batch: 3, keypoints: 6, places: 15, scale: 1 });

/** What would be easy to get wrong in the kernels of image encoders. */
const MUTATIONS: readonly (readonly [string, Check, Mutation])[] = [
  [
    'rows of windows before the first one',
    plain,
    { kernel: /^map_product forwards/, mutate: replace('u32(r0) < shape.source_height && ', '') },
  ],
  [
    'windows of the other axis',
    plain,
    { kernel: /^map_product/, mutate: replace('(tap_y * shape.kernel + tap_x)', '(tap_x * shape.kernel + tap_y)') },
  ],
  ['bias forgotten', plain, { kernel: /^map_product forwards bias/, mutate: replace('value += bias[shape.bias_offset + lane];', '') }],
  ['what is added forgotten', plain, { kernel: /^map_product backwards/, mutate: replace(/value \+= addend\[.*\];/, '') }],
  ['every tap at every phase', strided, { kernel: /^map_product backwards/, mutate: replace('tap_y += shape.target_step', 'tap_y += 1u') }],
  [
    'phases exchanged',
    strided,
    { kernel: /^map_product backwards/, mutate: replace('workgroup.z / shape.target_step', 'workgroup.z % shape.target_step') },
  ],
  [
    'stride forgotten in weights',
    strided,
    { kernel: /^map_weight_gradient/, mutate: replace('shape.width * shape.stride + tap_y', 'shape.width + tap_y') },
  ],
  ['padding forgotten in weights', plain, { kernel: /^map_weight_gradient/, mutate: replace('- i32(shape.padding)', '') }],
  [
    'gradients that take the place of others',
    plain,
    { kernel: /^map_weight_gradient/, mutate: replace('select(1.0f, step.accumulate, start == 0u)', 'select(1.0f, 0.0f, start == 0u)') },
  ],
  ['mean forgotten', norm, { kernel: /^map_norm_backward/, mutate: replace('(dx[at] - mean_q - ', '(dx[at] - ') }],
  ['projection forgotten', norm, { kernel: /^map_norm_backward/, mutate: replace(' - (x[at] - mean) * r * mean_qx', '') }],
  [
    'ReLU forgotten on the way back',
    norm,
    { kernel: /^map_norm_backward/, mutate: replace('select(0.0f, dy[at], y[at] > 0.0f)', 'dy[at]') },
  ],
  ['residual of what ReLU dropped', norm, { kernel: /^map_norm_backward/, mutate: replace('dz[at] = gradient;', 'dz[at] = dy[at];') }],
  [
    'statistics of the neighbour',
    norm,
    { kernel: /^map_norm_backward/, mutate: replace('statistics[owner].x', 'statistics[(owner + 1u) % arrayLength(&statistics)].x') },
  ],
  [
    'the last maximum instead of the first',
    pool,
    { kernel: /^max_pool_forward/, mutate: replace('(value > largest)', '(value >= largest)') },
  ],
  [
    'all maxima instead of one',
    pool,
    { kernel: /^max_pool_backward/, mutate: replace('chosen[at] == vec4u(own)', 'chosen[at] <= vec4u(own)') },
  ],
  ['windows overlap unseen', pool, { kernel: /^max_pool_backward/, mutate: replace('sum += select', 'sum = select') }],
  ['softmax gradient without its sum', keypoints, { kernel: /^keypoints_backward/, mutate: replace(' - mean)', ')') }],
  [
    'axes exchanged',
    keypoints,
    { kernel: /^keypoints_backward/, mutate: replace('(dot(gradient, grid[q]) - mean)', '(dot(gradient, grid[q].yx) - mean)') },
  ],
  [
    'probabilities without their sum',
    keypoints,
    { kernel: /^keypoints_forward/, mutate: replace('p[first + q * shape.row] / total', 'p[first + q * shape.row]') },
  ],
];

describe('a broken kernel of the image encoder is noticed', () => {
  const { device, mutated } = useMutantDevice('software');
  const passes = (check: Check): Promise<boolean> =>
    check(device()).then(
      () => true,
      () => false,
    );

  it.each([strided, plain, norm, pool, keypoints])('passes while nothing is broken, check %#', async (check) => {
    await check(device());
  });

  it.each(MUTATIONS)('%s', { timeout: 60_000 }, async (_, check, mutation) => {
    const { result, mutants } = await mutated(mutation, () => passes(check));
    expect(mutants, 'texts that changed').toBeGreaterThan(0);
    expect(result, 'the check passes').toBe(false);
  });
});
