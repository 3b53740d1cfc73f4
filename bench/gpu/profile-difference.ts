import { existsSync } from 'node:fs';
import { SafetensorsFile } from '../../src/checkpoints/safetensors/safetensors.js';
import { folderSource } from '../../src/platform/node/folder-source.js';

/** How far the results of two runs are apart. */
export interface Difference {
  readonly tensors: number;
  /** Tensors with other bits. */
  readonly different: number;
  /** Largest difference of a tensor, as a share of its largest value. */
  readonly largest: number;
  /** The tensor that it belongs to, as file/name. */
  readonly where: string | null;
}

/** Compares the dumps of two folders, tensor by tensor; undefined where one of them is not there. */
export async function compareDumps(first: string, second: string): Promise<Difference | undefined> {
  if (!existsSync(first) || !existsSync(second)) return undefined;
  const [a, b] = [await folderSource(first), await folderSource(second)];
  let [tensors, different, largest] = [0, 0, 0];
  let where: string | null = null;
  try {
    const there = new Set(await b.list());
    for (const file of (await a.list()).filter((name) => there.has(name)).sort()) {
      const [left, right] = [await SafetensorsFile.open(await a.open(file)), await SafetensorsFile.open(await b.open(file))];
      for (const [name, { dtype }] of left.tensors) {
        if (dtype !== 'F32' || !right.tensors.has(name)) continue;
        const apart = distance(await left.readFloats(name), await right.readFloats(name));
        tensors++;
        if (apart.bits) different++;
        if (apart.relative > largest) [largest, where] = [apart.relative, `${file}/${name}`];
      }
    }
    return { tensors, different, largest, where };
  } finally {
    await a.close();
    await b.close();
  }
}

/** Largest difference over the largest value, and whether any bit differs. */
export function distance(a: Float32Array, b: Float32Array): { readonly relative: number; readonly bits: boolean } {
  let [difference, scale, bits] = [0, 0, a.length !== b.length];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] as number, b[i] as number];
    if (!Object.is(x, y)) bits = true;
    difference = Math.max(difference, Math.abs(x - y));
    scale = Math.max(scale, Math.abs(x));
  }
  return { relative: difference / (scale || 1), bits };
}
