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
    'too many action steps',
    (c) => {
      c['n_action_steps'] = 16;
    },
    'at most horizon − n_obs_steps + 1 = 15, found 16',
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
    'levels of "down_dims" (at least one)',
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
    'an unknown beta schedule',
    (c) => {
      c['beta_schedule'] = 'sigmoid';
    },
    'one of "squaredcos_cap_v2", "linear", "scaled_linear", found "sigmoid"',
  ],
  [
    'an unknown scheduler',
    (c) => {
      c['noise_scheduler_type'] = 'PNDM';
    },
    'one of "DDPM", "DDIM", found "PNDM"',
  ],
  [
    'an unknown prediction',
    (c) => {
      c['prediction_type'] = 'v_prediction';
    },
    'one of "epsilon", "sample"',
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

describe('config.json is refused with', () => {
  it.each(WRONG)('%s', async (_what, edit, message) => {
    expect((await refusal(new ChangedCheckpoint('state-ddim2').config(edit))).message).toContain(message);
  });

  it('an image, by name', async () => {
    const error = await refusal(
      new ChangedCheckpoint('state-ddim2').config((config) => {
        config.input_features['observation.images.top'] = { type: 'VISUAL', shape: [3, 96, 96] };
      }),
    );
    expect(error).toBeInstanceOf(UnsupportedCheckpointError);
    expect(error.message).toContain('"observation.images.top" is an image; image encoders are not supported yet');
  });

  it('an image in the spelling of 2024, by name', async () => {
    const error = await refusal(
      new ChangedCheckpoint('state-dialect-a').config((config) => {
        config.input_shapes['observation.image'] = [3, 96, 96];
      }),
    );
    expect(error).toBeInstanceOf(UnsupportedCheckpointError);
    expect(error.message).toContain('"observation.image" is an image');
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
    expect((await refusal(checkpoint)).message).toContain('found an image encoder ("diffusion.rgb_encoder.out.bias")');
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
