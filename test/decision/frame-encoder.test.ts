import { describe, expect, it } from 'vitest';
import type { EncodePlans, EncodeShape } from '../../src/decision/encode-plan.js';
import { FrameEncoder } from '../../src/decision/frame-encoder.js';
import { NonFiniteError } from '../../src/foundation/errors.js';
import { checkFrame, type Frame } from '../../src/observations/check.js';
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
  failing = false;

  constructor(mostFrames = 4) {
    this.mostFrames = mostFrames;
  }

  compile(shape: EncodeShape): ReturnType<EncodePlans['compile']> {
    this.compiled.push(shape);
    return Promise.resolve({
      run: (pictures) => {
        this.runs.push(shape);
        expect(pictures).toHaveLength(2 * shape.frames);
        expect(pictures.every(({ format }) => format === shape.format)).toBe(true);
        const features = pictures.flatMap(({ bytes, format }, i) => {
          const first = format === 'f32-chw' ? Math.round((new Float32Array(bytes.buffer)[0] as number) * 255) : bytes[0];
          return [this.failing ? NaN : Math.floor(i / shape.frames), first as number];
        });
        return Promise.resolve({ features: Float32Array.from(features), probes: new Map() });
      },
      rehearse: async () => {},
      destroy: () => {},
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
    expect(windows.map((window) => [...window])).toEqual([
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
    expect(windows.map((values) => [...values])).toEqual(fleet.map((_, i) => seen(i)));
    await encoder.encode([[frame(30), frame(31)]]);
    expect(plans.frames).toEqual([4, 4, 2, 1, 2]);
    expect(plans.compiled.map(({ frames }) => frames)).toEqual([4, 2, 1]);
  });

  it('keeps formats apart, and brings cameras of one frame to one', async () => {
    const plans = new CountedPlans();
    const encoder = new FrameEncoder(plans, FEATURES);
    const floats = new Float32Array(6).fill(Math.fround(101 / 255));
    const { windows } = await encoder.encode([[frame(1, floats), frame(2)]]);
    expect([...(windows[0] as Float32Array)]).toEqual([...seen(1), ...seen(2)]);
    expect(plans.runs).toEqual([
      { format: 'f32-chw', frames: 1 },
      { format: 'u8-hwc3', frames: 1 },
    ]);
  });

  it('keeps the features of one picture that two cameras share apart', async () => {
    const encoder = new FrameEncoder(new CountedPlans(), FEATURES);
    const [picture] = frame(7).pictures;
    const both = checkFrame(FEATURES, { state: [7], left: picture!, right: picture!, block: [7] }, 'act');
    const { windows } = await encoder.encode([[both]]);
    expect([...(windows[0] as Float32Array)]).toEqual([7, 0, 7, 1, 7, 7]);
  });

  it('refuses features that are not finite, and tries the frame again', async () => {
    const plans = new CountedPlans();
    const encoder = new FrameEncoder(plans, FEATURES);
    const one = frame(1);
    plans.failing = true;
    await expect(encoder.encode([[one]])).rejects.toThrow(NonFiniteError);
    plans.failing = false;
    expect([...((await encoder.encode([[one]])).windows[0] as Float32Array)]).toEqual(seen(1));
  });

  it('compiles ahead what as many frames will need', async () => {
    const plans = new CountedPlans();
    const encoder = new FrameEncoder(plans, FEATURES);
    await encoder.warmup(3);
    await encoder.encode([[frame(1), frame(2), frame(3)]]);
    expect(plans.compiled.map(({ frames }) => frames)).toEqual([2, 1]);
  });

  it('has nothing to do without images', async () => {
    const encoder = new FrameEncoder(undefined, FEATURES.slice(0, 1));
    const { windows } = await encoder.encode([[checkFrame(FEATURES.slice(0, 1), { state: [5] }, 'act')]]);
    expect(windows).toEqual([Float32Array.of(5)]);
  });
});
