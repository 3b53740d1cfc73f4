import type { Binding } from '../../runtime/plan-builder.js';

/** A matrix that is trained, [tap][in][out] of f32: its values, as products read them, and its gradient. */
export interface TrainedMatrix {
  readonly weight: Binding;
  /** Whether `weight` are copies of the values rounded to f16; f32 where left out. */
  readonly halves?: boolean;
  readonly gradient: Binding;
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
  readonly gradient: Binding;
  readonly channels: number;
  /** How many. */
  readonly count: number;
}
