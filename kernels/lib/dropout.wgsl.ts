import type { KernelBinding } from './kernel.js';
import { wgsl } from './wgsl.js';

/**
 * Dropout masks: a bit per element, lowest bit of a word first, 1 where the element is kept. Every site (a tensor that dropout is
 * applied to) begins at a word of its own.
 *
 * `dropout`: what a step draws with, written by the host. An element is kept where its random word is at least `threshold` =
 * probability · 2^32, and multiplied by `scale` = 1 / (1 − probability) then. `drawn`: 1, or 0 where the host wrote the masks.
 */
export const DROPOUT_BINDING: KernelBinding = { name: 'dropout', access: 'uniform', type: 'Dropout' };
export const MASK_BINDING: KernelBinding = { name: 'mask', access: 'read', type: 'array<u32>' };

/** Words of the uniform. */
export const DROPOUT_WORDS = 8;

/** Must stand before the bindings. */
export const declareDropout = wgsl`struct Dropout {
  seed_low: u32,
  seed_high: u32,
  step: u32,
  threshold: u32,
  scale: f32,
  drawn: u32,
  unused0: u32,
  unused1: u32,
}`;

/** `kept(element)`: the factor of an element, 0 or the scale. Needs both bindings, and `mask_word` in the shape. */
export const keptFactor = wgsl`fn kept(element: u32) -> f32 {
  let bit = (mask[shape.mask_word + (element >> 5u)] >> (element & 31u)) & 1u;
  return select(0.0f, dropout.scale, bit == 1u);
}`;
