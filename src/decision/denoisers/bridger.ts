import { buildTimestepTable, chooseRow, timestepOffsets } from '../../networks/unet/timestep-table.js';
import { loadUnetWeights, recordObservationFilm, recordUnet, type Unet, type UnetWeights } from '../../networks/unet/unet.js';
import { recordSolverStep } from '../../ops/sampling.js';
import { prefixedLoader } from '../../ops/weight-source.js';
import { Uploader } from '../../runtime/uploader.js';
import { BRIDGE_NETWORKS } from '../../spec/method-networks.js';
import type { LoadMethod, PlannedDenoiser } from './denoiser-network.js';
import { LevelRows } from './level-rows.js';

/** BRIDGER's three U-Nets, which the steps of a schedule name: velocity or drift, then the score of the same sample. */
export const loadBridger: LoadMethod<'bridger'> = async (loader, { type, unet }, onBlock) => {
  const { device } = loader.uploader;
  const loaded = new Map<string, UnetWeights>();
  for (const name of BRIDGE_NETWORKS) loaded.set(name, await loadUnetWeights(prefixedLoader(loader, `${name}.`), unet, onBlock));
  return {
    type,
    withLevels: async (levels, networks) => {
      const rows = new LevelRows(levels, networks);
      const uploader = new Uploader(device);
      try {
        const unets = new Map<string, Unet>();
        for (const name of networks) {
          const weights = loaded.get(name);
          if (!weights) throw new TypeError(`BRIDGER has no network "${name}"`);
          unets.set(name, { ...weights, timesteps: await buildTimestepTable(uploader, weights.levelEncoder, weights.film, levels) });
        }
        return {
          rehearsed: rows.rehearsed,
          bytes: uploader.bytes,
          knows: (schedule) => rows.knows(schedule),
          observe: observeWith(unets, rows),
          destroy: () => uploader.destroy(),
        };
      } catch (error) {
        uploader.destroy();
        throw error;
      }
    },
  };
};

/** FiLM rows of those networks that schedules name; each is evaluated in a segment of its own, and all rows are chosen for every step. */
function observeWith(unets: ReadonlyMap<string, Unet>, rows: LevelRows): PlannedDenoiser['observe'] {
  return (builder, conditioning) => {
    const recorded = new Map(
      [...unets].map(([name, unet]) => [
        name,
        { unet, offsets: timestepOffsets(builder), film: recordObservationFilm(builder, unet, conditioning) },
      ]),
    );
    return {
      networks: [...recorded.keys()],
      evaluate: (recording, { sample, output, solver, network = '' }) => {
        const found = recorded.get(network);
        if (!found) throw new TypeError(`BRIDGER has no network "${network}"`);
        const result = recordUnet(recording, found.unet, found.offsets, found.film, sample, output);
        recordSolverStep(recording, { ...solver, sample, output: result });
      },
      choose: (values, step) => {
        const row = rows.rowOf(step);
        for (const { unet, offsets } of recorded.values()) chooseRow(values, offsets, unet.timesteps, row);
      },
    };
  };
}
