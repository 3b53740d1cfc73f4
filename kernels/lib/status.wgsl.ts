import { wgsl } from './wgsl.js';

/**
 * `report_non_finite(value, sample_index, code)`: raises the sample's status word to `code` when a value is NaN or infinite. The test is on the
 * bits: a compiler may assume that floating-point comparisons never see a NaN, and `clamp` may turn NaN into a bound,
 * so the fault would otherwise leave the device as a plausible action. Needs a binding
 * `status: array<atomic<u32>>`, a word per sample; the largest code wins, whatever the order of the invocations.
 */
export const reportNonFinite = wgsl`
fn report_non_finite(value: f32, sample_index: u32, code: u32) {
  if ((bitcast<u32>(value) & 0x7f800000u) == 0x7f800000u) {
    atomicMax(&status[sample_index], code);
  }
}`;
