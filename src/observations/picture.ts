import { ObservationError } from '../foundation/errors.js';
import { shownValue } from '../foundation/shown.js';
import { FITS, type Fit } from '../spec/fit.js';
import type { ImageObservation } from '../spec/policy-spec.js';

/** Arrays that images lie in. */
export type Pixels = Uint8Array | Uint8ClampedArray | Float32Array;

/** An image as cameras and programs have it, RGB; the `ImageData` of browsers is one. It is copied when it is given. */
export interface RawImage {
  /** Bytes from 0 to 255, or floats from 0 to 1. */
  readonly data: Pixels;
  readonly height: number;
  readonly width: number;
  /** 3, or 4 of interleaved bytes, whose alpha is dropped. Default: what the length says. */
  readonly channels?: number;
  /**
   * Pixels one after the other, [height][width][channels], or planes, [channels][height][width]. Default: hwc for bytes, chw for floats,
   * which are taken in that order alone.
   */
  readonly layout?: 'hwc' | 'chw';
  /**
   * How an image of another size becomes one of the policy's, on the device: stretched (antialiased), padded with black, or with its middle
   * cut out. The policy then sees it as training never did: sizes that training had are better. Default: another size is an error.
   */
  readonly fit?: Fit;
}

/** An image, or its pixels alone, of the size that the policy reads; or one that was checked before. */
export type ImageValue = RawImage | Pixels | Picture;

/** How the values of a picture lie in memory. */
export type PictureFormat = 'u8-hwc3' | 'u8-hwc4' | 'u8-chw' | 'f32-chw';

/** Bytes on the device come in words. */
const WORD = 4;
/** What no camera exceeds; devices have limits of their own. */
const MOST_PIXELS_OF_SIDE = 8192;

/** What a picture is drawn of, where a device may draw it itself. */
export interface DrawnScene {
  /** As the kernel that casts rays reads it, f32. */
  readonly numbers: Float32Array<ArrayBuffer>;
  /** The picture on the host, RGB, [height][width][3]. It may differ from a device's by rounding: a level, and more along edges. */
  draw(): Uint8Array<ArrayBuffer>;
}

/** An image that was checked, and copied where somebody might write to it. It never changes, so that its features can be kept beside it. */
export class Picture {
  readonly format: PictureFormat;
  readonly height: number;
  readonly width: number;
  /** How it becomes one of the policy's size, where it is of another. */
  readonly fit: Fit | undefined;
  /** In the order of the format, padded to whole words of 4 bytes; of a picture with a scene drawn when they are first asked for. */
  readonly bytes!: Uint8Array<ArrayBuffer>;
  /** What a device draws it of, in place of being given its bytes. */
  readonly scene: Float32Array<ArrayBuffer> | undefined;

  /** `isOurs`: nobody writes to the data again, so it need not be copied. The memory that it lies in is held for as long as the picture is. */
  constructor(format: PictureFormat, height: number, width: number, data: Pixels | DrawnScene, fit?: Fit, isOurs = false) {
    this.fit = fit;
    this.format = format;
    this.height = height;
    this.width = width;
    if ('draw' in data) {
      this.scene = data.numbers;
      Object.defineProperty(this, 'bytes', { enumerable: true, get: drawnOnce(() => copyInWords(data.draw())) });
    } else {
      this.scene = undefined;
      this.bytes = (isOurs ? wholeWords(data) : undefined) ?? copyInWords(data);
    }
  }

  /** A picture that is drawn: by the device that reads it, or here where its bytes are asked for. */
  static drawn(height: number, width: number, scene: DrawnScene): Picture {
    return new Picture('u8-hwc3', height, width, scene);
  }
}

function drawnOnce(draw: () => Uint8Array<ArrayBuffer>): () => Uint8Array<ArrayBuffer> {
  let bytes: Uint8Array<ArrayBuffer> | undefined;
  return () => {
    bytes ??= draw();
    return bytes;
  };
}

/** The bytes themselves, where they are whole words of memory that no other thread has. */
function wholeWords({ buffer, byteOffset, byteLength }: Pixels): Uint8Array<ArrayBuffer> | undefined {
  return byteLength % WORD === 0 && buffer instanceof ArrayBuffer ? new Uint8Array(buffer, byteOffset, byteLength) : undefined;
}

function copyInWords({ buffer, byteOffset, byteLength }: Pixels): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.ceil(byteLength / WORD) * WORD);
  bytes.set(new Uint8Array(buffer, byteOffset, byteLength));
  return bytes;
}

/**
 * Checks an image of one tick and copies it. `where`: who was given it, for messages. Nothing is allocated before all but the values of
 * floats was checked.
 * @throws ObservationError: no image, of another size or layout, with floats that are not from 0 to 1.
 */
export function checkPicture(feature: ImageObservation, value: unknown, where: string): Picture {
  const fail = (found: string, todo: string): never => {
    const { name, height, width } = feature;
    throw new ObservationError(
      `${where}: observation "${name}" must be an image of ${height}×${width} pixels (height × width), as bytes [${height}][${width}][3] or ` +
        `[4], or as floats [3][${height}][${width}] from 0 to 1; found ${found}. ${todo}`,
    );
  };
  if (value instanceof Picture) {
    if (!isOfSize(value, feature) && value.fit === undefined) {
      fail(`a picture of ${value.height}×${value.width} pixels`, sizeAdvice(feature, value));
    }
    return value;
  }
  const image = isPixels(value) ? { data: value, height: feature.height, width: feature.width } : value;
  if (!isRawImage(image)) return fail(described(value), 'Give a Uint8Array, or { data, height, width }.');
  const { data, height, width, fit } = image;
  if (fit !== undefined && !FITS.includes(fit)) fail(`the fit ${shownValue(fit)}`, `It is ${FITS.map((one) => `"${one}"`).join(', ')}.`);
  if (!isOfSize(image, feature)) {
    const found = `one of ${shownValue(height)}×${shownValue(width)}`;
    if (fit === undefined) fail(found, sizeAdvice(feature, image));
    if (![height, width].every(isSide)) fail(found, `Sides are whole numbers from 1 to ${MOST_PIXELS_OF_SIDE}, also with a fit.`);
  }
  const format = formatOf(image, fail);
  if (format === 'f32-chw') checkRange(data, fail);
  return new Picture(format, height, width, data, isOfSize(image, feature) ? undefined : fit);
}

function isOfSize(image: Pick<Picture, 'height' | 'width'>, { height, width }: ImageObservation): boolean {
  return image.height === height && image.width === width;
}

function isSide(side: unknown): boolean {
  return Number.isSafeInteger(side) && (side as number) >= 1 && (side as number) <= MOST_PIXELS_OF_SIDE;
}

/** The images of a window of `steps` ticks, oldest first: a list of them, or pixels of all one after the other. @throws as checkPicture. */
export function checkPictures(feature: ImageObservation, value: unknown, steps: number, where: string): Picture[] {
  if (Array.isArray(value)) {
    if (value.length !== steps) {
      const images = steps === 1 ? 'one image' : `${steps} images, oldest first`;
      throw new ObservationError(`${where}: observation "${feature.name}" must be ${images}, found a list of ${value.length}.`);
    }
    return value.map((image) => checkPicture(feature, image, where));
  }
  if (steps === 1) return [checkPicture(feature, value, where)];
  if (!isPixels(value)) {
    throw new ObservationError(
      `${where}: observation "${feature.name}" must be a list of ${steps} images, oldest first, found ${described(value)}.`,
    );
  }
  const each = value.length / steps;
  if (!Number.isInteger(each)) {
    throw new ObservationError(
      `${where}: observation "${feature.name}" must be ${steps} images of ${feature.height}×${feature.width} pixels, one after the other, ` +
        `found ${value.length} values. Give a list of ${steps} images.`,
    );
  }
  return Array.from({ length: steps }, (_, step) => checkPicture(feature, value.subarray(step * each, (step + 1) * each), where));
}

function isPixels(value: unknown): value is Pixels {
  return value instanceof Uint8Array || value instanceof Uint8ClampedArray || value instanceof Float32Array;
}

function isRawImage(value: unknown): value is RawImage {
  return typeof value === 'object' && value !== null && 'data' in value && isPixels(value.data) && 'height' in value && 'width' in value;
}

type Fail = (found: string, todo: string) => never;

function formatOf({ data, height, width, channels, layout }: RawImage, fail: Fail): PictureFormat {
  const isFloat = data instanceof Float32Array;
  const pixels = height * width;
  const found = data.length / pixels;
  const values = `${data.length} ${isFloat ? 'floats' : 'bytes'}`;
  if (channels !== undefined && channels !== 3 && channels !== 4) {
    fail(
      `${String(channels)} channels`,
      'Give three of them (RGB), or four with alpha: grey images have to be repeated, depth cannot be read.',
    );
  }
  if (layout !== undefined && layout !== 'hwc' && layout !== 'chw') fail(`the layout ${JSON.stringify(layout)}`, 'It is "hwc" or "chw".');
  if ((found !== 3 && found !== 4) || (channels !== undefined && found !== channels)) {
    const wanted = (channels ?? 3) * pixels;
    const cut = data.length < wanted ? 'The image was cut short: read all of it' : 'Give the pixels of one image, RGB or RGBA';
    fail(`${values}${channels === undefined ? '' : ` for ${channels} channels`}`, `${cut}.`);
  }
  if (isFloat) {
    if (found !== 3 || layout === 'hwc')
      fail(`${values}${layout === undefined ? '' : ` in layout ${layout}`}`, 'Give floats as three planes, or bytes.');
    return 'f32-chw';
  }
  if (layout === 'chw') {
    if (found !== 3) fail('four planes', 'Leave alpha out, or give interleaved bytes.');
    return 'u8-chw';
  }
  return found === 4 ? 'u8-hwc4' : 'u8-hwc3';
}

function checkRange(data: Pixels, fail: Fail): void {
  for (let i = 0; i < data.length; i++) {
    const value = data[i] as number;
    if (value >= 0 && value <= 1) continue;
    fail(`${value} at index ${i}`, value > 1 ? 'Divide by 255, or give bytes.' : 'Check the camera.');
  }
}

function sizeAdvice(wanted: ImageObservation, found: { readonly height: number; readonly width: number }): string {
  const isTurned = wanted.height === found.width && wanted.width === found.height;
  return isTurned
    ? 'Height and width are swapped.'
    : `Resize the frame, let the camera deliver this size, or give { data, height, width, fit: 'stretch' }, 'pad' or 'crop'.`;
}

function described(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return typeof value === 'object' ? `an object of type ${value.constructor?.name ?? 'unknown'}` : typeof value;
}
