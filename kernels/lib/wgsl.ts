import { wgsl as preprocess } from 'wgsl-preprocessor/wgsl-preprocessor.js';

/** What may be written between `${` and `}` of a kernel: text, a number, or the condition of an `#if`. */
export type WgslValue = string | number | boolean;

/**
 * The template tag of every kernel: `#if ${…}`, `#elif ${…}`, `#else`, `#endif` choose structure, other values are
 * printed. The preprocessor prints a missing value as the word "undefined"; here it is an error instead.
 */
export function wgsl(strings: TemplateStringsArray, ...values: readonly WgslValue[]): string {
  values.forEach((value, index) => {
    const unusable = value === undefined || value === null || (typeof value === 'number' && !Number.isFinite(value));
    if (unusable) {
      throw new TypeError(`wgsl: value ${index} after "${(strings[index] ?? '').slice(-40)}" is ${String(value)}`);
    }
  });
  return preprocess(strings, ...values);
}

/** An f32 literal with all its digits: WGSL reads a bare `1` as an integer. */
export function f32(value: number): string {
  const text = String(Math.fround(value));
  return `${/[.e]/.test(text) ? text : `${text}.0`}f`;
}

/** A name as WGSL spells it: fromPreviousX0 is from_previous_x0. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Repeats a fragment, for loops that must be unrolled: the WGSL compilers do not do it by themselves. */
export function unroll(count: number, fragment: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => fragment(index)).join('\n');
}
