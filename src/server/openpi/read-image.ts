import { type ImageValue, Picture } from '../../observations/picture.js';
import type { ImageObservation } from '../../spec/policy-spec.js';
import { MessageError } from '../errors.js';
import type { NdArray } from '../nd-array.js';

/** Images of one message under a name, oldest first. */
export interface ReadImages {
  readonly images: readonly ImageValue[];
  readonly isWindow: boolean;
}

/**
 * The image, or the images of a window, that an array holds: [height, width, 3 or 4] or [3, height, width], bytes or floats from 0 to 1, with the
 * frames of a window before that. `isKept`: pictures of bytes are views on the message, which nobody writes to again; else they are copied.
 * @throws MessageError for another shape or dtype.
 */
export function readImages(feature: ImageObservation, array: NdArray, steps: number, where: string, isKept: boolean): ReadImages {
  const { height, width } = feature;
  const layout = (sides: readonly number[]): 'hwc' | 'chw' | undefined => {
    const [a, b, c] = sides;
    if (sides.length !== 3) return undefined;
    if (a === height && b === width && (c === 3 || (c === 4 && array.isBytes))) return 'hwc';
    return a === 3 && b === height && c === width ? 'chw' : undefined;
  };
  const alone = layout(array.shape);
  const [first, ...rest] = array.shape;
  const found = alone ?? (first === 1 || first === steps ? layout(rest) : undefined);
  if (!found || !(array.isBytes || array.isFloats)) {
    throw new MessageError(
      `${where}: must be an image [${height}, ${width}, 3] or [3, ${height}, ${width}], of bytes (|u1) or of floats from 0 to 1` +
        `${steps > 1 ? `, or ${steps} of them, oldest first` : ''}; found ${array.dtype} [${array.shape.join(', ')}]. ` +
        'Resize in the client: frames are not fitted here.',
    );
  }
  const count = alone ? 1 : (first as number);
  const isWindow = !alone && count === steps && steps > 1;
  const channels = (alone ? array.shape : rest)[found === 'hwc' ? 2 : 0] as number;
  const size = height * width * channels;
  const values = array.isBytes ? array.data : array.floats();
  const images = Array.from({ length: count }, (_, step): ImageValue => {
    const data = values.subarray(step * size, (step + 1) * size);
    if (data instanceof Float32Array) return { data: found === 'hwc' ? planes(data, height * width) : data, height, width };
    return new Picture(found === 'chw' ? 'u8-chw' : channels === 4 ? 'u8-hwc4' : 'u8-hwc3', height, width, data, undefined, isKept);
  });
  return { images, isWindow };
}

/** Interleaved floats as planes, which is how a policy takes them. */
function planes(interleaved: Float32Array, pixels: number): Float32Array {
  const data = new Float32Array(interleaved.length);
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (let channel = 0; channel < 3; channel++) data[channel * pixels + pixel] = interleaved[3 * pixel + channel] as number;
  }
  return data;
}
