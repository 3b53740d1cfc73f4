/** Where the rows and pictures of a LeRobot data set lie, the same for v2 and v3. */

/** A parquet file with rows of the data set. */
export interface DataFile {
  readonly path: string;
  /** First row. */
  readonly from: number;
  /** Row after the last. */
  readonly to: number;
}

/** Where the pictures of an episode begin in a video. */
export interface VideoPlace {
  readonly path: string;
  /** Number of its first frame in the video. */
  readonly first: number;
}

/** An episode as the metadata describe it; its files may or may not be there. */
export interface EpisodePlace {
  readonly index: number;
  readonly from: number;
  readonly to: number;
  readonly tasks: readonly string[];
  readonly data: string;
  /** By feature. */
  readonly videos: ReadonlyMap<string, VideoPlace>;
}
