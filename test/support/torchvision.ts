import { encoderTensorShapes } from '../../src/checkpoints/lerobot/encoder-tensors.js';
import type { ByteSource } from '../../src/checkpoints/source.js';
import type { Backbone } from '../../src/spec/network-shapes.js';

/** Tensors of a torchvision ResNet by its own names, classifier and counters included. */
export function torchvisionShapes(backbone: Backbone, norm: 'group' | 'batch' = 'batch'): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  for (const [name, shape] of encoderTensorShapes({ backbone, norm, keypoints: 32, encoders: 1, height: 32, width: 32 })) {
    const [, child, rest] = /^backbone\.(\d)\.(.*)$/.exec(name) ?? [];
    if (child === undefined) continue;
    const module = { 0: 'conv1', 1: 'bn1' }[child] ?? `layer${Number(child) - 3}`;
    shapes.set(`${module}.${rest}`, shape);
    if (name.endsWith('running_var')) shapes.set(`${module}.${rest}`.replace('running_var', 'num_batches_tracked'), []);
  }
  const features = ['resnet18', 'resnet34'].includes(backbone) ? 512 : 2048;
  return shapes.set('fc.weight', [1000, features]).set('fc.bias', [1000]);
}

/** A safetensors file of these tensors whose values are made when they are read: f32 at index i of the file's values; counters are I64 zeros. */
export function madeUpFile(
  name: string,
  shapes: ReadonlyMap<string, readonly number[]>,
  value: (i: number) => number = () => 0,
): ByteSource {
  const entries: Record<string, object> = {};
  let end = 0;
  for (const [tensor, shape] of shapes) {
    const [dtype, bytes] = shape.length === 0 ? ['I64', 8] : ['F32', 4];
    const begin = end;
    end += bytes * shape.reduce((product, size) => product * size, 1);
    entries[tensor] = { dtype, shape, data_offsets: [begin, end] };
  }
  let header = JSON.stringify(entries);
  header += ' '.repeat((8 - (header.length % 8)) % 8);
  const opening = new Uint8Array(8 + header.length);
  new DataView(opening.buffer).setBigUint64(0, BigInt(header.length), true);
  opening.set(new TextEncoder().encode(header), 8);
  return {
    name,
    size: opening.length + end,
    read: async (offset, into) => {
      if (offset < opening.length) into.set(opening.subarray(offset, offset + into.length));
      else {
        const first = (offset - opening.length) / 4;
        const values = new Float32Array(into.byteLength / 4);
        // 47 MB of a ResNet-18: a loop is ten times as fast as Float32Array.from.
        for (let i = 0; i < values.length; i++) values[i] = value(first + i);
        into.set(new Uint8Array(values.buffer));
      }
    },
  };
}
