import { CheckpointError } from '../../foundation/errors.js';
import { levelWidth, ONE_TIMESTEP, type UnetShape } from '../../spec/network-shapes.js';
import { checkTensors, type ExpectedTensor, type NamedTensors } from '../named-tensors.js';

/**
 * Every tensor of LeRobot's DiffusionConditionalUnet1d and its shape (policies/diffusion/modeling_diffusion.py).
 * Convolutions are [out, in, tap], transposed ones [in, out, tap], linear layers [out, in].
 */
export function unetTensorShapes(config: UnetShape): Map<string, number[]> {
  return new Map([...expectedUnetTensors(config)].map(([name, { shape }]) => [name, [...shape]]));
}

/**
 * Checks all tensors of the U-Net against the configuration. The three mistakes that a wrong config.json makes likely
 * are looked for first, because a bare shape would not explain them.
 */
export function checkUnetTensors(weights: NamedTensors, config: UnetShape, frameWidths: string): void {
  const probe = 'down_modules.0.0.cond_encoder.1.weight';
  const [rows, columns] = weights.shape(probe) ?? [];
  const width = levelWidth(config) + config.conditioningDim;
  if (columns !== undefined && columns !== width) {
    throw new CheckpointError(
      `${weights.locate(probe)}: expected a conditioning width of ${width} = ` +
        `${timesOf(config)}diffusion_step_embed_dim ${config.stepEmbedDim} + ${frameWidths}, found ${columns} columns. ` +
        'Use config.json and model.safetensors of one training run.',
    );
  }
  const [out] = weights.shape('down_modules.0.0.conv1.block.0.weight') ?? [];
  if (rows !== undefined && out !== undefined && (rows === 2 * out || rows === out) && (rows === 2 * out) !== config.scaleModulation) {
    throw new CheckpointError(
      `${weights.locate(probe)}: expected use_film_scale_modulation ${rows === 2 * out} for ${rows} ` +
        `rows and ${out} channels, found ${config.scaleModulation} in config.json. Use config.json and model.safetensors of one training run.`,
    );
  }
  const extraLevel = `down_modules.${config.downDims.length}.0.conv1.block.0.weight`;
  if (weights.shape(extraLevel) !== undefined) {
    throw new CheckpointError(
      `${weights.locate(extraLevel)}: expected ${config.downDims.length} levels (down_dims in ` +
        'config.json), found more in the model. Use config.json and model.safetensors of one training run.',
    );
  }
  checkTensors(weights, expectedUnetTensors(config));
}

/** How often a message counts the embedding of a level. */
function timesOf({ levels = ONE_TIMESTEP }: UnetShape): string {
  return levels.embeddings === 1 ? '' : `${levels.embeddings} × `;
}

/** Every tensor of the U-Net, its shape and the keys that fix it, by LeRobot's names. */
export function expectedUnetTensors(config: UnetShape): Map<string, ExpectedTensor> {
  const { actionDim, downDims, kernelSize, stepEmbedDim, scaleModulation } = config;
  const conditioning = levelWidth(config) + config.conditioningDim;
  const { joined, layers } = config.levels ?? ONE_TIMESTEP;
  const expected = new Map<string, ExpectedTensor>();
  const layer = (name: string, weight: readonly number[], bias: number, because: string): void => {
    expected.set(`${name}.weight`, { shape: weight, because });
    expected.set(`${name}.bias`, { shape: [bias], because });
  };
  const convBlock = (name: string, inDim: number, outDim: number, because: string): void => {
    layer(`${name}.block.0`, [outDim, inDim, kernelSize], outDim, `${because} and kernel_size`);
    layer(`${name}.block.1`, [outDim], outDim, because);
  };
  const residualBlock = (name: string, inDim: number, outDim: number, because = 'down_dims'): void => {
    const modulated = scaleModulation ? 2 * outDim : outDim;
    convBlock(`${name}.conv1`, inDim, outDim, because);
    layer(
      `${name}.cond_encoder.1`,
      [modulated, conditioning],
      modulated,
      'down_dims, use_film_scale_modulation, diffusion_step_embed_dim, n_obs_steps and the input features',
    );
    convBlock(`${name}.conv2`, outDim, outDim, because);
    if (inDim !== outDim) layer(`${name}.residual_conv`, [outDim, inDim, 1], outDim, because);
  };

  const embed = 'diffusion_step_embed_dim';
  const encoded = joined === 1 ? embed : `${embed} and horizon`;
  layer(`diffusion_step_encoder.${layers[0]}`, [4 * stepEmbedDim, joined * stepEmbedDim], 4 * stepEmbedDim, encoded);
  layer(`diffusion_step_encoder.${layers[1]}`, [stepEmbedDim, 4 * stepEmbedDim], stepEmbedDim, embed);
  const last = downDims.length - 1;
  const firstDim = downDims[0]!;
  const lastDim = downDims[last]!;
  downDims.forEach((dim, i) => {
    const inDim = downDims[i - 1] ?? actionDim;
    residualBlock(`down_modules.${i}.0`, inDim, dim, i === 0 ? 'the action shape, down_dims' : 'down_dims');
    residualBlock(`down_modules.${i}.1`, dim, dim);
    if (i < last) layer(`down_modules.${i}.2`, [dim, dim, 3], dim, 'down_dims');
  });
  residualBlock('mid_modules.0', lastDim, lastDim);
  residualBlock('mid_modules.1', lastDim, lastDim);
  for (let j = 0; j < last; j++) {
    const inDim = downDims[last - j]!;
    const outDim = downDims[last - j - 1]!;
    residualBlock(`up_modules.${j}.0`, 2 * inDim, outDim);
    residualBlock(`up_modules.${j}.1`, outDim, outDim);
    layer(`up_modules.${j}.2`, [outDim, outDim, 4], outDim, 'down_dims');
  }
  convBlock('final_conv.0', firstDim, firstDim, 'down_dims');
  layer('final_conv.1', [actionDim, firstDim, 1], actionDim, 'the action shape and down_dims');
  return expected;
}
