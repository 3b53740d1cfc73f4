import { DROPOUT_BINDING, declareDropout, keptFactor, MASK_BINDING } from '../lib/dropout.wgsl.js';
import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { lineIndex } from '../lib/line.wgsl.js';
import { wgsl } from '../lib/wgsl.js';
import type { FilmKind } from './norm-forward.wgsl.js';

export const DROPPED_ROWS_SIZES = [
  'samples',
  'places',
  'channels',
  'from_offset',
  'from_row',
  'to_offset',
  'to_row',
  /** Of x, which the gradient of a scale reads. */
  'kept_offset',
  'kept_row',
  'film_offset',
  'film_row',
  'mask_word',
] as const;

/**
 * Dropout over rows, and the FiLM behind it, where there is one; a sample has one row f of its values:
 *
 *     d = kept(e) · x      y = d · f[c] + f[channels + c]      or d + f[c], or d      e = (b · places + t) · channels + c
 *
 * Bindings: shape · dropout · mask · x f32 rows [b · places + t][channels] · film f32 [b][row], where there is one · y f32 rows. An invocation owns a
 * channel of a sample at all its places.
 */
export function droppedRowsKernel(film: FilmKind, invocations: number): Kernel {
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    DROPOUT_BINDING,
    MASK_BINDING,
    { name: 'x', access: 'read', type: 'array<f32>' },
    ...(film === 'none' ? [] : [{ name: 'film', access: 'read', type: 'array<f32>' } as const]),
    { name: 'y', access: 'read_write', type: 'array<f32>' },
  ];
  const code = wgsl`
${head(bindings, invocations)}
  #if ${film === 'scale-bias'}
  let film_scale = film[film_at];
  let film_bias = film[film_at + shape.channels];
  #elif ${film === 'bias'}
  let film_bias = film[film_at];
  #endif
  for (var t = 0u; t < shape.places; t++) {
    let row = batch * shape.places + t;
    var value = kept(row * shape.channels + channel) * x[shape.from_offset + row * shape.from_row + channel];
    #if ${film === 'scale-bias'}
    value = value * film_scale + film_bias;
    #elif ${film === 'bias'}
    value += film_bias;
    #endif
    y[shape.to_offset + row * shape.to_row + channel] = value;
  }
}
`;
  return { label: `dropped_rows${ofFilm(film)}`, code, bindings };
}

/**
 * Its backward pass with a FiLM (without one it is the forward pass over dy):
 *
 *     dx = kept(e) · f[c] · dy      df_scale[c] = Σ_t dy · kept(e) · x      df_bias[c] = Σ_t dy
 *
 * Bindings: shape · dropout · mask · dy f32 rows · x f32 rows and film f32 [b][row] where there is a scale · dfilm f32 [b][row] · dx f32 rows. An
 * invocation owns a channel of a sample at all its places.
 */
export function droppedRowsGradientKernel(film: Exclude<FilmKind, 'none'>, invocations: number): Kernel {
  const hasScale = film === 'scale-bias';
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    DROPOUT_BINDING,
    MASK_BINDING,
    { name: 'dy', access: 'read', type: 'array<f32>' },
    ...(hasScale
      ? [{ name: 'x', access: 'read', type: 'array<f32>' } as const, { name: 'film', access: 'read', type: 'array<f32>' } as const]
      : []),
    { name: 'dfilm', access: 'read_write', type: 'array<f32>' },
    { name: 'dx', access: 'read_write', type: 'array<f32>' },
  ];
  const code = wgsl`
${head(bindings, invocations)}
  #if ${hasScale}
  let film_scale = film[film_at];
  var sum_scale = 0.0f;
  #endif
  var sum_bias = 0.0f;
  for (var t = 0u; t < shape.places; t++) {
    let row = batch * shape.places + t;
    let gradient = dy[shape.from_offset + row * shape.from_row + channel];
    let factor = kept(row * shape.channels + channel);
    sum_bias += gradient;
    #if ${hasScale}
    sum_scale += gradient * factor * x[shape.kept_offset + row * shape.kept_row + channel];
    dx[shape.to_offset + row * shape.to_row + channel] = factor * film_scale * gradient;
    #else
    dx[shape.to_offset + row * shape.to_row + channel] = factor * gradient;
    #endif
  }
  #if ${hasScale}
  dfilm[film_at] = sum_scale;
  dfilm[film_at + shape.channels] = sum_bias;
  #else
  dfilm[film_at] = sum_bias;
  #endif
}
`;
  return { label: `dropped_rows_gradient${ofFilm(film)}`, code, bindings };
}

/** Opens `main`: an invocation for each channel of each sample. */
function head(bindings: readonly KernelBinding[], invocations: number): string {
  const hasFilm = bindings.some(({ name }) => name === 'film' || name === 'dfilm');
  return wgsl`
${declareShape(DROPPED_ROWS_SIZES)}
${declareDropout}
${declareBindings(bindings)}

${keptFactor}

@compute @workgroup_size(${invocations})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let e = ${lineIndex(invocations)};
  if (e >= shape.samples * shape.channels) {
    return;
  }
  let batch = e / shape.channels;
  let channel = e % shape.channels;
  #if ${hasFilm}
  let film_at = batch * shape.film_row + shape.film_offset + channel;
  #endif`;
}

/** For labels. */
function ofFilm(film: FilmKind): string {
  return film === 'none' ? '' : `, film ${film}`;
}
