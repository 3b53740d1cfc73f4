import { DatasetError } from '../../foundation/errors.js';
import type { PictureData } from '../dataset.js';
import type { PictureCodecs, VideoRange } from './codecs.js';

/**
 * The frames of a range as pictures. `episode` and `frame`, the number of the first one in it, are for messages.
 * @throws DatasetError naming file, episode and frame.
 */
export async function* videoFrames(codecs: PictureCodecs, range: VideoRange, episode: number, frame: number): AsyncGenerator<PictureData> {
  const { file, count, height, width } = range;
  const where = (frames: number): string => `${file}, episode ${episode}, frame ${frame + frames}`;
  if (codecs.video === undefined) {
    throw new DatasetError(
      `${where(0)}: expected a decoder for videos, found none. Give one (openDataset's codecs); in Node, install ffmpeg.`,
    );
  }
  let frames = 0;
  try {
    for await (const data of codecs.video(range)) {
      if (data.length !== height * width * 3) {
        throw new Error(`expected ${height} × ${width} pixels (height × width), found a frame of ${data.length} bytes`);
      }
      yield { data, height, width };
      if (++frames === count) return;
    }
  } catch (cause) {
    throw new DatasetError(`${where(frames)}: ${(cause as Error).message}. Copy or download the video again, or leave out the episode.`, {
      cause,
    });
  }
  throw new DatasetError(
    `${where(frames)}: expected a frame, found the end of the video. Copy or download it again, or leave out the episode.`,
  );
}
