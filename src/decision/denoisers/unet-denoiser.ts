import type { SolverStep } from '../../diffusion/solver-step.js';
import { buildTimestepTable, chooseRow, timestepOffsets } from '../../networks/unet/timestep-table.js';
import { recordObservationFilm, recordUnet, type Unet, type UnetWeights } from '../../networks/unet/unet.js';
import { recordSolverStep } from '../../ops/sampling.js';
import type { ComputeDevice } from '../../runtime/device.js';
import type { PlanBuilder } from '../../runtime/plan-builder.js';
import type { Tensor } from '../../runtime/tensor.js';
import { Uploader } from '../../runtime/uploader.js';
import type { MethodType } from '../../spec/method-networks.js';
import type { Start } from '../starts/start.js';
import type { MethodDenoiser, PlannedDenoiser, RecordedDenoiser } from './denoiser-network.js';
import { LevelRows } from './level-rows.js';

/** The U-Net of a policy: a row for every timestep. */
export function timestepDenoiser(unet: Unet): PlannedDenoiser {
  const rowOf = ({ timestep, levels }: SolverStep): number => {
    if (levels) throw new TypeError(`a step at level ${levels.join(', ')} is of a method's network, and went to the policy's own`);
    return timestep;
  };
  return { observe: (builder, conditioning) => recordedUnet(builder, unet, conditioning, rowOf) };
}

/**
 * A U-Net of a method whose output is what the solver step reads. `start`: what predicts the starts of its runs; `perSlot`: whether rows of its
 * chunks have coefficients of their own, and runs bring their samples.
 */
export function levelDenoiser(
  device: ComputeDevice,
  type: MethodType,
  unet: UnetWeights,
  { start, perSlot = false }: { readonly start?: Start; readonly perSlot?: boolean } = {},
): MethodDenoiser {
  return {
    type,
    ...(start ? { start } : {}),
    ...(perSlot ? { horizon: unet.shape.horizon } : {}),
    withLevels: async (levels) => {
      const rows = new LevelRows(levels);
      const uploader = new Uploader(device);
      try {
        const timesteps = await buildTimestepTable(uploader, unet.levelEncoder, unet.film, levels);
        return {
          rehearsed: rows.rehearsed,
          bytes: uploader.bytes,
          perSlot,
          knows: (schedule) => rows.knows(schedule),
          observe: (builder, conditioning) => recordedUnet(builder, { ...unet, timesteps }, conditioning, (step) => rows.rowOf(step)),
          destroy: () => uploader.destroy(),
        };
      } catch (error) {
        uploader.destroy();
        throw error;
      }
    },
  };
}

function recordedUnet(builder: PlanBuilder, unet: Unet, conditioning: Tensor, rowOf: (step: SolverStep) => number): RecordedDenoiser {
  const offsets = timestepOffsets(builder);
  const observationFilm = recordObservationFilm(builder, unet, conditioning);
  return {
    evaluate: (recording, { sample, output, solver }) => {
      const result = recordUnet(recording, unet, offsets, observationFilm, sample, output);
      recordSolverStep(recording, { ...solver, sample, output: result });
    },
    choose: (values, step) => chooseRow(values, offsets, unet.timesteps, rowOf(step)),
  };
}
