#!/usr/bin/env node
/**
 * Compiles the kernels of image encoders for GPUs one after the other and prints their names in that order, for drivers that print
 * statistics of every pipeline (registers, spills, waves): `node dist/bench/kernels/compile-image-kernels.js`.
 */
import { type Conv2dTiledParameters, conv2dTiledKernel } from '../../kernels/conv/conv2d-tiled.wgsl.js';
import { castRaysKernel } from '../../kernels/image/cast-rays.wgsl.js';
import { maxPoolKernel } from '../../kernels/image/max-pool.wgsl.js';
import { meanPoolKernel } from '../../kernels/image/mean-pool.wgsl.js';
import { FRAME_FORMATS, prepareFramesKernel } from '../../kernels/image/prepare-frames.wgsl.js';
import { spatialSoftmaxKernel } from '../../kernels/image/spatial-softmax.wgsl.js';
import { finishMapKernel } from '../../kernels/norm/finish-map.wgsl.js';
import { mapStatisticsKernel } from '../../kernels/norm/map-statistics.wgsl.js';
import { LARGE_TILE, SMALL_TILE } from '../../src/ops/conv2d-variants.js';
import { EPSILON } from '../../src/ops/norm.js';
import { openDevice } from '../../src/platform/node/device.js';
import { PRECISIONS } from '../../src/spec/precision.js';
import { print } from '../../src/terminal/output.js';

const FINISHED = { bias: true, residual: true, relu: true, split: false } as const;
const PARTIAL = { bias: false, residual: false, relu: false, split: true } as const;

const device = await openDevice({ adapter: process.env['WARMSTEP_ADAPTER'] ?? 'hardware' });
try {
  const convolutions = [SMALL_TILE, LARGE_TILE].flatMap((tile) =>
    PRECISIONS.flatMap((storage): Conv2dTiledParameters[] => [
      { ...FINISHED, storage, tile },
      { ...PARTIAL, storage, tile },
    ]),
  );
  const kernels = [
    ...convolutions.map(conv2dTiledKernel),
    ...(['group', 'parts', 'none'] as const).map((norm) =>
      finishMapKernel({ invocations: 256, norm, epsilon: EPSILON, residual: true, relu: true }),
    ),
    mapStatisticsKernel(256),
    maxPoolKernel(64),
    meanPoolKernel(64),
    spatialSoftmaxKernel(64),
    ...FRAME_FORMATS.map((format) => prepareFramesKernel({ format, resized: true, invocations: 64 })),
    castRaysKernel({ samples: 2, invocations: 64 }),
  ];
  for (const [index, kernel] of kernels.entries()) {
    await device.pipelines.get(kernel);
    print(`${String(index + 1).padStart(4)}  ${kernel.label}`);
  }
} finally {
  device.dispose();
}
