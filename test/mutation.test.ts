import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NonFiniteError } from '../src/errors.js';
import { recordShiftChunk } from '../src/ops/sampling.js';
import type { Precision } from '../src/ops/weight-source.js';
import { caseFolder } from '../src/platform/node/case-folder.js';
import type { ComputeDevice } from '../src/runtime/device.js';
import { verifyCase } from '../src/verification/verify-case.js';
import { dropBarrier, replace, swap, useMutantDevice, type Mutation } from './support/mutants.js';
import { runOp } from './support/run-op.js';
import { expectSameBits, Normals, valueAt, valuesOf } from './support/values.js';

const GOLDENS = fileURLToPath(new URL('./goldens', import.meta.url));

/** A mutation, and a case that uses the kernels it breaks. */
interface VerifiedMutation extends Mutation {
  readonly what: string;
  readonly golden: string;
  readonly precision?: Precision;
}

const MUTATIONS: readonly VerifiedMutation[] = [
  {
    what: 'conv1d: two taps swapped',
    kernel: /^conv1d k5/, golden: 'state-ddim2',
    mutate: swap('base + 1u * shape', 'base + 2u * shape'),
  },
  {
    what: 'conv1d: two taps swapped where the kernel size is 3',
    kernel: /^conv1d k3/, golden: 'state-bias-film',
    mutate: swap('base + 0u * shape', 'base + 2u * shape'),
  },
  {
    what: 'conv1d: last input channel left out',
    kernel: /^conv1d/, golden: 'state-ddim2',
    mutate: replace('i < shape.in_channels', 'i + 1u < shape.in_channels'),
  },
  {
    what: 'transposed conv1d: two taps swapped',
    kernel: /^conv_transpose1d/, golden: 'state-ddim2',
    mutate: swap('base + 0u * shape', 'base + 2u * shape'),
  },
  {
    what: 'linear: bias left out',
    kernel: /^linear/, golden: 'state-ddim2',
    mutate: replace('products + bias[row_group]', 'products'),
  },
  {
    what: 'f16 weights: the words of four halves swapped',
    kernel: /f16$/, golden: 'state-dialect-a', precision: 'f16',
    mutate: swap('bits.x', 'bits.y'),
  },
  {
    what: 'f16 weights: the halves of a word swapped',
    kernel: /f16$/, golden: 'state-dialect-a', precision: 'f16',
    mutate: replace('unpack2x16float(bits.x)', 'unpack2x16float(bits.x).yx'),
  },

  {
    what: 'group norm: epsilon 1e-3',
    kernel: /^group_norm/, golden: 'state-ddim2',
    mutate: replace(/EPSILON: f32 = [^;]+/, 'EPSILON: f32 = 1e-3f'),
  },
  {
    what: 'group norm: residual left out',
    kernel: /^group_norm.*residual/, golden: 'state-ddim2',
    mutate: replace('h += residual', 'h -= 0.0f * residual'),
  },
  {
    what: 'FiLM: scale and bias swapped',
    kernel: /film scale-bias/, golden: 'state-ddim2',
    mutate: swap('film(batch, channel)', 'film(batch, shape.channels + channel)'),
  },
  {
    what: 'FiLM: bias of the next channel',
    kernel: /film bias/, golden: 'state-bias-film',
    mutate: replace('h += film(batch, channel)', 'h += film(batch, channel + 1u)'),
  },
  {
    what: 'Mish: constant',
    kernel: /^(group_norm|linear)/, golden: 'state-ddim2',
    mutate: replace('e * (e + 2.0f)', 'e * (e + 2.001f)'),
  },

  {
    what: 'layer norm: epsilon 1e-3',
    kernel: /^layer_norm/, golden: 'step-forward-noise',
    mutate: replace(/EPSILON: f32 = [^;]+/, 'EPSILON: f32 = 1e-3f'),
  },
  {
    what: 'GELU: constant',
    kernel: /^linear/, golden: 'step-forward-noise',
    mutate: replace('0.70710678f', '0.708f'),
  },
  {
    what: 'attention: scale',
    kernel: /^attention/, golden: 'step-forward-noise',
    mutate: replace('1.0f / sqrt(f32(shape.head_dim))', '1.0f / f32(shape.head_dim)'),
  },
  {
    what: 'attention: keys of another head',
    kernel: /^attention/, golden: 'step-forward-noise',
    mutate: replace('memory[shape.k_offset', 'memory[(first + 1u) % 2u + shape.k_offset'),
  },

  {
    what: 'solver step: clamp left out',
    kernel: /^solver_step/, golden: 'state-ddim2',
    mutate: replace('step.clip > 0.0f', 'false'),
  },
  {
    what: 'solver step: eps from the other coefficient',
    kernel: /^solver_step/, golden: 'state-bias-film',
    mutate: swap('step.eps_from_sample', 'step.eps_from_output'),
  },
  {
    what: 'solver step: previous x0 left out',
    kernel: /^solver_step/, golden: 'state-dpmsolver4',
    mutate: replace('step.from_previous_x0 != 0.0f', 'false'),
  },
  {
    what: 'solver step: variance noise left out',
    kernel: /^solver_step/, golden: 'state-ddpm10',
    mutate: replace('step.from_noise != 0.0f', 'false'),
  },
  {
    what: 'start: scales swapped',
    kernel: /^start/, golden: 'step-forward-noise',
    mutate: swap('scale.x', 'scale.y'),
  },
  {
    what: 'start: scale of the first sample for all',
    kernel: /^start/, golden: 'state-ddim2',
    mutate: replace('scales[id.z]', 'vec2f(0.0f, 0.999f)'),
  },
  {
    what: 'normalise: constants swapped',
    kernel: /^normalize/, golden: 'state-ddim2',
    mutate: swap('s.x', 's.y'),
  },
  {
    what: 'un-normalise: constants swapped',
    kernel: /^unnormalize/, golden: 'state-ddim2',
    mutate: swap('s.z', 's.w'),
  },
];

const BARRIERS: readonly VerifiedMutation[] = [
  {
    what: 'group norm: no barrier between writing and reading',
    kernel: /^group_norm/, golden: 'state-ddim2',
    mutate: dropBarrier(1),
  },
  {
    what: 'group norm: no barrier between reading and writing again',
    kernel: /^group_norm/, golden: 'state-ddim2',
    mutate: dropBarrier(0),
  },
  {
    what: 'layer norm: no barrier between writing and reading',
    kernel: /^layer_norm/, golden: 'step-forward-noise',
    mutate: dropBarrier(1),
  },
  {
    what: 'layer norm: no barrier between reading and writing again',
    kernel: /^layer_norm/, golden: 'step-forward-noise',
    mutate: dropBarrier(0),
  },
  {
    what: 'attention: sum begins while the maximum is still being read',
    kernel: /^attention/, golden: 'step-forward-noise',
    mutate: dropBarrier(0),
  },
  {
    what: 'attention: sum and weights read before they are written',
    kernel: /^attention/, golden: 'step-forward-noise',
    mutate: dropBarrier(1),
  },
];

/** A case also fails when its policy reports NaN. A mutant that does not compile is a mistake of this test, and throws. */
async function passes(device: ComputeDevice, golden: string, precision: Precision = 'f32'): Promise<boolean> {
  try {
    return (await verifyCase(await caseFolder(join(GOLDENS, golden)), device, precision)).pass;
  } catch (error) {
    if (error instanceof NonFiniteError) return false;
    throw error;
  }
}

describe('verification notices a broken kernel', () => {
  const { device, mutated } = useMutantDevice('software');
  const cases = new Map(MUTATIONS.map(({ golden, precision = 'f32' }) => [`${golden} ${precision}`, { golden, precision }]));

  it.each([...cases.values()])('control: $golden passes with $precision while nothing is broken', async ({ golden, precision }) => {
    expect(await passes(device(), golden, precision)).toBe(true);
  });

  const expectFailure = async (mutation: VerifiedMutation): Promise<void> => {
    const { result, mutants } = await mutated(mutation, () => passes(device(), mutation.golden, mutation.precision));
    expect(mutants, 'texts that changed').toBeGreaterThan(0);
    expect(result, 'verification passes').toBe(false);
  };

  it.each(MUTATIONS)('$what', expectFailure);

  // Lavapipe runs the eight invocations of these workgroups as one vector, in step: it needs no barrier to get them right.
  it.skipIf(process.env['WARMSTEP_ADAPTER'] === 'lavapipe').each(BARRIERS)('$what', expectFailure);

  it('shift: one row further', async () => {
    // No recorded case moves the previous chunk, so the op itself is asked.
    const x = new Normals(1).values(1, 2, 16);
    const run = async () => {
      const results = await runOp(device(), (op) => {
        const { buffer } = op.input(x, 'tokens');
        recordShiftChunk(op.builder, { buffer, offset: 0, bytes: buffer.bytes }, 8, op.output('y', 1, 2, 16, 'tokens'));
      });
      return results.values('y');
    };
    const expected = valuesOf(1, 2, 16, (_b, a, j) => valueAt(x, 0, a, Math.min(j + 8, 15)));
    expectSameBits(await run(), expected, 'control');
    const { result, mutants } = await mutated({ kernel: /^shift_chunk/, mutate: replace('+ ROWS', '+ ROWS + 1u') }, run);
    expect(mutants).toBe(1);
    expect(result.data).not.toEqual(expected.data);
  });
});

describe('verification notices a missing barrier in the variants for GPUs', () => {
  const { device, mutated } = useMutantDevice('gpu');
  const golden = 'state-bias-film';
  // One convolution of many: software drivers take seconds for each.
  const conv1d = /^conv1d k3 s1 8 -> 8 .* 8x/;

  it('control: they pass while nothing is broken', async () => {
    expect(await passes(device(), golden)).toBe(true);
  });

  it.each([
    { what: 'conv1d: before the next columns are written', kernel: conv1d, barrier: 0 },
    { what: 'conv1d: before the slices are read', kernel: conv1d, barrier: 1 },
    { what: 'group norm: between reading and writing again', kernel: /^group_norm/, barrier: 0 },
    { what: 'group norm: between writing and reading', kernel: /^group_norm/, barrier: 1 },
  ])('$what', async ({ kernel, barrier }) => {
    const { result, mutants } = await mutated({ kernel, mutate: dropBarrier(barrier) }, () => passes(device(), golden));
    expect(mutants, 'texts that changed').toBeGreaterThan(0);
    expect(result, 'verification passes').toBe(false);
  });
});
