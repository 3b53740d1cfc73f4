import type { PictureData } from '../dataset.js';

/** Frames of a video that follow each other. */
export interface VideoRange {
  /** Path in the data set. */
  readonly file: string;
  /** Number of the first frame, from 0. */
  readonly first: number;
  readonly count: number;
  /** That the video must have: frame k lies at k / fps seconds. */
  readonly fps: number;
  readonly height: number;
  readonly width: number;
}

/** Decoders that a runtime has; what is left out cannot be read, and whoever asks for it is told so. */
export interface PictureCodecs {
  /**
   * The frames of a range in order, u8 RGB [height][width][3]. Ends early, or throws, where a frame is missing, damaged, or not at its
   * time; the caller knows which frame it waited for.
   */
  readonly video?: (range: VideoRange) => AsyncIterable<Uint8Array>;
  /** A JPEG file. */
  readonly jpeg?: (bytes: Uint8Array) => Promise<PictureData>;
}
