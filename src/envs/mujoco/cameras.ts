import { type CameraPose, lookingAt } from '../../rendering/scene.js';
import type { Vector } from './rotations.js';

/** A camera of a task: where it is, what it looks at, what is roughly upwards in its picture; metres in the world, or in the frame of a body. */
export interface TaskCamera {
  /** As features name it: `observation.images.NAME`. */
  readonly name: string;
  readonly eye: readonly [number, number, number];
  readonly look: readonly [number, number, number];
  readonly up: readonly [number, number, number];
  /** From the lower edge of the picture to the upper one, degrees. */
  readonly fovy: number;
  /** The body of the model that it is fixed to. Default: none, it stands still. */
  readonly body?: string;
  /** Whether demonstrations are pictured by it where nothing else is asked for. */
  readonly usual: boolean;
}

/** A camera in the world; `position` and `rotation`, row-major [9], are those of its body. */
export function cameraPose(
  { eye, look, up, fovy }: TaskCamera,
  body?: { readonly position: Vector; readonly rotation: Vector },
): CameraPose {
  const own = lookingAt(eye, look, up, fovy);
  if (!body) return own;
  const { position, rotation } = body;
  const turned = (vector: Vector): number[] =>
    [0, 3, 6].map((row) => [0, 1, 2].reduce((sum, i) => sum + (rotation[row + i] as number) * (vector[i] as number), 0));
  const axes = [0, 3, 6].flatMap((row) => turned(own.axes.slice(row, row + 3)));
  return { eye: turned(own.eye).map((value, i) => value + (position[i] as number)), axes, fovy };
}
