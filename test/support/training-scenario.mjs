// A policy and its predictor, trained for a few steps on a data set in memory, as any runtime can do it: plain JavaScript against the package's
// surface.
import { blobSource, memorySource, openDataset, writeLeRobotDataset } from 'warmstep/datasets';
import { memoryStorage, trainPolicy, trainPredictor } from 'warmstep/training';

const EPISODES = 4;
const LENGTH = 20;

/** Points that circle, as arrays; nothing but sums, products and square roots, which every runtime rounds alike. */
function circlingArrays() {
  const frames = EPISODES * LENGTH;
  const state = new Float32Array(2 * frames);
  const action = new Float32Array(2 * frames);
  for (let row = 0; row < frames; row++) {
    for (const [array, ahead] of [
      [state, 0],
      [action, 1],
    ]) {
      const t = ((row % LENGTH) + ahead) / 12 + Math.floor(row / LENGTH) / 8;
      array.set([50 + (40 * (1 - t * t)) / (1 + t * t), 50 + (80 * t) / (1 + t * t)], 2 * row);
    }
  }
  const ends = Int32Array.from({ length: EPISODES }, (_, episode) => (episode + 1) * LENGTH);
  return { 'observation.state.f32': state, 'action.f32': action, 'episode_ends.i32': ends };
}

/** Arrays as files that somebody picked, written as LeRobot's parquet, and that opened. */
async function lerobotDataset() {
  const picked = Object.entries(circlingArrays()).map(([name, array]) => new File([array], name));
  const arrays = await openDataset(blobSource('circling', picked), { fps: 10 });
  const files = {};
  await writeLeRobotDataset(arrays, { write: async (path, content) => void (files[path] = content) });
  await arrays.close();
  return openDataset(memorySource('circling', files));
}

const SIZES = { downDims: [8, 16], kernelSize: 3, groups: 4, stepEmbedDim: 8 };
const PREDICTOR = { encoderLayers: 1, decoderLayers: 1, modelDim: 16, heads: 2, feedforwardDim: 16 };

const COMMON = {
  steps: 6,
  batchSize: 8,
  seed: 3,
  validation: 0.25,
  metricsEvery: 1,
  evaluateEvery: 6,
  optimizer: { warmupSteps: 1, learningRate: 1e-3 },
};

/** SHA-256 of a file that a run wrote. */
async function digestOf(storage, name) {
  const file = await storage.open(name);
  const bytes = new Uint8Array(file.size);
  await file.read(0, bytes);
  await file.close();
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return [...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Losses of every step, and SHA-256 of everything that goes on or is used: the run's state and the weights, of the policy and of its predictor.
 *
 * @param {import('warmstep').ComputeDevice} device
 * @param {(name: string) => Promise<import('warmstep/training').RunStorage>} [storageFor] where a run is kept (default: in memory)
 */
export async function trainScenario(device, storageFor = async () => memoryStorage()) {
  const dataset = await lerobotDataset();
  const results = {};
  const train = async (name, run, own) => {
    const storage = await storageFor(name);
    const losses = [];
    const controller = new AbortController();
    // Ended by a signal after the third step, and gone on with.
    const onEvent = (event) => {
      if (event.kind !== 'step') return;
      losses[event.step - 1] = event.loss;
      if (event.step === 3) controller.abort(new Error('enough'));
    };
    const options = { ...COMMON, device, dataset, storage, onEvent, ...own };
    const ended = await run({ ...options, signal: controller.signal }).then(
      () => 'not',
      (error) => error.message,
    );
    await run({ ...options, resume: true });
    const [state, model] = [await digestOf(storage, 'training/state.safetensors'), await digestOf(storage, 'model.safetensors')];
    results[name] = { ended, losses, state, model };
  };
  let policy;
  const onEvaluate = async (result) => {
    policy = result;
    return {};
  };
  await train('policy', trainPolicy, { sizes: SIZES, horizon: 8, actionSteps: 4, scheduler: { numTrainTimesteps: 20 }, onEvaluate });
  await train('predictor', trainPredictor, { policy, sizes: PREDICTOR });
  await dataset.close();
  return results;
}
