import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { caseFolder } from '../../src/platform/node/case-folder.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import { GoldenCase } from '../../src/verification/golden-case.js';
import { type TrainingRun, trainingDescription } from '../../src/verification/training/description.js';
import { runTrainingCase } from '../../src/verification/training/run-training-case.js';
import { openUnetCase } from '../../src/verification/training/unet-case.js';
import { GOLDENS } from '../support/golden-cases.js';
import { dropBarrier, type Mutation, replace, swap, useMutantDevice } from '../support/mutants.js';

/** `masked-clip-adamw`, or the run that is named; its first two steps and the inner values. */
interface TrainingMutation extends Mutation {
  readonly what: string;
  readonly golden?: 'train-unet-nofilm' | 'train-unet-state';
  readonly run?: string;
}

const SOFTWARE: readonly TrainingMutation[] = [
  { what: 'Mish′: wrong sign', kernel: /^norm_backward/, mutate: replace('tau + x * sigma', 'tau - x * sigma') },
  { what: 'norm: ⟨q x̂⟩ missing', kernel: /^norm_backward/, mutate: replace(' - normalized * mean_qx', '') },
  { what: 'norm: ⟨q⟩ missing', kernel: /^norm_backward/, mutate: replace('dx[at] - mean_q ', 'dx[at] ') },
  { what: 'norm: γ missing', kernel: /^norm_backward/, mutate: replace('= dz * gamma', '= dz') },
  {
    what: 'FiLM: scale missing in dh',
    kernel: /^norm_backward .*scale-bias/,
    golden: 'train-unet-state',
    mutate: replace('dh = gradient * film_scale', 'dh = gradient'),
  },
  {
    what: 'FiLM: scale gets the gradient of the value before Mish',
    kernel: /^norm_backward .*scale-bias/,
    golden: 'train-unet-state',
    mutate: replace('gradient * mish(z)', 'gradient * z'),
  },
  {
    what: 'FiLM: gradients of scale and bias exchanged',
    kernel: /^norm_backward .*scale-bias/,
    golden: 'train-unet-state',
    mutate: swap('= sum_yh;', '= sum_y;'),
  },
  {
    what: 'norm: unbiased variance',
    kernel: /^norm_forward/,
    mutate: replace('local) / elements + EPSILON', 'local) / (elements - 1.0f) + EPSILON'),
  },
  { what: 'row sums: last row left out', kernel: /^row_sums/, mutate: replace('shape.rows);', 'shape.rows - 1u);') },
  { what: 'weight gradient: padding forgotten', kernel: /^weight_gradient/, mutate: replace(/ - i32\(shape\.padding\)/g, '') },
  {
    what: 'weight gradient: last row left out',
    kernel: /^weight_gradient/,
    mutate: replace('start + BLOCK, shape.rows', 'start + BLOCK, shape.rows - 1u'),
  },
  {
    what: 'input gradient: taps not reversed',
    kernel: /^rows_product/,
    mutate: replace('i32(shape.padding) - i32(tap)', 'i32(tap) - i32(shape.padding)'),
  },
  {
    what: 'input gradient: residual forgotten',
    kernel: /^rows_product backwards/,
    mutate: replace('value += addend[', 'value += 0.0f * addend['),
  },
  { what: 'skip: taken off', kernel: /^add_rows/, mutate: replace('+ b[', '- b[') },
  {
    what: 'loss: mask forgotten in the gradient',
    kernel: /^mean_squared_error/,
    mutate: replace('inverse_count * weight', 'inverse_count'),
  },
  { what: 'loss: mask forgotten in the value', kernel: /^mean_squared_error/, mutate: replace('row_loss += weight *', 'row_loss +=') },
  { what: 'loss: factor 2 forgotten', kernel: /^mean_squared_error/, mutate: replace('2.0f * step', '1.0f * step') },
  { what: 'noise: coefficients exchanged', kernel: /^noisy_sample/, mutate: swap('c.x', 'c.y') },
  {
    what: 'conditioning: gradient without Mish′',
    kernel: /^mish_backward pair/,
    mutate: replace('* mish_gradient(second[', '* (1.0f + 0.0f * second['),
  },
  { what: 'Adam: β₂ confused with β₁', kernel: /^adam/, mutate: replace('step.beta2', 'step.beta1') },
  { what: 'Adam: 1 − β₂ confused with 1 − β₁', kernel: /^adam/, mutate: replace('step.one_minus_beta2', 'step.one_minus_beta1') },
  {
    what: 'Adam: ε inside the root',
    kernel: /^adam/,
    mutate: replace('sqrt(v) / step.root_correction2 + step.epsilon', 'sqrt(v + step.epsilon) / step.root_correction2'),
  },
  { what: 'Adam: no bias correction', kernel: /^adam/, mutate: replace('sqrt(v) / step.root_correction2', 'sqrt(v)') },
  { what: 'Adam: the momentum is the gradient', kernel: /^adam/, mutate: replace('step.step_size * m', 'step.step_size * g') },
  { what: 'AdamW: no decay', kernel: /^adam/, mutate: replace('p *= step.decay_factor', 'p *= 1.0f') },
  { what: 'Adam: no decay', kernel: /^adam/, run: 'masked-clip-adam', mutate: replace('p * step.coupled_decay', 'p * 0.0f') },
  { what: 'clipping forgotten', kernel: /^adam/, mutate: replace('* result[2]', '* 1.0f') },
  { what: 'clipping: root forgotten', kernel: /^step_result/, mutate: replace('sqrt(all.y)', 'all.y') },
  { what: 'loss: a sample left out', kernel: /^step_result/, mutate: replace('b < shape.samples', 'b + 1u < shape.samples') },
  {
    what: 'moving average: weights exchanged',
    kernel: /^adam/,
    run: 'masked-clip-adam',
    mutate: replace('step.one_minus_ema *', '(1.0f - step.one_minus_ema) *'),
  },
];

const GPU: readonly TrainingMutation[] = [
  { what: 'products: no barrier after the first tile', kernel: /^rows_product tiled/, mutate: dropBarrier(0) },
  { what: 'products: weights not turned', kernel: /^rows_product tiled backwards/, mutate: swap('weight0[1]', 'weight1[0]') },
  { what: 'products: last tile left out', kernel: /^rows_product tiled/, mutate: replace('next <= turns', 'next < turns') },
  { what: 'products: one place for two tiles', kernel: /^rows_product tiled/, mutate: replace('turn = 1u - turn', 'turn = 0u') },
  { what: 'weight gradient: last rows left out', kernel: /^weight_gradient tiled/, mutate: replace('next < end + UNITS', 'next < end') },
  { what: 'weight gradient: no barrier after the first rows', kernel: /^weight_gradient tiled/, mutate: dropBarrier(0) },
  { what: 'norm: members do not share their sums', kernel: /^norm_backward/, mutate: replace('reduce_sum(sum_q, local)', 'sum_q') },
];

const STEPS = 2;

async function passes(
  device: ComputeDevice,
  { golden: name = 'train-unet-nofilm', run = 'masked-clip-adamw' }: TrainingMutation,
): Promise<boolean> {
  const sources = await caseFolder(join(GOLDENS, name));
  const golden = await GoldenCase.open(sources.golden);
  try {
    const description = trainingDescription(golden.name, golden.description as Readonly<Record<string, unknown>>);
    const runs = description.runs
      .filter((recorded) => recorded.name === run)
      .map((recorded): TrainingRun => {
        const first = <T>(values: readonly T[]): T[] => values.slice(0, STEPS);
        const { loss, gradientNorm, clipFactor, updates } = recorded;
        const cut = { loss: first(loss), gradientNorm: first(gradientNorm), updates: first(updates) };
        return { ...recorded, ...cut, clipFactor: clipFactor && first(clipFactor) };
      });
    expect(runs).toHaveLength(1);
    const network = await openUnetCase(golden, description, sources, device);
    try {
      const { tensors } = await runTrainingCase(golden, { ...description, runs }, network);
      return tensors.every(({ pass }) => pass);
    } finally {
      network.dispose();
    }
  } finally {
    await sources.golden.close();
  }
}

describe.each([
  ['software', SOFTWARE],
  ['gpu', GPU],
] as const)('training cases notice a broken kernel of class %s', (deviceClass, mutations) => {
  const { device, mutated } = useMutantDevice(deviceClass);

  it('and pass while nothing is broken', async () => {
    const whole: readonly Pick<TrainingMutation, 'golden' | 'run'>[] = [{}, { run: 'masked-clip-adam' }, { golden: 'train-unet-state' }];
    for (const choice of whole) expect(await passes(device(), choice as TrainingMutation), JSON.stringify(choice)).toBe(true);
  });

  it.each(mutations)('$what', async (mutation) => {
    const { result, mutants } = await mutated(mutation, () => passes(device(), mutation));
    expect(mutants, 'texts that changed').toBeGreaterThan(0);
    expect(result, 'the case passes').toBe(false);
  });
});
