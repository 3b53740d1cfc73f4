import { describe, expect, it } from 'vitest';
import { WarmstepError } from '../../src/foundation/errors.js';
import { MessageError } from '../../src/server/errors.js';
import { readPickle } from '../../src/server/lerobot/pickle-read.js';
import { PickledRecord, PickledTuple } from '../../src/server/lerobot/pickle-values.js';
import { writeActions } from '../../src/server/lerobot/pickle-write.js';
import { readProto, writeProtoBytes } from '../../src/server/lerobot/protobuf.js';
import { resizeBytes } from '../../src/server/lerobot/resize.js';
import { NdArray } from '../../src/server/nd-array.js';
import { changed, randomNumbers } from '../support/changed-messages.js';
import { HELPERS, PyBytes, pickledInstructions, pickledObservation, unpickledActions } from '../support/pickles.js';

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Written by Python's pickle, of classes with LeRobot's names and fields. */
const RECORDED = {
  numbers:
    '800495ac000000000000008c1f6c65726f626f742e6173796e635f696e666572656e63652e68656c70657273948c1054696d65644f62736572766174696f6e9493942981947d94' +
    '288c0974696d657374616d7094473ff80000000000008c0874696d6573746570944b038c0b6f62736572766174696f6e947d94288c05612e706f7394473ff00000000000008c' +
    '05622e706f739447c0040000000000008c047461736b948c017894758c076d7573745f676f948875622e',
  // NumPy scalars f4 and f8, and a picture; protocols 4 and 5 of Python 3.11 with NumPy 1.24.
  arrays4:
    '800495b2010000000000008c1f6c65726f626f742e6173796e635f696e666572656e63652e68656c70657273948c1054696d65644f62736572766174696f6e9493942981947d94288c' +
    '0974696d657374616d7094473ff80000000000008c0874696d6573746570944b038c0b6f62736572766174696f6e947d94288c05612e706f73948c156e756d70792e636f72652e6d75' +
    '6c74696172726179948c067363616c61729493948c056e756d7079948c0564747970659493948c02663494898887945294284b038c013c944e4e4e4affffffff4affffffff4b007494' +
    '6243040000803f94869452948c05622e706f7394680c680f8c02663894898887945294284b0368134e4e4e4affffffff4affffffff4b00749462430800000000000004c09486945294' +
    '8c0566726f6e7494680a8c0c5f7265636f6e737472756374949394680d8c076e6461727261799493944b0085944301629487945294284b014b024b034b038794680f8c02753194898887' +
    '945294284b038c017c944e4e4e4affffffff4affffffff4b00749462894312000102030405060708090a0b0c0d0e0f1011947494628c047461736b948c017894758c076d7573745f67' +
    '6f948975622e',
  arrays5:
    '800595b3010000000000008c1f6c65726f626f742e6173796e635f696e666572656e63652e68656c70657273948c1054696d65644f62736572766174696f6e9493942981947d94288c' +
    '0974696d657374616d7094473ff80000000000008c0874696d6573746570944b038c0b6f62736572766174696f6e947d94288c05612e706f73948c156e756d70792e636f72652e6d75' +
    '6c74696172726179948c067363616c61729493948c056e756d7079948c0564747970659493948c02663494898887945294284b038c013c944e4e4e4affffffff4affffffff4b007494' +
    '6243040000803f94869452948c05622e706f7394680c680f8c02663894898887945294284b0368134e4e4e4affffffff4affffffff4b00749462430800000000000004c09486945294' +
    '8c0566726f6e74948c126e756d70792e636f72652e6e756d65726963948c0b5f66726f6d62756666657294939428961200000000000000000102030405060708090a0b0c0d0e0f1011' +
    '94680f8c02753194898887945294284b038c017c944e4e4e4affffffff4affffffff4b007494624b024b034b0387948c014394749452948c047461736b948c017894758c076d757374' +
    '5f676f948975622e',
  // The same picture, but the bytes run through the first index fastest.
  fortran5:
    '80059520010000000000008c1f6c65726f626f742e6173796e635f696e666572656e63652e68656c70657273948c1054696d65644f62736572766174696f6e9493942981947d94288c' +
    '0974696d657374616d7094473ff80000000000008c0874696d6573746570944b038c0b6f62736572766174696f6e947d94288c05612e706f7394473ff00000000000008c0566726f6e' +
    '74948c126e756d70792e636f72652e6e756d65726963948c0b5f66726f6d627566666572949394289612000000000000000009030c060f010a040d0710020b050e0811948c056e756d' +
    '7079948c0564747970659493948c02753194898887945294284b038c017c944e4e4e4affffffff4affffffff4b007494624b024b034b0387948c01469474945294758c076d7573745f' +
    '676f948975622e',
  config:
    '8004958b010000000000008c1f6c65726f626f742e6173796e635f696e666572656e63652e68656c70657273948c1252656d6f7465506f6c696379436f6e6669679493942981947d94' +
    '288c0b706f6c6963795f74797065948c09646966667573696f6e948c17707265747261696e65645f6e616d655f6f725f70617468948c096d652f706f6c696379948c106c65726f626f74' +
    '5f6665617475726573947d94288c116f62736572766174696f6e2e7374617465947d94288c056474797065948c07666c6f61743332948c057368617065944b0285948c056e616d6573' +
    '945d94288c05612e706f73948c05622e706f739465758c186f62736572766174696f6e2e696d616765732e66726f6e74947d9428680d8c05696d61676594680f4b024b034b03879468' +
    '115d94288c06686569676874948c057769647468948c086368616e6e656c73946575758c11616374696f6e735f7065725f6368756e6b944b328c06646576696365948c0363707594' +
    '8c0a72656e616d655f6d6170947d9468158c116f62736572766174696f6e2e696d616765947375622e',
} as const;

/** Two actions as the spec of the protocol has them, loaded by Python with PyTorch. */
const ACTIONS =
  '80045d288c1f6c65726f626f742e6173796e635f696e666572656e63652e68656c706572738c0b54696d6564416374696f6e9329817d288c0974696d657374616d70473ff80000000000' +
  '008c0874696d65737465704b038c06616374696f6e8c05746f7263688c0674656e736f72935d28473fd000000000000047bff000000000000065855275628c1f6c65726f626f742e6173' +
  '796e635f696e666572656e63652e68656c706572738c0b54696d6564416374696f6e9329817d288c0974696d657374616d70473ff88888888888898c0874696d65737465704b048c06' +
  '616374696f6e8c05746f7263688c0674656e736f72935d28473fe00000000000004740000000000000006585527562652e';

/** As plain values: records and dictionaries as objects. */
function plain(value: unknown): unknown {
  if (value instanceof PickledRecord) return { module: value.module, name: value.name, ...(plain(value.fields) as object) };
  if (value instanceof PickledTuple) return value.items.map(plain);
  if (value instanceof NdArray) return { dtype: value.dtype, shape: value.shape, values: [...value.floats()] };
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, member]) => [key, plain(member)]));
  return Array.isArray(value) ? value.map(plain) : value;
}

describe('pickles of LeRobot', () => {
  const picture = { dtype: '|u1', shape: [2, 3, 3], values: Array.from({ length: 18 }, (_, i) => i) };
  const head = { module: HELPERS, name: 'TimedObservation', timestamp: 1.5, timestep: 3 };

  it('are read as data: floats, NumPy scalars, pictures in either order of protocols 4 and 5', () => {
    expect(plain(readPickle(bytesOf(RECORDED.numbers)))).toEqual({
      ...head,
      observation: { 'a.pos': 1, 'b.pos': -2.5, task: 'x' },
      must_go: true,
    });
    const arrays = { ...head, observation: { 'a.pos': 1, 'b.pos': -2.5, front: picture, task: 'x' }, must_go: false };
    expect(plain(readPickle(bytesOf(RECORDED.arrays4)))).toEqual(arrays);
    expect(plain(readPickle(bytesOf(RECORDED.arrays5)))).toEqual(arrays);
    expect(plain(readPickle(bytesOf(RECORDED.fortran5)))).toEqual({ ...head, observation: { 'a.pos': 1, front: picture }, must_go: false });
  });

  it('say what a robot is', () => {
    expect(plain(readPickle(bytesOf(RECORDED.config)))).toEqual({
      module: HELPERS,
      name: 'RemotePolicyConfig',
      policy_type: 'diffusion',
      pretrained_name_or_path: 'me/policy',
      lerobot_features: {
        'observation.state': { dtype: 'float32', shape: [2], names: ['a.pos', 'b.pos'] },
        'observation.images.front': { dtype: 'image', shape: [2, 3, 3], names: ['height', 'width', 'channels'] },
      },
      actions_per_chunk: 50,
      device: 'cpu',
      rename_map: { 'observation.images.front': 'observation.image' },
    });
  });

  it('of actions have the recorded bytes', () => {
    const actions = [
      { timestamp: 1.5, timestep: 3, action: [0.25, -1] },
      { timestamp: 1.5 + 1 / 30, timestep: 4, action: Float32Array.of(0.5, 2) },
    ];
    expect(hexOf(writeActions(HELPERS, actions))).toBe(ACTIONS);
    const many = [255, 256, 65_535, 65_536, 2 ** 31 - 1].map((timestep) => ({ timestamp: 0.5, timestep, action: [1] }));
    expect(unpickledActions(writeActions('a.b', many), 'a.b')).toEqual(many);
  });
});

describe('a pickle that is none of LeRobot', () => {
  const global = (module: string, name: string): number[] => [
    0x8c,
    module.length,
    ...Buffer.from(module),
    0x8c,
    name.length,
    ...Buffer.from(name),
    0x93,
  ];
  const refused = (bytes: readonly number[], words: RegExp): void => {
    expect(() => readPickle(Uint8Array.from(bytes))).toThrow(MessageError);
    expect(() => readPickle(Uint8Array.from(bytes))).toThrow(words);
  };

  it('is refused by the first name that it has: none is looked up', () => {
    for (const [module, name] of [
      ['os', 'system'],
      ['builtins', 'eval'],
      ['numpy', 'load'],
      ['numpy.core.multiarray', 'ndarray'],
      ['torch', 'tensor'],
      [HELPERS, 'get_logger'],
      ['__proto__', 'constructor'],
    ] as const) {
      refused([0x80, 4, ...global(module, name), 0x8c, 2, 0x6c, 0x73, 0x85, 0x52, 0x2e], /refused the name/);
    }
    // GLOBAL of older protocols.
    refused([0x80, 4, 0x63, ...Buffer.from('os\nsystem\n'), 0x2e], /opcode 0x63/);
  });

  it('is refused by every opcode that an observation does not need', () => {
    const known = '80 95 28 4e 88 89 47 4a 4b 4d 8c 58 43 42 96 94 68 6a 29 85 86 87 74 5d 61 65 7d 73 75 93 81 52 62 2e'
      .split(' ')
      .map((hex) => Number.parseInt(hex, 16));
    for (let opcode = 0; opcode < 256; opcode++) {
      if (known.includes(opcode)) continue;
      refused([0x80, 4, opcode, 0, 0, 0, 0, 0, 0, 0, 0, 0x2e], /is none that an observation needs/);
    }
  });

  it('is refused where it is malformed', () => {
    refused([], /cut short/);
    refused([0x80, 2, 0x4e, 0x2e], /protocol 2/);
    refused([0x80, 4, 0x2e], /a value is missing/);
    refused([0x80, 4, 0x4e, 0x4e, 0x2e], /left over/);
    refused([0x80, 4, 0x4e, 0x2e, 0], /1 bytes follow/);
    refused([0x80, 4, 0x42, 0xff, 0xff, 0xff, 0xff, 0x2e], /cut short: 4294967295 bytes/);
    refused([0x80, 4, 0x96, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x2e], /cut short/);
    refused([0x80, 4, 0x68, 7, 0x2e], /nothing was kept under 7/);
    refused([0x80, 4, 0x28, 0x2e], /a value is missing/);
    refused([0x80, 4, 0x74, 0x2e], /the beginning of a list/);
    refused([0x80, 4, 0x4e, 0x4e, 0x61, 0x2e], /no list/);
    refused([0x80, 4, 0x7d, 0x4e, 0x4e, 0x73, 0x2e], /keys of a dictionary must be texts/);
    refused([0x80, 4, 0x4e, 0x7d, 0x62, 0x2e], /no object of the protocol/);
    refused([0x80, 4, ...global('numpy', 'dtype'), 0x29, 0x81, 0x2e], /another way/);
    refused([0x80, 4, ...global(HELPERS, 'TimedObservation'), 0x29, 0x52, 0x2e], /with other values than NumPy does/);
    refused([0x80, 4, ...new Array(2 ** 17 + 1).fill(0x4e)], /more than 131072 opcodes/);
  });

  it('that holds itself is data like any other', () => {
    // A list that is kept, recalled, and appended to itself.
    expect(readPickle(Uint8Array.of(0x80, 4, 0x5d, 0x94, 0x68, 0, 0x61, 0x2e))).toHaveLength(1);
  });

  it('is an error in words for every changed one', () => {
    const random = randomNumbers(11);
    const good = [RECORDED.numbers, RECORDED.arrays4, RECORDED.arrays5, RECORDED.config].map(bytesOf);
    let refusals = 0;
    for (let i = 0; i < 8000; i++) {
      try {
        readPickle(changed(good[i % good.length] as Uint8Array, random));
      } catch (error) {
        if (!(error instanceof WarmstepError)) throw error;
        refusals++;
      }
    }
    expect(refusals).toBeGreaterThan(5000);
  });
});

describe("the tests' own pickles", () => {
  it('are read like those of Python', () => {
    const fields = {
      front: new PyBytes(
        [2, 3, 3],
        Uint8Array.from({ length: 18 }, (_, i) => i),
      ),
      'a.pos': 0.5,
      'b.pos': -3,
    };
    const read = plain(readPickle(pickledObservation(3, 0, 0, { observation: fields }))) as Record<string, unknown>;
    expect(read['observation']).toEqual({
      front: { dtype: '|u1', shape: [2, 3, 3], values: Array.from({ length: 18 }, (_, i) => i) },
      'a.pos': 0.5,
      'b.pos': -3,
    });
    expect(plain(readPickle(pickledInstructions()))).toMatchObject({ policy_type: 'diffusion', actions_per_chunk: 50 });
  });
});

describe('protobuf', () => {
  it('fields are read, others passed over', () => {
    // 1: varint 3; 2: bytes; 3: f32; 4: f64; 9: varint 300.
    const message = [0x08, 3, 0x12, 2, 7, 8, 0x1d, 1, 2, 3, 4, 0x21, 1, 2, 3, 4, 5, 6, 7, 8, 0x48, 0xac, 0x02];
    const { varints, bytes } = readProto(Uint8Array.from(message));
    expect([[...varints], [...(bytes.get(2) ?? [])]]).toEqual([
      [
        [1, 3],
        [9, 300],
      ],
      [7, 8],
    ]);
    for (const wrong of [[0x12], [0x12, 9, 1], [0x0b], [0x08, ...new Array(11).fill(0xff)], [0x12, 0xff, 0xff, 0xff, 0xff, 0x7f]]) {
      expect(() => readProto(Uint8Array.from(wrong)), String(wrong)).toThrow(MessageError);
    }
  });

  it('bytes are written, and read again', () => {
    for (const length of [1, 127, 128, 300_000])
      expect(readProto(writeProtoBytes(1, new Uint8Array(length).fill(5))).bytes.get(1)?.length).toBe(length);
    expect([...writeProtoBytes(1, Uint8Array.of(9))]).toEqual([0x0a, 1, 9]);
    expect(writeProtoBytes(1, new Uint8Array(0)).length).toBe(0);
  });
});

describe('a picture in another size', () => {
  /** Bilinear in float64, corners not aligned. */
  const exact = (bytes: Uint8Array, [h, w]: readonly [number, number], [th, tw]: readonly [number, number]): number[] => {
    const at = (i: number, from: number, to: number): [number, number, number] => {
      const place = Math.max(((i + 0.5) * from) / to - 0.5, 0);
      const first = Math.floor(place);
      return [first, Math.min(first + 1, from - 1), place - first];
    };
    return Array.from({ length: th * tw * 3 }, (_, i) => {
      const [y0, y1, fy] = at(Math.floor(i / (3 * tw)), h, th);
      const [x0, x1, fx] = at(Math.floor(i / 3) % tw, w, tw);
      const value = (y: number, x: number): number => bytes[(y * w + x) * 3 + (i % 3)] as number;
      return (1 - fy) * ((1 - fx) * value(y0, x0) + fx * value(y0, x1)) + fy * ((1 - fx) * value(y1, x0) + fx * value(y1, x1));
    });
  };

  it.each([[[3, 5]], [[14, 18]], [[5, 20]], [[1, 1]], [[7, 4]], [[14, 9]]] as [[number, number]][])(
    '%o is bilinear, to one level',
    (to) => {
      const random = randomNumbers(3);
      const bytes = Uint8Array.from({ length: 7 * 9 * 3 }, () => Math.floor(256 * random()));
      const resized = resizeBytes(bytes, [7, 9], 3, to);
      const wanted = exact(bytes, [7, 9], to);
      expect(resized.length).toBe(wanted.length);
      // Rounded twice: half a level each.
      wanted.forEach((value, i) => expect(Math.abs((resized[i] as number) - value)).toBeLessThanOrEqual(1.01));
    },
  );

  it('that is the same is the same bytes, and a grey one stays grey', () => {
    const bytes = Uint8Array.from({ length: 18 }, (_, i) => i);
    expect(resizeBytes(bytes, [2, 3], 3, [2, 3])).toBe(bytes);
    for (const grey of [0, 1, 128, 255]) {
      expect(new Set(resizeBytes(new Uint8Array(7 * 9 * 3).fill(grey), [7, 9], 3, [5, 23]))).toEqual(new Set([grey]));
    }
    expect([...resizeBytes(Uint8Array.of(10, 20, 30), [1, 1], 3, [2, 2])]).toEqual([10, 20, 30, 10, 20, 30, 10, 20, 30, 10, 20, 30]);
  });
});
