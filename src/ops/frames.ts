import { type FrameFormat, prepareFramesKernel, prepareFramesShape } from '../../kernels/image/prepare-frames.wgsl.js';
import type { FeatureMap } from '../runtime/feature-map.js';
import type { BufferHandle, PlanBuilder } from '../runtime/plan-builder.js';
import type { Fit } from '../spec/fit.js';
import { bandTable, composeBands, copyBands, fitBands, resizeBands } from './resize-bands.js';
import type { BufferRange } from './sampling.js';
import type { WeightLoader } from './weight-source.js';

const INVOCATIONS = 64;

/** Pictures as a camera delivers them, where these are not as large as a policy reads them, and how they become so. */
export interface FrameSource {
  readonly height: number;
  readonly width: number;
  readonly fit: Fit;
}

/** What is done to the pictures of a policy's cameras before they are encoded. Sides are [height, width]. */
export interface FrameGeometry {
  /** Of the pictures as the policy reads them. */
  readonly frame: readonly [number, number];
  /** Of the pictures as they arrive. Default: as the policy reads them. */
  readonly source?: FrameSource | undefined;
  /** Antialiased, aspect ratio not kept; undefined: not resized. */
  readonly resize?: readonly [number, number] | undefined;
  /** The middle of what is there by then; undefined: all of it. */
  readonly crop?: readonly [number, number] | undefined;
}

/** A geometry, settled. */
export interface FrameTables {
  readonly geometry: FrameGeometry;
  /** Of the pictures that the network sees. */
  readonly height: number;
  readonly width: number;
  /** First row and column that is kept, where pixels are copied. */
  readonly top: number;
  readonly left: number;
  /** What a row and then a column is made of, where pixels are sums. */
  readonly table: { readonly entries: Float32Array; readonly rowTaps: number; readonly columnTaps: number } | undefined;
}

/** A geometry and where its table is. */
export interface FramePreparation extends FrameTables {
  readonly buffer: BufferHandle | undefined;
}

/** First of the `kept` rows or columns in the middle of `size`: halves are rounded to even, as Python's `round` does. */
export function cropOffset(size: number, kept: number): number {
  const half = (size - kept) / 2;
  const below = Math.floor(half);
  return half - below === 0.5 && below % 2 === 1 ? below + 1 : below;
}

/** Height and width of the pictures that the network sees. */
export function preparedSides({ frame, resize, crop }: FrameGeometry): readonly [number, number] {
  return crop ?? resize ?? frame;
}

/** Settles a geometry. @throws TypeError for a crop that does not fit. */
export function frameTables(geometry: FrameGeometry): FrameTables {
  const { frame, source, resize } = geometry;
  const [fullHeight, fullWidth] = resize ?? frame;
  const [height, width] = preparedSides(geometry);
  if (height > fullHeight || width > fullWidth) {
    throw new TypeError(`a crop of ${height}×${width} does not fit into pictures of ${fullHeight}×${fullWidth}`);
  }
  const [top, left] = [cropOffset(fullHeight, height), cropOffset(fullWidth, width)];
  if (!resize && !source) return { geometry, height, width, top, left, table: undefined };
  const fitted = source && fitBands([source.height, source.width], frame, source.fit);
  const [rows, columns] = ([0, 1] as const).map((axis) => {
    const [first, kept] = axis === 0 ? [top, height] : [left, width];
    const seen = resize ? resizeBands(frame[axis], resize[axis], first, kept) : copyBands(first, kept);
    return bandTable(fitted ? composeBands(seen, fitted[axis]) : seen);
  }) as [ReturnType<typeof bandTable>, ReturnType<typeof bandTable>];
  const entries = new Float32Array(rows.entries.length + columns.entries.length);
  entries.set(rows.entries);
  entries.set(columns.entries, rows.entries.length);
  return { geometry, height, width, top, left, table: { entries, rowTaps: rows.taps, columnTaps: columns.taps } };
}

/** The same with its table on the device. */
export async function loadFramePreparation(loader: Pick<WeightLoader, 'uploader'>, geometry: FrameGeometry): Promise<FramePreparation> {
  const tables = frameTables(geometry);
  if (!tables.table) return { ...tables, buffer: undefined };
  const existing = await loader.uploader.uploadFloats('tables of the resize', tables.table.entries);
  return { ...tables, buffer: { label: existing.label, bytes: existing.size, existing } };
}

/** Bytes of a frame, a multiple of 4. */
export function frameBytes(format: FrameFormat, [height, width]: readonly [number, number]): number {
  const perPixel = { 'u8-hwc3': 3, 'u8-hwc4': 4, 'u8-chw': 3, 'f32-chw': 12 }[format];
  return Math.ceil((height * width * perPixel) / 4) * 4;
}

/** Height and width of pictures as they arrive. */
export function sourceSides({ frame, source }: FrameGeometry): readonly [number, number] {
  return source ? [source.height, source.width] : frame;
}

/**
 * Records y = prepared frames. `frames`: one after the other, each `frameBytes` long, those of the first camera first; they become samples
 * `first` … of y, by default all of them.
 * `statistics`: vec4f [camera][3], as those of `recordNormalize`, of the `cameras` cameras that y has samples of. y has three channels.
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
    readonly first?: number;
    readonly count?: number;
  },
): void {
  const { frames, format, statistics, cameras, offsets, y, first = 0, count = y.batch } = call;
  const { geometry, height, width, table, buffer } = preparation;
  const sides = sourceSides(geometry);
  const bytes = frameBytes(format, sides);
  const isWithin = first + count <= y.batch && frames.bytes === bytes * count;
  if (y.channels !== 3 || y.height !== height || y.width !== width || y.batch % cameras !== 0 || !isWithin) {
    throw new TypeError(
      `prepare_frames: ${count} frames of ${cameras} cameras, ${bytes} bytes each, to 3x${height}x${width}; there are ` +
        `${frames.bytes} bytes, y is ${y.batch}x${y.channels}x${y.height}x${y.width}`,
    );
  }
  const shape = prepareFramesShape({
    height: sides[0],
    width: sides[1],
    frameWords: bytes / 4,
    outHeight: height,
    outWidth: width,
    top: preparation.top,
    left: preparation.left,
    framesPerCamera: y.batch / cameras,
    rowTaps: table?.rowTaps ?? 0,
    columnTaps: table?.columnTaps ?? 0,
    first,
  });
  builder.dispatch(
    prepareFramesKernel({ format, resized: buffer !== undefined, offsets: offsets !== undefined, invocations: INVOCATIONS }),
    [
      builder.shape(shape),
      frames,
      { buffer: builder.existing(statistics) },
      ...(offsets ? [offsets] : []),
      ...(buffer ? [{ buffer }] : []),
      { buffer: y.buffer },
    ],
    [Math.ceil((height * width) / INVOCATIONS), 1, count],
  );
}
