import type { PlanBuilder } from '../../runtime/plan-builder.js';
import { newRows, type Rows } from '../../runtime/rows.js';

/**
 * Gradients of activations live for a few dispatches: their buffers are taken and given back while a plan is recorded, so that a plan
 * holds as many of a size as live at once, not as many as there are layers.
 */
export class Scratch {
  readonly #builder: PlanBuilder;
  readonly #free = new Map<number, Rows['buffer'][]>();

  constructor(builder: PlanBuilder) {
    this.#builder = builder;
  }

  take(batch: number, length: number, channels: number): Rows {
    const bytes = batch * length * Math.ceil(channels / 4) * 16;
    const buffer = this.#free.get(bytes)?.pop();
    const rows = buffer ? undefined : newRows(this.#builder, `gradients of ${bytes} bytes`, batch, length, channels);
    return rows ?? { buffer: buffer as Rows['buffer'], batch, length, channels, offset: 0, stride: Math.ceil(channels / 4) * 4 };
  }

  /** Rows of their own, which nothing that is recorded from now on reads. */
  giveBack(rows: Rows): void {
    const { bytes } = rows.buffer;
    const free = this.#free.get(bytes) ?? [];
    if (free.includes(rows.buffer)) throw new TypeError('scratch: given back twice');
    free.push(rows.buffer);
    this.#free.set(bytes, free);
  }
}
