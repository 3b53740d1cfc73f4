import { UnsupportedCheckpointError } from '../../foundation/errors.js';
import type { FileTensors, NamedTensors } from '../named-tensors.js';
import type { TensorInfo } from '../safetensors/header.js';

const GRID = 'pool.pos_grid';

/**
 * robomimic's encoders as LeRobot's: where those have one table of positions, [positions][2], these have two, [1][positions] of x and of y.
 */
export class RobomimicTensors implements NamedTensors {
  readonly #tensors: FileTensors;

  constructor(tensors: FileTensors) {
    this.#tensors = tensors;
  }

  shape(name: string): readonly number[] | undefined {
    const axes = axesOf(name);
    if (!axes) return this.#tensors.shape(name);
    const [x, y] = axes.map((axis) => this.#tensors.shape(axis));
    if (x === undefined || y === undefined) return undefined;
    // Tables that do not go together have the shape of none.
    return x.length === 2 && x[0] === 1 && y.join() === x.join() ? [x[1] as number, 2] : x;
  }

  dtype(name: string): TensorInfo['dtype'] | undefined {
    return this.#tensors.dtype(axesOf(name)?.[0] ?? name);
  }

  *names(): Iterable<string> {
    for (const name of this.#tensors.names()) {
      if (name.endsWith('pool.pos_x')) yield name.replace(/pos_x$/, 'pos_grid');
      else if (!/pool\.(pos_y|temperature)$/.test(name)) yield name;
    }
  }

  async readFloats(name: string): Promise<Float32Array> {
    const axes = axesOf(name);
    if (!axes) return this.#tensors.readFloats(name);
    const x = (await this.#tensors.readFloats(axes[0])).slice();
    const y = await this.#tensors.readFloats(axes[1]);
    return Float32Array.from({ length: 2 * x.length }, (_, i) => (i % 2 === 0 ? x : y)[i >> 1] as number);
  }

  locate(name: string): string {
    return this.#tensors.locate(axesOf(name)?.[0] ?? name);
  }

  /** LeRobot's softmax has no temperature. @throws UnsupportedCheckpointError for one that is not 1. */
  async assertTemperature(prefix: string): Promise<void> {
    const name = `${prefix}pool.temperature`;
    if (this.#tensors.shape(name) === undefined) return;
    const values = await this.#tensors.readFloats(name);
    if (values.length === 1 && values[0] === 1) return;
    throw new UnsupportedCheckpointError(
      `${this.#tensors.locate(name)}: expected a spatial softmax of temperature 1, found ${values[0] ?? 'none'}. Divide the weights and biases of ` +
        'pool.nets by it, and set it to 1.',
    );
  }
}

/** Names of the tables that a table of positions is put together from. */
function axesOf(name: string): [string, string] | undefined {
  if (!name.endsWith(GRID)) return undefined;
  const pool = name.slice(0, -'pos_grid'.length);
  return [`${pool}pos_x`, `${pool}pos_y`];
}
