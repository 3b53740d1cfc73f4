import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { encodeSafetensors } from '../../src/checkpoints/safetensors/safetensors.js';
import { ComputeDevice } from '../../src/runtime/device.js';
import { writeArmPolicy } from '../support/arm-policy.js';
import { repositoryPath, warmstep, warmstepJson } from '../support/captured.js';
import { FeetechArm } from '../support/feetech-arm.js';
import { irregular } from '../support/golden-policy.js';
import { randomPolicy, SMALL_UNET } from '../support/random-checkpoint.js';
import { randomGenerator, randomStudent } from '../support/random-method.js';
import { writtenFolder } from '../support/written-folder.js';

const FRAME = 3;
const TICKS = 3;

describe('--network', () => {
  let folder: string;
  let [policy, student, generator, input] = ['', '', '', ''];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'warmstep-networks-'));
    policy = await writtenFolder(join(folder, 'policy'), randomPolicy(SMALL_UNET, FRAME).source);
    student = await writtenFolder(join(folder, 'student'), randomStudent(SMALL_UNET, FRAME));
    generator = await writtenFolder(join(folder, 'generator'), randomGenerator(SMALL_UNET, FRAME));
    input = join(folder, 'input.safetensors');
    const data = irregular(TICKS * FRAME);
    writeFileSync(input, encodeSafetensors([{ name: 'observation.state', dtype: 'F32', shape: [TICKS, FRAME], data }]));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const run = (output: string, ...args: string[]): readonly string[] => [
    ...['run', '--policy', policy, '--input', input, '--output', join(folder, output)],
    ...args,
  ];

  it('runs a strategy through the network that its config.json says it is', async () => {
    const report = await warmstepJson<{ strategy: string; evaluations: number[] }>(
      ...(run('actions', '--network', generator, '--network', student, '--strategy', 'consistency:3') as [string]),
    );
    expect(report).toMatchObject({ strategy: 'Consistency Policy 3 (bins)', evaluations: [3, 3, 3] });
    expect(readFileSync(join(folder, 'actions')).byteLength).toBeGreaterThan(TICKS * 2 * 4);
  });

  it('says what is missing before a weight is read, and what is no network of a method', async () => {
    const missing = await warmstep(...(run('none', '--network', generator, '--strategy', 'consistency:1') as [string]));
    expect(missing.code).toBe(2);
    expect(missing.stderr).toMatch(/strategy Consistency needs a network of type "consistency_policy".*--network/s);
    const wrong = await warmstep(...(run('none', '--network', policy, '--strategy', 'consistency:1') as [string]));
    expect(wrong.stderr).toMatch(/expected "type" to be one of "consistency_policy".*found "diffusion"/s);
  });

  describe('that the strategies do not ask for', () => {
    let arm: string[];
    beforeAll(async () => {
      const calibration = join(folder, 'arm.json');
      writeFileSync(calibration, JSON.stringify(new FeetechArm().calibration));
      const driven = await writeArmPolicy(folder);
      arm = ['drive', 'so101', '--port', join(folder, 'none'), '--units', 'degrees', '--calibration', calibration, '--policy', driven];
      vi.spyOn(ComputeDevice, 'open').mockRejectedValue(new Error('a device was opened'));
    });
    afterAll(() => void vi.restoreAllMocks());

    const commands: readonly [name: string, args: () => readonly string[], listOption?: string][] = [
      ['run', () => run('unused')],
      ['serve openpi', () => ['serve', 'openpi', '--policy', policy, '--port', '0']],
      ['serve lerobot', () => ['serve', 'lerobot', '--policy', policy, '--port', '0']],
      ['drive', () => arm],
      ['eval', () => ['eval', 'push-t', '--output', join(folder, 'evaluation')], '--strategies'],
    ];

    it.each(commands)('are named by %s, in a line each', async (_, args, option = '--strategy') => {
      const given = ['--predictor', 'shift', '--network', generator, '--network', student];
      const { code, stderr } = await warmstep(...args(), ...given, option, 'ddim:2');
      expect(code).toBe(1);
      expect(stderr.split('\n').filter((line) => line.includes('not used'))).toEqual([
        'note: ddim:2 needs no predictor: --predictor is not used.',
        'note: ddim:2 needs no network of type "onedp": the --network of this type is not used.',
        'note: ddim:2 needs no network of type "consistency_policy": the --network of this type is not used.',
      ]);
    });

    it.each(commands)('%s says nothing of those that one of them asks for', async (_, args, option = '--strategy') => {
      const { code, stderr } = await warmstep(...args(), '--network', student, option, 'consistency:1');
      expect(stderr).not.toContain('not used');
      // Behind where it would be said.
      expect(stderr).toMatch(/a device was opened|the serial port cannot be opened/);
      expect(code).toBe(1);
    });

    it('of several strategies, by none', async () => {
      const list = ['--strategies', 'ddim:2,consistency:1', '--output', join(folder, 'several')];
      const { stderr } = await warmstep('eval', 'push-t', ...list, '--network', student, '--network', generator);
      expect(stderr.match(/[^\n]*not used[^\n]*/g)).toEqual([
        'note: none of the strategies needs a network of type "onedp": the --network of this type is not used.',
      ]);
    });
  });

  it('inspect describes such a folder', async () => {
    const { code, stdout } = await warmstep('inspect', repositoryPath('test/goldens/methods/cp-3step/network'));
    expect(code).toBe(0);
    expect(stdout).toMatch(/network of type consistency_policy/);
    expect(stdout).toMatch(/chainingBins +\[27,54\]/);
    const json = await warmstepJson<{ kind: string; config: { type: string } }>('inspect', generator);
    expect(json).toMatchObject({ kind: 'method', config: { type: 'onedp', timestep: 65 } });
  });
});
