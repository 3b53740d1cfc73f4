import type { JsonObject } from '../json-object.js';

/** LeRobot's defaults changed in May 2026; this key came in the same summer. */
export function isRecent(config: JsonObject): boolean {
  return config.has('gradient_checkpointing');
}
