// wgsl-preprocessor 1.0 ships no types.
declare module 'wgsl-preprocessor/wgsl-preprocessor.js' {
  export function wgsl(strings: readonly string[], ...values: readonly unknown[]): string;
}
