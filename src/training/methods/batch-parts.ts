import { alignUp } from '../../runtime/buffers.js';
import type { Binding, BufferHandle } from '../../runtime/plan-builder.js';
import type { Rows } from '../../runtime/rows.js';
import { BatchLayout } from '../plan/batch-layout.js';

/** A part of what a step uploads: rows [samples][length][channels], or plain values, such as coefficients. */
export type PartShape = { readonly rows: readonly [samples: number, length: number, channels: number] } | { readonly values: number };

/** The parts of a method's batch, as the host writes them and a plan reads them. */
export class BatchParts<Part extends string = string> {
  readonly #shapes: Readonly<Record<Part, PartShape>>;
  readonly #layout: BatchLayout<Part>;

  constructor(shapes: Readonly<Record<Part, PartShape>>) {
    this.#shapes = shapes;
    const lengths = Object.entries(shapes).map(([part, shape]) => [part, wordsOf(shape as PartShape)] as const);
    this.#layout = new BatchLayout(Object.fromEntries(lengths) as Record<Part, number>);
  }

  get words(): Float32Array<ArrayBuffer> {
    return this.#layout.words;
  }

  /** The words of a part. */
  values(part: Part): Float32Array {
    return this.#layout.part(part);
  }

  /** Writes samples [samples][length][channels] from sample `first` on; rows of the part are padded. */
  write(part: Part, values: ArrayLike<number>, first = 0): void {
    const [, length, channels] = this.#rowsOf(part);
    const stride = alignUp(channels, 4);
    const words = this.#layout.part(part);
    const rows = Math.floor(values.length / channels);
    for (let row = 0; row < rows; row++) {
      const at = (first * length + row) * stride;
      for (let c = 0; c < channels; c++) words[at + c] = values[row * channels + c] as number;
    }
  }

  /** A part as rows of the uploaded buffer. */
  rows(batch: BufferHandle, part: Part): Rows {
    const [samples, length, channels] = this.#rowsOf(part);
    return { buffer: batch, batch: samples, length, channels, offset: this.#layout.range(part).offset / 4, stride: alignUp(channels, 4) };
  }

  /** A part as a kernel binds it. */
  binding(batch: BufferHandle, part: Part): Binding {
    return { buffer: batch, ...this.#layout.range(part) };
  }

  #rowsOf(part: Part): readonly [number, number, number] {
    const shape = this.#shapes[part];
    if (!('rows' in shape)) throw new TypeError(`the part "${part}" of a batch holds values, not rows`);
    return shape.rows;
  }
}

function wordsOf(shape: PartShape): number {
  if ('values' in shape) return shape.values;
  const [samples, length, channels] = shape.rows;
  return samples * length * alignUp(channels, 4);
}
