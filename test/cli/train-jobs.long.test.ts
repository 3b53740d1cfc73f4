import { mkdtempSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SafetensorsFile } from '../../src/checkpoints/safetensors/safetensors.js';
import { type CheckpointSource, memorySource } from '../../src/checkpoints/source.js';
import { cvaeJob, type Job, methodJob, policyJob, type Values } from '../../src/cli/train/jobs.js';
import { folderStorage } from '../../src/platform/node/folder-storage.js';
import { STATE_FILE } from '../../src/training/loop/run-state.js';
import { type MemoryStorage, memoryStorage } from '../../src/training/loop/run-storage.js';
import { useTestDevice } from '../support/device.js';
import { CAMERAS } from '../support/image-policy.js';
import { pictureDataset } from '../support/picture-dataset.js';
import { circlingPolicy } from '../support/tiny-training.js';
import { madeUpFile, torchvisionShapes } from '../support/torchvision.js';
import { CIRCLING } from '../support/training-runs.js';

const COMPILES_MS = 600_000;
const device = useTestDevice();
let folder: string;
let policy: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'warmstep-jobs-'));
  policy = join(folder, 'policy');
  await written(circlingPolicy(CIRCLING), policy);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A source as a folder. */
async function written(source: CheckpointSource, into: string): Promise<void> {
  const storage = await folderStorage(into);
  for (const name of await source.list()) {
    const file = await source.open(name);
    const bytes = new Uint8Array(file.size);
    await file.read(0, bytes);
    await storage.write(name, [bytes]);
  }
}

/** What a saved run is told from others by. */
async function identityOf({ files }: MemoryStorage): Promise<Record<string, unknown>> {
  const source = memorySource('run', { state: files.get(STATE_FILE) as Uint8Array });
  const { metadata } = await SafetensorsFile.open(await source.open('state'));
  return JSON.parse(metadata.get('identity') as string) as Record<string, unknown>;
}

async function run(job: Job, storage: MemoryStorage, dataset = CIRCLING): Promise<void> {
  await job.check();
  await job.train({ device: device(), dataset, storage });
}

describe('options of `warmstep train` reach the training, and a run is not gone on with under others', () => {
  const short: Values = { steps: '1', batch: '4', seed: '5', validation: '0.2' };

  it(
    '--dropout of a method; its default is another run than 0',
    async () => {
      const storage = memoryStorage();
      const job = (more: Values): Job => methodJob('consistency-teacher', { ...short, policy, ...more });
      await run(job({ dropout: '0' }), storage);
      expect((await identityOf(storage))['dropout']).toBe(0);
      await expect(run(job({ resume: true }), storage)).rejects.toThrow('found dropout 0.2 (the saved run has 0)');
      await expect(run(job({ dropout: '0', steps: '2', resume: true }), storage)).rejects.toThrow(
        'found steps 2 (the saved run has 1). The rate of a cosine comes down to 0 where its run ends',
      );
      await run(job({ dropout: '0', resume: true }), storage);
      const dropping = memoryStorage();
      await run(job({ dropout: '0.25' }), dropping);
      expect((await identityOf(dropping))['dropout']).toBe(0.25);
    },
    COMPILES_MS,
  );

  it.each(['onedp', 'bridger'] as const)(
    '--steps of %s beyond the end of a run, whose rate does not depend on it',
    async (method) => {
      const job = (steps: string, more: Values = {}): Job => methodJob(method, { ...short, policy, steps, ...more });
      const [whole, parts] = [memoryStorage(), memoryStorage()];
      await run(job('3'), whole);
      await run(job('1'), parts);
      await run(job('3', { resume: true }), parts);
      expect(parts.files.get('model.safetensors')).toEqual(whole.files.get('model.safetensors'));
      expect(parts.files.get(STATE_FILE)).toEqual(whole.files.get(STATE_FILE));
    },
    COMPILES_MS,
  );

  it(
    'a longer run of a policy is begun from the result of a shorter one, as the refusal says',
    async () => {
      const sizes = { 'down-dims': '8,16', horizon: '8', 'action-steps': '4' };
      const [shorter, longer, initial] = [memoryStorage(), memoryStorage(), join(folder, 'shorter')];
      await run(policyJob({ ...short, ...sizes }), shorter);
      await expect(run(policyJob({ ...short, ...sizes, steps: '2', resume: true }), shorter)).rejects.toThrow('`--initial FOLDER`');
      await written(memorySource('shorter', Object.fromEntries(shorter.files)), initial);
      // Warm-up: the first step changes nothing.
      await run(policyJob({ ...short, initial }), longer);
      expect(longer.files.get('model.safetensors')).toEqual(shorter.files.get('model.safetensors'));
      expect((await identityOf(longer))['initial']).toMatch(/^[0-9a-f]{64}$/);
    },
    COMPILES_MS,
  );

  it(
    '--projection-dim of a CVAE',
    async () => {
      const storage = memoryStorage();
      await run(cvaeJob({ ...short, policy, 'projection-dim': '8', 'hidden-dim': '16' }), storage);
      expect(JSON.parse((await identityOf(storage))['shape'] as string)).toMatchObject({ conditionDim: 8 });
      const file = await SafetensorsFile.open(
        await memorySource('result', { model: storage.files.get('model.safetensors') as Uint8Array }).open('model'),
      );
      expect(file.tensors.get('obs_projection.weight')?.shape).toEqual([8, 6]);
    },
    COMPILES_MS,
  );

  it(
    '--backbone of a policy; another one is another run',
    async () => {
      const backbone = async (name: string, other: string): Promise<string> => {
        const shapes = torchvisionShapes('resnet18');
        // Small and positive: variances, too, can be so. The last layer alone differs.
        const source = madeUpFile(name, shapes, (i) => 0.01 + (i % 1000) / 50_000);
        const bytes = new Uint8Array(source.size);
        await source.read(0, bytes.subarray(0, 8));
        const headerBytes = Number(new DataView(bytes.buffer).getBigUint64(0, true));
        await source.read(0, bytes.subarray(0, 8 + headerBytes));
        await source.read(8 + headerBytes, bytes.subarray(8 + headerBytes));
        const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + headerBytes)));
        if (other !== '') bytes[8 + headerBytes + header[other].data_offsets[0]] = 1;
        const path = join(folder, name);
        const file = await open(path, 'w');
        await file.writeFile(bytes);
        await file.close();
        return path;
      };
      const one = await backbone('one.safetensors', '');
      const two = await backbone('two.safetensors', 'layer4.1.bn2.bias');
      const options = { ...short, batch: '2', 'down-dims': '8,16', horizon: '8', 'action-steps': '4', observations: CAMERAS.join(', ') };
      const storage = memoryStorage();
      const job = (more: Values): Job => policyJob({ ...options, 'batch-norm': 'running', ...more });
      await run(job({ backbone: one }), storage, pictureDataset([]));
      expect((await identityOf(storage))['backbone']).toMatch(/^[0-9a-f]{64}$/);
      await expect(run(job({ backbone: two, resume: true }), storage, pictureDataset([]))).rejects.toThrow(
        /is of another run: found backbone "[0-9a-f]{40,}… \(the saved run has "[0-9a-f]{40,}…\)\. Resume/,
      );
    },
    COMPILES_MS,
  );
});
