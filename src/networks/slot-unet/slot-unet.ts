import { type Conv1dWeights, loadLinear, recordConv1d } from '../../ops/conv1d.js';
import type { SlotFilm } from '../../ops/norm.js';
import type { WeightLoader } from '../../ops/weight-source.js';
import { compilePlan } from '../../runtime/compile-plan.js';
import { PlanBuilder } from '../../runtime/plan-builder.js';
import { asTokens, type Tensor, tokens } from '../../runtime/tensor.js';
import type { Uploader } from '../../runtime/uploader.js';
import type { UnetShape } from '../../spec/network-shapes.js';
import { sinusoids } from '../unet/timestep-table.js';
import { loadUnetBlocks, recordUnetBlocks, type UnetBlocks, type UnetSums } from '../unet/unet.js';
import { loadSlotConditioning, recordSlotFilm, type SlotConditioning } from './slot-conditioning.js';

/**
 * The U-Net of RNR-DP on the device: every row of the chunk has a level of its own, and with it a conditioning vector [embedding of the level;
 * observation] of its own, which is resampled wherever the sample is.
 */
export interface SlotUnet {
  readonly blocks: UnetBlocks;
  readonly conditioning: SlotConditioning;
  /** `diffusion_step_encoder`: linear, Mish, linear. */
  readonly encoder: readonly [Conv1dWeights, Conv1dWeights];
}

export async function loadSlotUnet(loader: WeightLoader, shape: UnetShape, onBlock?: () => void): Promise<SlotUnet> {
  const { stepEmbedDim } = shape;
  return {
    blocks: await loadUnetBlocks(loader, shape, onBlock),
    conditioning: await loadSlotConditioning(loader, shape),
    encoder: [
      await loadLinear(loader, 'diffusion_step_encoder.1', stepEmbedDim, 4 * stepEmbedDim),
      await loadLinear(loader, 'diffusion_step_encoder.3', 4 * stepEmbedDim, stepEmbedDim),
    ],
  };
}

/** Embeddings of the levels of all rows of a chunk, f32 [slots][stepEmbedDim]; they live as long as what `uploader` brought. */
export async function embedLevels(uploader: Uploader, { encoder, blocks }: SlotUnet, levels: readonly number[]): Promise<GPUBuffer> {
  const { device } = uploader;
  const { stepEmbedDim } = blocks.shape;
  const [first, second] = encoder;
  const waves = await uploader.uploadFloats('sinusoids of the slots', sinusoids(levels, stepEmbedDim, true));
  const embeddings = await uploader.allocate('embeddings of the slots', levels.length * stepEmbedDim * 4);
  const builder = new PlanBuilder(device);
  builder.segment('embeddings');
  const hidden = tokens(builder, 'hidden of the slots', 1, levels.length, first.outChannels);
  recordConv1d(builder, first, { x: asTokens(builder.existing(waves), 1, levels.length, stepEmbedDim), y: hidden, outActivation: 'mish' });
  recordConv1d(builder, second, { x: hidden, y: asTokens(builder.existing(embeddings), 1, levels.length, stepEmbedDim) });
  const plan = await compilePlan(device, builder);
  const encoding = device.gpuDevice.createCommandEncoder({ label: 'embeddings of the slots' });
  plan.encode(encoding, [{ segment: 'embeddings' }]);
  device.gpuDevice.queue.submit([encoding.finish()]);
  await device.settle(device.gpuDevice.queue.onSubmittedWorkDone());
  plan.destroy();
  return embeddings;
}

/** Records what depends on the observation and the levels alone: FiLM values of every column, by the names of residual blocks. */
export function recordSlotObservation(
  builder: PlanBuilder,
  { blocks, conditioning }: SlotUnet,
  embeddings: GPUBuffer,
  observation: Tensor,
): ReadonlyMap<string, SlotFilm> {
  return recordSlotFilm(builder, conditioning, blocks.shape.horizon, embeddings, observation);
}

/** Records output = network(sample); both are tokens [b][slots][actionDim]. As `recordUnet`. */
export function recordSlotUnet(
  builder: PlanBuilder,
  { blocks }: SlotUnet,
  films: ReadonlyMap<string, SlotFilm>,
  sample: Tensor,
  output: Tensor,
): Tensor | UnetSums {
  const film = (name: string): SlotFilm => {
    const found = films.get(name);
    if (!found) throw new TypeError(`no FiLM values for block ${name}`);
    return found;
  };
  return recordUnetBlocks(builder, blocks, ({ shape }) => film(shape.name), sample, output);
}
