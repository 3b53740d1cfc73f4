import type { DecisionSource } from '../../src/control/decision-source.js';
import type { Observation } from '../../src/observations/frame.js';

/** Decides without a device for six joints: each is to be `wanted` at once. */
export function wavingSource(wanted = 40, seen: Observation[] = []): DecisionSource {
  return {
    info: {
      observations: [{ kind: 'vector', name: 'observation.state', feature: 'observation.state', size: 6 }],
      observationSteps: 2,
      horizon: 8,
      actionSteps: 3,
      actionDim: 6,
    },
    decide: async (window) => {
      seen.push(window);
      return { chunk: new Float32Array(8 * 6).fill(wanted) };
    },
    reset: () => {},
  };
}
