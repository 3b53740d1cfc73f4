import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { decodePicture } from '../../src/datasets/pictures/decode-picture.js';
import { decodePng, encodePng } from '../../src/datasets/pictures/png.js';

const [HEIGHT, WIDTH] = [7, 5];

function noise(length: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length }, () => (state = (state * 48271) % 2147483647) >>> 8);
}

function chunk(type: string, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, body.length);
  bytes.set(new TextEncoder().encode(type), 4);
  bytes.set(body, 8);
  let crc = ~0;
  for (const byte of bytes.subarray(4, 8 + body.length)) {
    crc ^= byte;
    for (let k = 0; k < 8; k++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  view.setUint32(8 + body.length, ~crc);
  return bytes;
}

/** A PNG file whose lines have filters 0 … 4 in turn, by the formulas of the standard. */
function png(pixels: Uint8Array, samples: number, colour: number, palette?: Uint8Array): Uint8Array {
  const stride = WIDTH * samples;
  const at = (y: number, i: number): number => (y < 0 || i < 0 ? 0 : (pixels[y * stride + i] as number));
  const lines: number[] = [];
  for (let y = 0; y < HEIGHT; y++) {
    lines.push(y % 5);
    for (let i = 0; i < stride; i++) {
      const [a, b, c] = [at(y, i - samples), at(y - 1, i), i < samples ? 0 : at(y - 1, i - samples)];
      const p = a + b - c;
      const paeth =
        Math.abs(p - a) <= Math.abs(p - b) && Math.abs(p - a) <= Math.abs(p - c) ? a : Math.abs(p - b) <= Math.abs(p - c) ? b : c;
      lines.push((at(y, i) - ([0, a, b, Math.floor((a + b) / 2), paeth][y % 5] as number)) & 255);
    }
  }
  const header = new Uint8Array(13);
  new DataView(header.buffer).setUint32(0, WIDTH);
  new DataView(header.buffer).setUint32(4, HEIGHT);
  header.set([8, colour], 8);
  const data = new Uint8Array(deflateSync(Uint8Array.from(lines)));
  const half = data.length >> 1;
  const parts = [
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk('IHDR', header),
    chunk('tEXt', new TextEncoder().encode('a word')),
    ...(palette ? [chunk('PLTE', palette)] : []),
    chunk('IDAT', data.subarray(0, half)),
    chunk('IDAT', data.subarray(half)),
    chunk('IEND', new Uint8Array(0)),
  ];
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

const RGB = noise(HEIGHT * WIDTH * 3);

describe('a PNG picture', () => {
  it.each<[string, number, number, (value: Uint8Array) => number[]]>([
    ['RGB', 3, 2, ([r, g, b]) => [r, g, b] as number[]],
    ['RGB with alpha', 4, 6, ([r, g, b]) => [r, g, b] as number[]],
    ['grey', 1, 0, ([grey]) => [grey, grey, grey] as number[]],
    ['grey with alpha', 2, 4, ([grey]) => [grey, grey, grey] as number[]],
  ])('of %s is decoded, with every filter', async (_, samples, colour, expected) => {
    const pixels = noise(HEIGHT * WIDTH * samples);
    const { data, height, width } = await decodePng(png(pixels, samples, colour), 'picture');
    expect([height, width]).toEqual([HEIGHT, WIDTH]);
    expect([...data]).toEqual(
      Array.from({ length: HEIGHT * WIDTH }, (__, i) => expected(pixels.slice(i * samples, (i + 1) * samples))).flat(),
    );
  });

  it('of a palette is decoded', async () => {
    const pixels = noise(HEIGHT * WIDTH).map((value) => value % 4);
    const palette = noise(12);
    const { data } = await decodePng(png(pixels, 1, 3, palette), 'picture');
    expect([...data]).toEqual([...pixels].flatMap((index) => [...palette.slice(index * 3, index * 3 + 3)]));
    await expect(decodePng(png(pixels, 1, 3, palette.slice(0, 6)), 'picture')).rejects.toThrow('not in its palette');
  });

  it('is what was encoded', async () => {
    const picture = { data: RGB, height: HEIGHT, width: WIDTH };
    expect(await decodePng(await encodePng(picture), 'picture')).toEqual(picture);
  });

  it('that is damaged anywhere is an error, or the same picture', async () => {
    const bytes = png(RGB, 3, 2);
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice();
      changed[at] = (changed[at] as number) ^ 0x41;
      await expect(decodePng(changed, 'file, episode 3, frame 7')).rejects.toThrow(/^file, episode 3, frame 7: expected a PNG picture/);
      if (at % 16 === 0) await expect(decodePng(bytes.slice(0, at), 'picture')).rejects.toThrow('expected a PNG picture');
    }
  });
});

describe('a picture in a row', () => {
  it('of another format needs a decoder, and says so', async () => {
    const jpeg = Uint8Array.of(0xff, 0xd8, 0xff, 0xe0);
    await expect(decodePicture(jpeg, {}, 'episode 1, frame 2')).rejects.toThrow(
      'episode 1, frame 2: expected a decoder for JPEG pictures, found none',
    );
    await expect(decodePicture(Uint8Array.of(1, 2, 3), {}, 'x')).rejects.toThrow('expected a PNG or JPEG picture, found 3 other bytes');
    const codecs = { jpeg: () => Promise.reject(new Error('no end of image')) };
    await expect(decodePicture(jpeg, codecs, 'x')).rejects.toThrow('found a damaged one (no end of image)');
  });
});
