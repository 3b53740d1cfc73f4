import { type FrameFormat, prepareFramesKernel, prepareFramesShape } from '../../kernels/image/prepare-frames.wgsl.js';
import type { FeatureMap } from '../runtime/feature-map.js';
import type { PlanBuilder } from '../runtime/plan-builder.js';
import type { BufferRange } from './sampling.js';
import type { WeightLoader } from './weight-source.js';

const INVOCATIONS = 64;

/** What is done to the pictures of a policy's cameras before they are encoded. Sides are [height, width]. */
export interface FrameGeometry {
  /** Of the pictures as they arrive. */
  readonly frame: readonly [number, number];
  /** Antialiased, aspect ratio not kept; undefined: not resized. */
  readonly resize?: readonly [number, number] | undefined;
  /** The middle of what is there by then; undefined: all of it. */
  readonly crop?: readonly [number, number] | undefined;
}

/** A geometry on the device. */
export interface FramePreparation {
  readonly geometry: FrameGeometry;
  /** Of the pictures that the network sees. */
  readonly height: number;
  readonly width: number;
  readonly top: number;
  readonly left: number;
  readonly tables: { readonly buffer: GPUBuffer; readonly rowTaps: number; readonly columnTaps: number } | undefined;
}

/** First of the `kept` rows or columns in the middle of `size`: halves are rounded to even, as Python's `round` does. */
export function cropOffset(size: number, kept: number): number {
  const half = (size - kept) / 2;
  const below = Math.floor(half);
  return half - below === 0.5 && below % 2 === 1 ? below + 1 : below;
}

/**
 * What an antialiased resize from `from` to `to` takes of each row (or column): for outputs first, first + 1, …, count of them,
 * the first input and its weights, which add up to 1; all entries as long as the longest (torchvision's `Resize` on floats).
 */
export function resizeTable(
  from: number,
  to: number,
  first: number,
  count: number,
): { readonly taps: number; readonly entries: Float32Array } {
  const scale = from / to;
  const radius = Math.max(scale, 1);
  const rows = Array.from({ length: count }, (_, k) => {
    const center = (first + k + 0.5) * scale;
    const begin = Math.max(Math.floor(center - radius + 0.5), 0);
    const end = Math.min(Math.floor(center + radius + 0.5), from);
    const weights = Array.from({ length: end - begin }, (_, j) => Math.max(0, 1 - Math.abs(begin + j - center + 0.5) / radius));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { begin, weights: weights.map((weight) => weight / sum) };
  });
  const taps = Math.max(...rows.map(({ weights }) => weights.length));
  const entries = new Float32Array(count * (1 + taps));
  rows.forEach(({ begin, weights }, k) => entries.set([begin, ...weights], k * (1 + taps)));
  return { taps, entries };
}

/** Settles a geometry, and brings its tables to the device. @throws TypeError for a crop that does not fit. */
export async function loadFramePreparation(loader: Pick<WeightLoader, 'uploader'>, geometry: FrameGeometry): Promise<FramePreparation> {
  const { frame, resize, crop } = geometry;
  const [fullHeight, fullWidth] = resize ?? frame;
  const [height, width] = crop ?? [fullHeight, fullWidth];
  if (height > fullHeight || width > fullWidth) {
    throw new TypeError(`a crop of ${height}×${width} does not fit into pictures of ${fullHeight}×${fullWidth}`);
  }
  const [top, left] = [cropOffset(fullHeight, height), cropOffset(fullWidth, width)];
  if (!resize) return { geometry, height, width, top, left, tables: undefined };
  const rows = resizeTable(frame[0], fullHeight, top, height);
  const columns = resizeTable(frame[1], fullWidth, left, width);
  const entries = new Float32Array(rows.entries.length + columns.entries.length);
  entries.set(rows.entries);
  entries.set(columns.entries, rows.entries.length);
  const buffer = await loader.uploader.uploadFloats('tables of the resize', entries);
  return { geometry, height, width, top, left, tables: { buffer, rowTaps: rows.taps, columnTaps: columns.taps } };
}

/** Bytes of a frame, a multiple of 4. */
export function frameBytes(format: FrameFormat, [height, width]: readonly [number, number]): number {
  const perPixel = { 'u8-hwc3': 3, 'u8-hwc4': 4, 'u8-chw': 3, 'f32-chw': 12 }[format];
  return Math.ceil((height * width * perPixel) / 4) * 4;
}

/**
 * Records y = prepared frames. `frames`: one after the other, each `frameBytes` long, those of the first camera first.
 * `statistics`: vec4f [camera][3], as those of `recordNormalize`. y has three channels.
 */
export function recordPrepareFrames(
  builder: PlanBuilder,
  preparation: FramePreparation,
  call: {
    readonly frames: BufferRange;
    readonly format: FrameFormat;
    readonly statistics: GPUBuffer;
    readonly cameras: number;
    /** vec2u [frame]: first row and column of each, instead of the middle; not with a resize. */
    readonly offsets?: BufferRange | undefined;
    readonly y: FeatureMap;
  },
): void {
  const { frames, format, statistics, cameras, offsets, y } = call;
  const { geometry, height, width, tables } = preparation;
  const bytes = frameBytes(format, geometry.frame);
  if (y.channels !== 3 || y.height !== height || y.width !== width || y.batch % cameras !== 0 || frames.bytes !== bytes * y.batch) {
    throw new TypeError(
      `prepare_frames: ${y.batch} frames of ${cameras} cameras, ${bytes} bytes each, to 3x${height}x${width}; there are ` +
        `${frames.bytes} bytes, y is ${y.batch}x${y.channels}x${y.height}x${y.width}`,
    );
  }
  const shape = prepareFramesShape({
    height: geometry.frame[0],
    width: geometry.frame[1],
    frameWords: bytes / 4,
    outHeight: height,
    outWidth: width,
    top: preparation.top,
    left: preparation.left,
    framesPerCamera: y.batch / cameras,
    rowTaps: tables?.rowTaps ?? 0,
    columnTaps: tables?.columnTaps ?? 0,
  });
  builder.dispatch(
    prepareFramesKernel({ format, resized: tables !== undefined, offsets: offsets !== undefined, invocations: INVOCATIONS }),
    [
      builder.shape(shape),
      frames,
      { buffer: builder.existing(statistics) },
      ...(offsets ? [offsets] : []),
      ...(tables ? [{ buffer: builder.existing(tables.buffer) }] : []),
      { buffer: y.buffer },
    ],
    [Math.ceil((height * width) / INVOCATIONS), 1, y.batch],
  );
}
