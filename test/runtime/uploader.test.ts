import { describe, expect, it } from 'vitest';
import { type Kernel, WORDS_TEXTURE } from '../../kernels/lib/kernel.js';
import { DeviceLimitError } from '../../src/foundation/errors.js';
import { createTexture } from '../../src/runtime/buffers.js';
import { type FillPart, Uploader } from '../../src/runtime/uploader.js';
import { useOwnTestDevice } from '../support/device.js';
import { runOp } from '../support/run-op.js';

const WORDS_PER_TEXEL = 4;

/** texels[i] = texel i of a texture, as the kernels of weight-storage.wgsl.ts find it. */
function readTexels(width: number, texels: number): Kernel {
  return {
    label: 'read texels',
    bindings: [
      { name: 'weight', access: 'texture', type: WORDS_TEXTURE },
      { name: 'texels', access: 'read_write', type: 'array<vec4u>' },
    ],
    code: `@group(0) @binding(0) var weight: ${WORDS_TEXTURE};
      @group(0) @binding(1) var<storage, read_write> texels: array<vec4u>;
      @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
        if (id.x < ${texels}u) { texels[id.x] = textureLoad(weight, vec2u(id.x % ${width}u, id.x / ${width}u)); }
      }`,
  };
}

const word = (index: number): number => Math.imul(index + 1, 0x9e3779b1) >>> 0;

describe('upload', () => {
  const device = useOwnTestDevice();

  /** Uploads that many texels and reads them back; also the texel at which each part begins. */
  async function roundTrip(width: number, texels: number, granularity: number): Promise<{ found: Uint32Array; begins: number[] }> {
    const begins: number[] = [];
    const fill: FillPart = (words, first) => {
      begins.push(first / WORDS_PER_TEXEL);
      for (let i = 0; i < words.length; i++) words[i] = word(first + i);
    };
    const results = await runOp(device(), async ({ builder, loader, buffer, readWords }) => {
      const texture = await loader({}).uploader.uploadTexture('texture', width, texels * WORDS_PER_TEXEL, fill, granularity);
      const target = buffer('texels', new Uint32Array(texels * WORDS_PER_TEXEL));
      builder.dispatch(
        readTexels(width, texels),
        [{ buffer: builder.existing(texture) }, { buffer: target }],
        [Math.ceil(texels / 64), 1, 1],
      );
      readWords('texels', target);
    });
    return { found: results.words('texels'), begins };
  }

  // The staging array holds 262,144 texels.
  it.each([
    { what: 'less than a row', width: 8, texels: 5, granularity: 4, parts: [0] },
    { what: 'whole rows', width: 8, texels: 24, granularity: 8, parts: [0] },
    { what: 'whole rows and the beginning of one', width: 8, texels: 27, granularity: 4, parts: [0] },
    { what: 'parts that end with a row', width: 1024, texels: 262_144 + 1500, granularity: 4, parts: [0, 262_144] },
    { what: 'a part within one row', width: 1000, texels: 262_143 + 7, granularity: 12, parts: [0, 262_143] },
    { what: 'a part that ends with the row it begins in', width: 1000, texels: 263_000, granularity: 12, parts: [0, 262_143] },
    { what: 'a part from inside one row into the next', width: 1000, texels: 263_001, granularity: 12, parts: [0, 262_143] },
    {
      what: 'parts over many rows that begin and end inside rows',
      width: 1000,
      texels: 560_123,
      granularity: 12,
      parts: [0, 262_143, 524_286],
    },
    { what: 'a part larger than the staging array', width: 8192, texels: 300_001, granularity: 300_001 * 4, parts: [0] },
  ])('fills a texture: $what', async ({ width, texels, granularity, parts }) => {
    const { found, begins } = await roundTrip(width, texels, granularity);
    expect(begins).toEqual(parts);
    expect(found).toHaveLength(texels * WORDS_PER_TEXEL);
    expect(
      found.findIndex((value, i) => value !== word(i)),
      'first wrong word',
    ).toBe(-1);
  });

  it('counts the bytes that lie on the device: buffers, and textures with the rest of their last row', async () => {
    const uploader = new Uploader(device());
    const none: FillPart = (words) => words.fill(0);
    await uploader.upload('buffer', 100, none);
    expect(uploader.bytes).toBe(400);
    await uploader.uploadTexture('texture', 8, 9 * WORDS_PER_TEXEL, none);
    expect(uploader.bytes).toBe(400 + 16 * 16);
    uploader.destroy();
  });

  it('refuses textures beyond the limits of the device, and names the limit', async () => {
    const limit = device().limits.maxTextureDimension2D;
    const high = createTexture(device(), 'weights', 1, limit + 1);
    await expect(high).rejects.toThrow(DeviceLimitError);
    await expect(high).rejects.toThrow(`"weights" needs 1 × ${limit + 1} texels, the limit maxTextureDimension2D`);
    await expect(createTexture(device(), 'weights', limit + 1, 1)).rejects.toThrow(DeviceLimitError);
    device().assertUsable();
  });
});
