import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { localSimulations } from '../../src/envs/mujoco/local.js';
import { pictureOf, SightReader } from '../../src/envs/mujoco/sight.js';
import { type SimulatedTask, simulatedTaskKind } from '../../src/envs/mujoco/task.js';
import { parseSimulatedTask } from '../../src/envs/simulated-tasks.js';
import { evaluate } from '../../src/evaluation/evaluate.js';
import type { EvaluationRecord } from '../../src/evaluation/record.js';
import { loadPolicy } from '../../src/platform/node/load-policy.js';
import { openDataset } from '../../src/platform/node/open-dataset.js';
import { warmstep } from '../support/captured.js';
import { useOwnTestDevice } from '../support/device.js';
import { importMujoco, mujoco } from '../support/mujoco.js';
import { QueueTraffic } from '../support/queue-traffic.js';

const SEEN = 'so101-stack-cube/observations=image';
const PICTURE_BYTES = 24 * 24 * 3;
const TIMEOUT_MS = 900_000;
const STATE_AND_TOP = ['--observations', 'observation.state,observation.images.top'];

describe('policies that look through cameras, from demonstrations to evaluation', () => {
  const device = useOwnTestDevice();
  let folder: string;
  const at = (name: string): string => join(folder, name);
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'warmstep-pictures-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('are shown how: what an expert saw, as PNG in a LeRobot data set', async () => {
    const output = at('demonstrations');
    const made = await warmstep(
      'demonstrations',
      'so101-stack-cube',
      '--episodes',
      '2',
      '--pictures',
      '--size',
      '24x24',
      '--output',
      output,
    );
    expect([made.code, made.stderr]).toEqual([0, expect.not.stringContaining('Error')]);
    expect(await readFile(join(output, 'README.md'), 'utf8')).toContain(
      'with pictures `observation.images.top` of 24×24 pixels in place of',
    );
    const dataset = await openDataset(join(output, 'lerobot'));
    try {
      expect(dataset.features.map(({ name, kind, shape }) => [name, kind, shape])).toEqual([
        ['observation.state', 'vector', [6]],
        ['observation.images.top', 'image', [24, 24, 3]],
        ['action', 'vector', [6]],
      ]);
      // What the expert saw in the middle of an episode: drawn, written as PNG, and read again.
      const task = parseSimulatedTask('so101-stack-cube') as SimulatedTask;
      const demonstrator = task.demonstrations.create(await mujoco());
      const reader = new SightReader(await mujoco(), task.demonstrations.model, task.cameras);
      demonstrator.environment.reset(0);
      const expected = pictureOf(
        reader.at(demonstrator.positions(), demonstrator.environment.body.simulation.mocapPoses()),
        0,
        24,
        24,
      ).bytes;
      expect([...(await dataset.readPicture('observation.images.top', 0)).data]).toEqual([...expected]);
      demonstrator.environment.close();
      reader.close();
    } finally {
      await dataset.close();
    }
  });

  it('learn from it, and are evaluated on what they see', { timeout: TIMEOUT_MS }, async () => {
    const policy = at('policy');
    const steps = ['--steps', '2', '--batch', '4', '--validation', '0', '--down-dims', '8,16'];
    const trained = await warmstep(
      'train',
      'policy',
      '--dataset',
      at('demonstrations/lerobot'),
      '--output',
      policy,
      ...STATE_AND_TOP,
      ...steps,
    );
    expect([trained.code, trained.stderr]).toEqual([0, expect.not.stringContaining('Error')]);
    const asked = ['--strategies', 'ddim:1', '--episodes', '1', '--seed', '0', '--latencies', '0', '--threads', '0'];
    const evaluation = at('evaluation');
    const seen = await warmstep(
      'eval',
      'so101-stack-cube',
      '--observations',
      'image',
      '--policy',
      policy,
      ...asked,
      '--output',
      evaluation,
    );
    expect([seen.code, seen.stderr]).toEqual([0, expect.not.stringContaining('failed')]);
    const record = JSON.parse(await readFile(join(evaluation, 'evaluation.json'), 'utf8')) as EvaluationRecord;
    expect(record.task).toBe(SEEN);
    expect(record.strategies[0]?.episodes.map(({ ticks, failure }) => [ticks, failure])).toEqual([[600, undefined]]);
    const blind = await warmstep('eval', 'so101-stack-cube', '--policy', policy, ...asked, '--output', at('blind'));
    expect(blind.stderr).toContain(`For pictures its name is ${SEEN}`);
  });

  it('are evaluated without a picture that goes up or comes back', { timeout: TIMEOUT_MS }, async () => {
    const policy = await loadPolicy(at('policy'), { device: device(), strategy: { name: 'DDIM', steps: 1 } });
    const kind = simulatedTaskKind(parseSimulatedTask(SEEN) as SimulatedTask, localSimulations('test', importMujoco));
    const task = { ...kind.forPolicy(policy.info), maxTicks: 16 };
    const strategy = { name: 'ddim:1', options: { name: 'DDIM', steps: 1 } } as const;
    const traffic = new QueueTraffic(device().gpuDevice);
    const encoded = policy.encodedFrames;
    try {
      await evaluate(policy, { task, strategy, seeds: [5, 6], parallel: 2 });
    } finally {
      traffic.restore();
    }
    expect(policy.encodedFrames).toBeGreaterThan(encoded);
    // Of every frame that was encoded its scene went up, and nothing else that is as long as a picture but tables of a resize.
    const sceneBytes = (24 + 16 * 20) * 4;
    expect(traffic.written.filter((bytes) => bytes === sceneBytes)).toHaveLength(policy.encodedFrames - encoded);
    expect(traffic.written.filter((bytes) => bytes === PICTURE_BYTES || bytes === (PICTURE_BYTES / 3) * 4)).toEqual([]);
    // Features, chunks and flags of two episodes come back: less than their pictures.
    expect(Math.max(...traffic.read)).toBeLessThan(2 * 2 * PICTURE_BYTES);
    await policy.dispose();
  });

  it('refuses cameras and sizes that there are not', async () => {
    const asked = (...more: string[]) => warmstep('demonstrations', 'lift', '--episodes', '1', '--output', at('none'), ...more);
    expect((await asked('--size', '24x24')).stderr).toContain('--size needs --pictures: give it as well, or leave --size out');
    expect((await asked('--pictures', '--cameras', 'top,front')).stderr).toContain('--cameras must be some of top,wrist,overhead');
    expect((await asked('--pictures', '--size', '0x24')).stderr).toContain('--size must be HEIGHTxWIDTH');
    expect((await asked('--pictures', '--size', '24x4096')).stderr).toContain('2048 pixels at most');
  });
});
