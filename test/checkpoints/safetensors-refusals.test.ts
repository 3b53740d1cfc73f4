import { describe, expect, it } from 'vitest';
import { SafetensorsFile } from '../../src/checkpoints/safetensors/safetensors.js';
import { memorySource } from '../../src/checkpoints/source.js';
import { CheckpointError } from '../../src/foundation/errors.js';
import { bounded } from '../support/bounded-source.js';
import { processorTime } from '../support/processor-time.js';

/** A file with any header text, true or not. */
function file(header: string | Uint8Array, dataBytes: number, length?: bigint): Uint8Array {
  const text = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

async function open(bytes: Uint8Array): Promise<SafetensorsFile> {
  return SafetensorsFile.open(bounded(await memorySource('memory', { 'm.safetensors': bytes }).open('m.safetensors')));
}

const tensor = (dtype: string, shape: string, offsets: string): string => `{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}`;
const f32 = (shape: string, offsets: string): string => tensor('F32', shape, offsets);

const REFUSED: readonly [what: string, bytes: Uint8Array, message: string][] = [
  ['an empty file', new Uint8Array(0), 'found 0 bytes'],
  ['a file of 7 bytes', new Uint8Array(7), 'fewer than the 8 of its header length'],
  ['a length of zero', file('', 0), 'found a length of 0'],
  ['a length beyond the file', file('{}', 0, 3n), 'expected a header of 2 to 2 bytes, found a length of 3'],
  ['the largest possible length', file('{}', 0, 2n ** 64n - 1n), 'found a length of 18446744073709551615'],
  ['a Git LFS pointer', new TextEncoder().encode('version https://git-lfs.github.com/spec/v1\noid sha256:0'), 'Git LFS pointer'],
  ['text that is not JSON', file('{"a":', 0), 'm.safetensors, header: expected JSON, found a syntax error'],
  ['bytes that are not UTF-8', file(Uint8Array.of(0x7b, 0xff, 0x7d), 0), 'bytes that are not UTF-8'],
  ['a byte order mark', file('\ufeff{}', 0), 'syntax error'],
  ['a list as header', file('[]', 0), 'expected a JSON object, found []'],
  ['null as header', file('null', 0), 'expected a JSON object, found null'],
  ['a repeated tensor', file(`{"a":${f32('[0]', '[0,0]')},"a":${f32('[0]', '[0,0]')}}`, 0), 'found "a" twice in one object'],
  ['a key repeated through an escape', file(`{"a":${f32('[0]', '[0,0]')},"\\u0061":${f32('[0]', '[0,0]')}}`, 0), 'found "a" twice'],
  ['a repeated key within a tensor', file('{"a":{"dtype":"F32","shape":[0],"shape":[0],"data_offsets":[0,0]}}', 0), 'found "shape" twice'],
  ['absurd nesting', file(`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 0), 'nested at most 32 levels'],
  [
    'a dtype that is no name of one',
    file(`{"a":${tensor('float8', '[1]', '[0,1]')}}`, 1),
    '"dtype" must be one of F64, F32, F16, BF16, I64, I32, U8, BOOL, found "float8"',
  ],
  [
    'a dtype that is not read, with another size than its own',
    file(`{"a":${tensor('F8_E4M3', '[2]', '[0,1]')}}`, 1),
    'expected 1 bytes for each element of F8_E4M3 [2], found 1 bytes in all',
  ],
  [
    'a longer header than any policy has',
    file(`{}${' '.repeat(1024 * 1024)}`, 0),
    'expected a header of at most 1048576 bytes, found 1048578',
  ],
  ['a longer name than any policy has', file(`{"${'a'.repeat(1025)}":${f32('[0]', '[0,0]')}}`, 0), 'names of at most 1024 characters'],
  [
    'NaN as a size',
    file(`{"a":${f32('[NaN]', '[0,4]')}}`, 4),
    '"shape" must be a list of integers from 0 to 9007199254740991, found [NaN]',
  ],
  ['a dtype from the prototype', file(`{"a":${tensor('constructor', '[1]', '[0,1]')}}`, 1), 'found "constructor"'],
  ['a missing dtype', file('{"a":{"shape":[1],"data_offsets":[0,4]}}', 4), '"dtype" must be one of'],
  ['a missing shape', file('{"a":{"dtype":"F32","data_offsets":[0,4]}}', 4), '"shape" must be a list of integers'],
  ['missing offsets', file('{"a":{"dtype":"F32","shape":[1]}}', 4), '"data_offsets" must be a list of integers'],
  ['an unknown key', file('{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0],"stride":1}}', 0), 'found "stride" too'],
  ['a tensor that is null', file('{"a":null}', 0), 'tensor "a": expected a JSON object, found null'],
  ['a negative size', file(`{"a":${f32('[-1]', '[0,4]')}}`, 4), '"shape" must be a list of integers from 0'],
  ['a fractional size', file(`{"a":${f32('[1.5]', '[0,4]')}}`, 4), '"shape" must be'],
  ['a size as text', file(`{"a":${f32('["1"]', '[0,4]')}}`, 4), '"shape" must be'],
  ['a shape whose product overflows', file(`{"a":${f32('[4294967296,4294967296]', '[0,0]')}}`, 0), 'found 0 bytes in all'],
  [
    'a shape whose product overflows to infinity',
    file(
      `{"a":${f32(
        `[${Array(30)
          .fill(2 ** 52)
          .join()}]`,
        '[0,4]',
      )}}`,
      4,
    ),
    'found 4 bytes in all',
  ],
  [
    'a shape larger than its bytes',
    file(`{"a":${f32('[2]', '[0,4]')}}`, 4),
    'expected 4 bytes for each element of F32 [2], found 4 bytes in all',
  ],
  ['a negative offset', file(`{"a":${f32('[1]', '[-4,0]')}}`, 4), '"data_offsets" must be a list of integers from 0'],
  ['a fractional offset', file(`{"a":${f32('[1]', '[0.5,4.5]')}}`, 8), '"data_offsets" must be'],
  ['an offset of 1e308', file(`{"a":${f32('[1]', '[0,1e308]')}}`, 4), '"data_offsets" must be'],
  [
    'offsets in reverse',
    file(`{"a":${f32('[1]', '[4,0]')}}`, 4),
    'expected data_offsets [begin, end] within the 4 bytes of data, found [4,0]',
  ],
  ['three offsets', file(`{"a":${f32('[1]', '[0,4,4]')}}`, 4), 'found [0,4,4]'],
  ['an overrun', file(`{"a":${f32('[2]', '[0,8]')}}`, 4), 'truncated or damaged'],
  [
    'an overlap',
    file(`{"a":${f32('[2]', '[0,8]')},"b":${f32('[1]', '[4,8]')}}`, 8),
    'tensor "b" overlaps tensor "a": expected it at offset 8 of the data, found 4',
  ],
  ['two tensors on the same bytes', file(`{"a":${f32('[1]', '[0,4]')},"b":${f32('[1]', '[0,4]')}}`, 4), 'tensor "b" overlaps tensor "a"'],
  ['a hole', file(`{"a":${f32('[1]', '[0,4]')},"b":${f32('[1]', '[8,12]')}}`, 12), 'tensor "b" leaves a hole after tensor "a"'],
  ['a hole at the start', file(`{"a":${f32('[1]', '[4,8]')}}`, 8), 'leaves a hole after the header'],
  ['bytes after the last tensor', file(`{"a":${f32('[1]', '[0,4]')}}`, 5), 'expected the file to end after tensor "a"'],
  ['metadata that is not text', file('{"__metadata__":{"step":1}}', 0), '"step" must be a string, found 1'],
  ['metadata that is a list', file('{"__metadata__":[]}', 0), '"__metadata__": expected a JSON object'],
];

describe('a safetensors reader refuses', () => {
  it.each(REFUSED)('%s', async (_what, bytes, message) => {
    const error = await open(bytes).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(CheckpointError);
    expect((error as Error).message).toContain(message);
    expect((error as Error).message).toContain('m.safetensors');
  });

  it('nothing about a header with spaces behind it, or tensors in any order', async () => {
    const read = await open(file(`{"b":${f32('[1]', '[4,8]')},"a":${f32('[1]', '[0,4]')}}   `, 8));
    expect([...read.tensors.keys()]).toEqual(['b', 'a']);
  });

  it.each(['U32', 'U64', 'F8_E5M2', 'I8', 'F4', 'Q3_K'])('nothing about a tensor of %s, until it is read', async (dtype) => {
    const bytes: Record<string, number> = { U32: 8, U64: 16, F8_E5M2: 2, I8: 2, F4: 1, Q3_K: 5 };
    const size = bytes[dtype] as number;
    const read = await open(file(`{"a":${tensor(dtype, '[2]', `[0,${size}]`)},"b":${f32('[1]', `[${size},${size + 4}]`)}}`, size + 4));
    expect(read.tensors.get('a')).toMatchObject({ dtype, shape: [2] });
    expect([...(await read.readFloats('b'))]).toEqual([0]);
    await expect(read.readFloats('a')).rejects.toThrow(
      `m.safetensors, tensor "a": expected one of F64, F32, F16, BF16, I64, I32, U8, BOOL, found ${dtype}. Export this tensor as F32.`,
    );
  });
});

describe('a header', () => {
  const many = (count: number, entry: (i: number) => string, start = '{', end = '}'): string =>
    `${start}${Array.from({ length: count }, (_, i) => entry(i)).join()}${end}`;
  const empty = f32('[0]', '[0,0]');
  const usedBytes = (): number => {
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };

  it.each([
    ['as many tensors as there may be', many(4999, (i) => `"t${i}":${empty}`)],
    ['as long names as there may be', many(900, (i) => `"${i}${'n'.repeat(1000)}":${empty}`)],
    ['as many notes as there may be', many(19_990, (i) => `"k${i}":"v"`, '{"__metadata__":{', '}}')],
    ['a note as long as it may be', `{"__metadata__":{"note":"${'x'.repeat(1_000_000)}"}}`],
    ['as many axes as there may be', `{"t":{"dtype":"F32","shape":[${'0,'.repeat(49_990)}0],"data_offsets":[0,0]}}`],
  ])('with %s is read at once, within 4 times its size and 20 MiB', async (_, header) => {
    const bytes = file(header, 0);
    const before = usedBytes();
    const spent = processorTime();
    await open(bytes);
    const [ms, used] = [spent(), usedBytes() - before];
    expect(ms).toBeLessThan(1000);
    expect(used).toBeLessThan(4 * bytes.length + (20 << 20));
  });

  it.each([
    ['23 MB of empty tensors', 23_000_000, 'expected a header of at most 1048576 bytes, found 23000008'],
    ['99 MB', 99_000_000, 'expected a header of at most 1048576 bytes, found 99000008'],
  ])('of %s is refused at once, before it is read', async (_, size, message) => {
    const prefix = new Uint8Array(8);
    new DataView(prefix.buffer).setBigUint64(0, BigInt(size + 8), true);
    const reads: number[] = [];
    const source = {
      name: 'm.safetensors',
      size: size + 16,
      read: async (offset: number, into: Uint8Array) => {
        reads.push(into.byteLength);
        into.set(prefix.subarray(offset, offset + into.byteLength));
      },
    };
    await expect(SafetensorsFile.open(source)).rejects.toThrow(message);
    expect(reads).toEqual([8]);
  });

  it.each([
    ['more tensors than there may be', many(5001, (i) => `"t${i}":${empty}`), 'at most 20000 keys in a file, found more'],
    ['more notes than there may be', many(20_001, (i) => `"k${i}":"v"`, '{"__metadata__":{', '}}'), 'at most 20000 keys in a file'],
  ])('with %s is refused', async (_, header, message) => {
    await expect(open(file(header, 0))).rejects.toThrow(message);
  });
});
