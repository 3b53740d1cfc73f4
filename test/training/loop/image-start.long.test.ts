import { describe, expect, it } from 'vitest';
import { loadStartCheckpoint } from '../../../src/checkpoints/predictor/read-predictor.js';
import { loadPolicyCheckpoint } from '../../../src/checkpoints/read-policy.js';
import { type CheckpointSource, memorySource } from '../../../src/checkpoints/source.js';
import type { Dataset, PictureData } from '../../../src/datasets/dataset.js';
import { loadPolicy } from '../../../src/policy/load-policy.js';
import type { RunHistory } from '../../../src/training/loop/history.js';
import { type ImageEncoderOptions, ownRows } from '../../../src/training/loop/own-encoder.js';
import { type MemoryStorage, memoryStorage } from '../../../src/training/loop/run-storage.js';
import { trainCvae } from '../../../src/training/loop/train-cvae.js';
import { trainPredictor } from '../../../src/training/loop/train-predictor.js';
import { PredictorTraining } from '../../../src/training/predictor/predictor-training.js';
import { useTestDevice } from '../../support/device.js';
import { CAMERAS, imagePolicy } from '../../support/image-policy.js';
import { pictureDataset, pictureOf } from '../../support/picture-dataset.js';
import { TINY_PREDICTOR } from '../../support/tiny-training.js';
import { expectSameAfterInterruption, type TinyRun } from '../../support/training-runs.js';

const device = useTestDevice();

/** Not in the order of the policy, and not all that it observes. */
const ENCODER: ImageEncoderOptions = { type: 'small_conv', embedDim: 8, imageKeys: [CAMERAS[1], CAMERAS[0]] };
const SMALL = { height: 12, width: 16 } as const;

/** The test policy with images, of smaller ones. */
function smallPolicy(): CheckpointSource {
  const image = { type: 'VISUAL', shape: [3, SMALL.height, SMALL.width] };
  const config = (given: Record<string, unknown>): object => ({
    ...given,
    input_features: { ...(given['input_features'] as object), [CAMERAS[0]]: image, [CAMERAS[1]]: image },
    crop_shape: [SMALL.height, SMALL.width],
  });
  return imagePolicy({ fits: true, config });
}

/** Pictures whose brightness is the answer: red and green of a row are its actions. */
function smallPicture(row: number): PictureData {
  const bright = (channel: number): number => 128 + 100 * Math.sin(row + channel + 1);
  const data = new Uint8Array(SMALL.height * SMALL.width * 3);
  for (let i = 0; i < data.length; i++) data[i] = i % 3 === 2 ? (i * 7) % 256 : bright(i % 3) + ((i * 31) % 17) - 8;
  return { data, ...SMALL };
}

function brightnessDataset(): Dataset {
  const given = pictureDataset([]);
  const shape = [SMALL.height, SMALL.width, 3];
  return {
    ...given,
    features: given.features.map((feature) =>
      feature.kind === 'image' ? { ...feature, shape, size: SMALL.height * SMALL.width * 3 } : feature,
    ),
    readPicture: async (_name, row) => smallPicture(row),
  };
}

const tiny = (more: object): object => ({
  dataset: brightnessDataset(),
  policy: smallPolicy(),
  steps: 6,
  batchSize: 8,
  seed: 5,
  validation: 0.25,
  metricsEvery: 1,
  evaluateEvery: 6,
  saveEvery: 6,
  imageEncoder: ENCODER,
  ...more,
});

const predictorRun: TinyRun = (to, storage, more = {}) =>
  trainPredictor({
    ...tiny({
      device: to,
      storage,
      sizes: { ...TINY_PREDICTOR, observationDim: 12 },
      optimizer: { warmupSteps: 2, ema: 'lerobot' },
    }),
    ...more,
  } as never);
const cvaeRun: TinyRun = (to, storage, more = {}) =>
  trainCvae({
    ...tiny({ device: to, storage, sizes: { latentDim: 3, hiddenDim: 16, hiddenLayers: 2 }, optimizer: { warmupSteps: 2 } }),
    ...more,
  } as never);

/** What a run left: a folder that `loadPolicy` takes. */
function folderOf(storage: MemoryStorage): CheckpointSource {
  const files = [...storage.files].filter(([name]) => /^(config\.json|model\.safetensors)$/.test(name));
  return memorySource('trained', Object.fromEntries(files));
}

describe.each<[string, TinyRun, object]>([
  ['predictor', predictorRun, { kind: 'transformer', config: { observationDim: 12 } }],
  ['CVAE', cvaeRun, { kind: 'cvae', config: { conditionDim: 16 } }],
])('a %s with an image encoder of its own', (_name, run, checkpoint) => {
  it('interrupted and gone on with, it is the same bit by bit, and the same again', async () => {
    const first = await expectSameAfterInterruption(run, device());
    const again = memoryStorage();
    await run(device(), again);
    expect(Buffer.from(again.files.get('model.safetensors')!).equals(first.files.get('model.safetensors')!)).toBe(true);
    const start = await loadStartCheckpoint(folderOf(first));
    expect(start).toMatchObject({
      ...checkpoint,
      warnings: [],
      observation: {
        kind: 'raw',
        cameras: [CAMERAS[1], CAMERAS[0]],
        vectors: ['observation.state'],
        width: 18,
        encoder: { features: 8, ...SMALL },
      },
    });
    await start.close();
  });

  it('learns from pictures alone, and is loaded beside its policy', { timeout: 600_000 }, async () => {
    const storage = memoryStorage();
    const more = {
      steps: run === predictorRun ? 200 : 100,
      evaluateEvery: 200,
      saveEvery: 200,
      metricsEvery: 10,
      batchSize: 16,
      imageEncoder: { ...ENCODER, embedDim: 16, stateKeys: [], imagenetNorm: true },
      optimizer: { warmupSteps: 5, learningRate: run === predictorRun ? 3e-3 : 5e-3 },
      dropout: 0,
      // The previous chunk says nothing; evaluations have it undamaged, which nobody learned to read then.
      ...(run === predictorRun
        ? { history: { rowDropout: 1, noise: 0 }, sizes: { ...TINY_PREDICTOR, observationDim: 32, modelDim: 32, historySteps: 1 } }
        : {}),
    };
    const { evaluations, steps } = (await run(device(), storage, more as never)) as RunHistory;
    const { figures = {} } = evaluations.at(-1) ?? {};
    // Actions are sines, normalised as they are: whoever sees nothing is 0.5 off.
    if (run === predictorRun) {
      const last = steps.slice(-5).map(({ loss }) => loss);
      expect(last.reduce((sum, loss) => sum + loss, 0) / last.length).toBeLessThan(0.4);
      expect(Object.keys(figures)).toEqual(
        expect.arrayContaining(['validation error', 'validation error, unseen rows', 'validation error of shift']),
      );
    } else expect(figures['validation error']).toBeLessThan(0.2);
    const policy = await loadPolicy(smallPolicy(), { device: device(), networks: { predictor: folderOf(storage) } });
    const observation = Object.fromEntries([['observation.state', [0, 0]], ...CAMERAS.map((name) => [name, smallPicture(3)])]);
    expect((await policy.act(observation as never)).every(Number.isFinite)).toBe(true);
    await policy.dispose();
  });
});

it('the rows that it learns from are those that decisions read', async () => {
  const storage = memoryStorage();
  await predictorRun(device(), storage, { dataset: pictureDataset([]), policy: imagePolicy(), steps: 1 } as never);
  const policy = await loadPolicy(imagePolicy(), { device: device(), networks: { predictor: folderOf(storage) }, probes: ['features'] });
  const rows = [4, 5];
  const observation = {
    'observation.state': [0.5, -3, 400, 7],
    ...Object.fromEntries(CAMERAS.map((name) => [name, rows.map((row) => pictureOf(name, row))])),
  };
  const previous = { normalizedChunk: new Float32Array(16), chunk: new Float32Array(16) };
  const decision = await policy.decide(observation as never, { previous: [previous] } as never);
  const expected = decision.probes.get('features') as Float32Array;
  await policy.dispose();

  const checkpoint = await loadPolicyCheckpoint(imagePolicy());
  const raw = ownRows('test', checkpoint, ENCODER);
  await checkpoint.close();
  const start = await loadStartCheckpoint(folderOf(storage));
  if (start.kind !== 'transformer') throw new Error('no predictor');
  const options = { shape: start.config, rows: raw, batchSize: 2, ema: false };
  const training = await PredictorTraining.create(device(), { ...options, probes: ['features'] });
  const weights = new Map<string, Float32Array>();
  for (const { name } of training.parameters) weights.set(name, (await start.weights.readFloats(name.replace(/^model\./, ''))).slice());
  await start.close();
  training.write('weights', weights);
  const pictures = raw.cameras.map((camera) => {
    const both = rows.map((row) => pictureOf(camera, row).data);
    return Uint8Array.from([...(both[0] as Uint8Array), ...(both[1] as Uint8Array)]);
  });
  const chunk = start.config.horizon * start.config.actionDim;
  const probed = await training.runProbed(
    {
      count: 1,
      previous: new Float32Array(chunk),
      observation: Float32Array.of(0.5, -3, 400, 7),
      pictures,
      target: new Float32Array(chunk),
      dropout: null,
    },
    null,
  );
  training.dispose();
  const found = probed.get('features') as Float32Array;
  expect(expected.length).toBe(2 * raw.width);
  expected.forEach((value, i) =>
    expect(Math.abs((found[i] as number) - value), `value ${i}`).toBeLessThan(2e-5 * Math.max(1, Math.abs(value))),
  );
});

it('says what does not fit', async () => {
  const options = { device: device(), dataset: pictureDataset([]), storage: memoryStorage(), steps: 1, policy: imagePolicy() };
  const predictor = (imageEncoder: object): Promise<unknown> =>
    trainPredictor({ ...options, policy: imagePolicy(), imageEncoder } as never);
  await expect(predictor({ type: 'small_conv', imageKeys: ['observation.images.top'] })).rejects.toThrow(
    `imageEncoder.imageKeys: expected one of the images that policy "image policy" reads (${CAMERAS.join(', ')}), found "observation.images.top"`,
  );
  await expect(predictor({ type: 'small_conv', embedDim: 10 })).rejects.toThrow('embedDim must be a multiple of 4, found 10');
  await expect(predictor({ type: 'resnet' })).rejects.toThrow('type must be one of small_conv');
  await expect(trainPredictor({ ...options, policy: imagePolicy(), sizes: { observationDim: 12 } } as never)).rejects.toThrow(
    'observationDim',
  );
  await expect(
    trainCvae({ ...options, policy: imagePolicy(), release: 'bridger', imageEncoder: { type: 'small_conv' } } as never),
  ).rejects.toThrow('imageEncoder is of release step');
  const small = { ...pictureDataset([]), readPicture: async () => ({ data: new Uint8Array(27), height: 3, width: 3 }) };
  await expect(trainPredictor({ ...options, policy: imagePolicy(), dataset: small, imageEncoder: { type: 'small_conv' } })).rejects.toThrow(
    'expected a picture of 36×47, found 3×3',
  );
});
