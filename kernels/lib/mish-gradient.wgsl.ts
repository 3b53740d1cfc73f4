import { wgsl } from './wgsl.js';

/**
 * `mish_gradient(x)`: d Mish(x) / dx = τ + x σ(x) (1 − τ)(1 + τ), τ = tanh(ln(1 + eˣ)).
 *
 * With u = e^(−|x|) every term is a quotient of sums of positive numbers: nothing overflows and nothing cancels. The closed
 * form of the paper (Misra 2019) is NaN in f32 from x = 22.2 on, and ln(1 + eˣ) has lost 6 % by x = −17.
 */
export const mishGradient = wgsl`
fn mish_gradient(x: f32) -> f32 {
  let u = exp(-abs(x));
  let positive = x >= 0.0f;
  let numerator = select(u * u + 2.0f * u, 1.0f + 2.0f * u, positive);
  let rest = select(2.0f, 2.0f * u * u, positive);
  let denominator = numerator + rest;
  let tau = numerator / denominator;
  let sigma = select(u, 1.0f, positive) / (1.0f + u);
  return tau + x * sigma * (rest / denominator) * (1.0f + tau);
}`;
