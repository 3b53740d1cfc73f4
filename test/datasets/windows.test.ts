import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadPolicyCheckpoint } from '../../src/checkpoints/read-policy.js';
import { SafetensorsFile } from '../../src/checkpoints/safetensors/safetensors.js';
import { TASK_FEATURES } from '../../src/cli/dataset/task-features.js';
import { windowBatches } from '../../src/datasets/batches.js';
import type { Dataset } from '../../src/datasets/dataset.js';
import { readAround, readWindows, type WindowSpec } from '../../src/datasets/window-batch.js';
import { anchors, episodeOf, order } from '../../src/datasets/windows.js';
import { writeLeRobotDataset } from '../../src/datasets/write/write-lerobot.js';
import { folderSource } from '../../src/platform/node/folder-source.js';
import { openDataset } from '../../src/platform/node/open-dataset.js';
import type { Normalizer } from '../../src/spec/policy-spec.js';
import { dataFolder } from '../support/data.js';
import { arrayFiles, MemorySink, openFiles, valueAt } from '../support/datasets.js';
import { trainingCase } from '../support/training-goldens.js';

const folder = dataFolder('pusht', 'windows of the Push-T demonstrations');
const golden = trainingCase('train-unet-pusht');
const POLICY = fileURLToPath(new URL('../../checkpoints/pusht-state/policy', import.meta.url));

/** The Push-T demonstrations in LeRobot's layout, as `warmstep dataset convert --task push-t` writes them. */
let written: Promise<Dataset> | undefined;
function pushT(): Promise<Dataset> {
  written ??= (async () => {
    const source = await openDataset(folder as string, { fps: 10 });
    const sink = new MemorySink();
    await writeLeRobotDataset(source, sink, { features: TASK_FEATURES.get('push-t')?.(source) ?? [] });
    await source.close();
    return openFiles(sink.files);
  })();
  return written;
}

describe('anchors', () => {
  it('are the frames of every episode but its last ones', async () => {
    const dataset = await openFiles(arrayFiles([5, 3, 10]), { fps: 10 });
    expect([...anchors(dataset, { dropLastFrames: 3 })]).toEqual([0, 1, 8, 9, 10, 11, 12, 13, 14]);
    expect([...anchors(dataset, { dropLastFrames: 4, episodes: [2] })]).toEqual([8, 9, 10, 11, 12, 13]);
    expect(anchors(dataset).length).toBe(18);
    expect(() => anchors(dataset, { episodes: [3] })).toThrow('no episode 3');
    expect(() => anchors(dataset, { features: ['velocity'] })).toThrow('found velocity');
  });

  it.skipIf(!folder)('of the Push-T demonstrations are 24,208 of 25,650 frames', async () => {
    const dataset = await pushT();
    expect([dataset.frames, dataset.episodes.length]).toEqual([25_650, 206]);
    expect(anchors(dataset, { dropLastFrames: 7 }).length).toBe(24_208);
  });
});

describe('an order', () => {
  it('is a permutation that seed and epoch alone decide', () => {
    for (const count of [0, 1, 2, 5000, 9001]) {
      expect([...order(count, 3, 4)].sort((a, b) => a - b)).toEqual([...Array(count).keys()]);
      expect(order(count, 3, 4)).toEqual(order(count, 3, 4));
    }
    expect(order(5000, 3, 4)).not.toEqual(order(5000, 3, 5));
    expect(order(5000, 3, 4)).not.toEqual(order(5000, 4, 4));
  });

  it('puts every number everywhere', () => {
    const counts = Array.from({ length: 6 }, () => new Array<number>(6).fill(0));
    for (let epoch = 0; epoch < 3000; epoch++) order(6, 1, epoch).forEach((value, at) => (counts[at] as number[])[value]!++);
    // 500 each, standard deviation 20.4.
    for (const row of counts) for (const count of row) expect(Math.abs(count - 500)).toBeLessThan(100);
  });
});

describe('windows', () => {
  it('repeat the first and last rows of their episode, and say so', async () => {
    const dataset = await openFiles(arrayFiles([4, 5, 2]), { fps: 10 });
    const { values, isPad, rows } = await readAround(dataset, 'action', [4, 8, 6], -2, 5);
    expect([...rows]).toEqual([4, 4, 4, 5, 6, 6, 7, 8, 8, 8, 4, 5, 6, 7, 8]);
    expect([...isPad]).toEqual([1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]);
    rows.forEach((row, i) => expect([...values.subarray(2 * i, 2 * i + 2)]).toEqual([valueAt(row, 0, 1), valueAt(row, 1, 1)]));
  });

  it('are those of the reference, raw and normalised', async (context) => {
    if (!folder || golden === undefined) return context.skip();
    const dataset = await pushT();
    const file = await SafetensorsFile.open(golden);
    const policy = await loadPolicyCheckpoint(await folderSource(POLICY));
    await policy.close();
    const names = ['observation.state', 'observation.environment_state'];
    const normalizers = new Map(policy.observations.map(({ name, normalizer }): [string, Normalizer] => [name, normalizer]));
    const [frames, observed, acted] = await Promise.all(
      ['input.frame_index', 'expected.observation_index', 'expected.action_index'].map((name) => file.readIntegers(name)),
    );
    const isPad = await file.readBytes('input.action_is_pad');
    expect(frames?.length).toBe(48);
    const around = await readAround(dataset, 'action', frames as number[], -1, 16);
    expect([...around.rows]).toEqual(acted);
    expect([...around.isPad]).toEqual([...isPad]);
    expect([...(await readAround(dataset, 'observation.state', frames as number[], -1, 2)).rows]).toEqual(observed);
    const spec: WindowSpec = { horizon: 16, observationSteps: 2, observations: names };
    const raw = await readWindows(dataset, spec, frames as number[]);
    const normalised = await readWindows(dataset, { ...spec, normalizers }, frames as number[]);
    const expected = async (name: string): Promise<Float32Array> => (await file.readFloats(name)).slice();
    expect(raw.actions).toEqual(await expected('input.raw.action'));
    expect(raw.observations.get('observation.state')).toEqual(await expected('input.raw.observation.state'));
    // Computed from the pose here, recorded there: half a unit in the last place of 512.
    expect(
      furthest(raw.observations.get('observation.environment_state'), await expected('input.raw.observation.environment_state')),
    ).toBeLessThan(4e-5);
    for (const name of names) {
      expect(furthest(normalised.observations.get(name), await expected(`input.${name}`))).toBeLessThan(3e-7);
    }
    expect(raw.actionIsPad).toEqual(new Uint8Array(isPad));
  });
});

function furthest(values: Float32Array | undefined, expected: Float32Array): number {
  expect(values?.length).toBe(expected.length);
  return expected.reduce((most, value, i) => Math.max(most, Math.abs(value - (values?.[i] as number))), 0);
}

describe('batches', () => {
  const spec: WindowSpec = { horizon: 4, observationSteps: 2, observations: ['state'] };

  it('visit every anchor once in an epoch, and go on where they stopped', async () => {
    const dataset = await openFiles(arrayFiles([9, 7, 8]), { fps: 10 });
    const rows = anchors(dataset, { dropLastFrames: 1 });
    const seen: number[][] = [];
    const positions: { epoch: number; offset: number }[] = [];
    for await (const { batch, next } of windowBatches(dataset, spec, rows, { batchSize: 5, seed: 7 })) {
      expect([batch.observations.get('state')?.length, batch.actions.length]).toEqual([batch.count * 6, batch.count * 8]);
      seen.push([...batch.anchors]);
      positions.push(next);
      if (seen.length === 15) break;
    }
    expect(seen.map(({ length }) => length)).toEqual([5, 5, 5, 5, 1, 5, 5, 5, 5, 1, 5, 5, 5, 5, 1]);
    for (const epoch of [0, 5, 10]) {
      expect(
        seen
          .slice(epoch, epoch + 5)
          .flat()
          .sort((a, b) => a - b),
      ).toEqual([...rows]);
    }
    expect(seen.slice(0, 5)).not.toEqual(seen.slice(5, 10));
    for (const at of [0, 3, 4, 7]) {
      const position = positions[at] as { epoch: number; offset: number };
      const { value } = await windowBatches(dataset, spec, rows, { batchSize: 5, seed: 7, position }).next();
      expect([...value.batch.anchors]).toEqual(seen[at + 1]);
    }
  });

  it('fail where they are asked for, not before', async () => {
    const files = arrayFiles([9, 7]);
    const dataset = await openFiles(files, { fps: 10, cacheBytes: 0 });
    const batches = windowBatches(dataset, spec, anchors(dataset), { batchSize: 4, seed: 7 });
    await batches.next();
    new DataView((files['action.f32'] as Uint8Array).buffer).setFloat32(8, NaN, true);
    // The batch after the first may have been read already.
    const two = batches.next().then(() => batches.next());
    await expect(two).rejects.toThrow('action.f32, episode 0, frame 1: expected finite numbers, found NaN in dimension 0 of "action"');
  });

  it('refuse no anchors', async () => {
    const dataset = await openFiles(arrayFiles([9]), { fps: 10 });
    await expect(windowBatches(dataset, spec, new Int32Array(0), { batchSize: 4, seed: 7 }).next()).rejects.toThrow('expected anchors');
  });
});

it('a row belongs to one episode', async () => {
  const dataset = await openFiles(arrayFiles([1, 2, 30, 1]), { fps: 10 });
  expect([0, 1, 2, 3, 32, 33].map((row) => episodeOf(dataset, row).index)).toEqual([0, 1, 1, 2, 2, 3]);
  expect(() => episodeOf(dataset, 34)).toThrow('from 0 to 33');
});
