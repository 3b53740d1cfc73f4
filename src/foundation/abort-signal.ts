/**
 * The runtime's AbortSignal, where the TypeScript project that compiles this knows one (`lib` dom, or @types/node), and what
 * is used of it where it does not: no type of this package needs a global that a project may lack.
 */
export type AbortSignalLike = typeof globalThis extends { AbortSignal: { prototype: infer Signal } }
  ? Signal
  : { readonly aborted: boolean; readonly reason: unknown; throwIfAborted(): void };
