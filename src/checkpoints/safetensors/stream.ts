import { OptionError } from '../../foundation/errors.js';

/** A tensor of f32 that is made when its turn has come. */
export interface StreamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** All values, row-major. They are written out before the next tensor is asked for. */
  values(): Promise<Float32Array>;
}

/**
 * One safetensors file, piece by piece in the given order: a file of gigabytes never lies in memory as a whole.
 * @throws OptionError where a name repeats, or the values do not fit the shape.
 */
export async function* streamSafetensors(
  tensors: readonly StreamedTensor[],
  metadata: Readonly<Record<string, string>>,
): AsyncGenerator<Uint8Array> {
  const entries: [string, unknown][] = [['__metadata__', metadata]];
  const names = new Set(['__metadata__']);
  let position = 0;
  for (const { name, shape } of tensors) {
    if (names.has(name)) throw new OptionError(`tensor name "${name}" is reserved or used twice: rename it`);
    names.add(name);
    const data_offsets = [position, position + 4 * elements(shape)];
    entries.push([name, { dtype: 'F32', shape, data_offsets }]);
    position += 4 * elements(shape);
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const padded = Math.ceil(json.byteLength / 8) * 8;
  const header = new Uint8Array(8 + padded).fill(0x20, 8);
  new DataView(header.buffer).setBigUint64(0, BigInt(padded), true);
  header.set(json, 8);
  yield header;
  for (const { name, shape, values } of tensors) {
    const data = await values();
    if (data.length !== elements(shape)) {
      throw new OptionError(`tensor "${name}": expected ${elements(shape)} values for shape [${shape.join(', ')}], found ${data.length}`);
    }
    yield new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
}

function elements(shape: readonly number[]): number {
  return shape.reduce((all, size) => all * size, 1);
}
