import { isTexture, TEXEL_BYTES } from './buffers.js';

/** A rectangle of a texture that holds successive texels: a part of one row, or whole rows. */
export interface TexelRun {
  /** Number of its first texel among those asked for. */
  readonly texel: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly rows: number;
}

/**
 * Texels `first` … `first + count − 1` of a texture with rows of `width`, where texel i is at (i mod width, ⌊i / width⌋), as rectangles: the end of
 * a row, whole rows, the beginning of one.
 */
export function texelRuns(width: number, first: number, count: number): TexelRun[] {
  const runs: TexelRun[] = [];
  for (let texel = 0; texel < count; ) {
    const x = (first + texel) % width;
    const left = count - texel;
    const rows = x === 0 ? Math.max(1, Math.floor(left / width)) : 1;
    const run = { texel, x, y: Math.floor((first + texel) / width), width: rows > 1 ? width : Math.min(width - x, left), rows };
    runs.push(run);
    texel += run.width * run.rows;
  }
  return runs;
}

/** Writes words from texel `first` of a texture on: whole texels. */
export function writeTexels(queue: GPUQueue, texture: GPUTexture, first: number, words: Uint32Array<ArrayBuffer>): void {
  const perTexel = TEXEL_BYTES / 4;
  for (const { texel, x, y, width, rows } of texelRuns(texture.width, first, words.length / perTexel)) {
    queue.writeTexture(
      { texture, origin: [x, y] },
      words.subarray(texel * perTexel, (texel + width * rows) * perTexel),
      { bytesPerRow: texture.width * TEXEL_BYTES, rowsPerImage: rows },
      [width, rows],
    );
  }
}

/** Encodes a copy of bytes of a buffer, or of a texture texel by texel, to a buffer. Of a texture all numbers are whole texels. */
export function copyBytes(
  encoder: GPUCommandEncoder,
  from: { readonly source: GPUBuffer | GPUTexture; readonly offset: number; readonly bytes: number },
  to: { readonly buffer: GPUBuffer; readonly offset: number },
): void {
  const { source, offset, bytes } = from;
  if (!isTexture(source)) {
    encoder.copyBufferToBuffer(source, offset, to.buffer, to.offset, bytes);
    return;
  }
  for (const { texel, x, y, width, rows } of texelRuns(source.width, offset / TEXEL_BYTES, bytes / TEXEL_BYTES)) {
    encoder.copyTextureToBuffer(
      { texture: source, origin: [x, y] },
      { buffer: to.buffer, offset: to.offset + texel * TEXEL_BYTES, bytesPerRow: source.width * TEXEL_BYTES, rowsPerImage: rows },
      [width, rows],
    );
  }
}
