import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Where data sets lie, which are too large for the repository: WARMSTEP_DATA, or a folder beside the repository. */
const FOLDER = process.env['WARMSTEP_DATA'] ?? fileURLToPath(new URL('../../../shared/data', import.meta.url));

/**
 * Path of a data set's folder; undefined, and a line that says what is left out, where it is absent. Tests over it use
 * `it.skipIf(!folder)`.
 */
export function dataFolder(name: string, leftOut: string): string | undefined {
  const folder = `${FOLDER}/${name}`;
  if (existsSync(folder)) return folder;
  console.info(`left out: ${leftOut}. There is no ${folder}; WARMSTEP_DATA names the folder of data sets.`);
  return undefined;
}

/** Numbers of a little-endian file without a header. */
export function readFloat32(path: string): Float32Array {
  return new Float32Array(alignedBytes(path));
}

/** As `readFloat32`, of 32-bit integers. */
export function readInt32(path: string): Int32Array {
  return new Int32Array(alignedBytes(path));
}

/** A buffer of its own: a typed array cannot begin anywhere in a shared one. */
function alignedBytes(path: string): ArrayBuffer {
  return Uint8Array.from(readFileSync(path)).buffer;
}
