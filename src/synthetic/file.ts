import { type ByteSource, checkRange } from '../checkpoints/source.js';
import { type Fill, fillValues } from './fill.js';

export interface SyntheticTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly fill: Fill;
}

/** Values made at a time: few enough to stay in a cache. */
const PIECE = 16_384;

/** A safetensors file of F32 tensors that exists nowhere: its bytes are made when they are read. */
export function syntheticFile(name: string, tensors: readonly SyntheticTensor[]): ByteSource {
  let position = 0;
  const placed = tensors.map((tensor) => {
    const begin = position;
    position += tensor.shape.reduce((product, size) => product * size, 1) * 4;
    return { ...tensor, begin, end: position };
  });
  const header = encodeHeader(placed);
  const size = header.byteLength + position;
  const piece = new Float32Array(PIECE);
  const pieceBytes = new Uint8Array(piece.buffer);

  return {
    name,
    size,
    read: async (offset, into) => {
      checkRange(name, size, offset, into.byteLength);
      const end = offset + into.byteLength;
      if (offset < header.byteLength) into.set(header.subarray(offset, Math.min(end, header.byteLength)));
      for (const tensor of placed) {
        const tensorBegin = header.byteLength + tensor.begin;
        const first = Math.max(offset, tensorBegin);
        const last = Math.min(end, header.byteLength + tensor.end);
        for (let at = first; at < last; ) {
          // A read may begin inside a value: whole values are made, and the bytes asked for are copied.
          const element = Math.floor((at - tensorBegin) / 4);
          const skipped = at - tensorBegin - element * 4;
          const count = Math.min(PIECE, Math.ceil((last - tensorBegin) / 4) - element);
          fillValues(tensor.fill, element, piece.subarray(0, count));
          const bytes = Math.min(count * 4 - skipped, last - at);
          into.set(pieceBytes.subarray(skipped, skipped + bytes), at - offset);
          at += bytes;
        }
      }
    },
  };
}

function encodeHeader(tensors: readonly (SyntheticTensor & { begin: number; end: number })[]): Uint8Array {
  const entries = tensors.map(({ name, shape, begin, end }) => [name, { dtype: 'F32', shape, data_offsets: [begin, end] }]);
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const padded = Math.ceil(json.byteLength / 8) * 8;
  const header = new Uint8Array(8 + padded).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(padded), true);
  header.set(json, 8);
  return header;
}
