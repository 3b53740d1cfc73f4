import { diffusionPolicyName } from '../../checkpoints/lerobot/tensor-names.js';
import { LADDER_FOLDER } from '../../checkpoints/methods/ladder.js';
import { type SlotStage, slotStages } from '../../networks/slot-unet/slot-stages.js';
import type { UnetShape } from '../../spec/network-shapes.js';
import type { NetworkParameters } from '../methods/method.js';
import { addProjections, blockRequests, type UnetNaming } from '../unet/parameters.js';

/** Key of the FiLM projections of a stage. */
export function stageFilm(stage: number): string {
  return `film.${stage}`;
}

/** Parameters of RNR-DP's U-Net, by the names of its own code. What resamples conditioning that nobody reads has no gradient, and is no parameter. */
export function slotUnet(shape: UnetShape): NetworkParameters {
  const naming: UnetNaming = { tensorName: (name) => diffusionPolicyName('', LADDER_FOLDER.names?.inFile(name) ?? name) };
  const requests = blockRequests(shape, naming);
  const width = shape.stepEmbedDim + shape.conditioningDim;
  slotStages(shape).forEach(({ blocks, resample }: SlotStage, stage) => {
    if (resample) {
      const { name, kernelSize, transposed } = resample;
      const order = transposed ? 'in-out-tap' : 'out-in-tap';
      const tensor = { name: naming.tensorName(`${name}.weight`), outChannels: width, order } as const;
      requests.matrices.push({ key: name, taps: kernelSize, inChannels: width, tensors: [tensor] });
      requests.vectors.push({ key: name, channels: width, vectors: [[{ name: naming.tensorName(`${name}.bias`), channels: width }]] });
    }
    addProjections(requests, naming, stageFilm(stage), width, blocks);
  });
  const expected = LADDER_FOLDER.unetTensors?.({ unet: shape }) ?? new Map();
  const parameters = [...expected].map(([name, tensor]) => ({ name: naming.tensorName(name), shape: tensor.shape }));
  return { requests, parameters };
}
