import { encoderTensorShapes } from '../checkpoints/lerobot/encoder-tensors.js';
import type { ImageEncoderShape } from '../spec/network-shapes.js';
import type { SyntheticTensor } from './file.js';
import { type Fill, initialFill } from './fill.js';

/** He's bound over PyTorch's: maps keep their size through ReLU, so that keypoints depend on the picture. */
const HE = Math.sqrt(6);

/**
 * Every tensor of an image encoder with random weights. Positions are those of LeRobot's SpatialSoftmax: columns, then rows, from −1 to 1.
 * `prefix`: what names begin with.
 */
export function syntheticEncoder(shape: ImageEncoderShape, prefix: string): SyntheticTensor[] {
  const shapes = encoderTensorShapes(shape);
  return [...shapes].map(([name, sizes]) => ({ name: prefix + name, shape: sizes, fill: fillOf(name, shape, shapes) }));
}

function fillOf(name: string, shape: ImageEncoderShape, shapes: ReadonlyMap<string, readonly number[]>): Fill {
  if (name.endsWith('pos_grid')) return { kind: 'values', values: positions(shape) };
  if (name.endsWith('running_mean')) return { kind: 'constant', value: 0 };
  const fill = initialFill(name, shapes);
  const isConvolution = shapes.get(name)?.length === 4;
  return fill.kind === 'uniform' && isConvolution ? { ...fill, bound: fill.bound * HE } : fill;
}

/** f32 [rows · columns][2]. */
function positions({ height, width }: ImageEncoderShape): Float32Array {
  const [rows, columns] = [Math.ceil(height / 32), Math.ceil(width / 32)];
  const along = (index: number, count: number): number => (count === 1 ? -1 : -1 + (2 * index) / (count - 1));
  return Float32Array.from({ length: rows * columns * 2 }, (_, i) => {
    const at = i >> 1;
    return i % 2 === 0 ? along(at % columns, columns) : along(Math.floor(at / columns), rows);
  });
}
