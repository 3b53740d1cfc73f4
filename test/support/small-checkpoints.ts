import { unetTensorShapes } from '../../src/checkpoints/lerobot/unet-tensors.js';
import { encodeSafetensors, type WritableTensor } from '../../src/checkpoints/safetensors/safetensors.js';
import type { UnetShape } from '../../src/spec/network-shapes.js';
import { ChangedCheckpoint, POST, PRE, PRE_STATE } from './changed-checkpoint.js';
import { type Files, goldenFiles } from './folders.js';
import { randomPredictor } from './random-checkpoint.js';
import { Normals } from './values.js';

const UNET: UnetShape = {
  actionDim: 2,
  horizon: 8,
  downDims: [8, 16],
  kernelSize: 3,
  groups: 4,
  stepEmbedDim: 8,
  conditioningDim: 36,
  scaleModulation: true,
};
const SIZES = { 'observation.state': 2, 'observation.environment_state': 16, action: 2 } as const;

function unetTensors(): WritableTensor[] {
  const normals = new Normals(5);
  return [...unetTensorShapes(UNET)].map(([name, shape]) => ({
    name: `diffusion.unet.${name}`,
    dtype: 'F32',
    shape,
    data: normals.floats(
      shape.reduce((all, size) => all * size, 1),
      0.1,
    ),
  }));
}

/** A small policy in LeRobot's newest dialect: as a golden one has it, with a network that is quick to copy. */
export function processorPolicy(): Files {
  const checkpoint = new ChangedCheckpoint('state-ddim2')
    .config((config) => {
      Object.assign(config, {
        horizon: UNET.horizon,
        n_action_steps: 4,
        down_dims: UNET.downDims,
        kernel_size: UNET.kernelSize,
        n_groups: UNET.groups,
        diffusion_step_embed_dim: UNET.stepEmbedDim,
      });
    })
    .steps(PRE, (steps) => {
      steps[0]!.config.rename_map = { joints: 'observation.state' };
    })
    .steps(POST, () => {});
  checkpoint.files['model.safetensors'] = encodeSafetensors(unetTensors(), { format: 'pt' });
  return checkpoint.files;
}

/** The same network with its statistics in the model file: LeRobot's dialects of 2024 and of early 2025. */
export function embeddedPolicy(dialect: 'A' | 'B'): Files {
  const normals = new Normals(6);
  const statistics = Object.entries(SIZES).flatMap(([feature, size]): WritableTensor[] => {
    const group = feature === 'action' ? 'unnormalize_outputs' : 'normalize_inputs';
    const low = normals.floats(size, 1);
    const named = (stat: string, data: Float32Array): WritableTensor => {
      return { name: `${group}.buffer_${feature.replaceAll('.', '_')}.${stat}`, dtype: 'F32', shape: [size], data };
    };
    return [
      named('min', low),
      named(
        'max',
        low.map((value, i) => value + 1 + i),
      ),
    ];
  });
  const { 'config.json': text } = processorPolicy();
  const config = JSON.parse(text as string) as Record<string, unknown>;
  if (dialect === 'A') {
    for (const key of ['type', 'input_features', 'output_features', 'normalization_mapping']) delete config[key];
    const { action, ...inputs } = SIZES;
    config['input_shapes'] = Object.fromEntries(Object.entries(inputs).map(([name, size]) => [name, [size]]));
    config['output_shapes'] = { action: [action] };
    config['input_normalization_modes'] = Object.fromEntries(Object.keys(inputs).map((name) => [name, 'min_max']));
    config['output_normalization_modes'] = { action: 'min_max' };
  }
  return {
    'config.json': JSON.stringify(config, null, 2),
    'model.safetensors': encodeSafetensors([...unetTensors(), ...statistics], { format: 'pt' }),
  };
}

/** A small STEP predictor. */
export async function predictorFolder(): Promise<Files> {
  const { source } = randomPredictor({
    actionDim: 2,
    observationDim: 4,
    horizon: 8,
    observationSteps: 2,
    historySteps: 4,
    encoderLayers: 1,
    modelDim: 16,
    heads: 2,
    decoderLayers: 1,
    feedforwardDim: 24,
  });
  const files: Files = {};
  for (const name of await source.list()) {
    const file = await source.open(name);
    const bytes = new Uint8Array(file.size);
    await file.read(0, bytes);
    files[name] = name.endsWith('.json') ? new TextDecoder().decode(bytes) : bytes;
  }
  return files;
}

/** One safetensors file with every dtype that is read. */
export function tensorsFile(): Files {
  return {
    'model.safetensors': encodeSafetensors(
      [
        { name: 'observation.state.min', dtype: 'F32', shape: [2, 3], data: [1, 2, 3, 4, 5, 6] },
        { name: 'wide', dtype: 'F64', shape: [2], data: [0.1, -3] },
        { name: 'a', dtype: 'F16', shape: [4], data: [1, 2, 3, 4] },
        { name: 'bf', dtype: 'BF16', shape: [2, 1], data: [1, -2.5] },
        { name: 'b', dtype: 'I64', shape: [1], data: [7] },
        { name: 'i', dtype: 'I32', shape: [2], data: [7, -8] },
        { name: 'u', dtype: 'U8', shape: [3], data: [0, 1, 255] },
        { name: 'empty', dtype: 'BOOL', shape: [0], data: [] },
      ],
      { format: 'pt', note: 'a "quoted" note' },
    ),
  };
}

/** The statistics of a golden policy's processors, as a file of their own. */
export function statisticsFile(): Files {
  const files = goldenFiles('state-ddim2/policy');
  return { 'model.safetensors': files[PRE_STATE]! };
}
