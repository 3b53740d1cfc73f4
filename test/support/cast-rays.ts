import { castRaysKernel, castRaysShape } from '../../kernels/image/cast-rays.wgsl.js';
import { recordCastRays } from '../../src/ops/cast-rays.js';
import { INVOCATIONS } from '../../src/ops/grid.js';
import { SAMPLES } from '../../src/rendering/cast-picture.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import { runOp } from './run-op.js';

/**
 * Pictures of scenes with as many solids each, drawn by one dispatch: bytes R, G, B, A [scene][height][width]. `rows`: of workgroups, as large pictures
 * need them; by default as many as are recorded for these sides.
 */
export async function castOnDevice(
  device: ComputeDevice,
  scenes: readonly Float64Array[],
  height: number,
  width: number,
  rows?: number,
): Promise<Uint8Array[]> {
  const bytes = height * width * 4;
  const results = await runOp(device, (op) => {
    // As a part of what goes up, and of what is drawn.
    const numbers = Float32Array.from([...new Float64Array(64), ...scenes.flatMap((scene) => [...scene])]);
    const pictures = op.builder.buffer('pictures', 256 + scenes.length * bytes);
    const ranges = {
      scenes: { buffer: op.buffer('scenes', numbers), offset: 256, bytes: numbers.byteLength - 256 },
      pictures: { buffer: pictures, offset: 256, bytes: scenes.length * bytes },
    };
    if (rows === undefined) recordCastRays(op.builder, { ...ranges, count: scenes.length, height, width });
    else {
      op.builder.dispatch(
        castRaysKernel({ samples: SAMPLES, invocations: INVOCATIONS }),
        [op.builder.shape(castRaysShape({ height, width, sceneNumbers: scenes[0]?.length ?? 0 })), ranges.scenes, ranges.pictures],
        [Math.ceil((height * width) / INVOCATIONS / rows), rows, scenes.length],
      );
    }
    op.readWords('pictures', pictures);
  });
  const all = new Uint8Array(results.words('pictures').buffer);
  return scenes.map((_, i) => all.slice(256 + i * bytes, 256 + (i + 1) * bytes));
}

/** Without the fourth byte of a pixel. */
export function withoutAlpha(picture: Uint8Array): Uint8Array {
  return picture.filter((_, i) => i % 4 !== 3);
}
