import { BRIDGER_CASE } from './bridger.js';
import { CONSISTENCY_CASE } from './consistency.js';
import type { MethodCaseKind } from './define.js';
import { LADDER_CASE } from './ladder.js';
import { NO_DIFFUSION_CASE } from './no-diffusion.js';
import { ONEDP_CASE } from './onedp.js';
import { STREAMING_CASE } from './streaming.js';

/** Kinds of cases of methods with networks of their own, by `kind` in case.json, one line each. */
export const METHOD_CASES: Readonly<Record<string, MethodCaseKind>> = {
  consistency_policy: CONSISTENCY_CASE,
  onedp: ONEDP_CASE,
  no_diffusion: NO_DIFFUSION_CASE,
  streaming_diffusion: STREAMING_CASE,
  rnr_policy: LADDER_CASE,
  bridger: BRIDGER_CASE,
};
