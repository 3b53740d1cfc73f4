import { describe, expect, it } from 'vitest';
import { encodeSafetensors } from '../../src/checkpoints/safetensors/safetensors.js';
import { memorySource } from '../../src/checkpoints/source.js';
import { observationAt, type Recording, recordingOf } from '../../src/cli/recording.js';
import { ObservationError } from '../../src/foundation/errors.js';
import { checkFrame } from '../../src/observations/check.js';
import type { Observation } from '../../src/observations/frame.js';
import { FrameWindow } from '../../src/observations/window.js';
import type { ObservationInfo } from '../../src/spec/policy-spec.js';

const recording: Recording = {
  ticks: 3,
  features: new Map([
    [
      'observation.state',
      {
        feature: { kind: 'vector', name: 'observation.state', feature: 'observation.state', size: 2 },
        values: Float32Array.of(10, 11, 20, 21, 30, 31),
      },
    ],
  ]),
  ignored: [],
};

/** The window of `steps` frames that ends at a tick; before the first tick, the first frame is repeated. */
function windowAt(recording: Recording, tick: number, steps: number): Observation {
  const features = [...recording.features.values()].map(({ feature }) => feature);
  const window = new FrameWindow(features, steps);
  for (let row = Math.max(0, tick - steps + 1); row <= tick; row++) {
    window.push(checkFrame(features, observationAt(recording, row), `tick ${row} of the recording`));
  }
  return window.observation();
}

describe('a recording', () => {
  it('has one observation per tick', () => {
    expect(observationAt(recording, 1)).toEqual({ 'observation.state': Float32Array.of(20, 21) });
  });

  it('has windows that end at a tick, oldest frame first', () => {
    expect(windowAt(recording, 2, 2)).toEqual({ 'observation.state': Float32Array.of(20, 21, 30, 31) });
  });

  it('repeats its first frame for the time before it', () => {
    expect(windowAt(recording, 0, 3)).toEqual({ 'observation.state': Float32Array.of(10, 11, 10, 11, 10, 11) });
  });
});

describe('a recording with images', () => {
  const camera: ObservationInfo = { kind: 'image', name: 'image', feature: 'image', height: 2, width: 3, channels: 3, features: 2 };
  const values = (count: number): Uint8Array => Uint8Array.from({ length: count }, (_, i) => i);
  const read = async (name: string, shape: readonly number[]): Promise<Recording> => {
    const data = values(shape.reduce((all, size) => all * size, 1));
    const file = encodeSafetensors([{ name, dtype: 'U8', shape: [...shape], data }]);
    return recordingOf(await memorySource('folder', { file }).open('file'), 'file', [camera]);
  };

  it.each([
    ['pixels one after the other', 'image', [4, 2, 3, 3], 'u8-hwc3'],
    ['planes, under the prefix of recorded cases', 'ticks.input.image', [4, 3, 2, 3], 'u8-chw'],
  ] as const)('has one per tick: %s', async (_, name, shape, format) => {
    const images = await read(name, shape);
    expect(images.ticks).toBe(4);
    const [picture] = checkFrame([camera], observationAt(images, 2), 'run').pictures;
    expect(picture?.format).toBe(format);
    expect([...(picture?.bytes.subarray(0, 18) ?? [])]).toEqual([...values(54).subarray(36)]);
    expect(windowAt(images, 1, 2)['image']).toHaveLength(2);
  });

  it.each([
    ['of another size', [4, 3, 2, 3, 1]],
    ['turned', [4, 3, 3, 2]],
    ['without ticks', [2, 3, 3]],
  ] as const)('refuses images %s', async (_, shape) => {
    const refused = read('image', shape);
    await expect(refused).rejects.toThrow(ObservationError);
    await expect(refused).rejects.toThrow(/"image" must have shape \[ticks, 2, 3, 3\] or \[ticks, 3, 2, 3\] in U8, found .* one image per/);
  });

  it('refuses images that are no bytes, and says where they were looked for', async () => {
    const file = encodeSafetensors([{ name: 'image', dtype: 'F32', shape: [1, 2, 3, 3], data: new Float32Array(18) }]);
    const source = await memorySource('folder', { file }).open('file');
    await expect(recordingOf(source, 'file', [camera])).rejects.toThrow(/tensor "image": expected U8, found F32/);
    await expect(read('other', [1, 2, 3, 3])).rejects.toThrow(
      /expected a tensor "image" or "ticks\.input\.image" of shape \[ticks, 2, 3, 3\] or/,
    );
  });
});
