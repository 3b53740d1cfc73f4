import { describe, expect, it } from 'vitest';
import { ObservationError } from '../../src/foundation/errors.js';
import { checkFrame, checkWindow } from '../../src/observations/check.js';
import type { Observation } from '../../src/observations/frame.js';
import { checkPicture, checkPictures, Picture } from '../../src/observations/picture.js';
import { FrameWindow } from '../../src/observations/window.js';
import type { ImageObservation, ObservationInfo } from '../../src/spec/policy-spec.js';

const CAMERA: ImageObservation = {
  kind: 'image',
  name: 'camera',
  feature: 'observation.image',
  height: 2,
  width: 3,
  channels: 3,
  features: 4,
};
const FEATURES: readonly ObservationInfo[] = [
  { kind: 'vector', name: 'observation.state', feature: 'observation.state', size: 1 },
  CAMERA,
  { kind: 'vector', name: 'observation.environment_state', feature: 'observation.environment_state', size: 2 },
];
const BYTES = Uint8Array.from({ length: 18 }, (_, i) => 10 * i);

describe('checkPicture', () => {
  it.each<[string, unknown, string, readonly number[]]>([
    ['bytes alone', BYTES, 'u8-hwc3', [...BYTES]],
    ['clamped bytes alone', Uint8ClampedArray.from(BYTES), 'u8-hwc3', [...BYTES]],
    ['bytes with alpha alone', new Uint8Array(24).fill(7), 'u8-hwc4', new Array(24).fill(7)],
    ['an image', { data: BYTES, height: 2, width: 3 }, 'u8-hwc3', [...BYTES]],
    [
      'ImageData of a browser',
      { data: new Uint8ClampedArray(24), height: 2, width: 3, colorSpace: 'srgb' },
      'u8-hwc4',
      new Array(24).fill(0),
    ],
    ['planes of bytes, said so', { data: BYTES, height: 2, width: 3, channels: 3, layout: 'chw' }, 'u8-chw', [...BYTES]],
    ['part of a larger buffer', new Uint8Array([1, ...BYTES, 2]).subarray(1, 19), 'u8-hwc3', [...BYTES]],
  ])('takes %s', (_, value, format, bytes) => {
    const picture = checkPicture(CAMERA, value, 'act');
    expect(picture).toMatchObject({ format, height: 2, width: 3 });
    expect([...picture.bytes.subarray(0, bytes.length)]).toEqual(bytes);
    // Whole words go to the device.
    expect(picture.bytes.length % 4).toBe(0);
    expect(picture.bytes.length - bytes.length).toBeLessThan(4);
  });

  it('takes planes of floats from 0 to 1', () => {
    const values = Float32Array.from({ length: 18 }, (_, i) => i / 17);
    const picture = checkPicture(CAMERA, values, 'act');
    expect(picture.format).toBe('f32-chw');
    expect(new Float32Array(picture.bytes.buffer)).toEqual(values);
  });

  it('copies, so that the camera may reuse its memory, and keeps what was checked before', () => {
    const bytes = BYTES.slice();
    const picture = checkPicture(CAMERA, bytes, 'act');
    bytes.fill(255);
    expect([...picture.bytes.subarray(0, 18)]).toEqual([...BYTES]);
    expect(checkPicture(CAMERA, picture, 'act')).toBe(picture);
  });

  const huge = { data: new Uint8Array(10), height: 10_000, width: 10_000 };
  it.each<[string, unknown, RegExp]>([
    ['nothing', undefined, /found nothing\. Give a Uint8Array/],
    ['null', null, /found null/],
    ['a list of numbers', [1, 2, 3], /found a list of 3/],
    ['f64 values', new Float64Array(18), /found an object of type Float64Array/],
    ['a truncated image', BYTES.subarray(0, 17), /found 17 bytes\. The image was cut short/],
    ['an empty image', new Uint8Array(0), /found 0 bytes/],
    ['too many bytes', new Uint8Array(19), /found 19 bytes\. Give the pixels of one image/],
    ['zero size', { data: new Uint8Array(0), height: 0, width: 0 }, /found one of 0×0/],
    ['a turned image', { data: BYTES, height: 3, width: 2 }, /found one of 3×2\. Height and width are swapped/],
    ['another size', { data: new Uint8Array(300), height: 10, width: 10 }, /found one of 10×10\. Resize the frame/],
    ['10⁴ × 10⁴ that are not there', huge, /found one of 10000×10000/],
    ['sides that are no numbers', { data: BYTES, height: '2', width: 3 }, /found one of 2×3/],
    ['grey', { data: new Uint8Array(6), height: 2, width: 3, channels: 1 }, /found 1 channels/],
    [
      'a length that is not that of its channels',
      { data: BYTES, height: 2, width: 3, channels: 4 },
      /found 18 bytes for 4 channels\. The image was cut short/,
    ],
    ['an unknown layout', { data: BYTES, height: 2, width: 3, layout: 'whc' }, /found the layout "whc"/],
    ['four planes', { data: new Uint8Array(24), height: 2, width: 3, layout: 'chw' }, /found four planes/],
    ['interleaved floats', { data: new Float32Array(18), height: 2, width: 3, layout: 'hwc' }, /found 18 floats in layout hwc/],
    ['floats with alpha', new Float32Array(24), /found 24 floats/],
    ['floats up to 255', new Float32Array(18).fill(128), /found 128 at index 0\. Divide by 255/],
    ['negative floats', new Float32Array(18).fill(-0.5), /found -0\.5 at index 0\. Check the camera/],
    ['NaN', Float32Array.from({ length: 18 }, (_, i) => (i === 7 ? NaN : 0)), /found NaN at index 7/],
    ['a picture of another size', new Picture('u8-hwc3', 3, 3, new Uint8Array(27)), /found a picture of 3×3 pixels/],
  ])('refuses %s', (_, value, message) => {
    const check = (): unknown => checkPicture(CAMERA, value, 'act');
    expect(check).toThrow(ObservationError);
    expect(check).toThrow(message);
    expect(check).toThrow(
      /^act: observation "camera" must be an image of 2×3 pixels \(height × width\), as bytes \[2\]\[3\]\[3\] or \[4\], or as floats/,
    );
  });
});

describe('checkPictures', () => {
  it('takes a list of images, oldest first, and pixels of all one after the other', () => {
    const second = BYTES.map((value) => value + 1);
    const bytesOf = (pictures: readonly Picture[]): number[][] => pictures.map(({ bytes }) => [...bytes.subarray(0, 18)]);
    const expected = [[...BYTES], [...second]];
    expect(bytesOf(checkPictures(CAMERA, [BYTES, { data: second, height: 2, width: 3 }], 2, 'decide'))).toEqual(expected);
    expect(bytesOf(checkPictures(CAMERA, Uint8Array.from([...BYTES, ...second]), 2, 'decide'))).toEqual(expected);
  });

  it.each<[string, unknown, RegExp]>([
    ['too few', [BYTES], /must be 2 images, oldest first, found a list of 1/],
    ['one image', { data: BYTES, height: 2, width: 3 }, /must be a list of 2 images/],
    ['half a byte too few', new Uint8Array(35), /must be 2 images of 2×3 pixels, one after the other, found 35 values/],
    ['a bad one among them', [BYTES, BYTES.subarray(1)], /found 17 bytes/],
  ])('refuses %s', (_, value, message) => {
    expect(() => checkPictures(CAMERA, value, 2, 'decide')).toThrow(message);
  });
});

describe('frames with images', () => {
  const observation = (salt: number): Observation => ({
    'observation.state': [salt],
    camera: BYTES.map((value) => value + salt),
    'observation.environment_state': [10 + salt, 20 + salt],
  });

  it('leave room for features between the vectors, in the order of the conditioning vector', () => {
    const { values, pictures } = checkFrame(FEATURES, observation(1), 'act');
    expect([...values]).toEqual([1, 0, 0, 0, 0, 11, 21]);
    expect(pictures).toHaveLength(1);
  });

  it('are known by the name of the robot and by that of the policy, and unknown cameras are refused', () => {
    const { camera, ...rest } = observation(1);
    expect(checkFrame(FEATURES, { ...rest, 'observation.image': camera as Uint8Array }, 'act').pictures).toHaveLength(1);
    expect(() => checkFrame(FEATURES, { ...rest, wrist: camera as Uint8Array }, 'act')).toThrow(/"wrist" is not known/);
    expect(() => checkFrame(FEATURES, rest, 'act')).toThrow(/"camera" must be an image .* found nothing/);
  });

  it('go through a window as the pictures they are', () => {
    const window = new FrameWindow(FEATURES, 2);
    const frames = [1, 2, 3].map((salt) => checkFrame(FEATURES, observation(salt), 'act'));
    for (const frame of frames) window.push(frame);
    const found = checkWindow(FEATURES, window.observation(), 2, 'decide');
    expect(found.map(({ pictures }) => pictures[0])).toEqual([frames[1]?.pictures[0], frames[2]?.pictures[0]]);
    found.forEach((frame, i) => expect(frame.pictures[0]).toBe(frames[i + 1]?.pictures[0]));
    expect(found.map(({ values }) => [...values])).toEqual([
      [2, 0, 0, 0, 0, 12, 22],
      [3, 0, 0, 0, 0, 13, 23],
    ]);
  });
});

describe('a picture of memory that is handed over', () => {
  it('is a view of whole words, and a copy in words of others', () => {
    const memory = new Uint8Array([1, ...BYTES, 2, 3]);
    const words = new Picture('u8-hwc4', 1, 4, memory.subarray(1, 17), undefined, true);
    expect([words.bytes.buffer === memory.buffer, words.bytes.byteOffset, [...words.bytes]]).toEqual([true, 1, [...BYTES.subarray(0, 16)]]);
    const others = new Picture('u8-hwc3', 2, 3, memory.subarray(1, 19), undefined, true);
    expect([others.bytes.buffer === memory.buffer, [...others.bytes]]).toEqual([false, [...BYTES, 0, 0]]);
    const shared = new Uint8Array(new SharedArrayBuffer(16)).fill(5);
    expect(new Picture('u8-hwc4', 1, 4, shared, undefined, true).bytes.buffer).toBeInstanceOf(ArrayBuffer);
  });
});
