import { describe, expect, it } from 'vitest';
import { loadPolicyCheckpoint } from '../../src/checkpoints/read-policy.js';
import type { PolicyCheckpoint } from '../../src/checkpoints/types.js';
import { CheckpointError, UnsupportedCheckpointError } from '../../src/foundation/errors.js';
import { ChangedCheckpoint, f32, POST, POST_STATE, PRE, PRE_STATE, type StepJson } from '../support/changed-checkpoint.js';

const load = (checkpoint: ChangedCheckpoint): Promise<PolicyCheckpoint> => loadPolicyCheckpoint(checkpoint.source);
const changed = (): ChangedCheckpoint => new ChangedCheckpoint('state-ddim2');
const find = (steps: StepJson[], name: string): StepJson => steps.find((step) => step.registry_name === name)!;
const normalizerStep = (steps: StepJson[]): StepJson => find(steps, 'normalizer_processor');

/** The checkpoint with other statistics of the two state dimensions. */
function stateStatistics(statistics: Record<string, number[]>): Promise<ChangedCheckpoint> {
  return changed().tensors(
    (tensors) => [
      ...tensors.filter(({ name }) => !(name.slice('observation.state.'.length) in statistics) || !name.startsWith('observation.state.')),
      ...Object.entries(statistics).map(([stat, values]) => f32(`observation.state.${stat}`, values)),
    ],
    PRE_STATE,
  );
}

describe('processor files', () => {
  it('are found under any name that ends like theirs', async () => {
    const policy = await load(changed().rename(PRE, 'robot_preprocessor.json').rename(POST, 'robot_postprocessor.json'));
    expect(policy.dialect).toBe('C');
    expect(policy.observations[0]?.normalizer.mode).toBe('min-max');
    const two = changed().rename(PRE, 'a_preprocessor.json');
    two.files['b_preprocessor.json'] = two.files['a_preprocessor.json']!;
    await expect(load(two)).rejects.toThrow('found "a_preprocessor.json", "b_preprocessor.json"');
    await expect(load(changed().remove(POST))).rejects.toThrow('expected "policy_postprocessor.json" or one file');
  });

  it('may have their steps, and so their state files, at other positions', async () => {
    const moved = 'policy_preprocessor_step_1_normalizer_processor.safetensors';
    const policy = await load(
      changed()
        .rename(PRE_STATE, moved)
        .steps(PRE, (steps) => {
          const normalizer = normalizerStep(steps);
          normalizer.state_file = moved;
          return [steps[0]!, normalizer, steps[1]!, steps[2]!];
        }),
    );
    expect(policy.observations).toEqual((await load(changed())).observations);
    await expect(load(changed().remove(PRE_STATE))).rejects.toThrow(`expected a file "${PRE_STATE}"`);
  });

  it.each(['../secret.safetensors', 'sub/file.safetensors', 'C:\\file.safetensors', '..', ''])(
    'must not name the state file %j',
    async (file) => {
      const checkpoint = changed().steps(PRE, (steps) => {
        normalizerStep(steps).state_file = file;
      });
      await expect(load(checkpoint)).rejects.toThrow('the name of a file in the checkpoint folder, without a path');
    },
  );

  it('may name steps by class', async () => {
    const classes = ['RenameObservationsProcessorStep', 'AddBatchDimensionProcessorStep', 'DeviceProcessorStep', 'NormalizerProcessorStep'];
    const policy = await load(
      changed().steps(PRE, (steps) =>
        steps.map(({ registry_name: _, ...step }, i) => ({
          ...step,
          class: `lerobot.processor.some_module.${classes[i]}`,
        })),
      ),
    );
    expect(policy.observations).toEqual((await load(changed())).observations);
  });

  it('must hold known steps only, each in its pipeline', async () => {
    const unknown = changed().steps(PRE, (steps) => [...steps, { ...steps[1]!, registry_name: 'delta_actions_processor' }]);
    await expect(load(unknown)).rejects.toThrow(UnsupportedCheckpointError);
    await expect(load(unknown)).rejects.toThrow('"steps" 4: processor step "delta_actions_processor" is not supported here');
    const misplaced = changed().steps(POST, (steps) => {
      steps[0]!.registry_name = 'normalizer_processor';
    });
    await expect(load(misplaced)).rejects.toThrow('"normalizer_processor" is not supported here');
    const doubled = changed().steps(PRE, (steps) => [...steps, normalizerStep(steps)]);
    await expect(load(doubled)).rejects.toThrow('expected one normalizer step, found two');
  });

  it('warn of a cast that is not done', async () => {
    const cast = (dtype: string) =>
      changed().steps(PRE, (steps) => {
        find(steps, 'device_processor').config['float_dtype'] = dtype;
      });
    expect((await load(cast('float32'))).warnings).toEqual([]);
    expect((await load(cast('float16'))).warnings).toEqual([expect.stringContaining('"float_dtype" float16; f32 is used')]);
  });
});

describe('the rename map', () => {
  const rename = (steps: StepJson[], map: Record<string, string>): void => {
    steps[0]!.config.rename_map = map;
  };
  const rawNames = async (checkpoint: ChangedCheckpoint): Promise<string[]> =>
    (await load(checkpoint)).observations.map(({ rawName }) => rawName);

  it('gives the name that a robot uses', async () => {
    const checkpoint = changed().steps(PRE, (steps) => rename(steps, { joints: 'observation.state', other: 'unused' }));
    expect(await rawNames(checkpoint)).toEqual(['joints', 'observation.environment_state']);
  });

  it('is followed backwards through several steps, on either side of the normaliser', async () => {
    const checkpoint = await changed()
      .steps(PRE, (steps) => {
        rename(steps, { joints: 'middle' });
        normalizerStep(steps).config.features = { middle: { type: 'STATE', shape: [2] } };
        return [...steps, { ...steps[0]!, config: { ...steps[0]!.config, rename_map: { middle: 'observation.state' } } }];
      })
      .tensors(
        (tensors) => tensors.map((tensor) => ({ ...tensor, name: tensor.name.replace('observation.state.', 'middle.') })),
        PRE_STATE,
      );
    const policy = await load(checkpoint);
    expect(policy.observations[0]?.rawName).toBe('joints');
    expect(policy.observations[0]?.normalizer).toEqual((await load(changed())).observations[0]?.normalizer);
    // The environment state is not among the normaliser's features any more: raw, as in LeRobot, and said so.
    expect(policy.observations[1]?.normalizer.mode).toBe('identity');
    expect(policy.warnings).toEqual([expect.stringContaining('"observation.environment_state" is not among the normaliser\'s features')]);
  });

  it('must leave one way to every feature', async () => {
    const twice = changed().steps(PRE, (steps) => rename(steps, { a: 'observation.state', b: 'observation.state' }));
    await expect(load(twice)).rejects.toThrow('"rename_map" must be a map that leads to "observation.state" from one name');
    const away = changed().steps(PRE, (steps) => rename(steps, { 'observation.state': 'elsewhere' }));
    await expect(load(away)).rejects.toThrow('"rename_map" must be a map that leads to "observation.state"');
  });
});

describe('normalisation by processor files', () => {
  it('replaces a range of zero by eps, in both directions', async () => {
    const checkpoint = await stateStatistics({ min: [3, -1], max: [3, 1] });
    await checkpoint.tensors(
      (tensors) => [
        ...tensors.filter(({ name }) => name !== 'action.min' && name !== 'action.max'),
        f32('action.min', [5, 0]),
        f32('action.max', [5, 4]),
      ],
      POST_STATE,
    );
    const policy = await load(checkpoint);
    const { subtract, divide, multiply, add } = policy.observations[0]!.normalizer;
    expect([subtract, divide, multiply, add].map((values) => [...values])).toEqual([
      [3, -1],
      [Math.fround(1e-8), 2],
      [2, 2],
      [-1, -1],
    ]);
    expect([...policy.action.multiply]).toEqual([Math.fround(1e-8), 4]);
    expect([...policy.action.shift]).toEqual([5, 0]);
  });

  it.each([
    ['QUANTILES', 'q01', 'q99', 'quantiles'],
    ['QUANTILE10', 'q10', 'q90', 'quantile10'],
  ])('reads %s from %s and %s', async (key, low, high, mode) => {
    const checkpoint = (await stateStatistics({ [low]: [-1, 2], [high]: [1, 6] })).steps(PRE, (steps) => {
      normalizerStep(steps).config.norm_map['STATE'] = key;
    });
    const { normalizer } = (await load(checkpoint)).observations[0]!;
    expect(normalizer.mode).toBe(mode);
    expect([[...normalizer.subtract], [...normalizer.divide]]).toEqual([
      [-1, 2],
      [2, 4],
    ]);
    const without = changed().steps(PRE, (steps) => {
      normalizerStep(steps).config.norm_map['STATE'] = key;
    });
    await expect(load(without)).rejects.toThrow(
      `expected the statistics "${low}" and "${high}", which mode ${key} of feature "observation.state" needs`,
    );
  });

  it('adds eps to a standard deviation going in, not coming out', async () => {
    const checkpoint = (await stateStatistics({ mean: [1, 2], std: [0, 0.5] }))
      .steps(PRE, (steps) => {
        normalizerStep(steps).config.norm_map['STATE'] = 'MEAN_STD';
      })
      .steps(POST, (steps) => {
        steps[0]!.config.norm_map['ACTION'] = 'MEAN_STD';
      });
    await checkpoint.tensors((tensors) => [...tensors.filter(({ name }) => name !== 'action.std'), f32('action.std', [0, 2])], POST_STATE);
    const policy = await load(checkpoint);
    expect([...policy.observations[0]!.normalizer.divide]).toEqual([Math.fround(1e-8), Math.fround(0.5 + 1e-8)]);
    expect([...policy.action.multiply]).toEqual([0, 2]);
    expect(policy.warnings).toEqual([
      expect.stringContaining('the standard deviation is 0 at index 0; any other value than that one swamps the network'),
      expect.stringContaining('the standard deviation is 0 at index 0; every decision returns the same value there'),
      expect.stringContaining('clip_sample is true'),
    ]);
  });

  it('leaves alone what the map, the keys or IDENTITY leave alone', async () => {
    const modes = async (edit: (config: StepJson['config']) => void): Promise<string[]> =>
      (await load(changed().steps(PRE, (steps) => edit(normalizerStep(steps).config)))).observations.map(
        ({ normalizer }) => normalizer.mode,
      );
    expect(
      await modes((config) => {
        delete config.norm_map['ENV'];
      }),
    ).toEqual(['min-max', 'identity']);
    expect(
      await modes((config) => {
        config.norm_map['STATE'] = 'IDENTITY';
      }),
    ).toEqual(['identity', 'min-max']);
    expect(
      await modes((config) => {
        config['normalize_observation_keys'] = ['observation.state'];
      }),
    ).toEqual(['min-max', 'identity']);
    expect(
      await modes((config) => {
        config['normalize_observation_keys'] = null;
      }),
    ).toEqual(['min-max', 'min-max']);
    // The type that counts is the one in the step, not the one in config.json.
    expect(
      await modes((config) => {
        config.features['observation.environment_state']!.type = 'LANGUAGE';
      }),
    ).toEqual(['min-max', 'identity']);
  });

  it('warns when a pipeline does not normalise at all', async () => {
    const without = (steps: StepJson[]): StepJson[] => steps.filter((step) => !step.registry_name?.includes('normalizer'));
    const policy = await load(changed().steps(PRE, without).steps(POST, without));
    expect(policy.action.mode).toBe('identity');
    expect(policy.warnings).toHaveLength(3);
    expect(policy.warnings[2]).toContain('actions stay in network units');
  });

  it.each([
    ['infinity', [Infinity, 1], 'tensor "observation.state.max": expected finite values'],
    ['NaN', [NaN, 1], 'tensor "observation.state.max": expected finite values'],
    [
      'another length',
      [1, 1, 1],
      'tensor "observation.state.max": expected shape [2] for a feature of that size in config.json, found [3]',
    ],
    ['a range beyond f32', [3e38, 1], 'expected a finite range, found -3.0000'],
  ])('refuses statistics with %s', async (_what, max, message) => {
    await expect(load(await stateStatistics({ min: [-3e38, 0], max }))).rejects.toThrow(message);
  });

  it('refuses a mode it does not know, a mode without state file, and missing statistics', async () => {
    const unknown = changed().steps(PRE, (steps) => {
      normalizerStep(steps).config.norm_map['STATE'] = 'LOG';
    });
    await expect(load(unknown)).rejects.toThrow('"STATE" "LOG" is not supported (IDENTITY, MIN_MAX, MEAN_STD, QUANTILES, QUANTILE10 are)');
    const bare = changed().steps(PRE, (steps) => {
      delete normalizerStep(steps).state_file;
    });
    await expect(load(bare)).rejects.toThrow('expected the statistics "min" and "max"');
    const missing = await changed().tensors((tensors) => tensors.filter(({ name }) => name !== 'action.max'), POST_STATE);
    await expect(load(missing)).rejects.toThrow(CheckpointError);
    await expect(load(missing)).rejects.toThrow('mode MIN_MAX of feature "action" needs');
  });
});

describe('a step that is switched off', () => {
  const relative = (enabled: unknown): StepJson =>
    ({ registry_name: 'relative_actions_processor', config: { enabled, exclude_joints: ['gripper'] } }) as unknown as StepJson;

  it('is skipped, in either pipeline, whatever it is', async () => {
    const policy = await load(
      changed()
        .steps(PRE, (steps) => [...steps.slice(0, 2), relative(false), ...steps.slice(2)])
        .steps(POST, (steps) => [...steps, { ...relative(false), registry_name: 'absolute_actions_processor' }]),
    );
    const { observations, action } = await load(changed());
    expect({ observations: policy.observations, action: policy.action, warnings: policy.warnings }).toEqual({
      observations,
      action,
      warnings: [],
    });
  });

  it.each([true, null, undefined])('is refused where "enabled" is %s', async (enabled) => {
    const checkpoint = changed().steps(PRE, (steps) => [...steps, relative(enabled)]);
    await expect(load(checkpoint)).rejects.toThrow('processor step "relative_actions_processor" is not supported here');
  });

  it('must say so with true or false, and must not be one that has no such switch', async () => {
    await expect(load(changed().steps(PRE, (steps) => [...steps, relative('no')]))).rejects.toThrow(
      '"enabled" must be true or false, found "no"',
    );
    const normalizer = changed().steps(PRE, (steps) => {
      normalizerStep(steps).config['enabled'] = false;
    });
    await expect(load(normalizer)).rejects.toThrow('"normalizer_processor" has "enabled": false, which LeRobot does not know');
  });
});
