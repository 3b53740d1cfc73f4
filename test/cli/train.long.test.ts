import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repositoryPath, warmstep } from '../support/captured.js';
import { dataFolder } from '../support/data.js';

const pushT = dataFolder('pusht', 'a predictor and a policy from the command line');
const so101 = dataFolder('lerobot/so101-record-test-v3.0', 'training on the data of a real SO-101');

describe('warmstep train, from a folder of data to what is loaded', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'warmstep-train-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.skipIf(!pushT)('makes a predictor of demonstrations in LeRobot’s layout, and evaluates it in closed loop', async () => {
    const data = join(folder, 'push-t');
    expect((await warmstep('dataset', 'convert', pushT as string, data, '--task', 'push-t', '--fps', '10')).code).toBe(0);
    const output = join(folder, 'predictor');
    const args = [
      ...['train', 'predictor', '--policy', repositoryPath('checkpoints/pusht-state/policy'), '--dataset', data, '--output', output],
      ...[
        '--steps',
        '4',
        '--batch',
        '8',
        '--evaluate-every',
        '4',
        '--validation',
        '0.01',
        '--task',
        'push-t',
        '--episodes',
        '1',
        '--strategy',
        'step:1',
      ],
    ];
    const { code, stdout, stderr } = await warmstep(...args);
    expect(stderr).toMatch(/step 4: validation error [\d.]+ · validation error, unseen rows .* push-t score/);
    expect(code).toBe(0);
    expect(stdout).toContain(`result  ${output}`);
    expect(readFileSync(join(output, 'report.html'), 'utf8')).toContain('aria-label="Loss"');
    expect((await warmstep('inspect', output, '--json')).stdout).toContain('"predictor"');
    // Neither written over, nor gone on with as something else.
    expect((await warmstep(...args)).stderr).toContain('holds a training run: give --resume');
    expect((await warmstep(...args, '--resume', '--seed', '3')).stderr).toContain('is of another run: found seed 3');
  });

  it.skipIf(!so101)('makes a policy and its predictor of the data of a real robot, without its videos', async () => {
    const [policy, predictor] = [join(folder, 'policy'), join(folder, 'so101-predictor')];
    const steps = ['--steps', '2', '--batch', '4', '--validation', '0.25'];
    const made = await warmstep('train', 'policy', '--dataset', so101 as string, '--output', policy, '--down-dims', '8,16', ...steps);
    expect(made.stderr).toContain('observation.images.front, observation.images.top are not read: name them');
    expect(made.code).toBe(0);
    const next = await warmstep('train', 'predictor', '--policy', policy, '--dataset', so101 as string, '--output', predictor, ...steps);
    expect(next.code).toBe(0);
    expect(next.stdout).toMatch(/validation error [\d.]+/);
  });
});
