import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { caseFolder } from '../../src/platform/node/case-folder.js';
import { GoldenCase } from '../../src/verification/golden-case.js';
import { trainingDescription } from '../../src/verification/training/description.js';
import { openPredictorCase } from '../../src/verification/training/predictor-case.js';
import { type Mutation, replace, useMutantDevice } from '../support/mutants.js';

const FOLDER = fileURLToPath(new URL('../goldens/train-predictor', import.meta.url));

/** What would be easy to get wrong in the kernels that are the predictor's own. */
const MUTATIONS: readonly (readonly [string, Mutation])[] = [
  [
    'softmax gradient without its sum',
    { kernel: /^softmax_rows_gradient/, mutate: replace('(ds[first + j] - projected)', 'ds[first + j]') },
  ],
  [
    'softmax gradient with the sum of dropped ones',
    { kernel: /^softmax_rows_gradient/, mutate: replace('projected += p[first + j] * dp', 'projected += dp') },
  ],
  ['probabilities whose gradient passes dropout', { kernel: /^softmax_rows_gradient/, mutate: replace('kept(first + j) * ds', 'ds') }],
  [
    'scale of dropout forgotten',
    { kernel: /./, mutate: replace('select(0.0f, dropout.scale, bit == 1u)', 'select(0.0f, 1.0f, bit == 1u)') },
  ],
  [
    'scale of dropout forgotten on the way back',
    { kernel: /^dropped drop$/, mutate: replace('select(0.0f, dropout.scale, bit == 1u)', 'select(0.0f, 1.0f, bit == 1u)') },
  ],
  ['masks of another site', { kernel: /^dropped gelu gradient/, mutate: replace('shape.mask_word + (element >> 5u)', '(element >> 5u)') }],
  ['gelu slope without the density', { kernel: /^dropped gelu gradient/, mutate: replace('+ x * exp(-0.5f * x * x) * 0.39894228f', '') }],
  ['residual forgotten', { kernel: /^dropped drop and add/, mutate: replace('kept(e) * a[e] + b[e]', 'kept(e) * a[e]') }],
  [
    'layer norm gradient without the mean',
    { kernel: /^layer_norm_gradient/, mutate: replace('(q - mean - normalized * along)', '(q - normalized * along)') },
  ],
  [
    'layer norm gradient without the projection',
    { kernel: /^layer_norm_gradient/, mutate: replace('(q - mean - normalized * along)', '(q - mean)') },
  ],
  [
    'layer norm gradient without the residual path',
    { kernel: /^layer_norm_gradient, added/, mutate: replace('value + added[first + c]', 'value') },
  ],
  [
    'gradient of the scale of what is not normalised',
    {
      kernel: /^layer_norm_parameters/,
      mutate: replace('(x[row * shape.channels + id.x] - moments.x) * moments.y', 'x[row * shape.channels + id.x]'),
    },
  ],
  [
    'last block of rows forgotten',
    {
      kernel: /^layer_norm_parameters/,
      mutate: replace('min(begin + shape.block_rows, shape.rows)', 'min(begin + shape.block_rows, shape.rows - 1u)'),
    },
  ],
  ['scores not scaled', { kernel: /^head_product/, mutate: replace('sum0[j] * factor', 'sum0[j]') }],
  ['a row of a tile taken for its neighbour', { kernel: /^head_product/, mutate: replace('sum2 = sum3;', 'sum2 = sum2;') }],
  ['positions forgotten', { kernel: /^place_tokens, rows/, mutate: replace(' + rows[id.x]', '') }],
];

describe('the recorded step with dropout notices a broken kernel', () => {
  const { device, mutated } = useMutantDevice('software');

  /** Whether all sampled gradients are within a thousandth of the largest of their tensor. */
  async function passes(): Promise<boolean> {
    const sources = await caseFolder(FOLDER);
    const golden = await GoldenCase.open(sources.golden);
    const description = trainingDescription(golden.name, golden.description as Readonly<Record<string, unknown>>);
    const network = await openPredictorCase(golden, description, sources, device());
    try {
      network.write('weights', network.startWeights);
      const [dropout] = network.variants ?? [];
      if (!dropout) throw new Error('the case has no step with dropout');
      dropout.run();
      const gradients = await network.read('gradients');
      const [samples, indices] = await Promise.all([golden.values('expected.dropout.grad.samples'), golden.values('sample_index')]);
      return description.parameters.every(({ name }, index) => {
        // Key biases are noise.
        if (name.endsWith('in_proj_bias')) return true;
        const found = gradients.get(name) as Float32Array;
        const most = { error: 0, scale: 0 };
        for (let i = index * 64; i < (index + 1) * 64; i++) {
          const element = indices[i] as number;
          if (element < 0) continue;
          most.scale = Math.max(most.scale, Math.abs(samples[i] as number));
          most.error = Math.max(most.error, Math.abs((found[element] as number) - (samples[i] as number)));
        }
        return most.error <= 1e-3 * most.scale;
      });
    } finally {
      network.dispose();
      await sources.golden.close();
    }
  }

  it('passes while nothing is broken', { timeout: 300_000 }, async () => {
    expect(await passes()).toBe(true);
  });

  it.each(MUTATIONS)('%s', { timeout: 300_000 }, async (_, mutation) => {
    const { result, mutants } = await mutated(mutation, passes);
    expect(mutants, 'texts that changed').toBeGreaterThan(0);
    expect(result, 'gradients pass').toBe(false);
  });
});
