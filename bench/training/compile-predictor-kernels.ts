#!/usr/bin/env node
/**
 * As compile-kernels.ts, for the kernels that the training of predictors and image encoders has of its own:
 * `node dist/bench/training/compile-predictor-kernels.js`.
 */
import { drawMasksKernel } from '../../kernels/backward/draw-masks.wgsl.js';
import { DROPPED, type DroppedFunction, droppedKernel } from '../../kernels/backward/dropped.wgsl.js';
import { headProductKernel } from '../../kernels/backward/head-product.wgsl.js';
import { keypointsBackwardKernel, keypointsForwardKernel } from '../../kernels/backward/keypoints.wgsl.js';
import { mapNormBackwardKernel, mapNormForwardKernel } from '../../kernels/backward/map-norm.wgsl.js';
import { mapProductKernel } from '../../kernels/backward/map-product.wgsl.js';
import { mapWeightGradientKernel } from '../../kernels/backward/map-weight-gradient.wgsl.js';
import { maxPoolBackwardKernel, maxPoolForwardKernel } from '../../kernels/backward/max-pool-rows.wgsl.js';
import { meanPlacesGradientKernel, meanPlacesKernel } from '../../kernels/backward/mean-places.wgsl.js';
import { placeTokensKernel } from '../../kernels/backward/place-tokens.wgsl.js';
import { reluRowsKernel } from '../../kernels/backward/relu-rows.wgsl.js';
import { softmaxRowsGradientKernel, softmaxRowsKernel } from '../../kernels/backward/softmax-rows.wgsl.js';
import { layerNormGradientKernel, layerNormKeptKernel, layerNormParametersKernel } from '../../kernels/backward/trained-layer-norm.wgsl.js';
import { mapGradientCut, mapProductCut } from '../../src/ops/backward/training-variants-maps.js';
import { INVOCATIONS } from '../../src/ops/grid.js';
import { EPSILON } from '../../src/ops/norm.js';
import { openDevice } from '../../src/platform/node/device.js';
import { print } from '../../src/terminal/output.js';

const device = await openDevice({ profile: 'fast', adapter: process.env['WARMSTEP_ADAPTER'] ?? 'hardware' });
try {
  const norm = { members: 64, residual: true, relu: true } as const;
  const cut = mapProductCut(4096, device);
  const kernels = [
    headProductKernel(INVOCATIONS),
    softmaxRowsKernel(INVOCATIONS),
    softmaxRowsGradientKernel(INVOCATIONS),
    layerNormKeptKernel(INVOCATIONS, EPSILON),
    layerNormGradientKernel(INVOCATIONS, true),
    layerNormParametersKernel(INVOCATIONS),
    ...(Object.keys(DROPPED) as DroppedFunction[]).map((name) => droppedKernel(name, INVOCATIONS)),
    drawMasksKernel(INVOCATIONS),
    placeTokensKernel(true, INVOCATIONS),
    mapProductKernel({ backwards: false, bias: false, addend: false }, cut),
    mapProductKernel({ backwards: true, bias: false, addend: true }, cut),
    mapWeightGradientKernel(mapGradientCut(16, device)),
    mapProductKernel({ backwards: false, bias: true, addend: false, relu: 'applied' }, cut),
    mapProductKernel({ backwards: true, bias: false, addend: false, relu: 'masked' }, cut),
    mapWeightGradientKernel(mapGradientCut(1, device), true),
    mapWeightGradientKernel(mapGradientCut(16, device), true),
    meanPlacesKernel(64),
    meanPlacesGradientKernel(INVOCATIONS),
    mapNormForwardKernel(norm, EPSILON),
    mapNormBackwardKernel({ ...norm, members: 16 }),
    maxPoolForwardKernel(INVOCATIONS),
    maxPoolBackwardKernel(INVOCATIONS),
    keypointsForwardKernel(INVOCATIONS),
    keypointsBackwardKernel(INVOCATIONS),
    reluRowsKernel(true, INVOCATIONS),
  ];
  for (const [index, kernel] of kernels.entries()) {
    await device.pipelines.get(kernel);
    print(`${String(index + 1).padStart(4)}  ${kernel.label}`);
  }
} finally {
  device.dispose();
}
