import { describe, expect, it } from 'vitest';
import { observeAgent, observeState, observeVertices, pushTObservation } from '../../../src/envs/push-t/observations.js';

const STATE = { agentX: 10, agentY: 20, blockX: 100, blockY: 200, angle: Math.PI / 2 };

describe('observations of Push-T', () => {
  it('have the angle within one turn', () => {
    expect(observeState(STATE)).toEqual([10, 20, 100, 200, Math.PI / 2]);
    expect(observeState({ ...STATE, angle: -Math.PI / 2 })[4]).toBeCloseTo(1.5 * Math.PI, 14);
    expect(observeState({ ...STATE, angle: 5 * Math.PI })[4]).toBeCloseTo(Math.PI, 14);
    expect(observeState({ ...STATE, angle: -14.329782047628804 })[4]).toBeCloseTo(6 * Math.PI - 14.329782047628804, 13);
  });

  it('have the eight vertices in the world, the bar first', () => {
    // A quarter turn takes (x, y) to (−y, x).
    const expected = [100, 140, 100, 260, 70, 260, 70, 140, 70, 185, 70, 215, -20, 215, -20, 185];
    const found = observeVertices(STATE);
    expect(found).toHaveLength(16);
    found.forEach((value, i) => expect(value).toBeCloseTo(expected[i] ?? NaN, 12));
  });

  it("go by LeRobot's names", () => {
    expect(pushTObservation(STATE)).toEqual({
      'observation.state': observeAgent(STATE),
      'observation.environment_state': observeVertices(STATE),
    });
    expect(observeAgent(STATE)).toEqual([10, 20]);
  });
});
