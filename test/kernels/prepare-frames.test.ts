import { describe, expect, it } from 'vitest';
import { FRAME_FORMATS, type FrameFormat } from '../../kernels/image/prepare-frames.wgsl.js';
import {
  cropOffset,
  type FrameGeometry,
  frameBytes,
  loadFramePreparation,
  recordPrepareFrames,
  resizeTable,
} from '../../src/ops/frames.js';
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

async function check(format: FrameFormat, geometry: FrameGeometry, cameras: number, perCamera: number): Promise<void> {
  const { frame, resize, crop } = geometry;
  const [height, width] = frame;
  const count = cameras * perCamera;
  const values = pictures(format, count, frame);
  const statistics = Float32Array.from({ length: cameras * 12 }, (_, i) => 0.3 + ((i * 7) % 5) / 4);
  const [outHeight, outWidth] = crop ?? resize ?? frame;
  const shape = { batch: count, channels: 3, height: outHeight, width: outWidth };
  const results = await runOp(device(), async (op) => {
    const loader = op.loader({});
    const preparation = await loadFramePreparation(loader, geometry);
    const words = encode(format, values, count, frame);
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
  const rows = Array.from({ length: outHeight }, (_, r) => resizeRow(height, fullHeight, r + top));
  const columns = Array.from({ length: outWidth }, (_, c) => resizeRow(width, fullWidth, c + left));
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
      const { taps, entries } = resizeTable(from, to, 0, to);
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
