import { BAR_VERTICES, STEM_VERTICES } from './board.js';
import { placePoints } from './place-points.js';
import { checkState, type PushTState } from './state.js';

const TURN = 2 * Math.PI;
const VERTICES = [...BAR_VERTICES, ...STEM_VERTICES];

/** gym-pusht's `agent_pos`: [x, y]. */
export function observeAgent(state: PushTState): number[] {
  const { agentX, agentY } = checkState('observeAgent', state);
  return [agentX, agentY];
}

/** gym-pusht's `state`: agent x, y, block origin x, y, and the angle in [0, 2π]. */
export function observeState(state: PushTState): number[] {
  const { agentX, agentY, blockX, blockY, angle } = checkState('observeState', state);
  const remainder = angle % TURN;
  return [agentX, agentY, blockX, blockY, remainder < 0 ? remainder + TURN : remainder];
}

/** gym-pusht's `environment_state`: the vertices of bar and stem in the world, 8 × (x, y), flattened. */
export function observeVertices(state: PushTState): number[] {
  return placePoints(VERTICES, checkState('observeVertices', state));
}

/** The observation under LeRobot's names: `observation.state` is the agent's position, not gym-pusht's `state`. */
export function pushTObservation(state: PushTState): Record<string, number[]> {
  return { 'observation.state': observeAgent(state), 'observation.environment_state': observeVertices(state) };
}
