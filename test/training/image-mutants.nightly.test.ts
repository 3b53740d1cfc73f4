import { describe, expect, it } from 'vitest';
import type { ComputeDevice } from '../../src/runtime/device.js';
import { checkBatchNorm } from '../support/batch-norm-checks.js';
import { checkConvolution, checkKeypoints, checkMapNorm, checkMaxPool } from '../support/map-checks.js';
import { type Mutation, replace, swap, useMutantDevice } from '../support/mutants.js';

type Check = (device: ComputeDevice) => Promise<void>;

const strided: Check = (device) =>
  checkConvolution(device, { batch: 2, inChannels: 37, outChannels: 9, height: 6, width: 5, kernelSize: 3, stride: 2 });
const plain: Check = (device) =>
  checkConvolution(device, { batch: 2, inChannels: 6, outChannels: 40, height: 5, width: 7, kernelSize: 3, stride: 1 });
const norm: Check = (device) => checkMapNorm(device, { batch: 2, channels: 32, groupChannels: 16, length: 35, residual: true, relu: true });
const pool: Check = (device) => checkMaxPool(device, { height: 8, width: 7 });
const keypoints: Check = (device) => checkKeypoints(device, { batch: 3, keypoints: 6, places: 15, scale: 1 });
const batchNorm: Check = (device) =>
  checkBatchNorm(device, { windows: 3, counted: 2, cameras: 2, channels: 8, length: 300, residual: true, relu: true, learns: true });
/** Deviations around a large mean: the second pass counts. */
const offCentre: Check = (device) =>
  checkBatchNorm(device, {
    windows: 4,
    counted: 3,
    cameras: 1,
    channels: 16,
    length: 5,
    residual: false,
    relu: false,
    learns: true,
    mean: 100,
  });
const running: Check = (device) =>
  checkBatchNorm(device, { windows: 3, counted: 2, cameras: 2, channels: 8, length: 9, residual: true, relu: true, learns: false });

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
  [
    'batch norm: pictures that do not count in its mean',
    batchNorm,
    { kernel: /^batch_norm_(moments|statistics)/, mutate: replace(/mode\.counted\b(?! \*)/, 'mode.windows') },
  ],
  [
    'batch norm: the last place of a slice left out',
    batchNorm,
    { kernel: /^batch_norm_moments/, mutate: replace('place < end;', 'place + 1u < end;') },
  ],
  [
    'batch norm: squares around the first value instead of the mean',
    offCentre,
    { kernel: /^batch_norm_moments/, mutate: replace('let mean = near + sum / f32(end - start)', 'let mean = near') },
  ],
  [
    'batch norm: deviations between slices forgotten',
    batchNorm,
    { kernel: /^batch_norm_statistics/, mutate: replace(' + n * (d * d)', ' + 0.0f * (d * d)') },
  ],
  [
    'batch norm: normalised by the unbiased variance',
    offCentre,
    { kernel: /^batch_norm_statistics/, mutate: replace('variance = all / values;', 'variance = all / (values - 1.0f);') },
  ],
  [
    'batch norm: the running variance is the biased one',
    offCentre,
    { kernel: /^batch_norm_statistics/, mutate: replace('all / (values - 1.0f) - variance', 'all / values - variance') },
  ],
  [
    'batch norm: running statistics keep a tenth instead of nine',
    batchNorm,
    { kernel: /^batch_norm_statistics/, mutate: replace(/center \+ [\d.e-]+f \* \(mean - center\)/, 'mean + 0.1f * (center - mean)') },
  ],
  [
    'batch norm: running statistics that are constants move',
    running,
    { kernel: /^batch_norm_statistics/, mutate: replace('if (mode.learns == 1u)', 'if (mode.learns <= 1u)') },
  ],
  ['batch norm: scale forgotten', running, { kernel: /^batch_norm_apply/, mutate: replace('* affine[group] +', '+') }],
  ['batch norm: residual forgotten', batchNorm, { kernel: /^batch_norm_apply/, mutate: replace('value += residual[e];', '') }],
  [
    'batch norm: ReLU forgotten in the sums',
    batchNorm,
    { kernel: /^batch_norm_sums/, mutate: replace('vec4<bool>(counts) & (y[at] > vec4f())', 'vec4<bool>(counts)') },
  ],
  [
    'batch norm: gradients of pictures that do not count',
    batchNorm,
    { kernel: /^batch_norm_sums/, mutate: replace('vec4<bool>(counts) & (y[at] > vec4f())', 'y[at] > vec4f()') },
  ],
  [
    'batch norm: gradients of scale and shift exchanged',
    batchNorm,
    { kernel: /^batch_norm_totals/, mutate: swap('= total_scale;', '= total_shift;') },
  ],
  [
    'batch norm: a slice left out of the totals',
    batchNorm,
    { kernel: /^batch_norm_totals/, mutate: replace('var slice = member;', 'var slice = member + 1u;') },
  ],
  [
    'batch norm: the mean of the gradient forgotten',
    batchNorm,
    { kernel: /^batch_norm_backward/, mutate: replace('(totals[shape.groups + group] + ', '(0.0f * totals[shape.groups + group] + ') },
  ],
  [
    'batch norm: the projection forgotten',
    batchNorm,
    { kernel: /^batch_norm_backward/, mutate: replace('* r * totals[group]', '* r * (0.0f * totals[group])') },
  ],
  [
    'batch norm: wrong sign of what the statistics take',
    batchNorm,
    { kernel: /^batch_norm_backward/, mutate: replace('value -= (totals', 'value += (totals') },
  ],
  [
    'batch norm: running statistics have a gradient',
    running,
    { kernel: /^batch_norm_backward/, mutate: replace('if (mode.learns == 1u)', 'if (mode.learns <= 1u)') },
  ],
  [
    'batch norm: a mean over all pictures instead of those that count',
    batchNorm,
    { kernel: /^batch_norm_backward/, mutate: replace('shape.batch / mode.windows * mode.counted', 'shape.batch') },
  ],
];

describe('a broken kernel of the image encoder is noticed', () => {
  const { device, mutated } = useMutantDevice('software');
  const passes = (check: Check): Promise<boolean> =>
    check(device()).then(
      () => true,
      () => false,
    );

  it.each([strided, plain, norm, pool, keypoints, batchNorm, offCentre, running])(
    'passes while nothing is broken, check %#',
    async (check) => {
      await check(device());
    },
  );

  it.each(MUTATIONS)('%s', { timeout: 60_000 }, async (_, check, mutation) => {
    const { result, mutants } = await mutated(mutation, () => passes(check));
    expect(mutants, 'texts that changed').toBeGreaterThan(0);
    expect(result, 'the check passes').toBe(false);
  });
});
