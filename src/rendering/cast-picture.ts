import { RayCaster } from './ray-caster.js';
import { HEADER_NUMBERS, SOLID_NUMBERS } from './scene.js';

/** Rays of a pixel along each side. */
export const SAMPLES = 2;

/** Pixels that a solid may cover, both ends included. */
interface Cover {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/**
 * The picture of a scene (`sceneNumbers` with these sides), RGB, [height][width][3]: `samples` × `samples` rays through each pixel, evenly spread, their mean
 * rounded to the nearest level. What `kernels/image/cast-rays.wgsl.ts` computes, in float64.
 */
export function castPicture(scene: Float64Array, height: number, width: number, samples: number = SAMPLES): Uint8Array<ArrayBuffer> {
  const caster = new RayCaster(scene);
  const solids = scene[3] as number;
  const covers = Array.from({ length: solids }, (_, solid) => coverOf(scene, solid, height, width));
  const inRow = new Int32Array(solids);
  const inPixel = new Int32Array(solids);
  const picture = new Uint8Array(height * width * 3);
  const sum = new Float64Array(3);
  for (let row = 0; row < height; row++) {
    let rowCount = 0;
    covers.forEach(({ top, bottom }, solid) => {
      if (row >= top && row <= bottom) inRow[rowCount++] = solid;
    });
    for (let column = 0; column < width; column++) {
      let count = 0;
      for (let i = 0; i < rowCount; i++) {
        const solid = inRow[i] as number;
        const { left, right } = covers[solid] as Cover;
        if (column >= left && column <= right) inPixel[count++] = solid;
      }
      sum.fill(0);
      for (let ray = 0; ray < samples * samples; ray++) {
        const x = column + ((ray % samples) + 0.5) / samples;
        const y = row + (Math.floor(ray / samples) + 0.5) / samples;
        caster.cast((2 * x) / width - 1, 1 - (2 * y) / height, inPixel, count);
        for (let channel = 0; channel < 3; channel++) sum[channel] = (sum[channel] as number) + (caster.colour[channel] as number);
      }
      for (let channel = 0; channel < 3; channel++) {
        const level = Math.min(1, Math.max(0, (sum[channel] as number) / (samples * samples)));
        picture[(row * width + column) * 3 + channel] = Math.floor(255 * level + 0.5);
      }
    }
  }
  return picture;
}

/** The pixels around the picture of the ball that holds a solid: all of them where it has none, or comes near the plane of the eye. */
function coverOf(scene: Float64Array, solid: number, height: number, width: number): Cover {
  const at = HEADER_NUMBERS + solid * SOLID_NUMBERS;
  const reach = scene[at + 7] as number;
  const all = { left: 0, right: width - 1, top: 0, bottom: height - 1 };
  const from = [11, 15, 19].map((place, axis) => (scene[at + place] as number) - (scene[axis] as number));
  const along = (first: number): number =>
    from.reduce((total, value, axis) => total + value * (scene[first + axis] as number), 0) /
    Math.hypot(scene[first] as number, scene[first + 1] as number, scene[first + 2] as number);
  const depth = along(12);
  if (reach < 0 || depth < 1.001 * reach) return all;
  /** The ends of the ball across the picture, −1 … 1. A ball looks like an ellipse, whose ends are those of its tangents. */
  const ends = (first: number): [number, number] => {
    const aside = along(first);
    const tangent = Math.hypot(scene[first] as number, scene[first + 1] as number, scene[first + 2] as number);
    const way = Math.sqrt(aside * aside + depth * depth - reach * reach);
    const below = depth * depth - reach * reach;
    return [(aside * depth - reach * way) / below / tangent, (aside * depth + reach * way) / below / tangent];
  };
  const [left, right] = ends(4);
  const [low, high] = ends(8);
  return {
    left: Math.floor(((left + 1) * width) / 2 - 0.01),
    right: Math.floor(((right + 1) * width) / 2 + 0.01),
    top: Math.floor(((1 - high) * height) / 2 - 0.01),
    bottom: Math.floor(((1 - low) * height) / 2 + 0.01),
  };
}
