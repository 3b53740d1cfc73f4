#!/usr/bin/env node
/**
 * Compiles the training kernels of class `gpu` one after the other and prints their names in that order, for drivers that print statistics of
 * every pipeline (registers, spills, waves): `node dist/bench/training/compile-kernels.js`.
 */
import { addRowsKernel } from '../../kernels/backward/add-rows.wgsl.js';
import { meanSquaredErrorKernel } from '../../kernels/backward/mean-squared-error.wgsl.js';
import { mishBackwardKernel, mishForwardKernel } from '../../kernels/backward/mish-rows.wgsl.js';
import { noisySampleKernel } from '../../kernels/backward/noisy-sample.wgsl.js';
import { normBackwardKernel } from '../../kernels/backward/norm-backward.wgsl.js';
import { normForwardKernel } from '../../kernels/backward/norm-forward.wgsl.js';
import { rowSumsKernel } from '../../kernels/backward/row-sums.wgsl.js';
import { rowsProductTiledKernel } from '../../kernels/backward/rows-product-tiled.wgsl.js';
import { weightGradientTiledKernel } from '../../kernels/backward/weight-gradient-tiled.wgsl.js';
import { adamKernel } from '../../kernels/optimizer/adam.wgsl.js';
import { squareSumsKernel } from '../../kernels/optimizer/square-sums.wgsl.js';
import { stepResultKernel } from '../../kernels/optimizer/step-result.wgsl.js';
import { LARGE_GRADIENT, LARGE_ROWS, SMALL_GRADIENT, SMALL_ROWS } from '../../src/ops/backward/training-variants.js';
import { EPSILON } from '../../src/ops/norm.js';
import { openDevice } from '../../src/platform/node/device.js';
import { print } from '../../src/terminal/output.js';

const device = await openDevice({ profile: 'fast', adapter: process.env['WARMSTEP_ADAPTER'] ?? 'hardware' });
try {
  const norm = { epsilon: EPSILON, members: 64, film: 'scale-bias', probed: false } as const;
  const kernels = [
    ...[SMALL_ROWS, LARGE_ROWS].flatMap((tile) => [
      rowsProductTiledKernel({ backwards: false, bias: true, addend: false }, tile),
      rowsProductTiledKernel({ backwards: true, bias: false, addend: true }, tile),
      rowsProductTiledKernel({ backwards: false, bias: true, addend: false, halves: true }, tile),
      rowsProductTiledKernel({ backwards: true, bias: false, addend: true, halves: true }, tile),
    ]),
    ...[SMALL_GRADIENT, LARGE_GRADIENT].flatMap((tile) =>
      (['input', 'output'] as const).map((shifted) => weightGradientTiledKernel({ shifted }, tile)),
    ),
    rowSumsKernel(64),
    normForwardKernel({ ...norm, residual: false }),
    normForwardKernel({ ...norm, film: 'none', residual: true }),
    normBackwardKernel(norm),
    normBackwardKernel({ ...norm, film: 'none' }),
    mishForwardKernel(true),
    mishBackwardKernel(true),
    noisySampleKernel(),
    meanSquaredErrorKernel(),
    addRowsKernel(),
    squareSumsKernel(),
    stepResultKernel(),
    adamKernel(true),
    adamKernel(true, true),
  ];
  for (const [index, kernel] of kernels.entries()) {
    await device.pipelines.get(kernel);
    print(`${String(index + 1).padStart(4)}  ${kernel.label}`);
  }
} finally {
  device.dispose();
}
