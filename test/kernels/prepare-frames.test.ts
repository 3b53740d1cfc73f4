import { describe, expect, it } from 'vitest';
import { FRAME_FORMATS, type FrameFormat } from '../../kernels/image/prepare-frames.wgsl.js';
import {
  cropOffset,
  type FrameGeometry,
  frameBytes,
  loadFramePreparation,
  recordPrepareFrames,
  sourceSides,
} from '../../src/ops/frames.js';
import { bandTable, resizeBands } from '../../src/ops/resize-bands.js';
import { useTestDevice } from '../support/device.js';
import { mapOf, outputMap, readMap } from '../support/feature-maps.js';
import { runOp } from '../support/run-op.js';
import { expectClose, Normals } from '../support/values.js';

const device = useTestDevice();

/** Pictures [frame][channel][row][column] in 0 … 1, bytes where the format has them. */
function pictures(format: FrameFormat, count: number, [height, width]: readonly [number, number]): Float64Array {
  const normals = new Normals(height * width + count);
  return Float64Array.from({ length: count * 3 * height * width }, () => {
    const value = normals.uniform();
    return format === 'f32-chw' ? Math.fround(value) : Math.floor(value * 256);
  });
}

/** The words of frames in a format; bytes between frames, and the fourth of a pixel, are not zeros. */
function encode(format: FrameFormat, values: Float64Array, count: number, [height, width]: readonly [number, number]): Uint32Array {
  const bytes = frameBytes(format, [height, width]);
  const out = new Uint8Array(count * bytes).fill(0xa7);
  const pixels = height * width;
  for (let frame = 0; frame < count; frame++) {
    for (let c = 0; c < 3; c++) {
      for (let p = 0; p < pixels; p++) {
        const value = values[(frame * 3 + c) * pixels + p] as number;
        const at = frame * bytes;
        if (format === 'f32-chw') new Float32Array(out.buffer)[at / 4 + c * pixels + p] = value;
        else out[at + { 'u8-hwc3': 3 * p + c, 'u8-hwc4': 4 * p + c, 'u8-chw': c * pixels + p }[format]] = value;
      }
    }
  }
  return new Uint32Array(out.buffer);
}

/** A row of weights of an antialiased resize, by its definition: `out` of `to` outputs over `from` inputs. */
function resizeRow(from: number, to: number, out: number): number[] {
  const scale = from / to;
  const radius = Math.max(scale, 1);
  const center = (out + 0.5) * scale;
  const [first, end] = [Math.max(Math.floor(center - radius + 0.5), 0), Math.min(Math.floor(center + radius + 0.5), from)];
  const weights = Array.from({ length: from }, (_, j) =>
    j >= first && j < end ? Math.max(0, 1 - Math.abs(j - center + 0.5) / radius) : 0,
  );
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/** Rows and columns of a frame as sums of those of its source, by the definition of each fit: dense matrices. */
function fitted({ frame, source }: FrameGeometry): readonly [number[][], number[][]] {
  const axis = (from: number, to: number, size: number, before: number): number[][] =>
    Array.from({ length: to }, (_, i) => {
      const at = i - before;
      return at < 0 || at >= size ? new Array<number>(from).fill(0) : resizeRow(from, size, at);
    });
  if (!source) return [axis(frame[0], frame[0], frame[0], 0), axis(frame[1], frame[1], frame[1], 0)];
  const { height, width, fit } = source;
  const scales = [frame[0] / height, frame[1] / width];
  const scale = fit === 'pad' ? Math.min(...scales) : Math.max(...scales);
  const sides = [height, width].map((side, i) => (fit === 'stretch' ? (frame[i] as number) : Math.round(side * scale))) as [number, number];
  const before = sides.map((side, i) => Math.floor(((frame[i] as number) - side) / 2 + (fit === 'crop' ? 0.5 : 0)));
  return [axis(height, frame[0], sides[0], before[0] as number), axis(width, frame[1], sides[1], before[1] as number)];
}

/** A row of weights of rows that are sums themselves. */
function product(weights: readonly number[], rows: readonly (readonly number[])[]): number[] {
  const sums = new Array<number>(rows[0]?.length ?? 0).fill(0);
  weights.forEach((weight, i) => {
    if (weight !== 0) rows[i]?.forEach((value, j) => (sums[j] = (sums[j] as number) + weight * value));
  });
  return sums;
}

async function check(format: FrameFormat, geometry: FrameGeometry, cameras: number, perCamera: number): Promise<void> {
  const { frame, resize, crop } = geometry;
  const [height, width] = sourceSides(geometry);
  const count = cameras * perCamera;
  const values = pictures(format, count, [height, width]);
  const statistics = Float32Array.from({ length: cameras * 12 }, (_, i) => 0.3 + ((i * 7) % 5) / 4);
  const [outHeight, outWidth] = crop ?? resize ?? frame;
  const shape = { batch: count, channels: 3, height: outHeight, width: outWidth };
  const results = await runOp(device(), async (op) => {
    const loader = op.loader({});
    const preparation = await loadFramePreparation(loader, geometry);
    const words = encode(format, values, count, [height, width]);
    // As a part of what goes up.
    const buffer = op.buffer('inputs', new Uint32Array([...new Uint32Array(64), ...words]));
    recordPrepareFrames(op.builder, preparation, {
      frames: { buffer, offset: 256, bytes: words.byteLength },
      format,
      statistics: await loader.uploader.uploadFloats('statistics', statistics),
      cameras,
      y: outputMap(op, 'y', shape),
    });
  });
  const [fullHeight, fullWidth] = resize ?? frame;
  const top = Math.round((fullHeight - outHeight) / 4) * 2;
  const left = Math.round((fullWidth - outWidth) / 4) * 2;
  // Cases are chosen so that these are the offsets: an even half, or a half that is rounded to even.
  expect([top, left]).toEqual([cropOffset(fullHeight, outHeight), cropOffset(fullWidth, outWidth)]);
  const s = (camera: number, c: number, i: number): number => statistics[(camera * 3 + c) * 4 + i] as number;
  const [fittedRows, fittedColumns] = fitted(geometry);
  const rows = Array.from({ length: outHeight }, (_, r) => product(resizeRow(frame[0], fullHeight, r + top), fittedRows));
  const columns = Array.from({ length: outWidth }, (_, c) => product(resizeRow(frame[1], fullWidth, c + left), fittedColumns));
  const expected = mapOf(shape, (b, c, row, column) => {
    let sum = 0;
    (rows[row] as number[]).forEach((wr, y) => {
      if (wr === 0) return;
      (columns[column] as number[]).forEach((wc, x) => {
        if (wc !== 0) sum += wr * wc * (values[((b * 3 + c) * height + y) * width + x] as number);
      });
    });
    const value = format === 'f32-chw' ? sum : sum / 255;
    const camera = Math.floor(b / perCamera);
    return ((value - s(camera, c, 0)) / s(camera, c, 1)) * s(camera, c, 2) + s(camera, c, 3);
  });
  expectClose(readMap(results, 'y', shape), expected, { atol: 2e-6, rtol: 2e-6 }, format);
}

describe('frames', () => {
  it.each(FRAME_FORMATS)('%s: as they are, cropped, resized, and both', async (format) => {
    await check(format, { frame: [5, 7] }, 2, 2);
    await check(format, { frame: [11, 9], crop: [6, 6] }, 1, 3);
    await check(format, { frame: [13, 10], resize: [7, 6] }, 2, 1);
    await check(format, { frame: [12, 17], resize: [9, 12], crop: [5, 8] }, 3, 1);
  });

  it('enlarges as ordinary bilinear interpolation does', async () => {
    await check('u8-hwc3', { frame: [3, 4], resize: [7, 9] }, 1, 1);
  });

  it.each(['stretch', 'pad', 'crop'] as const)('of another size become ones of this size: %s', async (fit) => {
    await check('u8-hwc3', { frame: [6, 8], source: { height: 9, width: 5, fit } }, 1, 2);
    await check('f32-chw', { frame: [9, 9], source: { height: 4, width: 13, fit }, crop: [5, 5] }, 2, 1);
    await check('u8-chw', { frame: [12, 17], source: { height: 20, width: 11, fit }, resize: [9, 12], crop: [5, 8] }, 1, 1);
  });

  it('may be those of one camera among others, whose pictures arrive otherwise', async () => {
    const statistics = Float32Array.from({ length: 36 }, (_, i) => (i % 4 === 0 ? Math.floor(i / 12) : i % 4 === 3 ? 0 : 1));
    const shape = { batch: 6, channels: 3, height: 2, width: 1 };
    const results = await runOp(device(), async (op) => {
      const loader = op.loader({});
      const uploaded = await loader.uploader.uploadFloats('statistics', statistics);
      const y = outputMap(op, 'y', shape);
      for (const [camera, format] of (['u8-hwc3', 'f32-chw', 'u8-hwc4'] as const).entries()) {
        const words = encode(format, pictures(format, 2, [2, 1]).fill(format === 'f32-chw' ? 0.2 : 51), 2, [2, 1]);
        const buffer = op.buffer('inputs', words);
        const frames = { buffer, offset: 0, bytes: words.byteLength };
        const preparation = await loadFramePreparation(loader, { frame: [2, 1] });
        recordPrepareFrames(op.builder, preparation, { frames, format, statistics: uploaded, cameras: 3, y, first: 2 * camera, count: 2 });
      }
    });
    // Statistics take off the number of the camera.
    const expected = mapOf(shape, (b) => 0.2 - Math.floor(b / 2));
    expectClose(readMap(results, 'y', shape), expected, { atol: 1e-6, rtol: 0 }, 'cameras');
  });

  it('a crop begins at halves rounded to even', () => {
    expect([cropOffset(96, 84), cropOffset(97, 84), cropOffset(99, 84), cropOffset(98, 84), cropOffset(84, 84)]).toEqual([6, 6, 8, 7, 0]);
  });

  it('weights of a resize add up to 1, however far it shrinks', () => {
    for (const [from, to] of [
      [480, 96],
      [131, 12],
      [7, 7],
      [3, 10],
    ] as const) {
      const { taps, entries } = bandTable(resizeBands(from, to));
      for (let i = 0; i < to; i++) {
        const row = entries.subarray(i * (1 + taps) + 1, (i + 1) * (1 + taps));
        expect(row.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 6);
        expect(entries[i * (1 + taps)]).toBeLessThan(from);
      }
    }
  });

  it('a crop larger than the pictures, and frames of another size, are refused', async () => {
    await expect(
      runOp(device(), async (op) => void (await loadFramePreparation(op.loader({}), { frame: [4, 4], crop: [5, 3] }))),
    ).rejects.toThrow(/crop of 5×3 does not fit into pictures of 4×4/);
    const record = runOp(device(), async (op) => {
      const preparation = await loadFramePreparation(op.loader({}), { frame: [4, 4] });
      const buffer = op.buffer('inputs', new Uint32Array(8));
      const statistics = await op.loader({}).uploader.uploadFloats('statistics', new Float32Array(12));
      const y = outputMap(op, 'y', { batch: 1, channels: 3, height: 4, width: 4 });
      recordPrepareFrames(op.builder, preparation, {
        frames: { buffer, offset: 0, bytes: 32 },
        format: 'u8-hwc3',
        statistics,
        cameras: 1,
        y,
      });
    });
    await expect(record).rejects.toThrow(/1 frames of 1 cameras, 48 bytes each.*there are 32 bytes/);
  });
});
