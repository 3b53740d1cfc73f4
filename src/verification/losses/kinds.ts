import { BRIDGER_LOSSES } from './bridger-losses.js';
import { CONSISTENCY_LOSSES } from './consistency-losses.js';
import { CVAE_LOSSES } from './cvae-losses.js';
import type { LossKind } from './loss-kind.js';
import { NO_DIFFUSION_LOSSES } from './no-diffusion-losses.js';
import { ONE_STEP_LOSSES } from './one-step-losses.js';
import { RELAYING_LOSSES } from './relaying-losses.js';
import { STREAMING_LOSSES } from './streaming-losses.js';

/** How recorded losses are computed, by the `type` of the network that they are of: a new method is a file beside these, and a line here. */
export const LOSS_KINDS: ReadonlyMap<string, LossKind> = new Map([
  ['bridger', BRIDGER_LOSSES],
  ['consistency_policy', CONSISTENCY_LOSSES],
  ['cvae_predictor', CVAE_LOSSES],
  ['no_diffusion', NO_DIFFUSION_LOSSES],
  ['onedp', ONE_STEP_LOSSES],
  ['streaming_diffusion', STREAMING_LOSSES],
  ['rnr_policy', RELAYING_LOSSES],
]);
