import { type CreateStrategy, createFrom } from './create.js';
import { FALCON } from './falcon.js';
import { RTI_DP } from './rti-dp.js';
import { DDIM, DDPM, DPM_SOLVER } from './solver.js';
import { STEP } from './step.js';

/** Strategies that ask a policy's own denoiser, and a predictor at most, one line each. */
export const OWN_STRATEGIES = [DDPM, DDIM, DPM_SOLVER, STEP, RTI_DP, FALCON] as const;

/**
 * For policies without networks of methods: all but the code of strategies that could not be built without one, which is left to be loaded
 * with their networks.
 */
export const createOwnStrategy: CreateStrategy = createFrom(OWN_STRATEGIES);
