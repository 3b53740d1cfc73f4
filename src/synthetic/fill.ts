/** How the values of a synthetic tensor follow from their index. */
export type Fill =
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'values'; readonly values: Float32Array }
  /** Uniform in (−bound, bound). */
  | { readonly kind: 'uniform'; readonly bound: number; readonly seed: number };

/**
 * Writes elements [first, first + out.length) of a tensor. Every value is a function of its index alone, so that a file
 * of any size can be read at any position without being held anywhere.
 */
export function fillValues(fill: Fill, first: number, out: Float32Array): void {
  switch (fill.kind) {
    case 'constant':
      out.fill(fill.value);
      return;
    case 'values':
      out.set(fill.values.subarray(first, first + out.length));
      return;
    case 'uniform': {
      const scale = fill.bound / 2 ** 31;
      for (let i = 0; i < out.length; i++) out[i] = mix(first + i, fill.seed) * scale;
      return;
    }
    default:
      fill satisfies never;
  }
}

/** A signed 32-bit hash of an index: two multiplications, because a large network asks for 249 million of them. */
function mix(index: number, seed: number): number {
  let word = (Math.imul(index, 0x9e3779b1) + seed) | 0;
  word ^= word >>> 16;
  word = Math.imul(word, 0x21f0aaad);
  return word ^ (word >>> 15);
}

/**
 * PyTorch's initial values, by name and shape: U(−1/√fan-in, 1/√fan-in) for layers and their biases, ones and zeros for
 * norms. With them activations keep their size through a deep network, so that a run is not one of infinities.
 * `shapes`: all tensors of the network, because a bias takes its bound from the weight beside it.
 */
export function initialFill(name: string, shapes: ReadonlyMap<string, readonly number[]>): Fill {
  const shape = shapes.get(name) ?? [];
  const isBias = name.endsWith('bias');
  const weight = isBias ? (shapes.get(name.replace(/bias$/, 'weight')) ?? []) : shape;
  if (weight.length < 2) return { kind: 'constant', value: isBias ? 0 : 1 };
  const fanIn = weight.slice(1).reduce((product, size) => product * size, 1);
  return { kind: 'uniform', bound: 1 / Math.sqrt(fanIn), seed: seedOf(name) };
}

/** A different stream for every tensor. */
function seedOf(name: string): number {
  let seed = 0;
  for (let i = 0; i < name.length; i++) seed = (Math.imul(seed ^ name.charCodeAt(i), 0x01000193) + 0x9e3779b9) | 0;
  return seed;
}
