import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { NonFiniteError } from '../../src/foundation/errors.js';
import { loadNorm, recordGroupNorm } from '../../src/ops/norm.js';
import { recordShiftChunk } from '../../src/ops/sampling.js';
import { caseFolder } from '../../src/platform/node/case-folder.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import type { Precision } from '../../src/spec/precision.js';
import { verifyCase } from '../../src/verification/verify-case.js';
import { type ConvCase, type ConvInputs, convInputs, expectedConvolution, runConvolutions } from '../support/conv-case.js';
import { dropBarrier, type Mutation, replace, swap, useMutantDevice } from '../support/mutants.js';
import { groupNormMish } from '../support/reference.js';
import { runOp } from '../support/run-op.js';
import { expectSameBits, Normals, type Values, valueAt, valuesOf } from '../support/values.js';

const GOLDENS = fileURLToPath(new URL('../goldens', import.meta.url));

/** A mutation, and a case that uses the kernels it breaks. */
interface VerifiedMutation extends Mutation {
  readonly what: string;
  readonly golden: string;
  readonly precision?: Precision;
}

/** The convolutions in the middle of a U-Net of kernel size 5: one text, so that a mutation costs one compilation. */
const MIDDLE = /^conv1d k5 s1 4 -> 4 /;

const MUTATIONS: readonly VerifiedMutation[] = [
  {
    what: 'conv1d: chunks of two taps swapped',
    kernel: MIDDLE,
    golden: 'state-ddim2',
    mutate: swap('load_chunk(base + 8u)', 'load_chunk(base + 16u)'),
  },
  {
    what: 'conv1d: chunks of two taps swapped where the kernel size is 3',
    kernel: /^conv1d k3 s1 4 -> 4 /,
    golden: 'state-bias-film',
    mutate: swap('load_chunk(base + 0u)', 'load_chunk(base + 16u)'),
  },
  {
    what: 'conv1d: last input channel left out',
    kernel: MIDDLE,
    golden: 'state-ddim2',
    mutate: replace(/shape\.turns\b/, '(shape.turns - 1u)'),
  },
  {
    what: 'conv1d: one column further in a vector of columns',
    kernel: MIDDLE,
    golden: 'state-ddim2',
    mutate: swap('[0];', '[1];'),
  },
  {
    what: 'conv1d: chunks of the first block for all',
    kernel: MIDDLE,
    golden: 'state-ddim2',
    mutate: replace('block * shape.block_chunks * BLOCK_LANES', '0u * shape.block_chunks'),
  },
  {
    what: 'transposed conv1d: chunks of two taps swapped',
    kernel: /^conv_transpose1d k4 s2 4 -> 8 /,
    golden: 'state-ddim2',
    mutate: swap('load_chunk(base + 0u)', 'load_chunk(base + 16u)'),
  },
  {
    what: 'linear: bias left out',
    kernel: /^linear k1 s1 4 -> 4 /,
    golden: 'state-ddim2',
    mutate: replace('products + bias[channel]', 'products'),
  },
  {
    what: 'f16 weights: the pairs of a chunk swapped',
    kernel: MIDDLE,
    golden: 'state-dialect-a',
    precision: 'f16',
    mutate: (code) => swap('chunk[0]', 'chunk[2]')(swap('chunk[1]', 'chunk[3]')(code)),
  },
  {
    what: 'f16 weights: the halves of a word swapped',
    kernel: MIDDLE,
    golden: 'state-dialect-a',
    precision: 'f16',
    mutate: replace('unpack2x16float(chunk[0])', 'unpack2x16float(chunk[0]).yx'),
  },
  {
    what: 'int8 weights: the bytes of a word in the other order',
    kernel: MIDDLE,
    golden: 'state-dialect-a',
    precision: 'int8',
    mutate: replace('vec4u(24u, 16u, 8u, 0u)', 'vec4u(0u, 8u, 16u, 24u)'),
  },
  {
    what: 'int8 weights: read without their sign',
    kernel: MIDDLE,
    golden: 'state-dialect-a',
    precision: 'int8',
    mutate: (code) => code.replaceAll(/bitcast<vec4i>\((.+?)\) >> vec4u/g, '($1) >> vec4u'),
  },
  {
    what: 'int8 weights: scale left out',
    kernel: MIDDLE,
    golden: 'state-dialect-a',
    precision: 'int8',
    mutate: replace('products * weight_scale[channel]', 'products * 0.01f'),
  },

  {
    what: 'group norm: FiLM of the first column for all',
    kernel: /^group_norm, film scale-bias per column/,
    golden: 'methods/rnr-dp',
    mutate: replace('* shape.time_steps + time]', '* shape.time_steps]'),
  },
  {
    what: 'conditioning of slots: the embedding of the sample, not of the slot',
    kernel: /^slot_conditioning/,
    golden: 'methods/rnr-dp',
    mutate: replace('(row % shape.slots)', '(row / shape.slots)'),
  },
  {
    what: 'solver step: coefficients of the next slot',
    kernel: /^solver_step .* slots$/,
    golden: 'methods/rnr-dp',
    mutate: replace('steps[element / 2u]', 'steps[min(element / 2u + 1u, 7u)]'),
  },
  {
    what: 'group norm: epsilon 1e-3',
    kernel: /^group_norm/,
    golden: 'state-ddim2',
    mutate: replace(/EPSILON: f32 = [^;]+/, 'EPSILON: f32 = 1e-3f'),
  },
  {
    what: 'group norm: residual left out',
    kernel: /^group_norm.*residual/,
    golden: 'state-ddim2',
    mutate: replace('h += residual', 'h -= 0.0f * residual'),
  },
  {
    what: 'FiLM: scale and bias swapped',
    kernel: /film scale-bias/,
    golden: 'state-ddim2',
    mutate: swap('film(batch, channel)', 'film(batch, shape.channels + channel)'),
  },
  {
    what: 'FiLM: bias of the next channel',
    kernel: /film bias/,
    golden: 'state-bias-film',
    mutate: replace('h += film(batch, channel)', 'h += film(batch, channel + 1u)'),
  },
  {
    what: 'Mish: constant',
    kernel: /^(group_norm|linear)/,
    golden: 'state-ddim2',
    mutate: replace('e * (e + 2.0f)', 'e * (e + 2.001f)'),
  },

  {
    what: 'layer norm: epsilon 1e-3',
    kernel: /^layer_norm/,
    golden: 'step-forward-noise',
    mutate: replace(/EPSILON: f32 = [^;]+/, 'EPSILON: f32 = 1e-3f'),
  },
  {
    what: 'GELU: constant',
    kernel: /^linear/,
    golden: 'step-forward-noise',
    mutate: replace('0.70710678f', '0.708f'),
  },
  {
    what: 'attention: scale',
    kernel: /^attention/,
    golden: 'step-forward-noise',
    mutate: replace('1.0f / sqrt(f32(shape.head_dim))', '1.0f / f32(shape.head_dim)'),
  },
  {
    what: 'attention: keys of another head',
    kernel: /^attention/,
    golden: 'step-forward-noise',
    mutate: replace('memory[shape.k_offset', 'memory[(first + 1u) % 2u + shape.k_offset'),
  },

  {
    what: 'solver step: clamp left out',
    kernel: /^solver_step/,
    golden: 'state-ddim2',
    mutate: replace('step.clip > 0.0f', 'false'),
  },
  {
    what: 'solver step: eps from the other coefficient',
    kernel: /^solver_step/,
    golden: 'state-bias-film',
    mutate: swap('step.eps_from_sample', 'step.eps_from_output'),
  },
  {
    what: 'solver step: previous x0 left out',
    kernel: /^solver_step/,
    golden: 'state-dpmsolver4',
    mutate: replace('step.from_previous_x0 != 0.0f', 'false'),
  },
  {
    what: 'solver step: variance noise left out',
    kernel: /^solver_step/,
    golden: 'state-ddpm10',
    mutate: replace('step.from_noise != 0.0f', 'false'),
  },
  {
    what: 'start: scales swapped',
    kernel: /^start/,
    golden: 'step-forward-noise',
    mutate: swap('scale.x', 'scale.y'),
  },
  {
    what: 'start: scale of the first sample for all',
    kernel: /^start/,
    golden: 'state-ddim2',
    mutate: replace('scales[id.z]', 'vec2f(0.0f, 0.999f)'),
  },
  {
    what: 'normalise: constants swapped',
    kernel: /^normalize/,
    golden: 'state-ddim2',
    mutate: swap('s.x', 's.y'),
  },
  {
    what: 'un-normalise: constants swapped',
    kernel: /^unnormalize/,
    golden: 'state-ddim2',
    mutate: swap('s.z', 's.w'),
  },
];

const BARRIERS: readonly VerifiedMutation[] = [
  {
    what: 'group norm: no barrier between writing and reading',
    kernel: /^group_norm/,
    golden: 'state-ddim2',
    mutate: dropBarrier(1),
  },
  {
    what: 'group norm: no barrier between reading and writing again',
    kernel: /^group_norm/,
    golden: 'state-ddim2',
    mutate: dropBarrier(0),
  },
  {
    what: 'layer norm: no barrier between writing and reading',
    kernel: /^layer_norm/,
    golden: 'step-forward-noise',
    mutate: dropBarrier(1),
  },
  {
    what: 'layer norm: no barrier between reading and writing again',
    kernel: /^layer_norm/,
    golden: 'step-forward-noise',
    mutate: dropBarrier(0),
  },
  {
    what: 'attention: sum begins while the maximum is still being read',
    kernel: /^attention/,
    golden: 'step-forward-noise',
    mutate: dropBarrier(0),
  },
  {
    what: 'attention: sum and weights read before they are written',
    kernel: /^attention/,
    golden: 'step-forward-noise',
    mutate: dropBarrier(1),
  },
];

function isClose(found: Values | undefined, expected: Values): boolean {
  return found?.data.every((value, i) => Math.abs(value - (expected.data[i] as number)) <= 1e-5) ?? false;
}

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

describe('comparison with float64 notices a missing barrier in the variants for GPUs', () => {
  const { device, mutated } = useMutantDevice('gpu');
  // One convolution, not a policy of many: software drivers take seconds to compile each. Its columns are added up in two
  // turns, and each norm is shared by all invocations of a workgroup.
  const shape: ConvCase = { inChannels: 40, outChannels: 34, inLength: 8, kernelSize: 3, padding: 1 };
  const inputs = convInputs(shape);

  async function agrees(op: 'conv1d' | 'group norm'): Promise<boolean> {
    if (op === 'conv1d') {
      const [found] = await runConvolutions(device(), [{ shape, inputs }]);
      return isClose(found, expectedConvolution(shape, inputs));
    }
    const [gamma, beta] = [new Normals(2).floats(40), new Normals(3).floats(40)];
    const results = await runOp(device(), async (op) => {
      const norm = await loadNorm(op.loader({ 'n.weight': gamma, 'n.bias': beta }), 'n', 40);
      recordGroupNorm(op.builder, norm, { x: op.input(inputs.x), y: op.output('y', 1, 40, 8), groups: 2 });
    });
    return isClose(results.values('y'), groupNormMish({ x: inputs.x, gamma, beta, groups: 2 }));
  }

  it.each(['conv1d', 'group norm'] as const)('control: %s agrees while nothing is broken', async (op) => {
    expect(await agrees(op)).toBe(true);
  });

  it.each([
    // Barrier 0 is for inputs that were staged in the same memory.
    { op: 'conv1d', what: 'before the slices are read', barrier: 1 },
    { op: 'conv1d', what: 'before the next columns are written', barrier: 2 },
    { op: 'group norm', what: 'between reading and writing again', barrier: 0 },
    { op: 'group norm', what: 'between writing and reading', barrier: 1 },
  ] as const)('$op: $what', async ({ op, barrier }) => {
    const { result, mutants } = await mutated({ kernel: /^(conv1d|group_norm)/, mutate: dropBarrier(barrier) }, () => agrees(op));
    expect(mutants, 'texts that changed').toBe(1);
    expect(result, 'agrees').toBe(false);
  });
});

/** A convolution of carried codes of int8: two tiles of columns in a turn, channels that fill no block. */
const CARRIED: ConvCase = { inChannels: 20, outChannels: 34, inLength: 8, kernelSize: 5, padding: 2, batch: 2 };

/** Weights that int8 holds exactly: whole multiples of a power of two, the largest of every channel 127 of them. */
function wholeCodes(): ConvInputs {
  const inputs = convInputs(CARRIED);
  const normals = new Normals(4);
  const row = CARRIED.inChannels * CARRIED.kernelSize;
  inputs.weight.forEach((_, i) => {
    const code = i % row === 0 ? 127 : Math.max(-127, Math.min(127, Math.round(40 * normals.next())));
    inputs.weight[i] = code * 2 ** -9;
  });
  return inputs;
}

/** Twelve channels of a group for eight invocations, FiLM of two samples, and the residual as maps of columns. */
const NORM = { batch: 2, channels: 24, groups: 2, length: 8 };

describe('comparison with float64 notices a broken text of the variants for lavapipe', () => {
  const { device, mutated } = useMutantDevice('lavapipe');

  async function convolutionAgrees(): Promise<boolean> {
    const inputs = wholeCodes();
    const [found] = await runConvolutions(device(), [{ shape: CARRIED, inputs }], 'int8');
    return isClose(found, expectedConvolution(CARRIED, inputs));
  }

  async function normAgrees(): Promise<boolean> {
    const { batch, channels, groups, length } = NORM;
    const normals = new Normals(5);
    const [x, residual] = [normals.values(batch, channels, length, 2), normals.values(batch, channels, length)];
    const [gamma, beta] = [normals.floats(channels), normals.floats(channels)];
    const rowLength = 2 * channels;
    const [timestepRow, observationRows] = [normals.floats(rowLength), normals.floats(batch * rowLength)];
    const results = await runOp(device(), async (op) => {
      const norm = await loadNorm(op.loader({ 'n.weight': gamma, 'n.bias': beta }), 'n', channels);
      const film = {
        timestepRows: op.buffer('timestep row', timestepRow),
        timestepRow: op.builder.offset('row'),
        rowBytes: rowLength * 4,
        observationRows: op.buffer('observation rows', observationRows),
        rowLength,
        offset: 0,
        scale: true,
      };
      const y = op.output('y', batch, channels, length);
      recordGroupNorm(op.builder, norm, { x: op.input(x), y, groups, film, residual: op.input(residual) });
    });
    const h = groupNormMish({ x, gamma, beta, groups });
    const film = (b: number, value: number): number => (timestepRow[value] as number) + (observationRows[b * rowLength + value] as number);
    const expected = valuesOf(
      batch,
      channels,
      length,
      (b, c, t) => valueAt(h, b, c, t) * film(b, c) + film(b, channels + c) + valueAt(residual, b, c, t),
    );
    return isClose(results.values('y'), expected);
  }

  const SUBJECTS = {
    'carried codes': { kernel: /^conv1d k5 s1 8 -> 8 .*int8 carried texture by tile/, agrees: convolutionAgrees },
    'norm by fours': { kernel: /^group_norm by fours, x uniform, film scale-bias, residual uniform/, agrees: normAgrees },
  } as const;

  it.each(['carried codes', 'norm by fours'] as const)('control: %s agree while nothing is broken', async (subject) => {
    expect(await SUBJECTS[subject].agrees()).toBe(true);
  });

  /** Changes what follows the first product of the second tile of columns. */
  const inSecondTile =
    (mutate: Mutation['mutate']) =>
    (code: string): string => {
      const at = code.indexOf('acc4[0] +=');
      return code.slice(0, at) + mutate(code.slice(at));
    };

  const MUTANTS: readonly { readonly subject: keyof typeof SUBJECTS; readonly what: string; readonly mutate: Mutation['mutate'] }[] = [
    { subject: 'carried codes', what: 'codes of two rows exchanged', mutate: replace(/vec2u\(24u, 16u\)/g, 'vec2u(16u, 24u)') },
    { subject: 'carried codes', what: 'the last code moved up by one bit less', mutate: replace(/vec2u\(8u, 0u\)/g, 'vec2u(8u, 1u)') },
    { subject: 'carried codes', what: 'read without their sign', mutate: replace(/bitcast<vec2i>/g, 'vec2u') },
    { subject: 'carried codes', what: 'the excess not taken off', mutate: replace(/ - vec4f\(0\.0f, acc\d\.xyz\) \* [^)]+\)/g, ')') },
    {
      subject: 'carried codes',
      what: 'the excess of the row above taken off',
      mutate: replace(/vec4f\(0\.0f, (acc\d)\.xyz\)/g, 'vec4f($1.yzw, 0.0f)'),
    },
    { subject: 'carried codes', what: 'the excess taken off twice', mutate: replace(/\* 0\.00390625f/g, '* 0.0078125f') },
    {
      subject: 'carried codes',
      what: 'the excess of the last column not taken off',
      mutate: replace(/acc7 = \(acc7 - [^;]*?0\.00390625f\)/, 'acc7 = (acc7)'),
    },
    { subject: 'carried codes', what: 'settled to another unit', mutate: replace(/5\.960464477539063e-8f/g, '5.9e-8f') },
    {
      subject: 'carried codes',
      what: 'by tile: the last two rows of a tile take weights of the first two',
      mutate: replace(/vec2u\(8u, 0u\)/g, 'vec2u(24u, 16u)'),
    },
    {
      subject: 'carried codes',
      what: 'by tile: a row of a sum takes the weight of its neighbour',
      mutate: replace(/(acc2\[3\] \+= w0)\[1\]/, '$1[0]'),
    },
    {
      subject: 'carried codes',
      what: 'by tile: sums of the second tile added to the first',
      mutate: inSecondTile(replace(/acc4\[(\d)\] \+=/g, 'acc0[$1] +=')),
    },
    {
      subject: 'carried codes',
      what: 'by tile: the second tile takes another chunk',
      mutate: inSecondTile(replace(/\(chunk1\[/g, '(chunk2[')),
    },
    {
      subject: 'carried codes',
      what: 'by tile: a product left out of the second tile',
      mutate: inSecondTile(replace(/acc4\[0\] \+= .*/, '')),
    },
    {
      subject: 'carried codes',
      what: 'by tile: a chunk of the turn loaded for another',
      mutate: replace('load_chunk(base + 8u)', 'load_chunk(base + 16u)'),
    },

    { subject: 'norm by fours', what: 'a column of four left out of sums', mutate: replace('(v.z + v.w)', '(v.z + v.z)') },
    { subject: 'norm by fours', what: 'the first four columns for all', mutate: replace(' + time * shape.x_time) / 4u', ') / 4u') },
    { subject: 'norm by fours', what: 'the first sample for all', mutate: replace('batch * shape.x_batch', '0u * batch') },
    {
      subject: 'norm by fours',
      what: 'every second turn of channels left out of the mean',
      mutate: replace('channel += INVOCATIONS', 'channel += 2u * INVOCATIONS'),
    },
    {
      subject: 'norm by fours',
      what: 'the last four columns left out of the mean',
      mutate: replace('time < length', 'time + 4u < length'),
    },
    { subject: 'norm by fours', what: 'squares around zero', mutate: replace('time) - mean;', 'time);') },
    { subject: 'norm by fours', what: 'epsilon 1e-3', mutate: replace(/EPSILON: f32 = [^;]+/, 'EPSILON: f32 = 1e-3f') },
    { subject: 'norm by fours', what: 'scale of the first channel for the group', mutate: replace('gamma[channel]', 'gamma[first]') },
    { subject: 'norm by fours', what: 'shift of the first channel for the group', mutate: replace('beta[channel]', 'beta[first]') },
    {
      subject: 'norm by fours',
      what: 'FiLM scale and bias exchanged',
      mutate: swap('film(batch, channel)', 'film(batch, shape.channels + channel)'),
    },
    {
      subject: 'norm by fours',
      what: 'the residual of the first columns',
      mutate: replace(' + time * shape.residual_time) / 4u', ') / 4u'),
    },
    { subject: 'norm by fours', what: 'residual left out', mutate: replace('h += residual', 'h += 0.0f * residual') },
    { subject: 'norm by fours', what: 'a column stored for its neighbour', mutate: replace('= h[1];', '= h[0];') },
  ];

  it.each(MUTANTS.map((mutant) => [`${mutant.subject}: ${mutant.what}`, mutant] as const))('%s', async (_what, { subject, mutate }) => {
    const { kernel, agrees } = SUBJECTS[subject];
    const { result, mutants } = await mutated({ kernel, mutate }, agrees);
    expect(mutants, 'texts that changed').toBe(1);
    expect(result, 'agrees').toBe(false);
  });
});
