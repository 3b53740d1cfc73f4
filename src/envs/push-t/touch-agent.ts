import { AGENT_RADIUS } from './board.js';
import type { Manifold } from './manifold.js';
import type { Separation } from './separation.js';
import type { Disc, Rectangle } from './shapes.js';

/** One point where the agent touches the rectangle (Chipmunk CircleToPoly). `separation` is scratch. */
export function touchAgent(agent: Disc, rectangle: Rectangle, separation: Separation, out: Manifold): void {
  const { x, y } = agent.velocity;
  separation.measure(rectangle.vertices, x, y, x, y);
  const { normalX, normalY, distance } = separation;
  out.clear(normalX, normalY);
  if (distance > AGENT_RADIUS) return;
  out.add(0, x + normalX * AGENT_RADIUS, y + normalY * AGENT_RADIUS, x + normalX * distance, y + normalY * distance);
}
