import { checkSource, listed } from '../checkpoints/source.js';
import { DatasetError, OptionError } from '../foundation/errors.js';
import { checkCallbacks, checkChoice, checkInteger, checkKeys, checkNumber, keysOf } from '../foundation/options.js';
import { EPISODE_ENDS, openArrays } from './arrays/open-arrays.js';
import { FPS_BOUND, type StoredDataset, vectorFeatures } from './dataset.js';
import { DatasetFiles, type DatasetSource } from './files.js';
import { INFO } from './lerobot/info.js';
import { openLeRobot } from './lerobot/open-lerobot.js';
import type { PictureCodecs } from './pictures/codecs.js';
import { openRecordings, recordingPaths } from './recordings/open-recordings.js';
import { computeStatistics } from './statistics.js';
import { type BlockDataset, DEFAULT_CACHE_BYTES } from './store/block-dataset.js';
import { isZarr, openZarr } from './zarr/open-zarr.js';

export interface OpenDatasetOptions {
  /** Decoders for videos and JPEG pictures. Default: none; Node's `openDataset` brings ffmpeg. */
  readonly codecs?: PictureCodecs;
  /** Bytes of rows and pictures that are kept in memory. Default 256 MiB. */
  readonly cacheBytes?: number;
  /** Frames per second, of formats that do not say it. */
  readonly fps?: number;
  /** Seconds that the time between two frames may differ from 1 / fps. Default 1e-4, as LeRobot's. */
  readonly timestampTolerance?: number;
  /**
   * `computed`: those of vectors are computed from what is there, whatever the data set says, which takes reading all of it once; `none`: as the data set says,
   * and none where it says nothing, so that nothing is read. Default `stored`: as the data set says, and computed where it says nothing.
   */
  readonly statistics?: 'stored' | 'computed' | 'none';
}

const STATISTICS_SOURCES = ['stored', 'computed', 'none'] as const;

const OPTIONS = keysOf<OpenDatasetOptions>({ codecs: true, cacheBytes: true, fps: true, timestampTolerance: true, statistics: true });

/**
 * Opens a data set in a folder: LeRobot v2.0 to v3.0, Diffusion Policy's zarr, recordings in safetensors, or plain arrays. Reads metadata, and all
 * vectors once where the data set has no statistics. What is not there is listed in `missing`, and the rest is served. The data set
 * closes the source when it is closed, or when it cannot be opened. A text is the path of a folder, or of one recording, or `hf:datasets/owner/name`, which Node can read and
 * whose videos the system's ffmpeg decodes; elsewhere give a source (`blobSource`, `memorySource`, or one of your own).
 * @throws DatasetError for what is damaged or inconsistent, OptionError.
 */
export async function openDataset(source: string | DatasetSource, options: OpenDatasetOptions = {}): Promise<StoredDataset> {
  const where = 'openDataset';
  if (typeof source === 'string') {
    throw new OptionError(`${where}: this runtime reads no folders: give a source (blobSource, memorySource, or one of your own).`);
  }
  checkSource(where, 'source', source);
  checkKeys(where, options, OPTIONS);
  const { codecs = {}, cacheBytes = DEFAULT_CACHE_BYTES, fps, timestampTolerance = 1e-4, statistics = 'stored' } = options;
  checkKeys(`${where}: codecs`, codecs, ['video', 'jpeg']);
  checkCallbacks(where, codecs, ['video', 'jpeg']);
  checkInteger(where, 'cacheBytes', cacheBytes, 0, Number.MAX_SAFE_INTEGER);
  const isPositive = (value: number): boolean => value > 0 && value < FPS_BOUND;
  if (fps !== undefined) checkNumber(where, 'fps', fps, `a number above 0 and below ${FPS_BOUND}`, isPositive);
  checkNumber(where, 'timestampTolerance', timestampTolerance, 'a number of seconds, 0 or more', (value) => value >= 0 && value < Infinity);
  checkChoice(where, 'statistics', statistics, STATISTICS_SOURCES);
  try {
    const files = await DatasetFiles.list(source);
    const dataset = await openFiles(files, { codecs, cacheBytes, fps, timestampTolerance });
    if (statistics !== 'none') await completeStatistics(dataset, statistics === 'computed');
    return dataset;
  } catch (error) {
    await source.close().catch(() => {});
    throw error;
  }
}

type Chosen = Required<Omit<OpenDatasetOptions, 'fps' | 'statistics'>> & { readonly fps: number | undefined };

async function openFiles(files: DatasetFiles, { codecs, cacheBytes, fps, timestampTolerance }: Chosen): Promise<BlockDataset> {
  if (files.has(INFO)) {
    const dataset = await openLeRobot(files, { codecs, cacheBytes, tolerance: timestampTolerance });
    if (fps === undefined || fps === dataset.fps) return dataset;
    throw new DatasetError(`${INFO}: "fps" is ${dataset.fps}, but ${fps} were asked for. Leave fps out, or correct the data set.`);
  }
  if (isZarr(files)) return openZarr(files, needed(files, fps), cacheBytes);
  if (files.has(EPISODE_ENDS)) return openArrays(files, needed(files, fps), cacheBytes);
  if (files.has('config.json') && files.has('model.safetensors')) {
    throw new DatasetError(
      `${files.name}: expected a data set, found a checkpoint (config.json, model.safetensors). Give the folder of a data set; \`warmstep inspect\` ` +
        'describes this one.',
    );
  }
  if (recordingPaths(files).length > 0) return openRecordings(files, fps, cacheBytes);
  throw new DatasetError(
    `${files.name}: expected a data set (LeRobot's ${INFO}, a zarr replay buffer, recordings *.safetensors, or arrays *.f32 with ${EPISODE_ENDS}), ` +
      `found ${listed([...files.paths])}. Give the folder that holds them.`,
  );
}

function needed(files: DatasetFiles, fps: number | undefined): number {
  if (fps !== undefined) return fps;
  throw new DatasetError(`${files.name}: this format does not say how many frames a second has. Give fps (--fps).`);
}

/** Vectors without statistics, or all, get those of what is there; pictures would have to be decoded for them, all of them. */
async function completeStatistics(dataset: BlockDataset, all: boolean): Promise<void> {
  const statistics = new Map(dataset.statistics);
  let isStored = !all;
  for (const feature of vectorFeatures(dataset)) {
    if (statistics.has(feature.name) && !all) continue;
    const computed = await computeStatistics(dataset, feature);
    if (computed.count > 0) {
      statistics.set(feature.name, computed);
      dataset.statisticsComputed = true;
    } else if (statistics.has(feature.name)) isStored = true;
  }
  dataset.statistics = statistics;
  // A vector that no row is there of has kept those of the file.
  if (!isStored) dataset.statisticsFile = undefined;
}
