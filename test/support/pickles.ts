/** A tuple of Python. */
export class PyTuple {
  readonly items: readonly unknown[];

  constructor(...items: readonly unknown[]) {
    this.items = items;
  }
}

/** An array of bytes as NumPy pickles it. */
export class PyBytes {
  readonly shape: readonly number[];
  readonly data: Uint8Array;

  constructor(shape: readonly number[], data: Uint8Array) {
    this.shape = shape;
    this.data = data;
  }
}

export const HELPERS = 'lerobot.async_inference.helpers';

/** A pickle of an object of LeRobot with these fields, as Python's protocol 4 writes it but for its memo: whole numbers as integers. */
export function pickledRecord(name: string, fields: Readonly<Record<string, unknown>>, module = HELPERS): Uint8Array {
  return Uint8Array.from([0x80, 4, ...text(module), ...text(name), 0x93, 0x29, 0x81, ...pickled(fields), 0x62, 0x2e]);
}

function text(value: string): number[] {
  const bytes = [...new TextEncoder().encode(value)];
  return bytes.length < 256 ? [0x8c, bytes.length, ...bytes] : [0x58, ...u32(bytes.length), ...bytes];
}

function u32(value: number): number[] {
  return [...new Uint8Array(Uint32Array.of(value).buffer)];
}

function pickled(value: unknown): number[] {
  if (value === null) return [0x4e];
  if (typeof value === 'boolean') return [value ? 0x88 : 0x89];
  if (typeof value === 'string') return text(value);
  if (typeof value === 'number') {
    if (Number.isInteger(value) && Math.abs(value) < 2 ** 31) return [0x4a, ...u32(value >>> 0)];
    const bytes = new Uint8Array(9);
    bytes[0] = 0x47;
    new DataView(bytes.buffer).setFloat64(1, value);
    return [...bytes];
  }
  if (value instanceof PyTuple) return [0x28, ...value.items.flatMap(pickled), 0x74];
  if (Array.isArray(value)) return [0x5d, 0x28, ...value.flatMap(pickled), 0x65];
  if (value instanceof PyBytes) {
    const dtype = [...text('numpy'), ...text('dtype'), 0x93, ...text('u1'), 0x89, 0x88, 0x87, 0x52];
    const order = [0x28, 0x4b, 3, ...text('|'), 0x4e, 0x4e, 0x4e, ...pickled(-1), ...pickled(-1), 0x4b, 0, 0x74, 0x62];
    return [
      ...[...text('numpy.core.multiarray'), ...text('_reconstruct'), 0x93, ...text('numpy'), ...text('ndarray'), 0x93],
      ...[0x4b, 0, 0x85, 0x43, 1, 0x62, 0x87, 0x52, 0x28, 0x4b, 1, ...pickled(new PyTuple(...value.shape))],
      ...[...dtype, ...order, 0x89, 0x42, ...u32(value.data.length), ...value.data, 0x74, 0x62],
    ];
  }
  return [0x7d, 0x28, ...Object.entries(value as object).flatMap(([key, member]) => [...text(key), ...pickled(member)]), 0x75];
}

/** What the tests' robot says of itself: two joints, and a camera of 2 × 3 pixels. */
export const INSTRUCTIONS = {
  policy_type: 'diffusion',
  pretrained_name_or_path: 'me/policy',
  lerobot_features: {
    'observation.state': { dtype: 'float32', shape: new PyTuple(2), names: ['a.pos', 'b.pos'] },
    'observation.images.front': { dtype: 'image', shape: new PyTuple(2, 3, 3), names: ['height', 'width', 'channels'] },
  },
  actions_per_chunk: 50,
  device: 'cpu',
  rename_map: {},
} as const;

export function pickledInstructions(changes: Readonly<Record<string, unknown>> = {}, module?: string): Uint8Array {
  return pickledRecord('RemotePolicyConfig', { ...INSTRUCTIONS, ...changes }, module);
}

/** Of a tick at 10 Hz. */
export function pickledObservation(timestep: number, a: number, b: number, changes: Readonly<Record<string, unknown>> = {}): Uint8Array {
  return pickledRecord('TimedObservation', {
    timestamp: 100 + timestep / 10,
    timestep,
    observation: { 'a.pos': a, 'b.pos': b, task: 'push' },
    must_go: false,
    ...changes,
  });
}

export interface UnpickledAction {
  readonly timestamp: number;
  readonly timestep: number;
  readonly action: readonly number[];
}

/** The actions of an answer, by a reader of its own that expects what is written and nothing else. */
export function unpickledActions(bytes: Uint8Array, module = HELPERS): UnpickledAction[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const expectBytes = (wanted: readonly number[]): void => {
    for (const byte of wanted) if (view.getUint8(at++) !== byte) throw new Error(`byte ${at - 1} is ${bytes[at - 1]}, expected ${byte}`);
  };
  const isNext = (byte: number): boolean => bytes[at] === byte;
  const float = (): number => {
    expectBytes([0x47]);
    at += 8;
    return view.getFloat64(at - 8);
  };
  const integer = (): number => {
    const type = view.getUint8(at++);
    const size = { 75: 1, 77: 2, 74: 4 }[type];
    if (size === undefined) throw new Error(`no integer at byte ${at - 1}`);
    at += size;
    return [1, 2, 3, 4].slice(0, size).reduceRight((sum, place) => sum * 256 + view.getUint8(at - size + place - 1), 0);
  };
  const actions: UnpickledAction[] = [];
  expectBytes([0x80, 4, 0x5d, 0x28]);
  while (!isNext(0x65)) {
    expectBytes([...text(module), ...text('TimedAction'), 0x93, 0x29, 0x81, 0x7d, 0x28, ...text('timestamp')]);
    const timestamp = float();
    expectBytes(text('timestep'));
    const timestep = integer();
    expectBytes([...text('action'), ...text('torch'), ...text('tensor'), 0x93, 0x5d, 0x28]);
    const action: number[] = [];
    while (!isNext(0x65)) action.push(float());
    expectBytes([0x65, 0x85, 0x52, 0x75, 0x62]);
    actions.push({ timestamp, timestep, action });
  }
  expectBytes([0x65, 0x2e]);
  if (at !== bytes.length) throw new Error('bytes are left over');
  return actions;
}
