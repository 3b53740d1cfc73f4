import { DatasetError } from '../../foundation/errors.js';
import { joined } from '../../foundation/joined.js';
import type { PictureData } from '../dataset.js';

/**
 * PNG (ISO/IEC 15948), read and written with the runtime's zlib (`DecompressionStream`): a process per picture, as ffmpeg would need,
 * takes fifty times as long. Read: 8 bits per sample, grey, RGB, palette, with or without alpha (which is dropped), not interlaced: what
 * LeRobot and PIL write. Written: RGB.
 */

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** Samples of a pixel by colour type. */
const SAMPLES: ReadonlyMap<number, number> = new Map([
  [0, 1],
  [2, 3],
  [3, 1],
  [4, 2],
  [6, 4],
]);
const PALETTE = 3;
const MOST_SIDE = 16_384;

export function isPng(bytes: Uint8Array): boolean {
  return SIGNATURE.every((byte, i) => bytes[i] === byte);
}

interface Header {
  readonly width: number;
  readonly height: number;
  readonly colour: number;
  readonly samples: number;
}

/** @throws DatasetError; `where` begins its message. */
export async function decodePng(bytes: Uint8Array, where: string): Promise<PictureData> {
  const fail = (found: string): never => {
    throw new DatasetError(`${where}: expected a PNG picture of 8 bits per sample, found ${found}. Record the frame again.`);
  };
  if (!isPng(bytes)) fail('other bytes');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let header: Header | undefined;
  let palette: Uint8Array | undefined;
  const parts: Uint8Array[] = [];
  let isComplete = false;
  for (let at = SIGNATURE.length; at + 12 <= bytes.length && !isComplete; ) {
    const length = view.getUint32(at);
    const end = at + 8 + length;
    if (end + 4 > bytes.length) fail('a chunk that is cut off');
    const body = bytes.subarray(at + 8, end);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (crc32(bytes.subarray(at + 4, end)) !== view.getUint32(end)) fail(`a chunk ${JSON.stringify(type)} whose checksum is wrong`);
    if (type === 'IHDR') header = headerOf(body, fail);
    else if (type === 'PLTE') palette = body;
    else if (type === 'IDAT') parts.push(body);
    else if (type === 'IEND') isComplete = true;
    at = end + 4;
  }
  if (header === undefined || !isComplete) return fail('one that is cut off');
  const { width, height, samples, colour } = header;
  const stride = width * samples;
  const raw = await inflate(parts, height * (stride + 1)).catch((error: unknown) => fail(`damaged pixels (${(error as Error).message})`));
  unfilter(raw, height, stride, samples, fail);
  const data = new Uint8Array(height * width * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = y * (stride + 1) + 1 + x * samples;
      const to = (y * width + x) * 3;
      const first = raw[from] as number;
      for (let c = 0; c < 3; c++) {
        if (colour === PALETTE) {
          const entry = palette?.[first * 3 + c];
          data[to + c] = entry ?? fail('a colour that is not in its palette');
        } else data[to + c] = samples < 3 ? first : (raw[from + c] as number);
      }
    }
  }
  return { data, height, width };
}

function headerOf(body: Uint8Array, fail: (found: string) => never): Header {
  if (body.length !== 13) fail('a header of another length');
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, colour, , , interlace] = body.subarray(8);
  const samples = SAMPLES.get(colour as number);
  if (depth !== 8 || samples === undefined) fail(`${depth} bits per sample, colour type ${colour}`);
  if (interlace !== 0) fail('an interlaced one');
  if (!(width > 0 && height > 0 && width <= MOST_SIDE && height <= MOST_SIDE)) fail(`${height} × ${width} pixels`);
  return { width, height, colour: colour as number, samples: samples as number };
}

/** Undoes the filters of all lines in place; every line begins with the number of its filter. */
function unfilter(raw: Uint8Array, height: number, stride: number, samples: number, fail: (found: string) => never): void {
  for (let y = 0; y < height; y++) {
    const line = y * (stride + 1) + 1;
    const above = line - (stride + 1);
    const filter = raw[line - 1] as number;
    if (filter > 4) fail(`a line with filter ${filter}`);
    for (let i = 0; i < stride; i++) {
      const left = i < samples ? 0 : (raw[line + i - samples] as number);
      const up = y === 0 ? 0 : (raw[above + i] as number);
      const corner = i < samples || y === 0 ? 0 : (raw[above + i - samples] as number);
      raw[line + i] = (raw[line + i] as number) + predicted(filter, left, up, corner);
    }
  }
}

function predicted(filter: number, left: number, up: number, corner: number): number {
  switch (filter) {
    case 1:
      return left;
    case 2:
      return up;
    case 3:
      return (left + up) >> 1;
    case 4: {
      const estimate = left + up - corner;
      const [a, b, c] = [Math.abs(estimate - left), Math.abs(estimate - up), Math.abs(estimate - corner)];
      return a <= b && a <= c ? left : b <= c ? up : corner;
    }
    default:
      return 0;
  }
}

/** An RGB picture as a PNG file, lines unfiltered. */
export async function encodePng({ data, height, width }: PictureData): Promise<Uint8Array<ArrayBuffer>> {
  const stride = width * 3;
  const raw = new Uint8Array(height * (stride + 1));
  for (let y = 0; y < height; y++) {
    // Differences to the pixel on the left: what compresses well on pictures of cameras, at little cost.
    const line = y * (stride + 1);
    raw[line] = 1;
    for (let i = 0; i < stride; i++) {
      raw[line + 1 + i] = (data[y * stride + i] as number) - (i < 3 ? 0 : (data[y * stride + i - 3] as number));
    }
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, 2, 0, 0, 0], 8);
  const pixels = await piped(new CompressionStream('deflate'), [raw], Infinity);
  const chunks = [chunk('IHDR', header), chunk('IDAT', pixels), chunk('IEND', new Uint8Array(0))];
  return joined([Uint8Array.from(SIGNATURE), ...chunks]);
}

function chunk(type: string, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, body.length);
  bytes.set(new TextEncoder().encode(type), 4);
  bytes.set(body, 8);
  view.setUint32(8 + body.length, crc32(bytes.subarray(4, 8 + body.length)));
  return bytes;
}

async function inflate(parts: readonly Uint8Array[], length: number): Promise<Uint8Array> {
  const bytes = await piped(new DecompressionStream('deflate'), parts, length);
  if (bytes.length !== length) throw new Error(`${bytes.length} bytes instead of ${length}`);
  return bytes;
}

/** What streams of web and Node have in common, of bytes. */
interface ByteTransform {
  readonly readable: { getReader(): { read(): Promise<{ done: boolean; value?: Uint8Array }> } };
  readonly writable: {
    getWriter(): { write(part: Uint8Array): Promise<void>; close(): Promise<void>; abort(reason?: unknown): Promise<void> };
  };
}

/** Parts through a stream; ends with an error as soon as more than `most` bytes come out. */
async function piped(transform: unknown, parts: readonly Uint8Array[], most: number): Promise<Uint8Array> {
  const { readable, writable } = transform as ByteTransform;
  const writer = writable.getWriter();
  const ignored = (): void => {};
  for (const part of parts) writer.write(part).catch(ignored);
  writer.close().catch(ignored);
  const reader = readable.getReader();
  const out: Uint8Array[] = [];
  let length = 0;
  while (true) {
    const { done, value } = await reader.read();
    if (done || value === undefined) return joined(out);
    out.push(value);
    length += value.length;
    if (length > most) {
      await writer.abort().catch(ignored);
      throw new Error(`more than ${most} bytes`);
    }
  }
}

const CRC_TABLE = /* @__PURE__ */ Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

function crc32(bytes: Uint8Array): number {
  let c = 0xffffffff;
  for (const byte of bytes) c = (CRC_TABLE[(c ^ byte) & 0xff] as number) ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}
