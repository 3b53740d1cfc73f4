import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { addRowsKernel } from '../../kernels/backward/add-rows.wgsl.js';
import { combineRowsKernel } from '../../kernels/backward/combine-rows.wgsl.js';
import { gaussianLossKernel, gaussianStartKernel } from '../../kernels/backward/gaussian-rows.wgsl.js';
import { latentBackwardKernel, latentForwardKernel } from '../../kernels/backward/latent-rows.wgsl.js';
import { meanSquaredErrorKernel } from '../../kernels/backward/mean-squared-error.wgsl.js';
import { mishBackwardKernel, mishForwardKernel } from '../../kernels/backward/mish-rows.wgsl.js';
import { noisySampleKernel } from '../../kernels/backward/noisy-sample.wgsl.js';
import { normBackwardKernel } from '../../kernels/backward/norm-backward.wgsl.js';
import { normForwardKernel } from '../../kernels/backward/norm-forward.wgsl.js';
import { rowLossKernel } from '../../kernels/backward/row-loss.wgsl.js';
import { rowSumsKernel } from '../../kernels/backward/row-sums.wgsl.js';
import { rowsProductKernel } from '../../kernels/backward/rows-product.wgsl.js';
import { rowsProductTiledKernel } from '../../kernels/backward/rows-product-tiled.wgsl.js';
import { spreadRowsKernel } from '../../kernels/backward/spread-rows.wgsl.js';
import { weightGradientKernel } from '../../kernels/backward/weight-gradient.wgsl.js';
import { weightGradientTiledKernel } from '../../kernels/backward/weight-gradient-tiled.wgsl.js';
import type { Kernel } from '../../kernels/lib/kernel.js';
import { adamKernel } from '../../kernels/optimizer/adam.wgsl.js';
import { squareSumsKernel } from '../../kernels/optimizer/square-sums.wgsl.js';
import { stepResultKernel } from '../../kernels/optimizer/step-result.wgsl.js';
import { SMALL_GRADIENT, SMALL_ROWS } from '../../src/ops/backward/training-variants.js';

const FOLDER = fileURLToPath(new URL('training-snapshots/', import.meta.url));

const NORM = { epsilon: 1e-5, members: 1, film: 'scale-bias', probed: false } as const;

/** The kernels of training, in the variants whose texts differ by more than a number. */
const KERNELS: Readonly<Record<string, Kernel>> = {
  'rows-product-forwards': rowsProductKernel({ backwards: false, bias: true, addend: false }, { columns: 8, subgroup: 4 }),
  'rows-product-backwards': rowsProductKernel({ backwards: true, bias: false, addend: true }, { columns: 8, subgroup: 1 }),
  'rows-product-tiled-forwards': rowsProductTiledKernel({ backwards: false, bias: true, addend: false }, SMALL_ROWS),
  'rows-product-tiled-backwards': rowsProductTiledKernel({ backwards: true, bias: false, addend: true }, SMALL_ROWS),
  'weight-gradient-input': weightGradientKernel({ shifted: 'input' }, { groups: 2, subgroup: 4 }),
  'weight-gradient-output': weightGradientKernel({ shifted: 'output' }, { groups: 4, subgroup: 1 }),
  'weight-gradient-tiled': weightGradientTiledKernel({ shifted: 'input' }, SMALL_GRADIENT),
  'row-sums': rowSumsKernel(64),
  'norm-forward': normForwardKernel({ ...NORM, residual: false }),
  'norm-forward-gpu': normForwardKernel({ ...NORM, members: 64, film: 'none', residual: true }),
  'norm-backward': normBackwardKernel(NORM),
  'norm-forward-by-place': normForwardKernel({ ...NORM, filmByPlace: true, residual: false }),
  'norm-backward-by-place': normBackwardKernel({ ...NORM, filmByPlace: true }),
  'spread-rows': spreadRowsKernel(),
  'norm-backward-gpu': normBackwardKernel({ ...NORM, members: 64, film: 'bias', probed: true }),
  'mish-forward-pair': mishForwardKernel(true),
  'mish-backward-pair': mishBackwardKernel(true),
  'noisy-sample': noisySampleKernel(),
  'mean-squared-error': meanSquaredErrorKernel(),
  'add-rows': addRowsKernel(),
  'combine-rows': combineRowsKernel(4),
  'row-loss-square': rowLossKernel('square'),
  'row-loss-huber': rowLossKernel('huber'),
  'row-loss-product': rowLossKernel('product'),
  'row-loss-energy': rowLossKernel('energy'),
  'gaussian-start': gaussianStartKernel(),
  'gaussian-loss': gaussianLossKernel(),
  'latent-forward-exp': latentForwardKernel('exp'),
  'latent-backward-softplus': latentBackwardKernel('softplus'),
  'square-sums': squareSumsKernel(),
  'step-result': stepResultKernel(),
  'adam-ema': adamKernel(true),
  'rows-product-halves': rowsProductKernel({ backwards: true, bias: false, addend: false, halves: true }, { columns: 8, subgroup: 1 }),
  'rows-product-tiled-halves': rowsProductTiledKernel({ backwards: false, bias: false, addend: false, halves: true }, SMALL_ROWS),
  'adam-halves': adamKernel(false, true),
};

/** As wgsl-snapshots.test.ts: `npx vitest run --project pure test/kernels/training-snapshots -u` writes the texts again. */
describe('WGSL of training', () => {
  it.each(Object.entries(KERNELS))('%s is the text in training-snapshots/', async (name, { label, bindings, code }) => {
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
