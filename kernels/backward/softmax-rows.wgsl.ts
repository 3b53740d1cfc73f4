import { DROPOUT_BINDING, declareDropout, keptFactor, MASK_BINDING } from '../lib/dropout.wgsl.js';
import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { lineIndex } from '../lib/line.wgsl.js';
import { wgsl } from '../lib/wgsl.js';

/** The `shape` of both kernels: `rows` of `width` values, and where the mask of their dropout begins. */
export function softmaxRowsShape(rows: number, width: number, maskWord: number): number[] {
  return [rows, width, maskWord];
}

const SIZES = ['rows', 'width', 'mask_word'];

/** Both kernels up to the row that an invocation owns, which begins at `first`. */
function opening(bindings: readonly KernelBinding[], invocations: number): string {
  return `
${declareShape(SIZES)}
${declareDropout}
${declareBindings(bindings)}

${keptFactor}

@compute @workgroup_size(${invocations})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let row = ${lineIndex(invocations)};
  if (row >= shape.rows) {
    return;
  }
  let first = row * shape.width;`;
}

/**
 * Softmax of every row, and dropout of what comes out:
 *
 *     p[r, j] = exp(s[r, j] − max_r) / Σ_l exp(s[r, l] − max_r)        dropped[r, j] = kept[r, j] · p[r, j]
 *
 * Probabilities are kept for the gradient. Bindings: shape · dropout · mask · p f32 [rows][width], scores before and probabilities
 * after · dropped, of the same shape. An invocation owns a row.
 */
export function softmaxRowsKernel(invocations: number): Kernel {
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    DROPOUT_BINDING,
    MASK_BINDING,
    { name: 'p', access: 'read_write', type: 'array<f32>' },
    { name: 'dropped', access: 'read_write', type: 'array<f32>' },
  ];
  const code = wgsl`${opening(bindings, invocations)}
  var highest = p[first];
  for (var j = 1u; j < shape.width; j++) {
    highest = max(highest, p[first + j]);
  }
  var total = 0.0f;
  for (var j = 0u; j < shape.width; j++) {
    let e = exp(p[first + j] - highest);
    p[first + j] = e;
    total += e;
  }
  for (var j = 0u; j < shape.width; j++) {
    let probability = p[first + j] / total;
    p[first + j] = probability;
    dropped[first + j] = kept(first + j) * probability;
  }
}
`;
  return { label: 'softmax_rows', code, bindings };
}

/**
 * The gradient of softmax behind dropout:
 *
 *     dp[r, j] = kept[r, j] · ddropped[r, j]        ds[r, j] = p[r, j] · (dp[r, j] − Σ_l p[r, l] · dp[r, l])
 *
 * Bindings: shape · dropout · mask · p f32 [rows][width] · ds, of the same shape, ddropped before and ds after. An invocation
 * owns a row.
 */
export function softmaxRowsGradientKernel(invocations: number): Kernel {
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    DROPOUT_BINDING,
    MASK_BINDING,
    { name: 'p', access: 'read', type: 'array<f32>' },
    { name: 'ds', access: 'read_write', type: 'array<f32>' },
  ];
  const code = wgsl`${opening(bindings, invocations)}
  var projected = 0.0f;
  for (var j = 0u; j < shape.width; j++) {
    let dp = kept(first + j) * ds[first + j];
    ds[first + j] = dp;
    projected += p[first + j] * dp;
  }
  for (var j = 0u; j < shape.width; j++) {
    ds[first + j] = p[first + j] * (ds[first + j] - projected);
  }
}
`;
  return { label: 'softmax_rows_gradient', code, bindings };
}
