import { placePoints } from './place-points.js';
import { checkState, type PushTState } from './state.js';

/**
 * Nine points of the block, x and y in body coordinates. Diffusion Policy samples them on a rendered picture of the T (the
 * farthest point each time), so they follow from no formula; the demonstrations' keypoints give the same numbers.
 */
const KEYPOINTS: readonly number[] = [
  9.269787, 90.040974, -60.983472, -1.18673, 60.912756, -1.393364, -0.270503, 25.543625, -14.064928, 122.815854, 39.002739, 32.857404,
  -39.966414, 32.729655, -16.824344, 62.863179, 23.541461, -1.700288,
];

/**
 * What Diffusion Policy's low-dimensional Push-T policies see, 20 values in pixels: nine keypoints of the block (x, y), then
 * the agent (x, y). LeRobot's keypoint policies see the eight vertices instead.
 */
export function observeKeypoints(state: PushTState): number[] {
  const { agentX, agentY, ...pose } = checkState('observeKeypoints', state);
  return [...placePoints(KEYPOINTS, pose), agentX, agentY];
}

/** The observation of diffusion_policy's PushTKeypointsEnv, 40 values: the 20, and for each a 1, because it is visible. */
export function observeMaskedKeypoints(state: PushTState): number[] {
  const values = observeKeypoints(state);
  return [...values, ...values.map(() => 1)];
}
