import type { Binding } from '../../runtime/plan-builder.js';

/** A matrix that is trained, [tap][in][out] of f32: its values, as products read them, and its gradient. */
export interface TrainedMatrix {
  readonly weight: Binding;
  /** Whether `weight` are copies of the values rounded to f16; f32 where left out. */
  readonly halves?: boolean;
  /** Undefined where the network is frozen. */
  readonly gradient: Binding | undefined;
  readonly taps: number;
  readonly inChannels: number;
  readonly outChannels: number;
  /** Elements from an input channel to the next, and from a tap to the next; multiples of four. */
  readonly rowStride: number;
  readonly tapStride: number;
}

/** Vectors that are trained together, each padded to a multiple of four: e.g. γ, β of a norm and the bias of the convolution before it. */
export interface TrainedVectors {
  readonly weight: Binding;
  /** Undefined where the network is frozen. */
  readonly gradient: Binding | undefined;
  readonly channels: number;
  /** How many. */
  readonly count: number;
}

/** Where the gradient of a parameter goes. */
export function gradientOf({ gradient }: TrainedMatrix | TrainedVectors): Binding {
  if (!gradient) throw new TypeError('a frozen network has no gradients of its parameters');
  return gradient;
}
