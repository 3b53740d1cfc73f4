import { recordCastRays } from '../../src/ops/cast-rays.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import { runOp } from './run-op.js';

/** Pictures of scenes with as many solids each, drawn by one dispatch: bytes R, G, B, A [scene][height][width]. */
export async function castOnDevice(
  device: ComputeDevice,
  scenes: readonly Float64Array[],
  height: number,
  width: number,
): Promise<Uint8Array[]> {
  const bytes = height * width * 4;
  const results = await runOp(device, (op) => {
    // As a part of what goes up, and of what is drawn.
    const numbers = Float32Array.from([...new Float64Array(64), ...scenes.flatMap((scene) => [...scene])]);
    const pictures = op.builder.buffer('pictures', 256 + scenes.length * bytes);
    recordCastRays(op.builder, {
      scenes: { buffer: op.buffer('scenes', numbers), offset: 256, bytes: numbers.byteLength - 256 },
      pictures: { buffer: pictures, offset: 256, bytes: scenes.length * bytes },
      count: scenes.length,
      height,
      width,
    });
    op.readWords('pictures', pictures);
  });
  const all = new Uint8Array(results.words('pictures').buffer);
  return scenes.map((_, i) => all.slice(256 + i * bytes, 256 + (i + 1) * bytes));
}

/** Without the fourth byte of a pixel. */
export function withoutAlpha(picture: Uint8Array): Uint8Array {
  return picture.filter((_, i) => i % 4 !== 3);
}
