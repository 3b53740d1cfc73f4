import { embedLevels, loadSlotUnet, recordSlotObservation, recordSlotUnet } from '../../networks/slot-unet/slot-unet.js';
import { recordSolverStep } from '../../ops/sampling.js';
import { Uploader } from '../../runtime/uploader.js';
import type { LoadMethod } from './denoiser-network.js';
import { LevelRows } from './level-rows.js';

/**
 * RNR-DP: conditioning for every row of the chunk. All of it follows from the levels, which are the same at every step, and from the observation:
 * it is computed once per run, at the first decision of an episode once for each of its passes.
 */
export const loadLadder: LoadMethod<'rnr_policy'> = async (loader, { type, unet }, onBlock) => {
  const { device } = loader.uploader;
  const network = await loadSlotUnet(loader, unet, onBlock);
  return {
    type,
    horizon: unet.horizon,
    withLevels: async (levels) => {
      const rows = new LevelRows(levels);
      const [vector, ...others] = levels;
      if (vector?.length !== unet.horizon || others.length > 0) {
        throw new TypeError(`${type}: one vector of ${unet.horizon} levels is needed, found ${levels.length}`);
      }
      const uploader = new Uploader(device);
      try {
        const embeddings = await embedLevels(uploader, network, vector);
        return {
          rehearsed: rows.rehearsed,
          bytes: uploader.bytes,
          perSlot: true,
          knows: (schedule) => rows.knows(schedule),
          observe: (builder, conditioning) => {
            const films = recordSlotObservation(builder, network, embeddings, conditioning);
            return {
              evaluate: (recording, { sample, output, solver }) =>
                recordSolverStep(recording, { ...solver, sample, output: recordSlotUnet(recording, network, films, sample, output) }),
              choose: (_values, step) => void rows.rowOf(step),
            };
          },
          destroy: () => uploader.destroy(),
        };
      } catch (error) {
        uploader.destroy();
        throw error;
      }
    },
  };
};
