import { wgsl } from './wgsl.js';

/** Pointwise functions that the other kernels apply where they read or write. */
export type Activation = 'none' | 'mish' | 'gelu' | 'relu' | 'elu';

/** The same function of every component. */
function forVectors(name: string): string {
  return `fn ${name}4(x: vec4f) -> vec4f {
  return vec4f(${['x', 'y', 'z', 'w'].map((component) => `${name}(x.${component})`).join(', ')});
}`;
}

/**
 * Mish(x) = x · tanh(ln(1 + eˣ)) (Misra 2019). With n = eˣ(eˣ + 2), tanh(ln(1 + eˣ)) = n / (n + 2): no logarithm, no
 * cancellation for negative x. Above 20 the quotient is 1 in f32 and eˣ would soon overflow.
 */
const mish = wgsl`
fn mish(x: f32) -> f32 {
  let e = exp(min(x, 20.0f));
  let n = e * (e + 2.0f);
  return x * select(n / (n + 2.0f), 1.0f, x > 20.0f);
}
${forVectors('mish')}`;

/**
 * GELU in its exact form, x · Φ(x) = x/2 · erfc(−x/√2). erfc by a Chebyshev fit in t = 1 / (1 + |z|/2): relative error
 * below 1.2e-7 for every z, so the tails keep their digits.
 */
const gelu = wgsl`
fn erfc(z: f32) -> f32 {
  let a = abs(z);
  let t = 1.0f / (1.0f + 0.5f * a);
  let p = -1.26551223f + t * (1.00002368f + t * (0.37409196f + t * (0.09678418f + t * (-0.18628806f
    + t * (0.27886807f + t * (-1.13520398f + t * (1.48851587f + t * (-0.82215223f + t * 0.17087277f))))))));
  let r = t * exp(p - a * a);
  return select(2.0f - r, r, z >= 0.0f);
}
fn gelu(x: f32) -> f32 {
  return 0.5f * x * erfc(x * -0.70710678f);
}
${forVectors('gelu')}`;

/** ReLU of a vec4f. Not max(x, 0): it may turn NaN into 0, and the fault would leave the device as a plausible action. */
export function reluOf(value: string): string {
  return `select(${value}, vec4f(), ${value} < vec4f())`;
}

const relu = wgsl`
fn relu(x: f32) -> f32 {
  return select(x, 0.0f, x < 0.0f);
}
fn relu4(x: vec4f) -> vec4f {
  return ${reluOf('x')};
}`;

/** ELU with α = 1: x above 0, eˣ − 1 below (Clevert et al. 2016). NaN stays NaN, as with ReLU. */
const elu = wgsl`
fn elu(x: f32) -> f32 {
  return select(x, exp(min(x, 0.0f)) - 1.0f, x < 0.0f);
}
${forVectors('elu')}`;

/** Definitions needed by a kernel that applies these activations; each function is defined once. */
export function activationFunctions(...used: readonly Activation[]): string {
  const [first, second] = [used.includes('mish') ? mish : '', used.includes('gelu') ? gelu : ''];
  return `${first}\n${second}${used.includes('relu') ? relu : ''}${used.includes('elu') ? elu : ''}`;
}

/** The activation of an expression of type f32, or of each component of one of type vec4f. */
export function activate(activation: Activation, expression: string, components: 1 | 4 = 1): string {
  if (activation === 'none') return expression;
  return components === 1 ? `${activation}(${expression})` : `${activation}4(${expression})`;
}
