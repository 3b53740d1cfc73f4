import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { memorySource } from '../../src/checkpoints/source.js';
import { trainCommand } from '../../src/cli/commands/train.js';
import { closedLoopFigures } from '../../src/cli/train/closed-loop.js';
import { predictorJob } from '../../src/cli/train/jobs.js';
import { optimizerOptions, runOptions } from '../../src/cli/train/options.js';
import { figuresText, stepLine } from '../../src/cli/train/presentation.js';
import type { EpisodeRecord } from '../../src/evaluation/record.js';
import { NonFiniteError } from '../../src/foundation/errors.js';
import { ComputeDevice } from '../../src/runtime/device.js';
import { repositoryPath, warmstep } from '../support/captured.js';
import { type DatasetFileMap, leRobotFiles } from '../support/datasets.js';

function writeData(folder: string, files: DatasetFileMap): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

describe('the command line of warmstep train', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'warmstep-train-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each([
    [
      ['train'],
      'what is trained must be one of predictor, policy, cvae, consistency-teacher, consistency, bridger, onedp, no-diffusion, sdp, rnr-dp, found nothing',
    ],
    [['train', 'encoder'], 'found "encoder"'],
    [['train', 'predictor', '--down-dims', '64'], '--down-dims is an option of `warmstep train policy`'],
    [['train', 'policy', '--policy', 'x'], '--policy is an option of `warmstep train predictor`'],
    [['train', 'onedp', '--down-dims', '64'], '--down-dims is an option of `warmstep train policy`'],
    [['train', 'sdp', '--variant', 'deterministic'], '--variant is an option of `warmstep train onedp`'],
    [['train', 'consistency', '--policy', 'x', '--dataset', 'x', '--output', 'y'], 'option --teacher is missing'],
    [['train', 'consistency-teacher', '--policy', 'x', '--task', 'push-t'], 'makes no decisions'],
    [['train', 'predictor', '--dataset', 'x', '--output', 'y'], 'option --policy is missing'],
    [['train', 'cvae', '--dataset', 'x', '--output', 'y'], 'option --policy is missing'],
    [['train', 'cvae', '--policy', 'x', '--release', 'ours'], '--release must be one of step, bridger'],
    [['train', 'bridger', '--policy', 'x', '--interpolant', 'cubic'], '--interpolant must be one of linear, power3'],
    [['train', 'sdp', '--policy', 'x', '--prior', 'y'], '--prior is an option of `warmstep train bridger`'],
    [['train', 'policy', '--output', 'y'], 'option --dataset is missing'],
    [['train', 'policy', '--dataset', 'x', '--preset', 'step'], '--preset must be one of lerobot, diffusion-policy'],
    [['train', 'policy', '--dataset', 'x', '--validation', '1'], '--validation must be a number, 0 to 0.9'],
    [['train', 'policy', '--dataset', 'x', '--crop', '84'], '--crop must be HEIGHTxWIDTH'],
    [['train', 'policy', '--dataset', 'x', '--task', 'chess'], '--task must be push-t'],
    [['train', 'consistency', '--policy', 'x', '--teacher', 'y', '--dropout', '1'], '--dropout must be a number, 0 to 0.99'],
    [['train', 'consistency-teacher', '--policy', 'x', '--dropout', 'no'], '--dropout must be a number, 0 to 0.99'],
    [['train', 'sdp', '--policy', 'x', '--dropout', '0.1'], '--dropout is an option of `warmstep train predictor`'],
    [['train', 'cvae', '--policy', 'x', '--projection-dim', '0'], '--projection-dim must be'],
    [['train', 'predictor', '--policy', 'x', '--projection-dim', '8'], '--projection-dim is an option of `warmstep train cvae`'],
    [['train', 'predictor', '--policy', 'x', '--image-encoder', 'resnet18'], '--image-encoder must be one of small_conv'],
    [['train', 'predictor', '--policy', 'x', '--obs-dim', '8'], '--obs-dim needs --image-encoder'],
    [['train', 'cvae', '--policy', 'x', '--embed-dim', '8'], '--embed-dim needs --image-encoder'],
    [['train', 'cvae', '--policy', 'x', '--obs-dim', '8'], '--obs-dim is an option of `warmstep train predictor`'],
    [['train', 'policy', '--dataset', 'x', '--image-encoder', 'small_conv'], '--image-encoder is an option of `warmstep train '],
    [['train', 'policy', '--dataset', 'x', '--episodes', '3'], '--episodes needs --task'],
    [['train', 'predictor', '--policy', 'x', '--strategy', 'step:2'], '--strategy needs --task'],
    [['train', 'policy', '--dataset', 'x', '--output', 'y', '--profile', 'quick'], '--profile must be one of safe, fast'],
    [['train', 'policy', '--dataset', 'x', '--learning-rate', '0'], '--learning-rate must be a number above 0, found 0'],
    [['train', 'policy', '--dataset', 'x', '--output', 'y', '--down-dims', '63'], '--down-dims must be multiples of groups 8, found 63'],
    [
      ['train', 'cvae', '--policy', 'x', '--image-encoder', 'small_conv', '--embed-dim', '6'],
      '--embed-dim must be a multiple of 4, found 6',
    ],
    [['train', 'policy', '--dataset', 'x', '--steps', '2000000000'], '--steps must be a whole number, 1 to 1000000000'],
    [['train', 'onedp', '--policy', 'x', '--backbone', 'y'], '--backbone is an option of `warmstep train policy`'],
    ...(['backbone', 'horizon', 'observations', 'crop'] as const).map((name): [string[], string] => [
      ['train', 'policy', '--dataset', 'x', '--output', 'y', '--initial', 'z', `--${name}`, name === 'crop' ? '8x8' : '8'],
      `--initial and --${name}: the policy says that itself`,
    ]),
    ...(['', 'observation.environment_state, observation.state'] as const).flatMap((observations) =>
      ['backbone', 'crop'].map((name): [string[], string] => [
        [
          ...['train', 'policy', '--dataset', 'x', '--output', 'y', `--${name}`, '8x8'],
          ...(observations === '' ? [] : ['--observations', observations]),
        ],
        `--${name} is for cameras: name one with --observations`,
      ]),
    ),
    [['train', 'policy', '--dataset', 'x', '--output', 'y', '--batch-norm', 'running'], '--batch-norm needs --initial or --backbone'],
  ])('%j is refused before anything is opened', async (args, message) => {
    const { code, stderr } = await warmstep(...args);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });

  it('says what is missing: data set, run to go on with', async () => {
    const output = join(folder, 'out');
    const missing = await warmstep('train', 'policy', '--dataset', join(folder, 'none'), '--output', output);
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain('none');
    const resumed = await warmstep('train', 'policy', '--dataset', folder, '--output', output, '--resume');
    expect(resumed.stderr).toContain('expected a training run to go on with, found none');
  });

  it('looks at a backbone before it reads data', async () => {
    const backbone = join(folder, 'resnet18.pth');
    writeFileSync(backbone, Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0, 0, 8, 8, 0));
    const { code, stderr } = await warmstep(
      ...['train', 'policy', '--observations', 'observation.images.front', '--backbone', backbone],
      ...['--dataset', join(folder, 'none'), '--output', join(folder, 'out3')],
    );
    expect(code).toBe(1);
    expect(stderr).toContain('expected safetensors, found a PyTorch pickle');
    expect(existsSync(join(folder, 'out3'))).toBe(false);
  });

  it('looks at policy and task before it reads data', async () => {
    const { code, stderr } = await warmstep(
      ...['train', 'predictor', '--policy', repositoryPath('test/goldens/state-bias-film/policy'), '--task', 'push-t'],
      ...['--dataset', join(folder, 'none'), '--output', join(folder, 'out2')],
    );
    expect(code).toBe(2);
    expect(stderr).toMatch(/push-t|Push-T/);
    expect(existsSync(join(folder, 'out2'))).toBe(false);
  });

  describe('with data of another robot than the task that is to be evaluated', () => {
    const refused = async (what: string, ...args: string[]): Promise<string> => {
      const data = join(folder, 'data');
      const output = join(folder, 'foreign');
      writeData(data, await leRobotFiles([40, 40]));
      const opened = vi.spyOn(ComputeDevice, 'open').mockRejectedValue(new Error('a device was opened'));
      onTestFinished(() => void opened.mockRestore());
      const { code, stderr } = await warmstep('train', what, '--dataset', data, '--output', output, ...args);
      expect(code).toBe(2);
      expect(existsSync(output)).toBe(false);
      expect(opened).not.toHaveBeenCalled();
      return stderr;
    };

    it('a policy is refused before training begins', async () => {
      expect(await refused('policy', '--task', 'push-t')).toContain('reads "observation.state" of 3 values; Push-T has');
    });

    it('so is a strategy that the result could not run', async () => {
      const bundled = ['--policy', repositoryPath('checkpoints/pusht-state/policy'), '--task', 'push-t', '--strategy'];
      for (const [what, strategy, needed, ...others] of [
        ['predictor', 'onedp', 'a network of type "onedp" as its generator'],
        ['no-diffusion', 'step:2', 'a predictor'],
        // Of the method's own, what its options ask for.
        ['consistency', 'consistency:2/warm', 'a predictor for warm starts', '--teacher', folder],
        ['onedp', 'onedp/warm', 'a predictor for warm starts'],
        ['bridger', 'bridger:5/prior=cvae', 'a predictor that is a CVAE as its prior'],
      ] as const) {
        const message = await refused(what, ...bundled, strategy, ...others);
        expect(message).toContain(`--strategy: ${strategy} needs ${needed}`);
        expect(message).toContain(', what is trained has none: give another strategy');
      }
      // Values of options, too: the network that they are for is there hours later.
      for (const [what, strategy, said, ...others] of [
        ['onedp', 'onedp/clip=-1', 'clip must be none or a finite number above 0, found -1.'],
        ['sdp', 'sdp/init=one', 'init must be one of zero, denoise, found one.'],
        ['bridger', 'bridger:0', 'steps must be an integer from 1 to '],
        ['rnr-dp', 'ddim:1000', 'steps must be an integer from 1 to 100, found 1000.'],
        // Of the network that will be there: it has two levels to go through after the first.
        ['consistency', 'consistency:4', 'steps must be an integer from 1 to 3, found 4.', '--teacher', folder],
        ['consistency', 'consistency:3/warm', 'evaluations of warm decisions are at chaining bins', '--teacher', folder],
        ['onedp', 'onedp/warm', 'warm starts from a noised prediction', '--variant', 'deterministic'],
        ['onedp', 'onedp/variant=deterministic/warm', 'warm starts from a noised prediction'],
      ] as const) {
        expect(await refused(what, ...bundled, strategy, ...others)).toContain(`strategy "${strategy}": ${said}`);
      }
    });

    it('and rows that do not go together, by the names of their options', async () => {
      expect(await refused('policy', '--action-steps', '16')).toContain('--action-steps must be an integer from 1 to 15, found 16');
    });
  });

  it('with data of the task: a policy is refused whose strategy needs a predictor, and leaves no folder behind', async () => {
    const [data, output] = [join(folder, 'agents'), join(folder, 'unsuited')];
    writeData(
      data,
      await leRobotFiles([40, 40], {
        features: [
          { name: 'observation.state', from: 'state', count: 2 },
          { name: 'action', from: 'action' },
        ],
      }),
    );
    const { code, stderr } = await warmstep(
      ...['train', 'policy', '--dataset', data, '--output', output, '--task', 'push-t', '--strategy', 'step:2'],
    );
    expect(stderr).toMatch(/--strategy: step:2 needs a predictor .*, what is trained has none: give another strategy/);
    expect(code).toBe(2);
    expect(existsSync(output)).toBe(false);
  });

  it('takes a policy from the Hub, once, for all that it does with it', async () => {
    vi.stubEnv('HF_HUB_OFFLINE', '1');
    vi.stubEnv('HF_HUB_CACHE', join(folder, 'hub'));
    onTestFinished(() => void vi.unstubAllEnvs());
    const commit = '0123456789'.repeat(4);
    const root = join(folder, 'hub', 'models--someone--arm');
    for (const below of ['refs', 'snapshots']) mkdirSync(join(root, below), { recursive: true });
    writeFileSync(join(root, 'refs', 'main'), commit);
    symlinkSync(repositoryPath('test/goldens/state-bias-film/policy'), join(root, 'snapshots', commit));
    const job = predictorJob({ policy: 'hf:someone/arm' });
    await job.check();
    const predictor = memorySource('predictor', {});
    expect(job.networks(predictor)).toEqual({ policy: join(root, 'snapshots', commit), predictor });
    // The training reads that folder as well: it says so where the folder has gone.
    rmSync(join(root, 'snapshots', commit));
    await expect(job.train({} as never)).rejects.toThrow(join(root, 'snapshots', commit));
  });

  it('has help that names all its options', () => {
    for (const option of ['--accumulate', '--down-dims', '--history-noise', '--resume', '--mask-padding', '--evaluate-every']) {
      expect(trainCommand.usage).toContain(option);
    }
  });
});

describe('its options', () => {
  it('become settings in place of the preset', () => {
    expect(optimizerOptions({ clip: '0', ema: 'none', 'learning-rate': '1e-3', optimizer: 'adamw', warmup: '7' })).toEqual({
      clipNorm: null,
      ema: null,
      learningRate: 1e-3,
      optimizer: 'adamw',
      warmupSteps: 7,
    });
    expect(optimizerOptions({})).toEqual({});
    expect(runOptions({ steps: '12', batch: '3' }, 99, ['lerobot'])).toEqual({ steps: 12, batchSize: 3, optimizer: {}, resume: false });
    expect(runOptions({}, 99, ['lerobot']).steps).toBe(99);
  });
});

describe('what it says while it trains', () => {
  it('is one line: step, loss, norm, rate, speed, time left', () => {
    const event = {
      kind: 'step',
      step: 1200,
      steps: 5000,
      epoch: 3,
      loss: 0.031234,
      gradientNorm: 1.234,
      learningRate: 9.876e-5,
      stepsPerSecond: 3.21,
      secondsLeft: 1184,
    } as const;
    expect(stepLine(event)).toBe('step 1,200 of 5,000  loss 0.0312  norm 1.2  rate 0.000099  3.2 steps/s  19:44 left');
    expect(stepLine({ ...event, stepsPerSecond: 0.4 })).toContain('2.5 s/step');
  });

  it('and the figures of an evaluation on another', () => {
    expect(figuresText({ 'validation error': 0.0205123, 'push-t score': 0.84 })).toBe('validation error 0.02051 · push-t score 0.84');
  });
});

describe('its figures of closed loop', () => {
  const episode = (seed: number, score: number, failure?: string): EpisodeRecord => ({
    ...{ seed, score, success: score === 1, ticks: 1, decisions: 1, evaluations: 2, screening: 0, stalls: 0, jumps: [], rewards: [score] },
    ...(failure === undefined ? {} : { failure }),
  });

  it('are means of all episodes, and a note says how many failed', () => {
    const written: string[] = [];
    const spy = vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0);
    onTestFinished(() => spy.mockRestore());
    expect(closedLoopFigures('push-t', [episode(1, 1), episode(2, 0.5)])).toEqual({ 'push-t score': 0.75, 'push-t success': 0.5 });
    expect(written).toEqual([]);
    closedLoopFigures('push-t', [episode(1, 1), episode(2, 0, 'Error: no answer')]);
    expect(written).toEqual(['note: push-t: 1 of 2 episodes failed; seed 2: Error: no answer\n']);
  });

  it('are none where all episodes failed: that is an error', () => {
    const failed = (failure: string) => () => closedLoopFigures('push-t', [episode(1, 0, failure), episode(2, 0, failure)]);
    expect(failed('ObservationError: decideAllSettled: wrong units?')).toThrow(
      'push-t: 2 of 2 episodes failed; seed 1: ObservationError: decideAllSettled: wrong units?',
    );
    expect(failed('ObservationError: wrong units?')).not.toThrow(NonFiniteError);
    expect(failed('NonFiniteError: the network')).toThrow(NonFiniteError);
  });
});
