import { OptionError } from '../foundation/errors.js';
import { checkCallbacks, checkInteger, checkKeys, checkMethods, checkObject, checkText, keysOf } from '../foundation/options.js';
import { shownValue } from '../foundation/shown.js';

/** An image as an encoder is given it: pixels one after the other, RGB or RGBA, [height][width][channels]. */
export interface EncoderImage {
  readonly data: Uint8Array;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** Compresses images on their way to the file, with whatever the runtime has; called between ticks. */
export interface ImageEncoder {
  /** As Foxglove's CompressedImage names it. */
  readonly format: 'jpeg' | 'png' | 'webp' | 'avif';
  encode(image: EncoderImage): Uint8Array | Promise<Uint8Array>;
}

export interface RecordLoopOptions {
  /**
   * `raw`: pixels as they came, so that decisions can be repeated; a camera of 480×640 fills 1.2 MB per picture. `none`, or an encoder:
   * smaller, and decisions from images cannot be repeated. Default `raw`.
   */
  readonly images?: 'raw' | 'none' | ImageEncoder;
  /** Of the pictures of a camera, each n-th is recorded. Decisions that read others cannot be repeated. Default 1: all. */
  readonly imageInterval?: number;
  /** Messages that wait for the sink, in bytes, roughly; beyond them messages are dropped, counted, and the counts recorded. Default 64 MiB. */
  readonly queueBytes?: number;
  /** Texts of your own beside the recording's metadata, e.g. the robot and who drove it. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Called once when the sink fails: the loop goes on, and nothing more is recorded. `RecordingHandle.closed` rejects with the same. */
  readonly onError?: (error: unknown) => void;
}

export interface ResolvedRecordOptions {
  readonly images: 'raw' | 'none' | ImageEncoder;
  readonly imageInterval: number;
  readonly queueBytes: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly onError: ((error: unknown) => void) | undefined;
}

const WHERE = 'recordLoop';
const KEYS = keysOf<RecordLoopOptions>({ images: true, imageInterval: true, queueBytes: true, metadata: true, onError: true });
const FORMATS = ['jpeg', 'png', 'webp', 'avif'];
const QUEUE_BYTES = 64 * 1024 * 1024;
const MOST_ENTRIES = 1000;

/** @throws OptionError. */
export function resolveRecordOptions(options: RecordLoopOptions): ResolvedRecordOptions {
  checkKeys(WHERE, options, KEYS);
  checkCallbacks(WHERE, options, ['onError']);
  const { images, imageInterval, queueBytes, metadata, onError } = options;
  return {
    images: images === undefined ? 'raw' : checkedImages(images),
    imageInterval: checkInteger(WHERE, 'imageInterval', imageInterval ?? 1, 1, Number.MAX_SAFE_INTEGER),
    queueBytes: checkInteger(WHERE, 'queueBytes', queueBytes ?? QUEUE_BYTES, 1, Number.MAX_SAFE_INTEGER),
    metadata: metadata === undefined ? {} : checkedMetadata(metadata),
    onError,
  };
}

function checkedImages(images: NonNullable<RecordLoopOptions['images']>): NonNullable<RecordLoopOptions['images']> {
  if (images === 'raw' || images === 'none') return images;
  const format = typeof images === 'object' && images !== null ? images.format : undefined;
  if (!FORMATS.includes(format as string)) {
    throw new OptionError(
      `${WHERE}: images must be 'raw', 'none' or { format: ${FORMATS.join(' | ')}, encode }, found ${shownValue(images)}.`,
    );
  }
  checkMethods(WHERE, 'images', images, 'an encoder of images', ['encode']);
  return images;
}

function checkedMetadata(metadata: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const entries = Object.entries(checkObject(WHERE, 'metadata', metadata)) as [string, unknown][];
  if (entries.length > MOST_ENTRIES)
    throw new OptionError(`${WHERE}: metadata must have at most ${MOST_ENTRIES} entries, found ${entries.length}.`);
  return Object.fromEntries(entries.map(([key, value]) => [key, checkText(WHERE, `metadata "${shownValue(key)}"`, value)]));
}
