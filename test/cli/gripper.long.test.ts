import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GripperTaskName } from '../../src/envs/gripper/goal.js';
import type { EvaluationRecord } from '../../src/evaluation/record.js';
import { openDataset } from '../../src/platform/node/open-dataset.js';
import { warmstep } from '../support/captured.js';
import { gripperTrace, usingGripper } from '../support/gripper-run.js';
import { smallPolicyFiles } from '../support/small-push-t.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A run of the expert by the compiled package, in a process of its own. */
const program = (task: GripperTaskName): string => `
  import { createHash } from 'node:crypto';
  import { gripperExpertActions, openGripper } from 'warmstep/gripper';
  const environment = await openGripper('${task}', () => import('@mujoco/mujoco'));
  environment.reset(3);
  const texts = [];
  for (const { action } of gripperExpertActions(environment, { seed: 3 })) {
    environment.step(action);
    texts.push(environment.body.simulation.views.qpos.join());
  }
  environment.close();
  console.log(createHash('sha256').update(texts.join('\\n')).digest('hex'));`;

describe('the floating gripper on the command line', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'warmstep-gripper-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('is evaluated with any policy of its sizes, in this thread and in others, with the same result', async () => {
    const policy = join(folder, 'policy');
    await mkdir(policy);
    const files = smallPolicyFiles({ state: 11, environment: 15, action: 10, range: [-0.5, 0.5] });
    for (const [name, content] of Object.entries(files)) await writeFile(join(policy, name), content);
    const records = [];
    for (const threads of ['0', '2']) {
      const output = join(folder, `evaluation-${threads}`);
      const asked = ['--strategies', 'ddim:1', '--episodes', '2', '--seed', '0', '--latencies', '0', '--threads', threads];
      const { code, stderr } = await warmstep('eval', 'stack-cube', '--policy', policy, ...asked, '--output', output);
      expect([code, stderr]).toEqual([0, expect.not.stringContaining('failed')]);
      records.push(JSON.parse(await readFile(join(output, 'evaluation.json'), 'utf8')) as EvaluationRecord);
      expect(await readFile(join(output, 'report.html'), 'utf8')).toContain('<h1>StackCube, in the manner of ManiSkill');
    }
    const [here, there] = records.map(({ strategies }) => strategies[0]?.episodes);
    expect(here?.[0]).toMatchObject({ seed: 0, ticks: 400, success: false, score: 0 });
    expect(here?.[0]?.replay?.states).toHaveLength(401 * 23);
    expect(there).toEqual(here);
    const wrong = await warmstep('eval', 'lift', '--policy', policy, '--episodes', '1');
    expect(wrong.code).not.toBe(0);
    expect(wrong.stderr).toMatch(
      /of 15 values; lift has the hand \(11\), poses of cube \(8\): give a policy of the floating gripper, for lift/,
    );
  });

  it('demonstrates: a LeRobot data set whose frames are the expert’s', async () => {
    const output = join(folder, 'demonstrations');
    const { code, stdout } = await warmstep(
      'demonstrations',
      'square',
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
    expect(JSON.parse(stdout)).toMatchObject({ task: 'square', episodes: 2, failed: [], pauses: true });
    const dataset = await openDataset(join(output, 'lerobot'));
    try {
      expect(dataset).toMatchObject({ format: 'lerobot-v3.0', fps: 20, robot: 'floating_gripper', frames });
      expect(dataset.features.map(({ name, size, names }) => [name, size, names?.[0]])).toEqual([
        ['observation.state', 11, 'x'],
        ['observation.environment_state', 8, 'nut.x'],
        ['action', 10, 'x'],
      ]);
    } finally {
      await dataset.close();
    }
    expect(await readFile(join(output, 'README.md'), 'utf8')).toContain('"Put the square nut on the peg." 2 episodes');
  });

  it.each([
    ['square', 168],
    ['transport', 458],
    ['turn-faucet', 168],
    ['tool-hang', 435],
  ] as const)('has the same positions of %s, bit by bit, in two processes', async (task, ticks) => {
    const text = await usingGripper(task, (environment) => gripperTrace(environment, 3, ticks + 1));
    expect(text.split('\n')).toHaveLength(ticks);
    const there = execFileSync(process.execPath, ['--input-type=module', '--eval', program(task)], { cwd: ROOT, encoding: 'utf8' }).trim();
    expect(createHash('sha256').update(text).digest('hex')).toBe(there);
  });
});
