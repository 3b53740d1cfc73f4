import { describe, expect, it } from 'vitest';
import { mish } from '../support/reference.js';
import {
  type LinearMap,
  linearGradients,
  mishDerivative,
  type NormInputs,
  normGradients,
  outLength,
} from '../support/reference-gradients.js';
import { Normals, type Values } from '../support/values.js';

/** Central differences with this step agree to its square, and to the rounding of a sum over it. */
const STEP = 1e-5;
const TOLERANCE = 5e-9;

const dot = (a: Values, b: Values): number => a.data.reduce((sum, value, i) => sum + value * (b.data[i] as number), 0);

/** The gradient of `loss` with respect to an array, by central differences, against what is claimed, relative to the largest. */
function expectGradient(what: string, values: Float64Array, claimed: ArrayLike<number>, loss: () => number): void {
  let largest = 0;
  let worst = 0;
  values.forEach((value, i) => {
    values[i] = value + STEP;
    const above = loss();
    values[i] = value - STEP;
    const below = loss();
    values[i] = value;
    largest = Math.max(largest, Math.abs(claimed[i] as number));
    worst = Math.max(worst, Math.abs((above - below) / (2 * STEP) - (claimed[i] as number)));
  });
  expect(worst / largest, what).toBeLessThan(TOLERANCE);
}

describe('the float64 references of backward passes agree with finite differences', () => {
  const maps: readonly (Omit<LinearMap, 'weight'> & { readonly inChannels: number; readonly length: number })[] = [
    { inChannels: 3, outChannels: 2, kernelSize: 3, stride: 1, padding: 1, transposed: false, length: 4 },
    { inChannels: 2, outChannels: 3, kernelSize: 3, stride: 2, padding: 1, transposed: false, length: 5 },
    { inChannels: 2, outChannels: 3, kernelSize: 4, stride: 2, padding: 1, transposed: true, length: 3 },
    { inChannels: 5, outChannels: 2, kernelSize: 1, stride: 1, padding: 0, transposed: false, length: 1 },
  ];
  it.each(maps)('$kernelSize taps, stride $stride, transposed $transposed', ({ inChannels, length, ...shape }) => {
    const random = new Normals(1);
    const weight = Float64Array.from(random.floats(inChannels * shape.outChannels * shape.kernelSize));
    const x = random.values(2, inChannels, length);
    const dy = random.values(2, shape.outChannels, outLength(shape, length));
    const map = { ...shape, weight };
    const { dx, dw } = linearGradients(map, x, dy);
    const loss = (): number => dot(linearGradients(map, x, dy).y, dy);
    expectGradient('dx', x.data, dx.data, loss);
    expectGradient('dw', weight, dw, loss);
  });

  it.each([true, false, undefined])('group norm, Mish and FiLM with scale: %s', (hasScale) => {
    const random = new Normals(2);
    const [batch, channels, length, groups] = [2, 6, 3, 2];
    const film = hasScale === undefined ? undefined : { hasScale, values: random.values(batch, hasScale ? 12 : 6, 1) };
    const inputs: NormInputs = {
      x: random.values(batch, channels, length),
      gamma: Float64Array.from(random.floats(channels)),
      beta: Float64Array.from(random.floats(channels)),
      groups,
      film,
    };
    const dy = random.values(batch, channels, length);
    const { dx, dgamma, dbeta, dfilm } = normGradients(inputs, dy);
    const loss = (): number => dot(normGradients(inputs, dy).y, dy);
    expectGradient('dx', inputs.x.data, dx.data, loss);
    expectGradient('dγ', inputs.gamma, dgamma, loss);
    expectGradient('dβ', inputs.beta, dbeta, loss);
    if (film && dfilm) expectGradient('dfilm', film.values.data, dfilm.data, loss);
  });

  it('Mish, at the check values of the specification', () => {
    for (const x of [-3, -1, 0, 0.5, 2]) expect(mishDerivative(x)).toBeCloseTo((mish(x + STEP) - mish(x - STEP)) / (2 * STEP), 8);
    expect(mishDerivative(0)).toBeCloseTo(0.6, 12);
    expect(mishDerivative(1)).toBeCloseTo(1.0490362201, 9);
    expect(mishDerivative(-1)).toBeCloseTo(0.0592167558774, 12);
    expect(mishDerivative(25)).toBeCloseTo(1, 12);
    expect(mishDerivative(-20) / -3.91619187435e-8).toBeCloseTo(1, 6);
  });
});
