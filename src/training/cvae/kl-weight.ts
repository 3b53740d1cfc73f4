import type { CvaeShape } from '../../spec/network-shapes.js';

/** How the weight κ of the divergence grows with the calls of the loss, of training and of validation. */
interface KlGrowth {
  readonly first: number;
  readonly perCall: number;
  readonly most: number;
}

const GROWTH: Readonly<Record<CvaeShape['activation'], KlGrowth>> = {
  /** STEP's release. */
  relu: { first: 0.1, perCall: 0.001, most: 2 },
  /** BRIDGER's. */
  elu: { first: 0, perCall: 1e-4, most: 0.1 },
};

/** κ of the call of the loss before which `calls` were made. */
export function klWeight({ activation }: Pick<CvaeShape, 'activation'>, calls: number): number {
  const { first, perCall, most } = GROWTH[activation];
  return Math.min(first + perCall * calls, most);
}
