import { inputLayout } from '../decision/decision-upload.js';
import { recordDecision } from '../decision/record-decision.js';
import { decisionRuns } from '../decision/segments.js';
import type { ComputeDevice } from '../runtime/device.js';
import type { SegmentRun } from '../runtime/plan.js';
import { type BuildTarget, type Dispatch, PlanBuilder } from '../runtime/plan-builder.js';
import type { Precision } from '../spec/precision.js';
import type { SyntheticSize } from '../synthetic/checkpoint.js';
import { ENCODE, loadEmptyEncoder, type PictureChoice, recordEncoderAlone } from './empty-encoder.js';
import { loadEmptyNetwork } from './empty-network.js';
import { SharingUploader } from './sharing-uploader.js';

export interface NetworkChoice {
  readonly size: SyntheticSize;
  readonly precision: Precision;
  readonly horizon: number;
}

/** A convolution of a decision or of an encoder, cut in one way. */
export interface RecordedConvolution {
  readonly dispatch: Dispatch;
  /** Of the plan that it was recorded into. */
  readonly shapes: PlanBuilder['shapes'];
  /** Dispatches of the same key in a decision of STEP, or an encoder. */
  readonly uses: number;
}

/** A network whose decision, or an encoder whose run, can be recorded again for other variants. */
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
    return convolutionsOf(builder, decisionRuns(EVALUATIONS, true));
  };
  return { record, destroy: networks.destroy };
}

/** The same of an image encoder, for one picture. */
export async function loadTunableEncoder(
  device: ComputeDevice,
  { picture, precision }: { readonly picture: PictureChoice; readonly precision: Precision },
): Promise<TunableNetwork> {
  const uploader = new SharingUploader(device);
  try {
    const { shape, encoder } = await loadEmptyEncoder(uploader, { picture, precision });
    const record = (target: BuildTarget): ReadonlyMap<string, RecordedConvolution> => {
      const builder = new PlanBuilder(target);
      recordEncoderAlone(builder, shape, encoder, 1);
      return convolutionsOf(builder, [{ segment: ENCODE }]);
    };
    return { record, destroy: () => uploader.destroy() };
  } catch (error) {
    uploader.destroy();
    throw error;
  }
}

function convolutionsOf(builder: PlanBuilder, runs: readonly Pick<SegmentRun, 'segment'>[]): Map<string, RecordedConvolution> {
  const { shapes } = builder;
  const found = new Map<string, RecordedConvolution>();
  const segments = new Map(builder.segments.map(({ name, dispatches }) => [name, dispatches]));
  for (const { segment } of runs) {
    for (const dispatch of segments.get(segment) ?? []) {
      if (dispatch.variant === undefined) continue;
      const known = found.get(dispatch.variant) ?? { dispatch, shapes, uses: 0 };
      found.set(dispatch.variant, { ...known, uses: known.uses + 1 });
    }
  }
  return found;
}
