import { Mt19937 } from './mt19937.js';
import type { PushTState } from './state.js';

/**
 * What a seed asks for, as gym-pusht's `reset` draws it: whole pixels for agent and block, then the angle. The block does
 * not come to lie there in the legacy order (see `PushT`).
 */
export function drawState(seed: number): PushTState {
  const random = new Mt19937(seed);
  // The order of the properties is the order of the draws.
  return {
    agentX: random.nextInteger(50, 450),
    agentY: random.nextInteger(50, 450),
    blockX: random.nextInteger(100, 400),
    blockY: random.nextInteger(100, 400),
    angle: random.nextNormal() * 2 * Math.PI - Math.PI,
  };
}
