import { describe, expect, it } from 'vitest';
import { chosenOf, leftOutLines, type OptionalStrategies, presetOption as presetOf } from '../../src/cli/eval/presets.js';
import { refusal } from '../../src/cli/eval/subject.js';
import { GRIPPER_TASKS } from '../../src/envs/gripper/goals/index.js';
import { parseSimulatedTask } from '../../src/envs/simulated-tasks.js';
import { OptionError } from '../../src/foundation/errors.js';
import { parseStrategies } from '../../src/strategies/parse.js';
import type { NamedStrategy } from '../../src/strategies/strategy-options.js';
import { UsageError } from '../../src/terminal/options.js';
import { warmstep } from '../support/captured.js';

const names = (list: readonly { readonly name: string }[]): string[] => list.map(({ name }) => name);

const presetOption = (name: string | undefined, without: string | undefined, task: string, isExact = false): OptionalStrategies =>
  presetOf(name, without, { task, isExact });
const rtiDpOf = (task: string, isExact = false): string[] =>
  names(presetOption('paper', undefined, task, isExact).strategies).filter((name) => name.startsWith('rti-dp'));

describe('a preset of eval', () => {
  it('paper has every strategy there is, and STEP 2 first', () => {
    const { strategies } = presetOption('paper', undefined, 'push-t');
    expect(strategies[0]?.name).toBe('step:2');
    expect(new Set(strategies.map(({ options }) => options.name))).toEqual(
      new Set('STEP DDIM DPM-Solver++ DDPM RTI-DP Falcon Consistency OneDP NO-Diffusion BRIDGER SDP RNR-DP'.split(' ')),
    );
    expect(names(strategies)).toEqual(expect.arrayContaining(['step:4', 'step:1', 'ddim:10', 'ddim:4', 'ddim:2', 'ddpm:100']));
  });

  it('leaves out what cannot run, with the reason, and what is not wanted; the rest keeps its order', async () => {
    const asked: NamedStrategy[] = [];
    const whyNot = async (strategy: NamedStrategy): Promise<string | undefined> => {
      const { options } = strategy;
      asked.push(strategy);
      return options.name === 'OneDP' ? 'no generator' : undefined;
    };
    const wanted = presetOption('paper', 'ddpm:100,falcon:10', 'push-t');
    const { strategies, leftOut } = await chosenOf(wanted, { whyNot }, []);
    expect(leftOut).toEqual([
      { name: 'onedp', why: 'no generator' },
      { name: 'falcon:10', why: 'left out with --without' },
      { name: 'ddpm:100', why: 'left out with --without' },
    ]);
    expect(names(strategies)).toEqual(names(wanted.strategies).filter((name) => !names(leftOut).includes(name)));
    expect(asked).toHaveLength(wanted.strategies.length - 2);
  });

  it('calls nothing left out that another option adds', async () => {
    const wanted = presetOption('paper', 'ddpm:100,falcon:10', 'push-t');
    const { strategies, leftOut } = await chosenOf(wanted, { whyNot: async () => undefined }, parseStrategies('ddpm:100,ddim:3'));
    expect(names(leftOut)).toEqual(['falcon:10']);
    expect(names(strategies)).not.toContain('ddpm:100');
  });

  it.each([
    ['push-t', 'rti-dp'],
    ['push-t-image', 'rti-dp/timesteps=push-t-image'],
    ['so101-pick-place', 'rti-dp'],
    ['lift', 'rti-dp/timesteps=lift-clip/gripper=9'],
    ['lift/observations=image', 'rti-dp/timesteps=lift-image-clip/gripper=9/factor=10'],
    ['can/observations=image', 'rti-dp/timesteps=can-image-clip/gripper=9/factor=10'],
    ['square/observations=image', 'rti-dp/timesteps=square-clip/gripper=9/factor=10'],
    ['stack-cube', 'rti-dp/timesteps=can-clip/gripper=9'],
    ['stack-cube/observations=image', 'rti-dp/timesteps=can-image-clip/gripper=9/factor=10'],
    ['turn-faucet', 'rti-dp/timesteps=can-clip/gripper=9'],
    ['transport', 'rti-dp/timesteps=transport-clip/gripper=9-19'],
    ['constructor', 'rti-dp'],
  ])('has for %s the published timesteps of RTI-DP and its gripper: %s', (task, expected) => {
    expect(rtiDpOf(task)).toEqual([expected]);
  });

  it('has RTI-DP remember a tenth of the gripper where the denoiser is exact', () => {
    expect(rtiDpOf('lift', true)).toEqual(['rti-dp/timesteps=lift-clip/gripper=9/factor=10']);
    expect(rtiDpOf('push-t', true)).toEqual(['rti-dp']);
  });

  it.each(['push-t', 'lift', 'transport/observations=image'])('leaves out what a name alone stands for: %s', (task) => {
    const { without } = presetOption('paper', 'rti-dp,ddim', task);
    expect(names(without)).toEqual([...rtiDpOf(task), 'ddim:10', 'ddim:4', 'ddim:2', 'ddim:1']);
  });

  it('names for every task with a gripper the dimensions that its actions close', () => {
    for (const name of GRIPPER_TASKS) {
      const { options } = presetOption('paper', undefined, name).strategies.find((one) => one.options.name === 'RTI-DP') ?? {};
      const actions = parseSimulatedTask(name)?.demonstrations.actionNames ?? [];
      const closing = actions.flatMap((action, dimension) => (action.endsWith('grip') ? [dimension] : []));
      expect(closing, name).not.toEqual([]);
      expect(options, name).toMatchObject({ gripper: { dimensions: closing } });
    }
  });

  it('tells those of one reason together, in their order', () => {
    const leftOut = [
      { name: 'consistency:1', why: 'no student' },
      { name: 'falcon:10', why: 'left out with --without' },
      { name: 'consistency:3', why: 'no student' },
    ];
    expect(leftOutLines(leftOut)).toEqual(['consistency:1, consistency:3: no student', 'falcon:10: left out with --without']);
    expect(leftOutLines([])).toEqual([]);
  });

  it('is none where none is asked for', async () => {
    expect(await chosenOf(presetOption(undefined, undefined, 'push-t'), { whyNot: async () => 'never' }, [])).toEqual({
      strategies: [],
      leftOut: [],
    });
  });

  it.each([
    ['another name', 'papers', undefined, '--preset must be one of paper, found "papers"'],
    ['a strategy that it does not have', 'paper', 'ddim:3', '--without: preset paper has no ddim:3'],
    ['another RTI-DP', 'paper', 'rti-dp/timesteps=lift-clip', 'has no rti-dp/timesteps=lift-clip, it has step:2'],
  ])('refuses %s', (_, name, without, message) => {
    expect(() => presetOption(name, without, 'push-t')).toThrow(UsageError);
    expect(() => presetOption(name, without, 'push-t')).toThrow(message);
  });

  it('takes refusals for reasons, and nothing else', async () => {
    expect(await refusal(() => undefined)).toBeUndefined();
    expect(await refusal(() => Promise.reject(new OptionError('no network')))).toBe('no network');
    await expect(refusal(() => Promise.reject(new TypeError('broken')))).rejects.toThrow('broken');
  });

  it('says in the help what it is', async () => {
    const { stdout } = await warmstep('eval', '--help');
    expect(stdout).toContain('paper: step:2,step:4');
    expect(stdout).toContain(
      'for can: rti-dp/timesteps=can-clip/gripper=9, with images rti-dp/timesteps=can-image-clip/gripper=9/factor=10\n',
    );
  });
});
