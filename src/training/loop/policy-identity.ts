import type { PolicyCheckpoint } from '../../checkpoints/types.js';
import { fileFacts, fingerprintOf } from '../../policy/file-facts.js';

/**
 * What a predictor learns from depends on its policy: statistics normalise its chunks and observations, encoders make features of pictures,
 * and the rows that are executed tell how far apart two chunks are. Reads a few small tensors.
 */
export async function policyIdentity(policy: PolicyCheckpoint): Promise<{ readonly policy: string; readonly actionSteps: number }> {
  return { policy: await fingerprintOf(await fileFacts(policy, undefined)), actionSteps: policy.actionSteps };
}
