/** `warmstep/push-t`: gym-pusht's simulator, the same numbers in float64, and the task that policies are evaluated on. */

export { observeKeypoints, observeMaskedKeypoints } from '../envs/push-t/keypoints.js';
export { observeAgent, observeState, observeVertices, pushTObservation } from '../envs/push-t/observations.js';
export { drawPicture, PICTURE_SIZE } from '../envs/push-t/picture.js';
export {
  type ContactPoint,
  PUSH_T_MAX_STEPS,
  PushT,
  type PushTOptions,
  type PushTState,
  type PushTStep,
  SUCCESS_COVERAGE,
} from '../envs/push-t/push-t.js';
export { pushTTask } from '../envs/push-t/task.js';
