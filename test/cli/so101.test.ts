import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SafetensorsFile } from '../../src/checkpoints/safetensors/safetensors.js';
import { lockFolder } from '../../src/cli/folder-lock.js';
import type { EvaluationRecord } from '../../src/evaluation/record.js';
import { openDataset } from '../../src/platform/node/open-dataset.js';
import { warmstep } from '../support/captured.js';
import { smallPolicyFiles } from '../support/small-push-t.js';

describe('the SO-101 on the command line', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'warmstep-so101-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('is evaluated with any policy of its sizes, and replayed in the report', async () => {
    const policy = join(folder, 'policy');
    await mkdir(policy);
    const files = smallPolicyFiles({ state: 6, environment: 10, action: 6, range: [-100, 100] });
    for (const [name, content] of Object.entries(files)) await writeFile(join(policy, name), content);
    const output = join(folder, 'evaluation');
    const task = 'so101-pick-place/p=32';
    const asked = ['--strategies', 'ddim:1', '--episodes', '1', '--seed', '0', '--latencies', '0', '--output', output];
    const { code, stderr } = await warmstep('eval', task, '--policy', policy, ...asked);
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('failed')]);
    const record = JSON.parse(await readFile(join(output, 'evaluation.json'), 'utf8')) as EvaluationRecord;
    expect(record).toMatchObject({ task, maxTicks: 600 });
    const [episode] = record.strategies[0]?.episodes ?? [];
    expect(episode).toMatchObject({ seed: 0, ticks: 600, success: false });
    expect(episode?.replay?.states).toHaveLength(601 * 20);
    const page = await readFile(join(output, 'report.html'), 'utf8');
    expect(page).toContain('<h1>SO-101, cube on plate');
    expect(page).toContain('data-part="face-1-0"');
    const wrong = await warmstep('eval', 'so101-pick-place', '--episodes', '1');
    expect([wrong.code, wrong.stderr]).toEqual([
      expect.any(Number),
      expect.stringMatching(/actions of 2 values, so101-pick-place takes 6/),
    ]);
    expect(wrong.code).not.toBe(0);
  });

  it('demonstrates: a file with all that was recorded, and a LeRobot data set of the same', async () => {
    const output = join(folder, 'demonstrations');
    const { code, stdout } = await warmstep(
      'demonstrations',
      'so101-stack-cube',
      '--episodes',
      '2',
      '--seed',
      '5',
      '--pauses',
      '--output',
      output,
      '--json',
    );
    expect(code).toBe(0);
    const { frames } = JSON.parse(stdout) as { readonly frames: number };
    expect(JSON.parse(stdout)).toMatchObject({ task: 'so101-stack-cube', episodes: 2, failed: [], pauses: true });
    const bytes = await readFile(join(output, 'demonstrations.safetensors'));
    const { tensors, metadata } = await SafetensorsFile.open({
      name: 'demonstrations',
      size: bytes.length,
      read: async (offset, into) => void into.set(bytes.subarray(offset, offset + into.length)),
    });
    const shapes = Object.fromEntries([...tensors].map(([name, { dtype, shape }]) => [name, `${dtype} ${shape.join('×')}`]));
    expect(shapes).toEqual({
      'observation.state': `F32 ${frames}×6`,
      'observation.environment_state': `F32 ${frames}×10`,
      action: `F32 ${frames}×6`,
      qpos: `F64 ${frames}×20`,
      goal: `I32 ${frames}×6`,
      phase: `U8 ${frames}`,
      paused: `U8 ${frames}`,
      mocap_pos: 'F64 2×0×3',
      mocap_quat: 'F64 2×0×4',
      episode_ends: 'I64 2',
      seed: 'I64 2',
      success: 'U8 2',
    });
    expect(metadata.get('mjcf_sha256')).toMatch(/^[0-9a-f]{64}$/);
    expect(JSON.parse(metadata.get('facts') ?? '')).toMatchObject({ options: { voltage: 12 }, servo: { proportional: 16 } });
    const dataset = await openDataset(join(output, 'lerobot'));
    try {
      expect(dataset).toMatchObject({ format: 'lerobot-v3.0', fps: 30, robot: 'so101_follower', frames });
      expect(dataset.features.map(({ name, names }) => [name, names?.[0]])).toEqual([
        ['observation.state', 'shoulder_pan.pos'],
        ['observation.environment_state', 'cube.x'],
        ['action', 'shoulder_pan.pos'],
      ]);
      expect(dataset.episodes.map(({ tasks }) => tasks)).toEqual([
        ['Stack the blue cube on the pink cube.'],
        ['Stack the blue cube on the pink cube.'],
      ]);
      const [last] = dataset.episodes.slice(-1);
      const row = await dataset.readRows('observation.environment_state', (last?.to ?? 1) - 1, last?.to ?? 1);
      // At the end one cube stands on the other.
      expect((row[2] as number) - (row[7] as number)).toBeCloseTo(0.03, 3);
    } finally {
      await dataset.close();
    }
    expect(await readFile(join(output, 'README.md'), 'utf8')).toContain('2 episodes');
    const again = await warmstep('demonstrations', 'so101-stack-cube', '--episodes', '2', '--output', output);
    expect(again.stderr).toMatch(/--output: .*lerobot cannot take a data set/);
    expect(existsSync(join(output, 'evaluation.lock'))).toBe(false);
  });

  it('is demonstrated by one command at a time into a folder, whose files belong together', async () => {
    const output = join(folder, 'shared');
    await mkdir(output);
    const lock = lockFolder(output, 'demonstrating');
    const { code, stderr } = await warmstep('demonstrations', 'so101-stack-cube', '--episodes', '1', '--output', output);
    expect([code, stderr]).toEqual([1, expect.stringContaining(`${output}: process ${process.pid} on `)]);
    expect(stderr).toContain('is demonstrating into this folder: choose another --output folder');
    lock.release();
    expect(await readdir(output)).toEqual([]);
  });

  it.each([
    [['demonstrations'], /the task must be so101-pick-place or so101-stack-cube.*, found none/],
    [['demonstrations', 'push-t'], /found "push-t"/],
    [
      ['demonstrations', 'lift/observations=image', '--episodes', '1', '--output', '/dev/null/nowhere'],
      /lift\/observations=image is observed in pictures: give --pictures as well, or leave observations=image out/,
    ],
    [['demonstrations', 'so101-stack-cube/p=0'], /p must be an integer from 1 to 254/],
    [['demonstrations', 'so101-stack-cube', '--episodes', '0'], /--episodes must be/],
    [['eval', 'so101-stack-cube/p=0'], /p must be an integer from 1 to 254/],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await warmstep(...args);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(message);
  });

  it('is done by a policy of its demonstrations, without training or a device', async () => {
    const file = join(folder, 'demonstrations', 'demonstrations.safetensors');
    const output = join(folder, 'kernel');
    const asked = ['--policy', `kernel:${file}`, '--strategies', 'step:2', '--episodes', '1', '--seed', '5', '--latencies', '0'];
    const { code, stdout, stderr } = await warmstep('eval', 'so101-stack-cube', ...asked, '--output', output, '--json');
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('failed')]);
    expect(stderr).not.toContain('not demonstrated');
    const record = JSON.parse(stdout) as EvaluationRecord;
    expect(record).toMatchObject({
      policy: { name: 'so101-stack-cube', parameters: 0, predictor: 'conditional mean' },
      precision: 'f64',
      adapter: { description: 'none: float64 on the host', isSoftware: false },
    });
    expect(record.strategies[0]?.episodes[0]).toMatchObject({ seed: 5 });
    expect(await readFile(join(output, 'report.html'), 'utf8')).toContain('float64 on the host');
    const wrong = async (...options: string[]): Promise<string> => (await warmstep('eval', 'so101-stack-cube', ...options)).stderr;
    expect(await wrong(...asked, '--precision', 'f16')).toMatch(/--precision: a kernel policy has no networks/);
    expect(await wrong('--policy', `kernel:${folder}`)).toMatch(/cannot be read \(it is a folder\)/);
    expect(await wrong('--policy', `kernel:${join(output, 'report.html')}`)).toMatch(/report\.html/);
    expect((await warmstep('eval', 'push-t', ...asked)).stderr).toMatch(/has actions of 6 values/);
    expect(record.simulator).toMatch(/^MuJoCo \d/);
    expect(await wrong(...asked, '--seed', '7', '--output', join(folder, 'other seeds'))).toContain(
      'note: 1 of 1 seed was not demonstrated, and a kernel policy generalises to nothing: for what it can do, --seed 5 --episodes 2\n',
    );
    // Of another maker, who calls something else so.
    const other = join(folder, 'other.safetensors');
    const bytes = (await readFile(file))
      .toString('latin1')
      .replace('"seed":{"dtype":"I64"', '"seed":{"dtype":"F64"')
      .replace('"so101-stack-cube"', '"my101-stack-cube"');
    expect(bytes).toMatch(/"my101-stack-cube".*"seed":\{"dtype":"F64"|"seed":\{"dtype":"F64".*"my101-stack-cube"/);
    await writeFile(other, bytes, 'latin1');
    const read = await warmstep('eval', 'so101-stack-cube', ...asked, '--policy', `kernel:${other}`, '--output', join(folder, 'other'));
    expect([read.code, read.stderr]).toEqual([0, expect.not.stringContaining('not demonstrated')]);
    // Of the same sizes, and another task.
    const foreign = (await warmstep('eval', 'so101-pick-place/p=32', ...asked, '--seed', '7')).stderr;
    expect(foreign).not.toContain('not demonstrated');
    expect(foreign).toContain(
      `--policy: ${file} has demonstrations of so101-stack-cube, and the task is so101-pick-place/p=32: ` +
        'give those of so101-pick-place, which warmstep demonstrations so101-pick-place writes',
    );
    expect(await wrong(...asked, '--strategies', 'consistency:1')).toMatch(
      /strategy Consistency needs a network of type "consistency_policy" .*, and a kernel policy has no networks: choose another strategy/,
    );
  });
});
