import { inputLayout } from '../decision/decision-upload.js';
import { recordDecision } from '../decision/record-decision.js';
import { decisionRuns } from '../decision/segments.js';
import type { ComputeDevice } from '../runtime/device.js';
import { type BuildTarget, type Dispatch, PlanBuilder } from '../runtime/plan-builder.js';
import type { Precision } from '../spec/precision.js';
import type { SyntheticSize } from '../synthetic/checkpoint.js';
import { loadEmptyNetwork } from './empty-network.js';
import { SharingUploader } from './sharing-uploader.js';

export interface NetworkChoice {
  readonly size: SyntheticSize;
  readonly precision: Precision;
  readonly horizon: number;
}

/** A convolution of a decision, cut in one way. */
export interface RecordedConvolution {
  readonly dispatch: Dispatch;
  /** Of the plan that it was recorded into. */
  readonly shapes: PlanBuilder['shapes'];
  /** Dispatches of the same key in a decision of STEP. */
  readonly uses: number;
}

/** The synthetic network with its predictor, whose decision can be recorded again for other variants. */
export interface TunableNetwork {
  /** The convolutions of a decision, one for each key of a table of variants. */
  record(target: BuildTarget): ReadonlyMap<string, RecordedConvolution>;
  destroy(): void;
}

/** U-Net evaluations of a decision of STEP. */
const EVALUATIONS = 2;
/** Rows of the FiLM table: recording does not depend on their number. */
const TIMESTEPS = 2;

/** Makes the network without contents, and nothing else: what is measured gets weights of its own. */
export async function loadTunableNetwork(device: ComputeDevice, { size, precision, horizon }: NetworkChoice): Promise<TunableNetwork> {
  const choice = { size, precision, horizon, timesteps: TIMESTEPS };
  const { networks, decisionShape } = await loadEmptyNetwork(device, new SharingUploader(device), choice);
  const shape = decisionShape(1, EVALUATIONS);
  const record = (target: BuildTarget): ReadonlyMap<string, RecordedConvolution> => {
    const builder = new PlanBuilder(target);
    recordDecision(builder, networks, shape, inputLayout(shape));
    return convolutionsOf(builder);
  };
  return { record, destroy: networks.destroy };
}

function convolutionsOf(builder: PlanBuilder): Map<string, RecordedConvolution> {
  const { shapes } = builder;
  const found = new Map<string, RecordedConvolution>();
  const segments = new Map(builder.segments.map(({ name, dispatches }) => [name, dispatches]));
  for (const { segment } of decisionRuns(EVALUATIONS, true)) {
    for (const dispatch of segments.get(segment) ?? []) {
      if (dispatch.variant === undefined) continue;
      const known = found.get(dispatch.variant) ?? { dispatch, shapes, uses: 0 };
      found.set(dispatch.variant, { ...known, uses: known.uses + 1 });
    }
  }
  return found;
}
