import { BRIDGER } from './bridger.js';
import { CONSISTENCY, CONSISTENCY_TEACHER } from './consistency.js';
import type { TrainableMethod } from './define.js';
import { NO_DIFFUSION } from './no-diffusion.js';
import { ONE_STEP } from './one-step.js';
import { RELAYING } from './relaying.js';
import { STREAMING } from './streaming.js';

/** Methods that are trained, by the names that options and the command line have for them: a file beside this one, and a line here. */
export const TRAINED_METHODS = {
  'consistency-teacher': CONSISTENCY_TEACHER,
  consistency: CONSISTENCY,
  bridger: BRIDGER,
  onedp: ONE_STEP,
  'no-diffusion': NO_DIFFUSION,
  sdp: STREAMING,
  'rnr-dp': RELAYING,
} as const satisfies Record<string, TrainableMethod>;

export type TrainedMethodName = keyof typeof TRAINED_METHODS;
export const TRAINED_METHOD_NAMES = Object.keys(TRAINED_METHODS) as TrainedMethodName[];
