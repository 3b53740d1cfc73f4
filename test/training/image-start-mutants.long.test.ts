import { describe, expect, it } from 'vitest';
import { firstStepOfCvae } from '../support/image-start-case.js';
import { type Mutation, replace, useMutantDevice } from '../support/mutants.js';

/** What would be easy to get wrong behind the small encoder. */
const MUTATIONS: readonly (readonly [string, Mutation])[] = [
  [
    'ReLU forgotten',
    { kernel: /^map_product forwards.*relu applied/, mutate: replace('select(value, vec4f(), value < vec4f())', 'value') },
  ],
  [
    'mask of ReLU forgotten',
    { kernel: /^map_product backwards.*relu masked/, mutate: replace(/select\(vec4f\(\), value, activated\[.*\] > vec4f\(\)\)/, 'value') },
  ],
  ['mask of ReLU turned round', { kernel: /^map_product backwards.*relu masked/, mutate: replace('] > vec4f()', '] <= vec4f()') }],
  [
    'mask of the last ReLU forgotten',
    { kernel: /^mean_places gradient/, mutate: replace('select(vec4f(), slope, x[e] > vec4f())', 'slope') },
  ],
  ['mean that is a sum', { kernel: /^mean_places \d/, mutate: replace('sum / f32(shape.places)', 'sum') }],
  ['gradient of the mean that is not divided', { kernel: /^mean_places gradient/, mutate: replace(' / f32(shape.places)', '') }],
  ['gradient of the mean with the wrong sign', { kernel: /^mean_places gradient/, mutate: replace('let slope = dy', 'let slope = -dy') }],
  ['bias forgotten', { kernel: /^map_product forwards bias relu/, mutate: replace('value += bias[shape.bias_offset + lane];', '') }],
  // Cameras and frames lie one after the other in the batch.
  ['features of the first camera for all', { kernel: /^place_tokens/, mutate: replace('x[', 'x[0u * ') }],
  [
    'weights of the first half of the pictures alone',
    { kernel: /^map_weight_gradient/, mutate: replace('start < shape.rows', 'start < shape.rows / 2u') },
  ],
  [
    'biases of the first half of the pictures alone',
    { kernel: /^row_sums/, mutate: replace('start < shape.rows', 'start < shape.rows / 2u') },
  ],
  ['biases without gradient', { kernel: /^row_sums/, mutate: replace('y[at] = sum;', 'y[at] = vec4f();') }],
  [
    'taps exchanged in weights',
    { kernel: /^map_weight_gradient/, mutate: replace('let tap_y = tap / shape.kernel', 'let tap_y = tap % shape.kernel') },
  ],
];

describe('a step of a CVAE over pictures notices a broken kernel', () => {
  const { device, mutated } = useMutantDevice('software');

  const passes = async (): Promise<boolean> => (await firstStepOfCvae(device())).gradient < 1e-3;

  it('passes while nothing is broken', { timeout: 300_000 }, async () => {
    expect(await passes()).toBe(true);
  });

  it.each(MUTATIONS)('%s', { timeout: 300_000 }, async (_, mutation) => {
    const { result, mutants } = await mutated(mutation, passes);
    expect(mutants, 'texts that changed').toBeGreaterThan(0);
    expect(result, 'gradients pass').toBe(false);
  });
});
