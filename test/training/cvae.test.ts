import { describe, expect, it } from 'vitest';
import { loadStartCheckpoint } from '../../src/checkpoints/predictor/read-predictor.js';
import { OptionError } from '../../src/foundation/errors.js';
import type { CvaeShape } from '../../src/spec/network-shapes.js';
import { type CvaeBatch, CvaeTraining } from '../../src/training/cvae/cvae-training.js';
import { cvaeParameters } from '../../src/training/cvae/parameters.js';
import { cvaeDropoutSites } from '../../src/training/cvae/record.js';
import { useTestDevice } from '../support/device.js';
import { golden, goldenFiles, jsonOf } from '../support/folders.js';
import { floatsOf } from '../support/golden-tensors.js';
import { referenceCvae } from '../support/reference-cvae.js';
import { Normals } from '../support/values.js';

const device = useTestDevice();

interface RecordedLoss {
  readonly kappa: number;
  readonly loss: number;
  readonly reconstruction?: number;
  readonly weighted_kl?: number;
  readonly grad_norm: { readonly total: number; readonly tensors: Readonly<Record<string, number>> };
}

const norm = (values: Float32Array): number => Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0));

/** A CVAE of a recorded case with its batch. */
async function recorded(
  folder: string,
  network: string,
  eps: string,
): Promise<{ shape: CvaeShape; weights: Map<string, Float32Array>; batch: CvaeBatch }> {
  const checkpoint = await loadStartCheckpoint(golden(`methods/${folder}/${network}`));
  try {
    if (checkpoint.kind !== 'cvae') throw new Error('no CVAE');
    const shape = checkpoint.config;
    const weights = new Map<string, Float32Array>();
    for (const { name } of cvaeParameters(shape)) weights.set(name, (await checkpoint.weights.readFloats(name)).slice());
    const tensors = await floatsOf(goldenFiles(`methods/${folder}`), 'losses.safetensors');
    const actions = tensors.get('action') as Float32Array;
    const count = actions.length / (shape.horizon * shape.actionDim);
    const batch = { count, conditioning: tensors.get('obs')!, actions, latent: tensors.get(eps)!, klWeight: 0, dropout: null };
    return { shape, weights, batch };
  } finally {
    await checkpoint.close();
  }
}

describe.each([
  ['bridger-cvae', 'predictor', 'eps', 'call_', (call: number) => Math.min(0.1 + 0.001 * call, 2)],
  ['bridger-sde-cvae', 'prior', 'cvae.eps', 'cvae_call_', (call: number) => Math.min(1e-4 * call, 0.1)],
] as const)('the CVAE of %s', (folder, network, eps, prefix, kappaOf) => {
  it('has the losses of the release, and the norms of their gradients', async () => {
    const { shape, weights, batch } = await recorded(folder, network, eps);
    const { losses } = jsonOf(goldenFiles(`methods/${folder}`), 'losses.json') as { losses: Record<string, RecordedLoss> };
    const calls = Object.keys(losses).filter((name) => name.startsWith(prefix));
    expect(calls).toHaveLength(4);
    // One sample more than there are, which does not count.
    const training = await CvaeTraining.create(device(), { shape, batchSize: batch.count + 1, ema: false });
    training.write('weights', weights);
    for (const call of calls) {
      const expected = losses[call] as RecordedLoss;
      const klWeight = kappaOf(Number(call.slice(prefix.length)));
      expect(klWeight).toBeCloseTo(expected.kappa, 12);
      training.run({ ...batch, klWeight }, null);
      const { loss, gradientNorm } = await training.metrics();
      const reference = referenceCvae(weights, shape, { ...batch, klWeight });
      for (const found of [loss, reference.loss]) expect(Math.abs(found / expected.loss - 1), `${call}: loss`).toBeLessThan(8e-6);
      if (expected.weighted_kl) expect(klWeight * reference.divergence).toBeCloseTo(expected.weighted_kl, 5);
      expect(Math.abs(gradientNorm / expected.grad_norm.total - 1), `${call}: norm`).toBeLessThan(8e-6);
      const gradients = await training.read('gradients');
      expect([...gradients.keys()]).toEqual(Object.keys(expected.grad_norm.tensors));
      for (const [name, gradient] of gradients) {
        const wanted = expected.grad_norm.tensors[name] as number;
        expect(Math.abs(norm(gradient) / wanted - 1), `${call}: ${name}`).toBeLessThan(2e-5);
      }
    }
    training.dispose();
  });
});

const ODD: CvaeShape = {
  actionDim: 3,
  observationDim: 5,
  horizon: 3,
  observationSteps: 1,
  conditionDim: 5,
  latentDim: 3,
  hiddenDim: 12,
  hiddenLayers: 2,
  activation: 'relu',
  latentStd: 1,
};

function oddBatch(size: number, count = size): CvaeBatch {
  const normals = new Normals(5);
  return {
    count,
    conditioning: normals.floats(size * ODD.conditionDim),
    actions: normals.floats(size * ODD.horizon * ODD.actionDim),
    latent: normals.floats(size * ODD.latentDim),
    klWeight: 0.3,
    dropout: null,
  };
}

function oddWeights(shape: CvaeShape, scale: number): Map<string, Float32Array> {
  const normals = new Normals(6);
  return new Map(
    cvaeParameters(shape).map((p) => [
      p.name,
      normals.floats(
        p.shape.reduce((all, size) => all * size, 1),
        scale,
      ),
    ]),
  );
}

/** Slope of the loss in one element, by differences in float64. */
function slope(
  weights: Map<string, Float32Array>,
  name: string,
  element: number,
  loss: (weights: ReadonlyMap<string, Float64Array>) => number,
): number {
  const h = 1e-5;
  const at = (offset: number): number => {
    const moved = new Map([...weights].map(([key, values]) => [key, Float64Array.from(values)]));
    (moved.get(name) as Float64Array)[element]! += offset;
    return loss(moved);
  };
  return (at(h) - at(-h)) / (2 * h);
}

describe('a CVAE in training', () => {
  it.each([
    ['relu', false, 0.4, 5],
    ['relu', true, 0.4, 5],
    ['elu', false, 0.4, 5],
    // Deviations beyond both bounds, where they have no gradient.
    ['relu', false, 3, 5],
    ['elu', false, 3, 5],
    // All frames through a projection, narrower and wider than they are.
    ['relu', false, 0.4, 4],
    ['relu', true, 0.4, 8],
  ] as const)(
    '%s, dropout %s, weights of ± %d, condition of %d: loss and gradients of the reference, of the samples that count',
    async (activation, drops, scale, conditionDim) => {
      const shape = { ...ODD, activation, conditionDim };
      const [size, count] = [4, 3];
      const weights = oddWeights(shape, scale);
      const masks = new Map(
        cvaeDropoutSites(shape, size).map(({ name, elements }) => [
          name,
          Uint8Array.from({ length: elements }, (_, i) => (i % 3 === 1 ? 0 : 1)),
        ]),
      );
      const dropout = drops ? { probability: 0.25, masks } : null;
      const batch = { ...oddBatch(size, count), dropout };
      const training = await CvaeTraining.create(device(), { shape, batchSize: size, ema: false });
      training.write('weights', weights);
      training.run(batch, null);
      const { loss } = await training.metrics();
      const gradients = await training.read('gradients');
      training.dispose();
      expect(gradients.has('obs_projection.weight')).toBe(conditionDim !== ODD.conditionDim);
      const reference = (of: ReadonlyMap<string, Float32Array | Float64Array>): number =>
        referenceCvae(of, shape, batch, dropout ?? undefined).loss;
      const expected = reference(weights);
      expect(Math.abs(loss / expected - 1)).toBeLessThan(2e-5);
      for (const [name, gradient] of gradients) {
        const largest = gradient.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        const elements = new Set([
          gradient.findIndex((value) => Math.abs(value) === largest),
          0,
          gradient.length - 1,
          gradient.length >> 1,
        ]);
        for (const element of elements) {
          const error = Math.abs((gradient[element] as number) - slope(weights, name, element, reference));
          expect(error, `${name}, element ${element}`).toBeLessThanOrEqual(1e-4 * largest + 1e-6);
        }
      }
    },
  );

  it('refuses what it cannot train, and batches that do not fit', async () => {
    const create = (change: object): Promise<CvaeTraining> =>
      CvaeTraining.create(device(), { shape: { ...ODD, ...change }, batchSize: 2, ema: false });
    await expect(create({ hiddenDim: 10 })).rejects.toThrow('hidden_dim: training needs a multiple of 4, found 10');
    await expect(create({ conditionDim: 9 })).rejects.toThrow('projection_dim: training needs a multiple of 4, found 9');
    const training = await create({ activation: 'elu' });
    const refuse = (change: object, message: string): void => {
      const run = (): void => training.run({ ...oddBatch(2), ...change }, null);
      expect(run).toThrow(OptionError);
      expect(run).toThrow(message);
    };
    refuse({ count: 3 }, 'batch.count: expected an integer from 1 to 2');
    refuse({ latent: new Float32Array(5) }, 'batch.latent: expected 2 × 3 values');
    refuse({ actions: new Float32Array(18).fill(NaN) }, 'batch.actions: expected finite values');
    refuse({ klWeight: -1 }, 'batch.klWeight: expected a finite number from 0 on, found -1');
    refuse({ dropout: { probability: 0.1, seed: 1, step: 1 } }, 'drops nothing');
    training.dispose();
  });
});
