import { describe, expect, it } from 'vitest';
import { diffusionPolicyName } from '../../../src/checkpoints/lerobot/tensor-names.js';
import { unetTensorShapes } from '../../../src/checkpoints/lerobot/unet-tensors.js';
import { LEVEL_AND_STOP } from '../../../src/checkpoints/methods/consistency.js';
import { CONSISTENCY_LEVELS } from '../../../src/diffusion/consistency-training.js';
import type { UnetShape } from '../../../src/spec/network-shapes.js';
import { consistency, studentNetwork } from '../../../src/training/methods/consistency.js';
import { edmTeacher } from '../../../src/training/methods/edm-teacher.js';
import type { Method } from '../../../src/training/methods/method.js';
import { frozenNetwork, MethodTraining } from '../../../src/training/methods/method-training.js';
import { methodUnet } from '../../../src/training/methods/unet-network.js';
import { useTestDevice } from '../../support/device.js';
import { isKept, recordedMasks } from '../../support/dropout.js';
import { checkDroppedRows } from '../../support/dropped-rows.js';
import { type Mutation, replace, swap, useMutantDevice } from '../../support/mutants.js';
import { type Drop, referenceLevelsUnet } from '../../support/reference-networks.js';
import { randomWeights, SMALL_UNET } from '../../support/unet-training.js';
import { Normals, type Values, valueAt, valuesOf } from '../../support/values.js';

const COMPILES_MS = 300_000;
const SHAPE: UnetShape = { ...SMALL_UNET, stepEmbedDim: 8 };
const { horizon, actionDim, conditioningDim } = SHAPE;
const B = 2;
const PROBABILITY = 0.25;
const { sigmaMin, sigmaMax, sigmaData, rho, bins } = CONSISTENCY_LEVELS;
const DELTA = 0.00054 * Math.sqrt(horizon * actionDim);

type Weights = ReadonlyMap<string, Float32Array>;
/** Kept (1) or not, by site. */
type Masks = ReadonlyMap<string, Uint8Array>;

/** T(b), as methods.md §4 has it. */
const levelOf = (bin: number): number =>
  Math.min(
    sigmaMax,
    Math.max(sigmaMin, (sigmaMax ** (1 / rho) + (bin / (bins - 1)) * (sigmaMin ** (1 / rho) - sigmaMax ** (1 / rho))) ** rho),
  );
const weightOf = (level: number): number => (level ** 2 + sigmaData ** 2) / (level * sigmaData) ** 2;
const scales = (level: number): { skip: number; out: number; into: number } => {
  const root = Math.sqrt(level ** 2 + sigmaData ** 2);
  return {
    skip: sigmaData ** 2 / ((level - sigmaMin) ** 2 + sigmaData ** 2),
    out: ((level - sigmaMin) * sigmaData) / root,
    into: 1 / root,
  };
};
const each = (of: (b: number, c: number, t: number) => number): Values => valuesOf(B, actionDim, horizon, of);
/** [b][t][c] as the host packs them. */
const chunk = (values: Float32Array): Values => each((b, c, t) => values[(b * horizon + t) * actionDim + c] as number);
const hub = (difference: number): number => Math.sqrt(difference ** 4 + DELTA ** 2) - DELTA;
const mean = (of: (b: number, c: number, t: number) => number): number =>
  each(of).data.reduce((sum, value) => sum + value, 0) / (B * horizon * actionDim);

/** Drops by recorded masks; samples of this pass begin at `first` of the mask's. */
function dropper(masks: Masks, pass: string, first = 0): Drop {
  return (block, site, values) => {
    const mask = masks.get(`${pass}.${block}.after_${site}`);
    if (!mask) return values;
    const { batch, channels, length } = values;
    return valuesOf(batch, channels, length, (b, c, t) =>
      mask[((first + b) * length + t) * channels + c] === 1 ? valueAt(values, b, c, t) / (1 - PROBABILITY) : 0,
    );
  };
}

/** A network in float64: F of a sample at levels of each sample. */
type Network = (x: Values, levels: readonly (readonly number[])[], drop?: Drop) => Values;

function networkOf(weights: Weights, shape: UnetShape, conditioning: Values): Network {
  const tensors = Object.fromEntries(
    [...unetTensorShapes(shape).keys()].map((name) => [name, weights.get(diffusionPolicyName('', name)) as Float32Array]),
  );
  const embed = (level: number): number => 250 * Math.log(level);
  return (x, levels, drop) =>
    referenceLevelsUnet(
      tensors,
      shape,
      x,
      levels.map((own) => own.map(embed)),
      conditioning,
      drop,
    );
}

/** D(x, T) of a teacher. */
const denoised = (network: Network, x: Values, levels: readonly number[], drop?: Drop): Values => {
  const into = each((b, c, t) => valueAt(x, b, c, t) * scales(levels[b] as number).into);
  const out = network(
    into,
    levels.map((level) => [level]),
    drop,
  );
  return each(
    (b, c, t) => scales(levels[b] as number).skip * valueAt(x, b, c, t) + scales(levels[b] as number).out * valueAt(out, b, c, t),
  );
};

/** G(x, T, S) of a student. */
const jumped = (network: Network, x: Values, levels: readonly number[], ends: readonly number[], drop: Drop): Values => {
  const into = each((b, c, t) => valueAt(x, b, c, t) * scales(levels[b] as number).into);
  const out = network(
    into,
    levels.map((level, b) => [level, ends[b] as number]),
    drop,
  );
  return each((b, c, t) => {
    const [level, share] = [levels[b] as number, (ends[b] as number) / (levels[b] as number)];
    const { skip, out: scale } = scales(level);
    return share * valueAt(x, b, c, t) + (1 - share) * (scale * valueAt(out, b, c, t) + skip * valueAt(x, b, c, t));
  });
};

const normals = new Normals(21);
const BATCH = {
  count: B,
  conditioning: normals.floats(B * conditioningDim),
  actions: normals.floats(B * horizon * actionDim, 0.5),
  noise: normals.floats(B * horizon * actionDim),
};
const CONDITIONING = valuesOf(B, conditioningDim, 1, (b, c) => BATCH.conditioning[b * conditioningDim + c] as number);
const [ACTIONS, NOISE] = [chunk(BATCH.actions), chunk(BATCH.noise)];
const noisy = (noise: Values, levels: readonly number[]): Values =>
  each((b, c, t) => valueAt(ACTIONS, b, c, t) + (levels[b] as number) * valueAt(noise, b, c, t));

/** Runs a step by these masks, and compares its loss, and the largest element of every gradient, with differences of the reference. */
async function expectReference<Batch, Part extends string>(
  training: MethodTraining<Batch>,
  method: Method<Batch, Part>,
  batch: Omit<Batch, 'dropout'>,
  loss: (weights: Weights, masks: Masks) => number,
): Promise<void> {
  const weights = randomWeights(training);
  const masks = recordedMasks(method.dropout?.sites ?? [], PROBABILITY);
  expect(masks.size).toBeGreaterThan(0);
  training.write('weights', weights);
  training.run({ ...batch, dropout: { probability: PROBABILITY, masks } } as Batch, null);
  const metrics = await training.metrics();
  const expected = loss(weights, masks);
  expect(Math.abs(metrics.loss / expected - 1)).toBeLessThan(2e-5);
  // Masks that keep everything are another network.
  const whole = new Map([...masks].map(([name, mask]) => [name, mask.map(() => 1)]));
  expect(Math.abs(loss(weights, whole) / expected - 1)).toBeGreaterThan(1e-3);
  const gradients = await training.read('gradients');
  for (const [name, gradient] of gradients) {
    const largest = gradient.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const element = gradient.findIndex((value) => Math.abs(value) === largest);
    const own = weights.get(name) as Float32Array;
    const [before, h] = [own[element] as number, 1e-3];
    const at = (value: number): readonly [number, number] => {
      own[element] = value;
      const found = [own[element] as number, loss(weights, masks)] as const;
      own[element] = before;
      return found;
    };
    const [[above, high], [below, low]] = [at(before + h), at(before - h)];
    expect(Math.abs((high - low) / (above - below) - (gradient[element] as number)), `${name}, element ${element}`).toBeLessThan(
      3e-3 * largest + 2e-6,
    );
  }
}

describe('dropout of Consistency Policy', () => {
  const device = useTestDevice();

  it(
    'drops in the middle blocks of the teacher, behind the first Mish and behind the sum: loss and gradients of a float64 twin',
    async () => {
      const levels = [0.7, 3];
      const method = edmTeacher({ shape: SHAPE, batchSize: B, levels: CONSISTENCY_LEVELS, drops: true });
      expect(method.dropout?.sites.map(({ name }) => name)).toEqual([
        'network.mid_modules.0.after_activation',
        'network.mid_modules.0.after_residual',
        'network.mid_modules.1.after_activation',
        'network.mid_modules.1.after_residual',
      ]);
      const training = await MethodTraining.create(device(), method, { ema: false });
      const batch = { ...BATCH, levels: Float64Array.from(levels) };
      await expectReference(training, method, batch, (weights, masks) => {
        const found = denoised(networkOf(weights, SHAPE, CONDITIONING), noisy(NOISE, levels), levels, dropper(masks, 'network'));
        return mean((b, c, t) => weightOf(levels[b] as number) * hub(valueAt(found, b, c, t) - valueAt(ACTIONS, b, c, t)));
      });
      training.dispose();
    },
    COMPILES_MS,
  );

  it(
    'drops in all blocks of student and average, each pass by masks of its own, and not in the teacher: loss and gradients of a float64 twin',
    async () => {
      const shape = { ...SHAPE, levels: LEVEL_AND_STOP };
      const fixed = new Normals(31);
      const own = (parameters: readonly { readonly name: string; readonly shape: readonly number[] }[]): Map<string, Float32Array> =>
        new Map(
          [...randomWeights({ parameters })].map(([name, values]) => [
            name,
            values.map((value) => Math.fround(value + 0.05 * fixed.next())),
          ]),
        );
      const [teacherWeights, averageWeights] = [own(methodUnet(SHAPE).parameters), own(studentNetwork(SHAPE).parameters)];
      const teacher = await frozenNetwork(device(), methodUnet(SHAPE), teacherWeights);
      const average = await frozenNetwork(device(), studentNetwork(SHAPE), averageWeights);
      const method = consistency({ shape: SHAPE, batchSize: B, levels: CONSISTENCY_LEVELS, drops: true }, { teacher, average });
      expect(method.dropout?.sites).toHaveLength(4 * 2 * 8);
      const training = await MethodTraining.create(device(), method, { ema: false });
      const [from, next, stop, levels] = [
        [30, 55],
        [31, 55],
        [50, 70],
        [0.6, 2],
      ];
      const denoisingNoise = normals.floats(BATCH.noise.length);
      const bins = (values: readonly number[]): Int32Array => Int32Array.from(values);
      const batch = { ...BATCH, from: bins(from), stop: bins(stop), next: bins(next), levels: Float64Array.from(levels), denoisingNoise };
      const [t, u, s] = [from, next, stop].map((list) => list.map(levelOf)) as [number[], number[], number[]];
      const ends = s.map(() => sigmaMin);
      const denoiser = networkOf(teacherWeights, SHAPE, CONDITIONING);
      const noised = noisy(NOISE, t);
      // Heun's step from T to U; where they are equal nothing moves.
      const slope = (x: Values, at: readonly number[]): Values => {
        const found = denoised(denoiser, x, at);
        return each((b, c, i) => (valueAt(x, b, c, i) - valueAt(found, b, c, i)) / (at[b] as number));
      };
      const change = (b: number): number => (u[b] as number) - (t[b] as number);
      const first = slope(noised, t);
      const euler = each((b, c, i) => valueAt(noised, b, c, i) + change(b) * valueAt(first, b, c, i));
      const second = slope(euler, u);
      const moved = each((b, c, i) => valueAt(noised, b, c, i) + (change(b) / 2) * (valueAt(first, b, c, i) + valueAt(second, b, c, i)));
      const averaged = networkOf(averageWeights, shape, CONDITIONING);
      await expectReference(training, method, batch, (weights, masks) => {
        const student = networkOf(weights, shape, CONDITIONING);
        const atStop = jumped(averaged, moved, u, s, dropper(masks, 'next'));
        const target = jumped(averaged, atStop, s, ends, dropper(masks, 'target'));
        const atEnd = jumped(student, noised, t, s, dropper(masks, 'student'));
        const predicted = jumped(averaged, atEnd, s, ends, dropper(masks, 'prediction'));
        const clean = jumped(student, noisy(chunk(denoisingNoise), levels), levels, ends, dropper(masks, 'student', B));
        return (
          mean((b, c, i) => hub(valueAt(predicted, b, c, i) - valueAt(target, b, c, i))) +
          mean((b, c, i) => weightOf(levels[b] as number) * hub(valueAt(clean, b, c, i) - valueAt(ACTIONS, b, c, i)))
        );
      });
      training.dispose();
      teacher.destroy();
      average.destroy();
    },
    COMPILES_MS,
  );

  it(
    'draws by seed, step, site and element, and a batch without dropout is that of a network that was compiled without',
    async () => {
      const levels = Float64Array.of(0.7, 3);
      const open = (drops: boolean) => edmTeacher({ shape: SHAPE, batchSize: B, levels: CONSISTENCY_LEVELS, drops });
      const method = open(true);
      const training = await MethodTraining.create(device(), method, { ema: false });
      const plain = await MethodTraining.create(device(), open(false), { ema: false });
      const weights = randomWeights(training);
      for (const one of [training, plain]) one.write('weights', weights);
      const lossOf = async (one: typeof training, dropout: object | null): Promise<number> => {
        one.run({ ...BATCH, levels, dropout: dropout as null }, null);
        return (await one.metrics()).loss;
      };
      const key = { probability: PROBABILITY, seed: 5, step: 3 };
      const masks = new Map(
        method.dropout?.sites.map(({ name, elements }, site) => [
          name,
          Uint8Array.from({ length: elements }, (_, e) => (isKept(key, site, e) ? 1 : 0)),
        ]),
      );
      const drawn = await lossOf(training, key);
      expect(drawn).toBe(await lossOf(training, { probability: PROBABILITY, masks }));
      expect(drawn).not.toBe(await lossOf(training, { ...key, step: 4 }));
      expect(Math.abs((await lossOf(training, null)) / (await lossOf(plain, null)) - 1)).toBeLessThan(1e-6);
      training.dispose();
      plain.dispose();
    },
    COMPILES_MS,
  );
});

const MUTATIONS: readonly (readonly [string, 'none' | 'bias' | 'scale-bias', Mutation])[] = [
  [
    'rows of the mask as they lie',
    'none',
    { kernel: /^dropped_rows/, mutate: replace('kept(row * shape.channels + channel)', 'kept(row * shape.from_row + channel + 1u)') },
  ],
  ['the mask of another site', 'none', { kernel: /^dropped_rows/, mutate: replace('mask[shape.mask_word + ', 'mask[') }],
  ['kept values not scaled', 'none', { kernel: /^dropped_rows/, mutate: replace('dropout.scale, bit', '1.0f, bit') }],
  [
    'FiLM before dropout',
    'scale-bias',
    {
      kernel: /^dropped_rows, film/,
      mutate: replace('value * film_scale + film_bias', 'value * film_scale + film_bias * kept(row * shape.channels + channel)'),
    },
  ],
  [
    'gradient of what was dropped',
    'scale-bias',
    { kernel: /^dropped_rows_gradient/, mutate: replace('= factor * film_scale * gradient', '= film_scale * gradient') },
  ],
  [
    'scale forgotten in the gradient',
    'scale-bias',
    { kernel: /^dropped_rows_gradient/, mutate: replace('= factor * film_scale * gradient', '= factor * gradient') },
  ],
  [
    "the scale's gradient of what Mish made",
    'scale-bias',
    { kernel: /^dropped_rows_gradient/, mutate: replace('gradient * factor * x[', 'gradient * x[') },
  ],
  [
    'gradients of scale and bias exchanged',
    'scale-bias',
    { kernel: /^dropped_rows_gradient/, mutate: swap('= sum_scale;', '= sum_bias;') },
  ],
  [
    'the bias gradient drops',
    'bias',
    { kernel: /^dropped_rows_gradient/, mutate: replace('sum_bias += gradient;', 'sum_bias += gradient * factor;') },
  ],
];

describe('a broken kernel of dropped rows is noticed', () => {
  const { device, mutated } = useMutantDevice('software');

  it.each(MUTATIONS)('%s', async (_, kind, mutation) => {
    const passes = (): Promise<boolean> =>
      checkDroppedRows(device(), kind).then(
        () => true,
        () => false,
      );
    expect(await passes()).toBe(true);
    const { result, mutants } = await mutated(mutation, passes);
    expect(mutants, 'texts that changed').toBeGreaterThan(0);
    expect(result, 'the check passes').toBe(false);
  });
});
