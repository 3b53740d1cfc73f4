import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  batchNormApplyKernel,
  batchNormBackwardKernel,
  batchNormMomentsKernel,
  batchNormStatisticsKernel,
  batchNormSumsKernel,
  batchNormTotalsKernel,
} from '../../kernels/backward/batch-norm.wgsl.js';
import { drawMasksKernel } from '../../kernels/backward/draw-masks.wgsl.js';
import { droppedKernel } from '../../kernels/backward/dropped.wgsl.js';
import { droppedRowsGradientKernel, droppedRowsKernel } from '../../kernels/backward/dropped-rows.wgsl.js';
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
import { prepareFramesKernel } from '../../kernels/image/prepare-frames.wgsl.js';
import type { Kernel } from '../../kernels/lib/kernel.js';

const FOLDER = fileURLToPath(new URL('token-training-snapshots/', import.meta.url));

/** The kernels that the training of predictors and image encoders has of its own, in the variants whose texts differ by more than a number. */
const KERNELS: Readonly<Record<string, Kernel>> = {
  'draw-masks': drawMasksKernel(64),
  'dropped-gelu-gradient': droppedKernel('gelu gradient', 64),
  'dropped-drop-and-add': droppedKernel('drop and add', 64),
  'dropped-rows': droppedRowsKernel('none', 64),
  'dropped-rows-film': droppedRowsKernel('scale-bias', 64),
  'dropped-rows-gradient': droppedRowsGradientKernel('scale-bias', 64),
  'dropped-rows-gradient-bias': droppedRowsGradientKernel('bias', 64),
  'head-product': headProductKernel(64),
  'softmax-rows': softmaxRowsKernel(64),
  'softmax-rows-gradient': softmaxRowsGradientKernel(64),
  'layer-norm-kept': layerNormKeptKernel(8, 1e-5),
  'layer-norm-gradient-added': layerNormGradientKernel(64, true),
  'layer-norm-parameters': layerNormParametersKernel(64),
  'place-tokens-rows': placeTokensKernel(true, 64),
  'map-product-forwards': mapProductKernel({ backwards: false, bias: true, addend: false }, { columns: 8, subgroup: 4 }),
  'map-product-backwards': mapProductKernel({ backwards: true, bias: false, addend: true }, { columns: 8, subgroup: 1 }),
  'map-product-relu': mapProductKernel({ backwards: false, bias: true, addend: false, relu: 'applied' }, { columns: 8, subgroup: 1 }),
  'map-product-masked': mapProductKernel({ backwards: true, bias: false, addend: false, relu: 'masked' }, { columns: 8, subgroup: 1 }),
  'map-weight-gradient-sliced': mapWeightGradientKernel({ groups: 1, subgroup: 1 }, true),
  'mean-places': meanPlacesKernel(1),
  'mean-places-gpu': meanPlacesKernel(64),
  'mean-places-gradient': meanPlacesGradientKernel(64),
  'map-weight-gradient': mapWeightGradientKernel({ groups: 2, subgroup: 4 }),
  'map-norm-forward': mapNormForwardKernel({ members: 1, residual: true, relu: true }, 1e-5),
  'map-norm-backward-gpu': mapNormBackwardKernel({ members: 16, residual: true, relu: true }),
  'batch-norm-moments': batchNormMomentsKernel(64),
  'batch-norm-statistics': batchNormStatisticsKernel(1, 1e-5, 0.1),
  'batch-norm-statistics-gpu': batchNormStatisticsKernel(64, 1e-5, 0.1),
  'batch-norm-apply': batchNormApplyKernel({ residual: true, relu: true }, 64),
  'batch-norm-sums': batchNormSumsKernel({ residual: true, relu: true }, 64),
  'batch-norm-sums-plain': batchNormSumsKernel({ residual: false, relu: false }, 64),
  'batch-norm-totals': batchNormTotalsKernel(1),
  'batch-norm-backward': batchNormBackwardKernel({ relu: true }, 64),
  'batch-norm-backward-plain': batchNormBackwardKernel({ relu: false }, 64),
  'max-pool-forward': maxPoolForwardKernel(64),
  'max-pool-backward': maxPoolBackwardKernel(64),
  'keypoints-forward': keypointsForwardKernel(64),
  'keypoints-backward': keypointsBackwardKernel(64),
  'relu-rows-backwards': reluRowsKernel(true, 64),
  'prepare-frames-offsets': prepareFramesKernel({ format: 'u8-hwc3', resized: false, offsets: true, invocations: 64 }),
};

/** As wgsl-snapshots.test.ts: `npx vitest run --project pure test/kernels/token-training-snapshots -u` writes the texts again. */
describe('WGSL of the training of predictors and image encoders', () => {
  it.each(Object.entries(KERNELS))('%s is the text in token-training-snapshots/', async (name, { label, bindings, code }) => {
    const access = bindings.map((binding) => binding.access).join(', ');
    await expect(`// ${label}\n// bindings: ${access}\n${code}`).toMatchFileSnapshot(`${FOLDER}${name}.wgsl`);
  });

  it('has no snapshot of a kernel that is gone', () => {
    expect(readdirSync(FOLDER).sort()).toEqual(
      Object.keys(KERNELS)
        .map((name) => `${name}.wgsl`)
        .sort(),
    );
  });
});
