import { describe, expect, it } from 'vitest';
import { FrameEncoder } from '../../src/decision/frame-encoder.js';
import type { EncodedWindow } from '../../src/decision/frame-windows.js';
import { FrameWindows } from '../../src/decision/frame-windows.js';
import type { EncodePlans, EncodeShape } from '../../src/decision/frames-plan.js';
import type { PendingFeatures } from '../../src/decision/pending-features.js';
import { NonFiniteError } from '../../src/foundation/errors.js';
import { checkFrame } from '../../src/observations/check.js';
import type { Frame } from '../../src/observations/frame.js';
import { FrameWindow } from '../../src/observations/window.js';
import type { ObservationInfo } from '../../src/spec/policy-spec.js';

const camera = (name: string): ObservationInfo => ({ kind: 'image', name, feature: name, height: 1, width: 2, channels: 3, features: 2 });
const FEATURES: readonly ObservationInfo[] = [
  { kind: 'vector', name: 'state', feature: 'state', size: 1 },
  camera('left'),
  camera('right'),
  { kind: 'vector', name: 'block', feature: 'block', size: 1 },
];

/** Encodes a picture as its camera and its first byte; counts what it runs. */
class CountedPlans implements EncodePlans {
  readonly mostFrames: number;
  readonly compiled: EncodeShape[] = [];
  readonly runs: EncodeShape[] = [];
  readonly uploaded: number[][] = [];
  destroyed = 0;
  failing = false;
  probed = false;

  constructor(mostFrames = 4) {
    this.mostFrames = mostFrames;
  }

  compile(shape: EncodeShape): ReturnType<EncodePlans['compile']> {
    this.compiled.push(shape);
    const output = { buffer: { label: `features of plan ${this.compiled.length}` } as GPUBuffer, bytes: 2 * shape.frames * 2 * 4 };
    return Promise.resolve({
      outputs: [output],
      isProbed: this.probed,
      upload: (pictures) => void this.uploaded.push(pictures.map(({ bytes }) => bytes[0] as number)),
      encode: () => void this.runs.push(shape),
      run: (pictures) => {
        this.runs.push(shape);
        expect(pictures).toHaveLength(2 * shape.frames);
        expect(pictures.every(({ format }, i) => format === shape.cameras[Math.floor(i / shape.frames)]?.format)).toBe(true);
        const features = pictures.flatMap(({ bytes, format }, i) => {
          const first = format === 'f32-chw' ? Math.round((new Float32Array(bytes.buffer)[0] as number) * 255) : bytes[0];
          return [this.failing ? NaN : Math.floor(i / shape.frames), first as number];
        });
        return Promise.resolve({ features: [Float32Array.from(features)], probes: new Map() });
      },
      rehearse: async () => {},
      destroy: () => void this.destroyed++,
    });
  }

  get frames(): number[] {
    return this.runs.map(({ frames }) => frames);
  }
}

function frame(salt: number, right: Uint8Array | Float32Array = new Uint8Array(6).fill(100 + salt)): Frame {
  return checkFrame(FEATURES, { state: [salt], left: new Uint8Array(6).fill(salt), right, block: [-salt] }, 'act');
}

/** What a decision sees of that frame. */
const seen = (salt: number): number[] => [salt, 0, salt, 1, 100 + salt, -salt];

describe('FrameEncoder', () => {
  it('puts features between the vectors of their frame, oldest frame first', async () => {
    const encoder = new FrameEncoder(new CountedPlans(), FEATURES);
    const { windows } = await encoder.encode([
      [frame(1), frame(2)],
      [frame(3), frame(4)],
    ]);
    expect(windows.map(({ frames }) => [...frames])).toEqual([
      [...seen(1), ...seen(2)],
      [...seen(3), ...seen(4)],
    ]);
  });

  it('encodes a frame once: however often a window repeats it, whoever reads it, and through windows by name', async () => {
    const plans = new CountedPlans();
    const encoder = new FrameEncoder(plans, FEATURES);
    const [first, second] = [frame(1), frame(2)];
    await encoder.encode([[first, first]]);
    await encoder.encode([
      [first, second],
      [second, first],
    ]);
    const window = new FrameWindow(FEATURES, 2);
    window.push(first);
    window.push(second);
    await encoder.encode([window.read(), window.read()]);
    expect(plans.frames).toEqual([1, 1]);
    expect(encoder.encoded).toBe(2);
  });

  it('encodes together what waits together, in batches of powers of two up to what fits, each compiled once', async () => {
    const plans = new CountedPlans(4);
    const encoder = new FrameEncoder(plans, FEATURES);
    const fleet = Array.from({ length: 11 }, (_, i) => [frame(i)]);
    const { windows } = await encoder.encode(fleet);
    expect(plans.frames).toEqual([4, 4, 2, 1]);
    expect(windows.map(({ frames }) => [...frames])).toEqual(fleet.map((_, i) => seen(i)));
    await encoder.encode([[frame(30), frame(31)]]);
    expect(plans.frames).toEqual([4, 4, 2, 1, 2]);
    expect(plans.compiled.map(({ frames }) => frames)).toEqual([4, 2, 1]);
  });

  it('keeps frames apart whose cameras deliver other formats, each as it arrives', async () => {
    const plans = new CountedPlans();
    const encoder = new FrameEncoder(plans, FEATURES);
    const floats = new Float32Array(6).fill(Math.fround(101 / 255));
    const { windows } = await encoder.encode([[frame(1, floats), frame(2)]]);
    expect([...(windows[0] as EncodedWindow).frames]).toEqual([...seen(1), ...seen(2)]);
    expect(plans.runs).toEqual([
      { cameras: [{ format: 'u8-hwc3' }, { format: 'f32-chw' }], frames: 1 },
      { cameras: [{ format: 'u8-hwc3' }, { format: 'u8-hwc3' }], frames: 1 },
    ]);
  });

  it('keeps the features of one picture that two cameras share apart', async () => {
    const encoder = new FrameEncoder(new CountedPlans(), FEATURES);
    const [picture] = frame(7).pictures;
    const both = checkFrame(FEATURES, { state: [7], left: picture!, right: picture!, block: [7] }, 'act');
    const { windows } = await encoder.encode([[both]]);
    expect([...(windows[0] as EncodedWindow).frames]).toEqual([7, 0, 7, 1, 7, 7]);
  });

  it('refuses features that are not finite, and tries the frame again', async () => {
    const plans = new CountedPlans();
    const encoder = new FrameEncoder(plans, FEATURES);
    const one = frame(1);
    plans.failing = true;
    await expect(encoder.encode([[one]])).rejects.toThrow(NonFiniteError);
    plans.failing = false;
    expect([...((await encoder.encode([[one]])).windows[0] as EncodedWindow).frames]).toEqual(seen(1));
  });

  it('compiles ahead what as many frames will need', async () => {
    const plans = new CountedPlans();
    const encoder = new FrameEncoder(plans, FEATURES);
    await encoder.warmup(3);
    await encoder.encode([[frame(1), frame(2), frame(3)]]);
    expect(plans.compiled.map(({ frames }) => frames)).toEqual([2, 1]);
  });

  it('has nothing to do without images', async () => {
    const encoder = new FrameWindows(FEATURES.slice(0, 1));
    const { windows } = await encoder.encode([[checkFrame(FEATURES.slice(0, 1), { state: [5] }, 'act')]]);
    expect(windows).toEqual([{ frames: Float32Array.of(5), rows: undefined }]);
  });
});

describe('features that a decision makes on its way', () => {
  const commands = {} as GPUCommandEncoder;

  /** A frame encoder that has encoded frame 1, and what it has to do for a window of frames 1, 2 and 2 again. */
  async function begun(
    plans: CountedPlans,
  ): Promise<{ readonly encoder: FrameEncoder; readonly window: Float32Array; readonly pending: PendingFeatures }> {
    const encoder = new FrameEncoder(plans, FEATURES);
    const [known, fresh] = [frame(1), frame(2)];
    await encoder.encode([[known]]);
    plans.runs.length = 0;
    const { windows, pending } = await encoder.begin([[known, fresh, fresh]]);
    if (!pending) throw new Error('there are features to make');
    return { encoder, window: (windows[0] as EncodedWindow).frames, pending };
  }

  it('leave room in their windows, and say where they go', async () => {
    const plans = new CountedPlans();
    const { window, pending } = await begun(plans);
    const unknown = [2, 0, 0, 0, 0, -2];
    expect([...window]).toEqual([...seen(1), ...unknown, ...unknown]);
    expect(pending.canJoin).toBe(true);
    const { copies, pattern } = pending.of(window);
    // Two features of 4 bytes of each camera, at columns 1 and 3 of frames of 6 values.
    expect(copies.map(({ sourceOffset, part, offset, bytes }) => [sourceOffset, part, offset, bytes])).toEqual([
      [0, 'observations', 4 * 7, 8],
      [8, 'observations', 4 * 9, 8],
      [0, 'observations', 4 * 13, 8],
      [8, 'observations', 4 * 15, 8],
    ]);
    expect(pattern).toBe('1.0:0.0,1.1:0.0,2.0:0.0,2.1:0.0');
    expect(pending.bytes).toBe(16);
  });

  it('are known once they are settled, and then in their windows', async () => {
    const plans = new CountedPlans();
    const { encoder, window, pending } = await begun(plans);
    pending.upload();
    for (const plan of pending.plans) plan.encode(commands);
    expect(plans.uploaded).toEqual([[2, 102]]);
    expect(plans.frames).toEqual([1]);
    // As they would lie behind other results.
    const mapped = Float32Array.of(NaN, 0, 2, 1, 102).buffer;
    pending.settle(mapped, 4);
    expect([...window]).toEqual([...seen(1), ...seen(2), ...seen(2)]);
    expect(encoder.encoded).toBe(2);
  });

  it('are not known where they are not finite', async () => {
    const { encoder, window, pending } = await begun(new CountedPlans());
    expect(() => pending.settle(Float32Array.of(0, NaN, 1, 102).buffer, 0)).toThrow(NonFiniteError);
    expect(encoder.encoded).toBe(1);
    expect(window[7]).toBe(0);
  });

  it('are made on their own where inner values are asked for, or where one plan would have to run twice', async () => {
    const probed = new CountedPlans();
    probed.probed = true;
    const { window, pending } = await begun(probed);
    expect(pending.canJoin).toBe(false);
    await pending.alone();
    expect([...window]).toEqual([...seen(1), ...seen(2), ...seen(2)]);

    const small = new FrameEncoder(new CountedPlans(2), FEATURES);
    const { windows, pending: many } = await small.begin([[frame(1), frame(2), frame(3), frame(4)]]);
    expect(many?.canJoin).toBe(false);
    await many?.alone();
    expect([...(windows[0] as EncodedWindow).frames]).toEqual([1, 2, 3, 4].flatMap(seen));
  });

  it('have keys that are equal for the same commands alone', async () => {
    const plans = new CountedPlans();
    const encoder = new FrameEncoder(plans, FEATURES);
    const key = async (frames: readonly Frame[]): Promise<string> => {
      const { windows, pending } = await encoder.begin([frames]);
      return pending?.key(windows.map((window) => pending.of(window.frames))) ?? '';
    };
    const two = (salt: number): Frame[] => [frame(salt), frame(salt + 1)];
    expect(await key(two(1))).toBe(await key(two(3)));
    const [one, other] = two(5) as [Frame, Frame];
    const keys = [await key([one, other]), await key([one, one])];
    await encoder.encode([[one]]);
    keys.push(await key([one, other]), await key([other, one]));
    expect(new Set(keys).size).toBe(4);
  });

  it('keep few plans of pictures whose sizes change', async () => {
    const plans = new CountedPlans();
    const encoder = new FrameEncoder(plans, FEATURES);
    for (let width = 3; width < 15; width++) {
      const image = { data: new Uint8Array(3 * width), height: 1, width, fit: 'pad' as const };
      await encoder.encode([[checkFrame(FEATURES, { state: [0], left: image, right: image, block: [0] }, 'act')]]);
    }
    expect(plans.compiled[0]?.cameras).toEqual([0, 1].map(() => ({ format: 'u8-hwc3', source: { height: 1, width: 3, fit: 'pad' } })));
    expect(plans.compiled).toHaveLength(12);
    expect(plans.compiled.length - plans.destroyed).toBeLessThanOrEqual(9);
  });
});

describe('rows of a start with an encoder of its own', () => {
  it('are features of its cameras in its order, then vectors as they are', async () => {
    const rows = {
      width: 6,
      features: 2,
      cameras: [1, 0],
      vectors: [
        { first: 5, size: 1 },
        { first: 0, size: 1 },
      ],
    };
    const plans = new CountedPlans();
    const compile = plans.compile.bind(plans);
    // The start's encoder makes ten times what the policy's does.
    plans.compile = async (shape) => {
      const plan = await compile(shape);
      const outputs = [
        plan.outputs[0],
        { buffer: { label: 'own' } as GPUBuffer, bytes: plan.outputs[0]?.bytes ?? 0 },
      ] as typeof plan.outputs;
      const run: typeof plan.run = async (pictures) => {
        const { features, probes } = await plan.run(pictures);
        return { features: [...features, (features[0] as Float32Array).map((value) => 10 * value)], probes };
      };
      return { ...plan, outputs, run };
    };
    const encoder = new FrameEncoder(plans, FEATURES, rows);
    const { windows, pending } = await encoder.begin([[frame(3)]]);
    const [window] = windows as [EncodedWindow];
    expect([...(window.rows as Float32Array)]).toEqual([0, 0, 0, 0, -3, 3]);
    expect(
      pending
        ?.of(window.frames)
        .copies.filter(({ part }) => part === 'rows')
        .map(({ source, sourceOffset, offset }) => [source.label, sourceOffset, offset]),
    ).toEqual([
      ['own', 0, 8],
      ['own', 8, 0],
    ]);
    await pending?.alone();
    expect([...window.frames]).toEqual(seen(3));
    expect([...(window.rows as Float32Array)]).toEqual([10, 1030, 0, 30, -3, 3]);
  });
});
