/** What a data set of demonstrations is, whatever it is stored as. */
import type { AbortSignalLike } from '../foundation/abort-signal.js';

/** Frames per second lie below, of whatever format. */
export const FPS_BOUND = 100_000;

/** A vector of numbers per frame; a picture stored in the rows; a picture that is a frame of a video. */
export type FeatureKind = 'vector' | 'image' | 'video';

/** What is recorded at every frame under a name, such as `observation.state` or `action`. */
export interface DatasetFeature {
  readonly name: string;
  readonly kind: FeatureKind;
  /** As the data set stores it: float32, int64, bool, uint8, image, video. Numbers are read as float32 whatever they are. */
  readonly dtype: string;
  /** Of one frame. Of pictures: [height, width, channels], whatever the order on disk. */
  readonly shape: readonly number[];
  /** Numbers of one frame: the product of the shape. */
  readonly size: number;
  /** Of the dimensions of a vector, one for each; null where the data set has none. */
  readonly names: readonly string[] | null;
}

/** A file that would hold a feature of an episode, and is not there. */
export interface MissingPart {
  readonly feature: string;
  /** Path in the data set. */
  readonly file: string;
}

/** Frames that follow each other. Rows are numbered through the whole data set, missing parts included. */
export interface DatasetEpisode {
  readonly index: number;
  /** First row. */
  readonly from: number;
  /** Row after the last. */
  readonly to: number;
  /** What was asked for, in words. */
  readonly tasks: readonly string[];
  /** Empty for an episode that is all there. */
  readonly missing: readonly MissingPart[];
}

/** Over all frames, one number per dimension; of pictures one per channel, of values from 0 to 1. */
export interface FeatureStatistics {
  readonly min: Float64Array;
  readonly max: Float64Array;
  readonly mean: Float64Array;
  /** Of the population: divided by the number of frames. */
  readonly std: Float64Array;
  /** Frames, or pictures, that they were made of. */
  readonly count: number;
  /** By LeRobot's names, q01, q10, q50, q90, q99; empty where they are not known. */
  readonly quantiles: ReadonlyMap<string, Float64Array>;
}

/** One picture, u8 RGB, [height][width][3]. */
export interface PictureData {
  readonly data: Uint8Array;
  readonly height: number;
  readonly width: number;
}

/** A data set that is open. Nothing but metadata is in memory; rows are read when they are asked for. */
export interface Dataset {
  readonly name: string;
  /** `lerobot-v3.0`, `lerobot-v2.1`, `zarr`, `recordings` or `arrays`. */
  readonly format: string;
  /** Frames per second. */
  readonly fps: number;
  readonly robot: string | null;
  /** Without what only numbers the frames (timestamp, frame_index, episode_index, index, task_index). */
  readonly features: readonly DatasetFeature[];
  /** In the order of their rows. */
  readonly episodes: readonly DatasetEpisode[];
  /** Rows of all episodes. */
  readonly frames: number;
  /** As the data set says, or computed where it says nothing; by feature. */
  readonly statistics: ReadonlyMap<string, FeatureStatistics>;
  /** Whether they were computed here, those of one vector at least. */
  readonly statisticsComputed: boolean;
  /** The file that the others were read from; undefined where there are none. */
  readonly statisticsFile?: string | undefined;
  /** Paths of files that belong to it and are not there. */
  readonly missing: readonly string[];
  /** What is odd and does no harm. */
  readonly warnings: readonly string[];
  /**
   * Rows [from, to) of a vector, row-major float32, [to − from][size]. Rows may belong to several episodes.
   * @throws DatasetError naming file, episode and frame: missing, truncated, inconsistent, not finite; OptionError for no such rows.
   */
  readRows(feature: string, from: number, to: number): Promise<Float32Array>;
  /** One frame's picture. @throws as readRows. */
  readPicture(feature: string, row: number): Promise<PictureData>;
  /**
   * Pictures of rows [from, to) in order, decoded as they are asked for: of a video with one decoder per episode, which is many
   * times faster than single pictures. @throws as readRows.
   */
  readPictures(feature: string, from: number, to: number): AsyncIterable<PictureData>;
  /** Releases files and cache. */
  close(): Promise<void>;
}

/** Some rows of a feature, as they were found. */
export interface CheckedRows {
  /** How many are right. */
  readonly good: number;
  /** What is wrong with others, in words that name file, episode and frame: of a block of rows at most 20, and how many more there are. */
  readonly faults: readonly string[];
}

/** A data set in files, opened by `openDataset`. */
export interface StoredDataset extends Dataset {
  /**
   * Reads rows [from, to) of a feature and says part by part what is wrong with them, where `readRows` ends at the first fault. Behind ten faults in a video of an episode, or three
   * frames in a row, it says how many frames it left out.
   * @throws OptionError for no such feature or rows; the reason of `signal`.
   */
  check(feature: string, from: number, to: number, signal?: AbortSignalLike): AsyncIterable<CheckedRows>;
}

/** Features that the numbers of are read; pictures are of the other two kinds. */
export function vectorFeatures(dataset: Pick<Dataset, 'features'>): DatasetFeature[] {
  return dataset.features.filter(({ kind }) => kind === 'vector');
}
