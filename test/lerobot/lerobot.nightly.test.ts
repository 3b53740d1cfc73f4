import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WrittenPolicy } from '../../src/checkpoints/lerobot/write-policy.js';
import { SafetensorsFile } from '../../src/checkpoints/safetensors/safetensors.js';
import { type CheckpointSource, memorySource } from '../../src/checkpoints/source.js';
import { folderSource } from '../../src/platform/node/folder-source.js';
import { loadPolicy } from '../../src/policy/load-policy.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import { memoryStorage } from '../../src/training/loop/run-storage.js';
import { trainPolicy } from '../../src/training/loop/train-policy.js';
import { batchNormDescription, batchNormPolicy, MEAN_STD, VECTOR } from '../support/batch-norm-policy.js';
import { cameraPolicy } from '../support/camera-policy.js';
import { useTestDevice } from '../support/device.js';
import { CAMERAS, FRAME } from '../support/image-policy.js';
import { failedImport, objectsOf, printedWith } from '../support/python.js';
import { TINY_SIZES, tinyDescription } from '../support/tiny-training.js';
import { CIRCLING } from '../support/training-runs.js';
import { writtenFolder } from '../support/written-folder.js';

/** A Python that imports LeRobot v0.4.4 or newer. */
const PYTHON = process.env['WARMSTEP_LEROBOT_PYTHON'];
const lacks = whatIsMissing(PYTHON);
function whatIsMissing(python: string | undefined): string | undefined {
  if (python === undefined) return 'WARMSTEP_LEROBOT_PYTHON names no Python that imports lerobot';
  const why = failedImport(python, ['lerobot']);
  return why === undefined ? undefined : `${python}, which WARMSTEP_LEROBOT_PYTHON names, does not import lerobot (${why})`;
}

/** PyTorch takes seconds to start, and a ResNet on a busy processor as long again. */
const PEER_MS = 600_000;
/** Of a normalised chunk. Both round f32 their own way: up to 7e-6 was found. */
const BOUND = 2e-5;

const WRITTEN_HERE = ['state', 'camera', 'two-cameras'] as const;
const SAVED_BY_LEROBOT = ['ddpm-of-samples', 'quantiles', 'cameras-by-default', 'cameras-shared-resized'] as const;

/** What a network says that nobody trained would mostly be clipped at 1. */
const clipSampleRange = 4;
const widelyClipped = (policy: WrittenPolicy): WrittenPolicy => ({ ...policy, scheduler: { ...policy.scheduler, clipSampleRange } });

/** State and environment state, DDPM, after a few steps. */
async function trainedState(device: ComputeDevice): Promise<CheckpointSource> {
  const storage = memoryStorage();
  await trainPolicy({
    device,
    dataset: CIRCLING,
    storage,
    steps: 6,
    batchSize: 16,
    validation: 0.2,
    optimizer: { warmupSteps: 2, learningRate: 1e-3 },
    sizes: TINY_SIZES,
    horizon: 8,
    actionSteps: 4,
    scheduler: { numTrainTimesteps: 20, clipSampleRange },
  });
  return memorySource('trained', Object.fromEntries([...storage.files].filter(([name]) => !name.includes('/'))));
}

/** One camera, group norm and a crop: what `train policy` makes from scratch. */
function oneCamera(): CheckpointSource {
  const [camera] = CAMERAS;
  const inputs = [
    { name: 'observation.state', shape: [2], statistics: VECTOR },
    { name: camera, shape: [3, FRAME.height, FRAME.width], statistics: MEAN_STD },
  ];
  const action = { name: 'action', shape: [2], statistics: VECTOR };
  const described = tinyDescription({ inputs, action, conditioningDim: 2 * (2 + 2 * 32) }, { crop: [33, 40] });
  return cameraPolicy('one camera', widelyClipped(described));
}

type Rows = readonly (Float32Array | Uint8Array<ArrayBuffer>)[];
interface Recorded {
  readonly window: Readonly<Record<string, Float32Array | Rows>>;
  readonly given: { readonly noise: Float32Array; readonly stepNoise?: readonly Float32Array[] };
  readonly chunk: Float32Array;
  readonly actions: Float32Array;
}

/** `count` parts of the same length. */
function parts<A extends Float32Array | Uint8Array<ArrayBuffer>>(values: A, count: number): A[] {
  const length = values.length / count;
  return Array.from({ length: count }, (_, i) => values.slice(i * length, (i + 1) * length) as A);
}

/** What LeRobot saw, which noise it had and what it answered. */
async function recorded(root: string, name: string): Promise<Recorded> {
  const source = await folderSource(root);
  const file = await SafetensorsFile.open(await source.open(`${name}.case.safetensors`));
  const floats = async (tensor: string): Promise<Float32Array> => (await file.readFloats(tensor)).slice();
  const window: Record<string, Float32Array | Rows> = {};
  for (const { name: feature, dtype, shape } of file.tensors.values()) {
    if (!feature.startsWith('observation.')) continue;
    window[feature] = dtype === 'U8' ? parts(await file.readBytes(feature), shape[0] as number) : await floats(feature);
  }
  const steps = file.tensors.get('step_noise')?.shape[0];
  const stepNoise = steps === undefined ? {} : { stepNoise: parts(await floats('step_noise'), steps) };
  const given = { noise: await floats('noise'), ...stepNoise };
  const record = { window, given, chunk: await floats('normalized_chunk'), actions: await floats('actions') };
  await source.close();
  return record;
}

const largest = (values: Float32Array): number => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
const distance = (a: Float32Array, b: Float32Array): number => largest(a.map((value, i) => value - (b[i] as number)));

describe.skipIf(lacks !== undefined)(`beside LeRobot itself${lacks === undefined ? '' : `; skipped: ${lacks}`}`, () => {
  const device = useTestDevice();
  let root = '';
  let said: Record<string, unknown>[] = [];

  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'warmstep-lerobot-'));
    const sources: Record<(typeof WRITTEN_HERE)[number], CheckpointSource> = {
      state: await trainedState(device()),
      camera: oneCamera(),
      'two-cameras': batchNormPolicy(widelyClipped(batchNormDescription())),
    };
    const folders = WRITTEN_HERE.map((name) => writtenFolder(join(root, name), sources[name]));
    const peer = new URL('lerobot_peer.py', import.meta.url);
    said = objectsOf(await printedWith(PYTHON as string, PEER_MS, peer, [root, ...(await Promise.all(folders))]));
  }, PEER_MS);
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  async function expectTheSame(name: string): Promise<void> {
    const folder = join(root, name);
    const answer = await recorded(root, name);
    const policy = await loadPolicy(await folderSource(folder), { device: device() });
    try {
      const decision = await policy.decide(answer.window, { ...answer.given, previous: [] });
      expect(decision.normalizedChunk).toHaveLength(answer.chunk.length);
      expect(decision.actions).toHaveLength(answer.actions.length);
      // What is clipped is the same whatever the network says.
      const limit = (1 - 1e-6) * largest(answer.chunk);
      const inner = answer.chunk.filter((value) => Math.abs(value) < limit);
      expect(inner.length).toBeGreaterThan(answer.chunk.length / 2);
      expect(distance(decision.normalizedChunk, answer.chunk)).toBeLessThan(BOUND);
      expect(distance(decision.actions, answer.actions)).toBeLessThan(BOUND * Math.max(1, largest(answer.actions)));
      // Nor would a network that hardly looks at something notice that it is wrong.
      for (const [feature, values] of Object.entries(answer.window)) {
        const other = await policy.decide({ ...answer.window, [feature]: values.slice().reverse() }, { ...answer.given, previous: [] });
        expect(distance(other.normalizedChunk, answer.chunk), feature).toBeGreaterThan(1000 * BOUND);
      }
    } finally {
      await policy.dispose();
    }
  }

  it.each(WRITTEN_HERE)('%s: what is written here loads strictly in LeRobot, and answers the same', async (name) => {
    expect(said.find(({ folder }) => folder === join(root, name))).toMatchObject({ missing: [], unexpected: [] });
    await expectTheSame(name);
  });

  it.each(SAVED_BY_LEROBOT)('%s: what LeRobot saves answers the same here', expectTheSame);
});
