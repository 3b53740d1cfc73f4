import { describe, expect, it } from 'vitest';
import { loadPolicyCheckpoint } from '../../src/checkpoints/read-policy.js';
import { memorySource } from '../../src/checkpoints/source.js';
import { CheckpointError, UnsupportedCheckpointError } from '../../src/foundation/errors.js';
import { ChangedCheckpoint, type ConfigJson, f32, POST, PRE } from '../support/changed-checkpoint.js';

async function refusal(checkpoint: ChangedCheckpoint): Promise<Error> {
  const error = await loadPolicyCheckpoint(checkpoint.source).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CheckpointError);
  return error as Error;
}

const WRONG: readonly [what: string, edit: (config: ConfigJson) => void, message: string][] = [
  [
    'another policy type',
    (c) => {
      c['type'] = 'act';
    },
    'expected "type" to be "diffusion", found "act"',
  ],
  [
    'no type beside input_features',
    (c) => {
      delete c['type'];
    },
    'expected "type" to be "diffusion", found nothing. If this is a diffusion policy, add the key "type": "diffusion"',
  ],
  [
    'a horizon the levels cannot halve',
    (c) => {
      c['horizon'] = 12;
    },
    '"horizon" must be a multiple of 2^3',
  ],
  [
    'an absurd horizon',
    (c) => {
      c['horizon'] = 2 ** 40;
    },
    '"horizon" must be an integer from 1 to 4096, found 1099511627776',
  ],
  [
    'a horizon that the network cannot halve',
    (c) => {
      c['horizon'] = 18;
    },
    '"horizon" must be a multiple of 2^2, because 3 levels of "down_dims" halve it 2 times, found 18',
  ],
  [
    'more observation steps than the chunk has rows',
    (c) => {
      c['n_obs_steps'] = 17;
    },
    '"horizon" must be at least "n_obs_steps" 17, or no action is left to execute, found 16',
  ],
  [
    'more inference than training steps',
    (c) => {
      c['num_inference_steps'] = 101;
    },
    '"num_inference_steps" must be an integer from 1 to 100',
  ],
  [
    'too many training steps',
    (c) => {
      c['num_train_timesteps'] = 10_001;
    },
    'from 1 to 10000',
  ],
  [
    'zero observation steps',
    (c) => {
      c['n_obs_steps'] = 0;
    },
    '"n_obs_steps" must be an integer from 1',
  ],
  [
    'a fraction',
    (c) => {
      c['n_obs_steps'] = 1.5;
    },
    'found 1.5',
  ],
  [
    'a number as text',
    (c) => {
      c['kernel_size'] = '5';
    },
    '"kernel_size" must be an integer from 1 to 255, found "5"',
  ],
  [
    'an even kernel',
    (c) => {
      c['kernel_size'] = 4;
    },
    '"kernel_size" must be odd',
  ],
  [
    'groups that do not divide',
    (c) => {
      c['n_groups'] = 7;
    },
    '"n_groups" must be a divisor of every entry of "down_dims" [24,48,72], found 7',
  ],
  [
    'a first width that 8 does not divide',
    (c) => {
      c['down_dims'] = [12, 48, 72];
      c['n_groups'] = 4;
    },
    'first entry is a multiple of 8',
  ],
  [
    'no levels',
    (c) => {
      c['down_dims'] = [];
    },
    '"down_dims" must be a list of the channels of at least one level, found []',
  ],
  [
    'widths that are no list',
    (c) => {
      c['down_dims'] = 24;
    },
    '"down_dims" must be a list of integers',
  ],
  [
    'an odd timestep embedding',
    (c) => {
      c['diffusion_step_embed_dim'] = 127;
    },
    'must be even',
  ],
  [
    'a beta of one',
    (c) => {
      c['beta_end'] = 1;
    },
    '"beta_end" must be a number above 0 and below 1, found 1',
  ],
  [
    'a scheduler that is a number',
    (c) => {
      c['noise_scheduler_type'] = 3;
    },
    '"noise_scheduler_type" must be one of "DDPM", "DDIM", found 3',
  ],
  [
    'an offset beyond the last timestep',
    (c) => {
      c['steps_offset'] = 100;
    },
    '"steps_offset" must be an integer from 0 to 99, found 100',
  ],
  [
    'thresholding at no quantile',
    (c) => {
      c['thresholding'] = true;
      c['dynamic_thresholding_ratio'] = 1.5;
    },
    '"dynamic_thresholding_ratio" must be a number above 0 and below 1, found 1.5',
  ],
  [
    'thresholding to nothing',
    (c) => {
      c['thresholding'] = true;
      c['sample_max_value'] = 0;
    },
    '"sample_max_value" must be a number above 0',
  ],
  [
    'a flag that is a number',
    (c) => {
      c['clip_sample'] = 1;
    },
    '"clip_sample" must be true or false, found 1',
  ],
  [
    'a clip range of zero',
    (c) => {
      c['clip_sample_range'] = 0;
    },
    '"clip_sample_range" must be a number above 0',
  ],
  [
    'no state',
    (c) => {
      delete c.input_features['observation.state'];
    },
    'expected an input feature "observation.state"',
  ],
  [
    'no action',
    (c) => {
      c.output_features = {};
    },
    'expected an output feature "action", found nothing',
  ],
  [
    'no features at all',
    (c) => {
      Reflect.deleteProperty(c, 'input_features');
    },
    '"input_features" must be there (or "input_shapes" in files of 2024), found nothing',
  ],
  [
    'a state that is a matrix',
    (c) => {
      c.input_features['observation.state']!.shape = [2, 2];
    },
    'must be a vector with shape [n], found shape [2,2]',
  ],
  [
    'a feature without type',
    (c) => {
      delete c.input_features['observation.state']!.type;
    },
    '"type" must be a string',
  ],
  [
    'another state width',
    (c) => {
      c.input_features['observation.state']!.shape = [3];
    },
    'expected a conditioning width of 166 = diffusion_step_embed_dim 128 + n_obs_steps 2 × (observation.state 3 + observation.environment_state 16), found 164 columns',
  ],
  [
    'another modulation',
    (c) => {
      c['use_film_scale_modulation'] = false;
    },
    'expected use_film_scale_modulation true for 48 rows and 24 channels, found false',
  ],
  [
    'fewer levels than the model',
    (c) => {
      c['down_dims'] = [24, 48];
    },
    'expected 2 levels (down_dims in config.json), found more',
  ],
  [
    'more levels than the model',
    (c) => {
      c['down_dims'] = [24, 48, 72, 96];
    },
    'found no such tensor',
  ],
  [
    'another kernel size',
    (c) => {
      c['kernel_size'] = 3;
    },
    'tensor "diffusion.unet.down_modules.0.0.conv1.block.0.weight" in model.safetensors: expected shape [24,2,3] (from the action shape, down_dims and kernel_size in config.json), found shape [24,2,5]',
  ],
  [
    'another action size',
    (c) => {
      c.output_features['action']!.shape = [7];
    },
    'expected shape [24,7,5] (from the action shape',
  ],
];

/** Advice whose follower runs a policy that was trained otherwise, without noticing. */
const EDITS = /correct|remove/i;

const UNSUPPORTED: readonly [keys: object, message: string][] = [
  [{ noise_scheduler_type: 'PNDM' }, '"noise_scheduler_type" "PNDM" is not supported ("DDPM", "DDIM" are)'],
  [
    { beta_schedule: 'laplace' },
    '"beta_schedule" "laplace" is not supported ("squaredcos_cap_v2", "linear", "scaled_linear", "sigmoid" are)',
  ],
  [
    { beta_schedule: 'sigmoid', noise_scheduler_type: 'DDIM' },
    '"beta_schedule" "sigmoid" is not supported (diffusers has it for DDPM alone',
  ],
  [{ prediction_type: 'flow' }, '"prediction_type" "flow" is not supported ("epsilon", "sample", "v_prediction" are)'],
  [{ variance_type: 'learned_range' }, '"variance_type" "learned_range" is not supported'],
  [{ variance_type: 'fixed_large_log' }, '"variance_type" "fixed_large_log" is not supported'],
  [{ timestep_spacing: 'karras' }, '"timestep_spacing" "karras" is not supported ("leading", "trailing", "linspace" are)'],
  [{ trained_betas: [0.1, 0.2] }, '"trained_betas" [0.1,0.2] is not supported (null is)'],
  [{ rescale_betas_zero_snr: true }, '"rescale_betas_zero_snr" true is not supported ("prediction_type" "epsilon" divides by zero'],
];

describe('config.json is refused with', () => {
  it.each(WRONG)('%s', async (_what, edit, message) => {
    const { message: found } = await refusal(new ChangedCheckpoint('state-ddim2').config(edit));
    expect(found).toContain(message);
    expect(found).not.toMatch(EDITS);
  });

  it.each(UNSUPPORTED)('%s, which is not supported, and no advice to write something else', async (keys, message) => {
    const error = await refusal(new ChangedCheckpoint('state-ddim2').config((config) => Object.assign(config, keys)));
    expect(error).toBeInstanceOf(UnsupportedCheckpointError);
    expect(error.message).toContain(message);
    expect(error.message).toContain('Writing another value into the file would make its actions wrong.');
    expect(error.message).not.toMatch(EDITS);
  });

  it('a key that stands there twice', async () => {
    const checkpoint = new ChangedCheckpoint('state-ddim2');
    checkpoint.files['config.json'] = '{"horizon": 16, "horizon": 64}';
    expect((await refusal(checkpoint)).message).toContain('config.json: expected every key once, found "horizon" twice');
  });

  it('more bytes than a configuration has', async () => {
    const checkpoint = new ChangedCheckpoint('state-ddim2');
    checkpoint.files['config.json'] = new Uint8Array(1024 * 1024 + 1);
    expect((await refusal(checkpoint)).message).toContain('expected at most 1048576 bytes of JSON, found 1048577');
  });
});

describe('config.json as Python and editors write it', () => {
  const text = (checkpoint: ChangedCheckpoint): string => checkpoint.files['config.json'] as string;
  const changed = (key: string, value: string): ChangedCheckpoint => {
    const checkpoint = new ChangedCheckpoint('state-ddim2').config((config) => {
      config[key] = 'PLACE';
    });
    checkpoint.files['config.json'] = text(checkpoint).replace('"PLACE"', value);
    return checkpoint;
  };

  it('may begin with a byte order mark, and so may the processor files', async () => {
    const marked = new ChangedCheckpoint('state-ddim2')
      .config(() => {})
      .steps(PRE, () => {})
      .steps(POST, () => {});
    for (const name of ['config.json', PRE, POST]) marked.files[name] = `\ufeff${marked.files[name] as string}`;
    const { observations, action, unet, warnings } = await loadPolicyCheckpoint(marked.source);
    expect({ observations, action, unet, warnings }).toEqual(
      (({ observations, action, unet, warnings }) => ({ observations, action, unet, warnings }))(
        await loadPolicyCheckpoint(new ChangedCheckpoint('state-ddim2').source),
      ),
    );
  });

  it.each(['Infinity', '-Infinity', 'NaN'])('may hold %s where inference reads nothing', async (value) => {
    const { warnings, scheduler } = await loadPolicyCheckpoint(changed('optimizer_grad_clip_norm', value).source);
    expect([warnings, scheduler.numInferenceSteps]).toEqual([[], 2]);
  });

  it.each([
    ['beta_end', 'NaN', 'a number above 0 and below 1'],
    ['clip_sample_range', 'Infinity', 'a number above 0 and below 1000000'],
    ['n_obs_steps', '-Infinity', 'an integer from 1 to 1024'],
    ['down_dims', '[24, NaN]', 'a list of integers from 1 to 65536'],
  ])('must not hold %s: %s, which inference reads', async (key, value, expected) => {
    expect((await refusal(changed(key, value))).message).toContain(
      `config.json: "${key}" must be ${expected}, found ${value.replace(' ', '')}`,
    );
  });
});

describe('config.json', () => {
  it('takes the defaults of its time for missing keys', async () => {
    const omitted = [
      'kernel_size',
      'n_groups',
      'diffusion_step_embed_dim',
      'horizon',
      'n_action_steps',
      'n_obs_steps',
      'use_film_scale_modulation',
      'noise_scheduler_type',
      'num_train_timesteps',
      'beta_schedule',
      'beta_start',
      'beta_end',
      'prediction_type',
      'clip_sample',
      'clip_sample_range',
      'num_inference_steps',
    ];
    const without =
      (keys: readonly string[]) =>
      (config: ConfigJson): void => {
        for (const key of keys) delete config[key];
      };
    const old = await loadPolicyCheckpoint(
      new ChangedCheckpoint('state-ddim2').config(without([...omitted, 'gradient_checkpointing'])).source,
    );
    expect(old.unet).toMatchObject({ horizon: 16, kernelSize: 5, groups: 8, stepEmbedDim: 128, scaleModulation: true });
    expect([old.observationSteps, old.actionSteps]).toEqual([2, 8]);
    expect(old.scheduler).toEqual({
      type: 'DDPM',
      numTrainTimesteps: 100,
      betaSchedule: 'squaredcos_cap_v2',
      betaStart: 1e-4,
      betaEnd: 0.02,
      predictionType: 'epsilon',
      clipSample: true,
      clipSampleRange: 1,
      numInferenceSteps: 100,
    });
    const recent = await loadPolicyCheckpoint(new ChangedCheckpoint('state-ddim2').config(without(omitted)).source);
    expect([recent.unet.horizon, recent.actionSteps]).toEqual([64, 32]);
  });

  it('reads the keys of diffusers that LeRobot leaves out', async () => {
    const { source } = new ChangedCheckpoint('state-ddim2').config((config) =>
      Object.assign(config, {
        prediction_type: 'v_prediction',
        beta_schedule: 'linear',
        timestep_spacing: 'trailing',
        steps_offset: 1,
        set_alpha_to_one: false,
        variance_type: 'fixed_large',
        rescale_betas_zero_snr: true,
        thresholding: true,
        dynamic_thresholding_ratio: 1,
      }),
    );
    expect((await loadPolicyCheckpoint(source)).scheduler).toMatchObject({
      predictionType: 'v_prediction',
      betaSchedule: 'linear',
      timestepSpacing: 'trailing',
      stepsOffset: 1,
      setAlphaToOne: false,
      varianceType: 'fixed_large',
      rescaleBetasZeroSnr: true,
      thresholding: { quantile: 1, most: 1 },
    });
  });

  it('takes diffusers\u2019 defaults where these keys are null, and has no threshold unless it is asked for', async () => {
    const { source } = new ChangedCheckpoint('state-ddim2').config((config) =>
      Object.assign(config, {
        timestep_spacing: null,
        steps_offset: null,
        set_alpha_to_one: null,
        variance_type: null,
        rescale_betas_zero_snr: null,
        trained_betas: null,
        thresholding: false,
        sample_max_value: 3,
      }),
    );
    const plain = await loadPolicyCheckpoint(new ChangedCheckpoint('state-ddim2').source);
    expect((await loadPolicyCheckpoint(source)).scheduler).toEqual(plain.scheduler);
  });

  it.each([
    [{ n_action_steps: 16 }, 15],
    [{ horizon: 64, n_action_steps: 64 }, 63],
    [{ n_action_steps: 4096, n_obs_steps: 2 }, 15],
  ])('slices as LeRobot does where %o asks for more actions than a chunk has left', async (keys, most) => {
    const { source } = new ChangedCheckpoint('state-ddim2').config((config) => Object.assign(config, keys));
    const policy = await loadPolicyCheckpoint(source);
    expect(policy.actionSteps).toBe(most);
    const asked = keys.n_action_steps;
    expect(policy.warnings).toContainEqual(
      `config.json: "n_action_steps" is ${asked}, but a chunk has horizon − n_obs_steps + 1 = ${most} actions from now on; ${most} are executed per decision, as in LeRobot.`,
    );
  });

  it('may leave the number of inference steps to the training steps', async () => {
    const { source } = new ChangedCheckpoint('state-ddim2').config((config) => {
      config['num_inference_steps'] = null;
    });
    expect((await loadPolicyCheckpoint(source)).scheduler.numInferenceSteps).toBe(100);
  });

  it('warns of features that the network does not read', async () => {
    const { source } = new ChangedCheckpoint('state-ddim2').config((config) => {
      config.input_features['observation.force'] = { type: 'STATE', shape: [6] };
    });
    const { warnings } = await loadPolicyCheckpoint(source);
    expect(warnings).toEqual(['config.json: the network does not read the input features "observation.force"; they are ignored.']);
  });

  it('may have the state as its only observation, with a warning', async () => {
    const checkpoint = await new ChangedCheckpoint('state-ddim2')
      .config((config) => {
        delete config.input_features['observation.environment_state'];
      })
      .tensors((tensors) =>
        tensors.map((tensor) => {
          const [rows, columns] = tensor.shape;
          if (!tensor.name.endsWith('cond_encoder.1.weight') || columns !== 164) return tensor;
          return { ...tensor, shape: [rows!, 132], data: new Uint8Array(rows! * 132 * 4) };
        }),
      );
    const policy = await loadPolicyCheckpoint(checkpoint.source);
    expect(policy.observations.map(({ name }) => name)).toEqual(['observation.state']);
    expect(policy.warnings).toEqual([expect.stringContaining('"observation.state" is the only observation')]);
  });
});

describe('the files of a checkpoint', () => {
  const config = { 'config.json': '{}' };
  const load = (files: Record<string, Uint8Array | string>) => loadPolicyCheckpoint(memorySource('folder', files));

  it('must have a model that is not a pickle and not in pieces', async () => {
    await expect(load({ ...config, 'epoch=0100.ckpt': '' })).rejects.toThrow(UnsupportedCheckpointError);
    await expect(load({ ...config, 'epoch=0100.ckpt': '' })).rejects.toThrow(/found "epoch=0100.ckpt".*Convert it in Python/);
    await expect(load({ ...config, 'model.safetensors.index.json': '{}' })).rejects.toThrow('split into several files');
    await expect(load(config)).rejects.toThrow('folder: expected "model.safetensors", found "config.json"');
    await expect(load({ 'model.safetensors': '' })).rejects.toThrow('expected a file "config.json"');
  });

  it('may hold leftovers, and one warning names tensors that nothing explains', async () => {
    const checkpoint = await new ChangedCheckpoint('state-ddim2').tensors((tensors) => [
      ...tensors,
      f32('ema_diffusion.unet.final_conv.1.bias', [0]),
      f32('normalize_targets.buffer_action.min', [0]),
      f32('diffusion.unet._dummy_variable', []),
      f32('a.num_batches_tracked', [1]),
      f32('diffusion.unet.extra', [1]),
      f32('head.weight', [1]),
      f32('head.bias', [1]),
      f32('tail', [1]),
    ]);
    expect((await loadPolicyCheckpoint(checkpoint.source)).warnings).toEqual([
      'model.safetensors: 4 tensors are not used: "diffusion.unet.extra", "head.bias", "head.weight" and 1 more.',
    ]);
  });

  it('may hold unread tensors of any dtype, and not among those that are read', async () => {
    const name = 'diffusion.unet.final_conv.1.bias';
    /** The files with 8 bytes more, or with the same bytes under another dtype. */
    const withDtype = async (tensor: string, dtype: string): Promise<ChangedCheckpoint> => {
      const checkpoint = await new ChangedCheckpoint('state-ddim2').tensors((tensors) =>
        tensors.some((one) => one.name === tensor) ? tensors : [...tensors, { name: tensor, dtype: 'F32', shape: [2], data: [0, 0] }],
      );
      const bytes = checkpoint.files['model.safetensors'] as Uint8Array;
      const header = new TextDecoder('latin1').decode(bytes.subarray(8, 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true))));
      const place = header.indexOf('F32', header.indexOf(`"${tensor}"`));
      bytes.set(new TextEncoder().encode(dtype), 8 + place);
      return checkpoint;
    };
    const extra = await loadPolicyCheckpoint((await withDtype('seed', 'U32')).source);
    expect(extra.warnings).toEqual(['model.safetensors: 1 tensors are not used: "seed".']);
    expect((await refusal(await withDtype(name, 'U32'))).message).toContain(
      `tensor "${name}" in model.safetensors: expected F64, F32, F16 or BF16, found U32`,
    );
  });

  it.each([
    ['state-ddim2', 'diffusion.unet.down_modules.1.0.conv2.block.0.bias'],
    ['state-ddim2', 'diffusion.unet.diffusion_step_encoder.1.weight'],
  ])('must have every tensor: of %s, %s is named in full', async (golden, name) => {
    const checkpoint = await new ChangedCheckpoint(golden).tensors((tensors) => tensors.filter((tensor) => tensor.name !== name));
    expect((await refusal(checkpoint)).message).toMatch(
      new RegExp(`^tensor "${name.replaceAll('.', '\\.')}" in model\\.safetensors: expected shape .*, found no such tensor`),
    );
  });

  it('must not hold an image encoder', async () => {
    const checkpoint = await new ChangedCheckpoint('state-ddim2').tensors((tensors) => [
      ...tensors,
      f32('diffusion.rgb_encoder.out.bias', [0]),
    ]);
    expect((await refusal(checkpoint)).message).toContain(
      'found the tensor "diffusion.rgb_encoder.out.bias" of an image encoder, expected none',
    );
  });

  it('must hold weights as floats, all of them finite once they are read', async () => {
    const name = 'diffusion.unet.final_conv.1.bias';
    const integers = await new ChangedCheckpoint('state-ddim2').tensors((tensors) =>
      tensors.map((tensor) => (tensor.name === name ? { ...tensor, dtype: 'I32', data: [1, 2] } : tensor)),
    );
    expect((await refusal(integers)).message).toContain(`tensor "${name}" in model.safetensors: expected F64, F32, F16 or BF16, found I32`);
    const broken = await new ChangedCheckpoint('state-ddim2').tensors((tensors) =>
      tensors.map((tensor) => (tensor.name === name ? { ...tensor, data: [1, NaN] } : tensor)),
    );
    const { weights } = await loadPolicyCheckpoint(broken.source);
    await expect(weights.readFloats('final_conv.1.bias')).rejects.toThrow(`tensor "${name}": expected finite values`);
  });

  it('are closed when loading fails or is aborted, and by the checkpoint otherwise', async () => {
    let closed = 0;
    const counted = (checkpoint: ChangedCheckpoint) => ({
      ...checkpoint.source,
      close: async () => {
        closed++;
      },
    });
    await expect(loadPolicyCheckpoint(counted(new ChangedCheckpoint('state-ddim2').remove('config.json')))).rejects.toThrow();
    expect(closed).toBe(1);
    const aborted = loadPolicyCheckpoint(counted(new ChangedCheckpoint('state-ddim2')), { signal: AbortSignal.abort(new Error('enough')) });
    await expect(aborted).rejects.toThrow('enough');
    expect(closed).toBe(2);
    const policy = await loadPolicyCheckpoint(counted(new ChangedCheckpoint('state-ddim2')));
    expect(closed).toBe(2);
    await policy.close();
    expect(closed).toBe(3);
  });
});
