import type { ObservationInfo } from '../spec/policy-spec.js';
import type { Frame, Observation } from './frame.js';
import { gatherFrames } from './gather-frames.js';
import { checkPictures } from './picture.js';

/**
 * Checks the observation of one tick and copies it. `where`: who was given it, for messages.
 * @throws ObservationError naming the feature: missing, unknown, given twice, wrong length, not a number, not finite.
 */
export function checkFrame(features: readonly ObservationInfo[], observation: Observation, where: string): Frame {
  return gatherFrames(features, observation, 1, where, checkPictures)[0] as Frame;
}

/**
 * The same for a window of `steps` ticks, [steps][size] by name and lists of images; returns its frames, oldest first.
 * @throws as checkFrame.
 */
export function checkWindow(features: readonly ObservationInfo[], window: Observation, steps: number, where: string): Frame[] {
  return gatherFrames(features, window, steps, where, checkPictures);
}
