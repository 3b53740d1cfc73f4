import type { PictureData } from '../../datasets/dataset.js';
import type { RowArray } from '../../datasets/store/array-store.js';
import type { TaskCamera } from '../../envs/mujoco/cameras.js';
import type { Demonstration } from '../../envs/mujoco/demonstration.js';
import { SEEN } from '../../envs/mujoco/observer.js';
import { pictureOf, type SightReader } from '../../envs/mujoco/sight.js';
import type { SimulatedTask } from '../../envs/mujoco/task.js';
import { UsageError } from '../../terminal/options.js';
import { sidesOption } from '../picture-option.js';

/** What pictures of demonstrations are to be like. */
export interface PictureChoice {
  readonly cameras: readonly TaskCamera[];
  readonly height: number;
  readonly width: number;
}

/** The same, and who says what its cameras see. */
export interface DemonstratedPictures extends PictureChoice {
  readonly reader: SightReader;
}

/** Pictures of a block: they are drawn when one of them is read, and the rest is read soon. */
const BLOCK_ROWS = 16;
const USUAL_SIDE = 96;
const MOST_SIDE = 2048;

/**
 * `--pictures`, `--cameras` and `--size`; undefined without the first. @throws UsageError for cameras that the task does not have, sides that are none, or
 * a task that is seen, without `--pictures`.
 */
export function picturesOption(
  { name: task, cameras, isSeen }: SimulatedTask,
  values: { readonly pictures?: boolean | undefined; readonly cameras?: string | undefined; readonly size?: string | undefined },
): PictureChoice | undefined {
  if (!values.pictures) {
    if (isSeen) throw new UsageError(`${task} is observed in pictures: give --pictures as well, or leave ${SEEN} out for numbers`);
    return undefined;
  }
  const { height, width } = values.size === undefined ? { height: USUAL_SIDE, width: USUAL_SIDE } : sidesOption('size', values.size);
  if (Math.max(height, width) > MOST_SIDE) throw new UsageError(`--size: sides are ${MOST_SIDE} pixels at most, found "${values.size}"`);
  if (values.cameras === undefined) return { cameras: cameras.filter(({ usual }) => usual), height, width };
  const names = values.cameras.split(',').map((name) => name.trim());
  const chosen = names.map((name, i) => {
    const camera = cameras.find((one) => one.name === name);
    if (camera && names.indexOf(name) === i) return camera;
    throw new UsageError(`--cameras must be some of ${cameras.map((one) => one.name).join(',')}, each once, found "${values.cameras}"`);
  });
  return { cameras: chosen, height, width };
}

/** What a camera, by its number among the chosen ones, saw of demonstrations, a picture per tick of all of them. */
export function pictureRows(
  recorded: readonly Demonstration[],
  { reader, height, width }: DemonstratedPictures,
  camera: number,
): Pick<RowArray, 'blockRows' | 'readPictures'> {
  const ticks = recorded.flatMap(({ positions, mocap }) => positions.map((all) => ({ all, mocap })));
  return {
    blockRows: BLOCK_ROWS,
    readPictures: async (from, to) =>
      ticks.slice(from, to).map(({ all, mocap }): PictureData => {
        const { bytes } = pictureOf(reader.at(all, mocap), camera, height, width);
        return { data: bytes.subarray(0, height * width * 3), height, width };
      }),
  };
}
