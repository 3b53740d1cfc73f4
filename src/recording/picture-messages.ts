import type { Picture } from '../observations/picture.js';
import { FLOAT_IMAGE, IMAGE } from './channels.js';
import { RecordingError } from './error.js';
import { type Json, toBase64 } from './json.js';
import type { EncoderImage, ImageEncoder } from './options.js';

/** A time in nanoseconds as ROS and Foxglove write it. */
export function timestampOf(time: bigint): Json {
  return { sec: Number(time / 1_000_000_000n), nsec: Number(time % 1_000_000_000n) };
}

/** Where pictures of a field go: bytes are shown by Foxglove, floats are not known there. */
export function pictureTopic(field: string, { format }: Picture): string {
  return `${format === 'f32-chw' ? FLOAT_IMAGE : IMAGE}${field}`;
}

/** The message of a picture, as it is or compressed. `id`: what windows name it by. */
export async function pictureMessage(picture: Picture, field: string, id: number, time: bigint, encoder?: ImageEncoder): Promise<Json> {
  const { format, height, width, bytes, fit } = picture;
  const about = { timestamp: timestampOf(time), picture: id };
  if (format === 'f32-chw') return { ...about, width, height, fit, data: toBase64(bytes.subarray(0, 12 * height * width)) };
  const image = interleaved(picture);
  if (encoder) {
    const data = await encoder.encode(image);
    if (!(data instanceof Uint8Array)) throw new RecordingError(`the encoder of images must return a Uint8Array, found ${typeof data}.`);
    return { ...about, frame_id: field, format: encoder.format, data: toBase64(data) };
  }
  const { channels } = image;
  return {
    ...about,
    frame_id: field,
    width,
    height,
    encoding: channels === 4 ? 'rgba8' : 'rgb8',
    step: channels * width,
    fit,
    data: toBase64(image.data),
  };
}

/** Bytes of planes become pixels: the same values, in the order that viewers and encoders know. */
function interleaved({ format, height, width, bytes }: Picture): EncoderImage {
  const pixels = height * width;
  if (format !== 'u8-chw') {
    const channels = format === 'u8-hwc4' ? 4 : 3;
    return { data: bytes.subarray(0, channels * pixels), height, width, channels };
  }
  const data = new Uint8Array(3 * pixels);
  for (let i = 0; i < data.length; i++) data[i] = bytes[(i % 3) * pixels + Math.floor(i / 3)] as number;
  return { data, height, width, channels: 3 };
}
