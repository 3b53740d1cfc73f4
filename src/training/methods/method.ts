import type { DropoutPlan } from '../../ops/backward/dropout.js';
import type { Binding } from '../../runtime/plan-builder.js';
import type { Rows } from '../../runtime/rows.js';
import type { BoundParameters, ParameterStore } from '../plan/parameter-store.js';
import type { ParameterInfo, PredictorDropout } from '../training-step.js';
import type { PassRecorder } from '../unet/layers.js';
import type { ParameterRequests } from '../unet/parameters.js';
import type { BatchParts, PartShape } from './batch-parts.js';

/** What a network asks of the layout, and its parameters in the order of the reference's state dict. */
export interface NetworkParameters {
  readonly requests: ParameterRequests;
  readonly parameters: readonly ParameterInfo[];
}

/** What a method records its passes with: the recorder of its own network, and those of others. */
export interface MethodRecorder<Part extends string = string> extends PassRecorder {
  /** A part of the batch. */
  rows(part: Part): Rows;
  values(part: Part): Binding;
  /** The same recorder over a network that is run and not trained; backwards it has the gradient of its input alone. */
  frozen(parameters: BoundParameters): PassRecorder;
  /** Masks of the method's sites, which its forward pass draws first; undefined for a method that drops nothing. */
  readonly dropout: DropoutPlan | undefined;
}

/** Where a method drops, and by what a batch says that it does; null: not at all. */
export interface MethodDropout<Batch> {
  readonly sites: readonly { readonly name: string; readonly elements: number }[];
  of(batch: Batch): PredictorDropout | null;
}

/**
 * How a method trains its network: which parameters it has, what a batch is, and what its loss is made of. Everything that is drawn is part of
 * the batch; every coefficient is computed by the host in float64.
 */
export interface Method<Batch, Part extends string = string> {
  readonly network: NetworkParameters;
  readonly batchSize: number;
  /** Parts of the loss, whose sum is the loss: one of a sample as a rule. */
  readonly lossCount: number;
  readonly parts: Readonly<Record<Part, PartShape>>;
  /** Default: nothing is dropped. */
  readonly dropout?: MethodDropout<Batch> | undefined;
  /** Writes a batch into its parts, which are zeros, and returns 1 / N, N the elements that the mean is over. @throws OptionError. */
  pack(batch: Batch, parts: BatchParts<Part>): number;
  /** Records both passes into the segments `forward` and `backward`, which it opens itself. */
  record(recorder: MethodRecorder<Part>, own: ParameterStore): void;
}
