import { describe, expect, it } from 'vitest';
import { type Dtype, encodeSafetensors, SafetensorsFile, type WritableTensor } from '../../src/checkpoints/safetensors/safetensors.js';
import { type ByteSource, blobSource, memorySource } from '../../src/checkpoints/source.js';
import { CheckpointError, OptionError } from '../../src/foundation/errors.js';

async function open(tensors: readonly WritableTensor[], metadata?: Record<string, string>): Promise<SafetensorsFile> {
  return openBytes(encodeSafetensors(tensors, metadata));
}

async function openBytes(bytes: Uint8Array): Promise<SafetensorsFile> {
  return SafetensorsFile.open(await memorySource('memory', { 'file.safetensors': bytes }).open('file.safetensors'));
}

const EVERY_DTYPE: readonly { tensor: WritableTensor; floats: number[] }[] = [
  { tensor: { name: 'f64', dtype: 'F64', shape: [2], data: [0.1, -1e-300] }, floats: [Math.fround(0.1), -0] },
  {
    tensor: { name: 'f32', dtype: 'F32', shape: [3], data: Float32Array.of(1.5, -0.1, 3e38) },
    floats: [1.5, Math.fround(-0.1), Math.fround(3e38)],
  },
  { tensor: { name: 'f16', dtype: 'F16', shape: [1, 3], data: [0.5, 2 ** -24, 65504] }, floats: [0.5, 2 ** -24, 65504] },
  { tensor: { name: 'bf16', dtype: 'BF16', shape: [3, 1], data: [1, -2.5, 2 ** 100] }, floats: [1, -2.5, 2 ** 100] },
  { tensor: { name: 'i64', dtype: 'I64', shape: [2], data: [-7n, 2n ** 40n] }, floats: [-7, 2 ** 40] },
  { tensor: { name: 'i32', dtype: 'I32', shape: [2], data: [-(2 ** 31), 12] }, floats: [-(2 ** 31), 12] },
  { tensor: { name: 'u8', dtype: 'U8', shape: [3], data: [0, 128, 255] }, floats: [0, 128, 255] },
  { tensor: { name: 'bool', dtype: 'BOOL', shape: [2], data: [1, 0] }, floats: [1, 0] },
];

describe('safetensors', () => {
  it.each(EVERY_DTYPE)('writes and reads $tensor.dtype', async ({ tensor, floats }) => {
    const file = await open([tensor]);
    expect(file.tensors.get(tensor.name)).toMatchObject({ dtype: tensor.dtype, shape: tensor.shape });
    expect([...(await file.readFloats(tensor.name))]).toEqual(floats);
  });

  it('reads integers of every integer dtype, and refuses floats as integers', async () => {
    const file = await open(EVERY_DTYPE.map(({ tensor }) => tensor));
    for (const { tensor, floats } of EVERY_DTYPE) {
      const read = file.readIntegers(tensor.name);
      if (/^(I64|I32|U8|BOOL)$/.test(tensor.dtype)) expect(await read).toEqual(floats);
      else await expect(read).rejects.toThrow(`tensor "${tensor.name}": expected at most 1048576 integers`);
    }
  });

  it('takes raw bytes, scalars, empty tensors, odd names and metadata', async () => {
    const file = await open(
      [
        { name: 'scalar', dtype: 'F32', shape: [], data: [4] },
        { name: '_dummy_variable', dtype: 'F32', shape: [0], data: [] },
        { name: '__proto__', dtype: 'U8', shape: [2], data: Uint8Array.of(1, 2) },
        { name: 'raw', dtype: 'F16', shape: [1], data: Uint8Array.of(0, 0x3c) },
      ],
      { format: 'pt' },
    );
    expect(file.metadata.get('format')).toBe('pt');
    expect([...(await file.readFloats('scalar'))]).toEqual([4]);
    expect([...(await file.readFloats('_dummy_variable'))]).toEqual([]);
    expect(await file.readIntegers('__proto__')).toEqual([1, 2]);
    expect([...(await file.readFloats('raw'))]).toEqual([1]);
  });

  it('writes the same bytes for any order of tensors, and aligns every tensor to its element', async () => {
    const tensors = EVERY_DTYPE.map(({ tensor }) => tensor);
    const bytes = encodeSafetensors(tensors);
    expect(encodeSafetensors([...tensors].reverse())).toEqual(bytes);
    const size = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, U8: 1, BOOL: 1 };
    const file = await openBytes(bytes);
    for (const info of file.tensors.values()) expect(info.begin % size[info.dtype as Dtype]).toBe(0);
  });

  it('refuses to write what would not read back', () => {
    const tensor: WritableTensor = { name: 'a', dtype: 'F16', shape: [1], data: [1] };
    expect(() => encodeSafetensors([tensor, tensor])).toThrow(OptionError);
    expect(() => encodeSafetensors([{ ...tensor, name: '__metadata__' }])).toThrow('reserved or used twice');
    expect(() => encodeSafetensors([{ ...tensor, shape: [2] }])).toThrow('expected 2 values of F16 for shape [2], found 1');
    expect(() => encodeSafetensors([{ ...tensor, data: [65520] }])).toThrow('65520 does not fit f16');
    expect(() => encodeSafetensors([{ ...tensor, dtype: 'U8', data: [256] }])).toThrow('integers from 0 to 255, found 256');
    expect(() => encodeSafetensors([{ ...tensor, dtype: 'I64', data: [0.5] }])).toThrow('found 0.5');
  });

  it.each(['F64', 'F32', 'F16', 'BF16'] as const)('refuses NaN and infinity in %s by tensor name', async (dtype) => {
    const file = await open([
      { name: 'weight', dtype, shape: [3], data: [1, NaN, 2] },
      { name: 'bias', dtype, shape: [2], data: [0, -Infinity] },
    ]);
    await expect(file.readFloats('weight')).rejects.toThrow(
      'tensor "weight": expected finite values that f32 can hold, found NaN at index 1',
    );
    await expect(file.readFloats('bias')).rejects.toThrow('tensor "bias"');
  });

  it('refuses an F64 value beyond the range of f32', async () => {
    const file = await open([{ name: 'wide', dtype: 'F64', shape: [1], data: [1e39] }]);
    await expect(file.readFloats('wide')).rejects.toThrow(CheckpointError);
  });

  it.each(['F32', 'F16', 'F64'] as const)('reads %s tensors larger than one chunk in pieces of at most 4 MiB', async (dtype) => {
    const count = 2_500_001;
    const values = Float32Array.from({ length: count }, (_, i) => (i % 2039) / 8);
    const bytes = encodeSafetensors([{ name: 'large', dtype, shape: [count], data: values }]);
    const inner = await memorySource('memory', { file: bytes }).open('file');
    const lengths: number[] = [];
    const source: ByteSource = {
      ...inner,
      read: (offset, into) => {
        lengths.push(into.byteLength);
        return inner.read(offset, into);
      },
    };
    const read = await (await SafetensorsFile.open(source)).readFloats('large');
    expect(read.length).toBe(count);
    expect(read.every((value, i) => value === values[i])).toBe(true);
    expect(Math.max(...lengths)).toBe(4 * 1024 * 1024);
  });

  it('runs reads one after the other on one scratch buffer', async () => {
    const inner = await memorySource('memory', {
      file: encodeSafetensors([
        { name: 'a', dtype: 'F32', shape: [2], data: [1, 2] },
        { name: 'b', dtype: 'F32', shape: [1], data: [3] },
      ]),
    }).open('file');
    let underWay = 0;
    const source: ByteSource = {
      ...inner,
      read: async (offset, into) => {
        underWay++;
        expect(underWay).toBe(1);
        await new Promise((resolve) => setTimeout(resolve, 1));
        await inner.read(offset, into);
        underWay--;
      },
    };
    const file = await SafetensorsFile.open(source);
    const [missing, a, b] = await Promise.allSettled([file.readFloats('none'), file.readFloats('a'), file.readFloats('b')]);
    expect(missing.status).toBe('rejected');
    if (a.status === 'rejected' || b.status === 'rejected') throw new Error('a read failed');
    expect(b.value.buffer).toBe(a.value.buffer);
    expect([...a.value]).toEqual([3, 2]);
  });

  it('reads blobs as a browser gives them', async () => {
    const bytes = encodeSafetensors([{ name: 'a', dtype: 'F16', shape: [2], data: [1, -2] }]);
    const source = blobSource('picked', [new File([new Uint8Array(bytes)], 'm.safetensors')]);
    expect(await source.list()).toEqual(['m.safetensors']);
    const bytesSource = await source.open('m.safetensors');
    expect([...(await (await SafetensorsFile.open(bytesSource)).readFloats('a'))]).toEqual([1, -2]);
    await expect(bytesSource.read(bytesSource.size - 1, new Uint8Array(2))).rejects.toThrow('It is truncated');
    await expect(source.open('other')).rejects.toThrow('picked: expected a file "other", found "m.safetensors"');
  });
});
