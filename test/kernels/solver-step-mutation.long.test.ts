import { describe, expect, it } from 'vitest';
import type { SolverStep } from '../../src/diffusion/solver-step.js';
import { dropBarrier, type Mutation, replace, useMutantDevice } from '../support/mutants.js';
import { NOTHING, referenceSteps, runSteps, type StepsRun, stepInputs } from '../support/solver-steps.js';
import { Normals, type Values, valueAt, valuesOf } from '../support/values.js';

// Kernels of solver steps that no golden reaches, broken on purpose: the comparison with float64 must notice each.

const STEP: SolverStep = {
  ...NOTHING,
  x0FromSample: 1.5,
  x0FromOutput: -1,
  epsFromOutput: 0.7,
  fromX0: 0.9,
  fromEps: 0.4,
  fromSample: 0.3,
};
/** More values than invocations, so that loops go round, and several steps, so that the x0 of the older ones are used. */
const inputs = stepInputs(21, 2, 3, 67, 3);

const thirdOrder: StepsRun = {
  ...inputs,
  steps: [0, 1, 2].map(() => ({ ...STEP, clip: 0.9, fromPreviousX0: 0.2, fromOlderX0: -0.3 })),
};
const thresholding: StepsRun = {
  ...inputs,
  steps: [0.973, 0.5013, 0.9017].map((quantile) => ({ ...STEP, clip: { quantile, most: 4 } })),
  thresholding: true,
};
/** An output in three parts of two samples, and a bias per channel. */
const inParts: StepsRun = partsOf(thirdOrder);

function constant(values: Values, value: number): Values {
  return { ...values, data: values.data.map(() => value) };
}

const MUTANTS: readonly (Mutation & { readonly what: string; readonly run: StepsRun })[] = [
  { what: 'older x0 left out', run: thirdOrder, kernel: /^solver_step/, mutate: replace('step.from_older_x0 != 0.0f', 'false') },
  { what: 'older x0 is the previous one', run: thirdOrder, kernel: /^solver_step/, mutate: replace('past.y', 'past.x') },
  { what: 'x0 not handed on', run: thirdOrder, kernel: /^solver_step/, mutate: replace('vec2f(clean, past.x)', 'vec2f(clean, past.y)') },
  { what: 'threshold left out', run: thresholding, kernel: /^thresholding_step/, mutate: replace('step.threshold_most > 0.0f', 'false') },
  { what: 'no division by the bound', run: thresholding, kernel: /^thresholding_step/, mutate: replace('scale = bound;', '') },
  { what: 'rank one too high', run: thresholding, kernel: /^thresholding_step/, mutate: replace('<= rank)', '<= rank + 1u)') },
  { what: 'rank one too low', run: thresholding, kernel: /^thresholding_step/, mutate: replace('<= rank)', '< rank)') },
  { what: 'no interpolation', run: thresholding, kernel: /^thresholding_step/, mutate: replace('position - f32(rank)', '0.0f') },
  { what: 'last bit left out', run: thresholding, kernel: /^thresholding_step/, mutate: replace('bit > 0u', 'bit > 22u') },
  {
    what: 'signs kept',
    run: thresholding,
    kernel: /^thresholding_step/,
    mutate: (code) => code.replaceAll('abs(predicted_x0(first + e))', 'predicted_x0(first + e)'),
  },
  {
    what: 'the first sample for all',
    run: thresholding,
    kernel: /^thresholding_step/,
    mutate: replace('predicted_x0(first + e)))', 'predicted_x0(e)))'),
  },
  { what: 'count not reset', run: thresholding, kernel: /^thresholding_step/, mutate: replace('atomicStore(&count, 0u);', '') },
  { what: 'next value above always', run: repeated(), kernel: /^thresholding_step/, mutate: replace('through > rank + 1u || ', '') },
  { what: 'no least bound', run: small(), kernel: /^thresholding_step/, mutate: replace('max(quantile, 1.0f)', 'quantile') },
  {
    what: 'no largest bound',
    run: tight(),
    kernel: /^thresholding_step/,
    mutate: replace('step.threshold_most);', '1e9f);'),
  },
  { what: 'a part left out', run: inParts, kernel: /^solver_step/, mutate: replace('var part = 0u', 'var part = 1u') },
  { what: 'the first sample of a part for all', run: inParts, kernel: /^solver_step/, mutate: replace('/ 3u;', '/ 6u;') },
  { what: 'the bias of one channel for all', run: inParts, kernel: /^solver_step/, mutate: replace('index % 3u', 'index % 1u') },
  { what: 'a barrier less after the count', run: thresholding, kernel: /^thresholding_step/, mutate: dropBarrier(0) },
];

function partsOf(run: StepsRun): StepsRun {
  const normals = new Normals(22);
  const { batch, channels, length } = run.output;
  const parts = [1, 2, 3].map(() => normals.values(batch, channels, length));
  const bias = normals.floats(channels);
  const output = valuesOf(batch, channels, length, (b, c, t) =>
    parts.reduce((sum, part) => sum + valueAt(part, b, c, t), bias[c] as number),
  );
  return { ...run, output, outputParts: { parts, bias } };
}

/** x0 of 3 and 4 among equal numbers of 3: the value of the next rank is 3 again, though 4 is above. */
function repeated(): StepsRun {
  const output = { ...inputs.output, data: inputs.output.data.map((_, i) => (i % 4 === 0 ? -2.5 : -1.5)) };
  const steps = [{ ...STEP, clip: { quantile: 0.3026, most: 9 } }];
  return { ...thresholding, noise: inputs.noise.slice(0, 1), sample: constant(inputs.sample, 1), output, steps };
}

/** A quantile far beyond what it may be. */
function tight(): StepsRun {
  return { ...thresholding, noise: inputs.noise.slice(0, 1), steps: [{ ...STEP, clip: { quantile: 1, most: 1.2 } }] };
}

/** x0 that are nowhere near 1. */
function small(): StepsRun {
  return { ...thresholding, sample: constant(inputs.sample, 0.01), output: constant(inputs.output, 0.05) };
}

describe('a broken kernel of a solver step is noticed', () => {
  const { device, mutated } = useMutantDevice('software');

  it.each(MUTANTS)('$what', async ({ run, ...mutation }) => {
    const { result, mutants } = await mutated(mutation, () => runSteps(device(), run));
    expect(mutants).toBe(1);
    const expected = referenceSteps(run);
    const error = Math.max(...expected.sample.data.map((value, i) => Math.abs(value - (result.sample.data[i] as number))));
    expect(error > 1e-4 || Number.isNaN(error)).toBe(true);
  });

  it.each([
    ['third order', thirdOrder],
    ['thresholding', thresholding],
    ['repeated values', repeated()],
    ['small values', small()],
  ] as const)('and %s is right unless it is broken', async (_, run) => {
    const { sample } = await runSteps(device(), run);
    const expected = referenceSteps(run);
    expect(Math.max(...expected.sample.data.map((value, i) => Math.abs(value - (sample.data[i] as number))))).toBeLessThan(1e-5);
  });
});
