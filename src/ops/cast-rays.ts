import { castRaysKernel, castRaysShape, SCENE_HEADER, SCENE_SOLID } from '../../kernels/image/cast-rays.wgsl.js';
import type { PlanBuilder } from '../runtime/plan-builder.js';
import { INVOCATIONS, lineOf } from './grid.js';
import type { BufferRange } from './sampling.js';

/** Rays of a pixel along each side. */
const SAMPLES = 2;
const FLOAT = 4;

/**
 * Records pictures = scenes, drawn. `scenes`: f32, one after the other, each as long as the others and laid out as the kernel says; `pictures`: bytes R, G, B, 255
 * [count][height][width].
 */
export function recordCastRays(
  builder: PlanBuilder,
  call: {
    readonly scenes: BufferRange;
    readonly pictures: BufferRange;
    readonly count: number;
    readonly height: number;
    readonly width: number;
  },
): void {
  const { scenes, pictures, count, height, width } = call;
  const sceneNumbers = scenes.bytes / FLOAT / count;
  const solids = (sceneNumbers - SCENE_HEADER) / SCENE_SOLID;
  if (!Number.isInteger(solids) || solids < 0 || pictures.bytes !== count * height * width * 4) {
    throw new TypeError(
      `cast_rays: ${count} scenes of whole solids, and pictures of ${height}x${width}; there are ${scenes.bytes} and ${pictures.bytes} bytes`,
    );
  }
  const [inRow, rows] = lineOf(height * width);
  builder.dispatch(
    castRaysKernel({ samples: SAMPLES, invocations: INVOCATIONS }),
    [builder.shape(castRaysShape({ height, width, sceneNumbers })), scenes, pictures],
    [inRow, rows, count],
  );
}
