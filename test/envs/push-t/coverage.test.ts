import { describe, expect, it } from 'vitest';
import { type BlockPose, GOAL } from '../../../src/envs/push-t/board.js';
import { Coverage } from '../../../src/envs/push-t/coverage.js';
import { Mt19937 } from '../../../src/envs/push-t/mt19937.js';

const coverage = new Coverage();

/** The goal's pose moved by (x, y) in the goal's coordinates, x along the bar and y along the stem, and turned. */
function moved(x: number, y: number, turn: number): BlockPose {
  const [cos, sin] = [Math.cos(GOAL.angle), Math.sin(GOAL.angle)];
  return { blockX: GOAL.blockX + cos * x - sin * y, blockY: GOAL.blockY + sin * x + cos * y, angle: GOAL.angle + turn };
}

const inT = (x: number, y: number): boolean => (Math.abs(x) <= 60 && y >= 0 && y <= 30) || (Math.abs(x) <= 15 && y > 30 && y <= 120);

/** Share of the T's area, by counting the centres of cells of half a pixel. */
function counted(x: number, y: number, turn: number): number {
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  let inside = 0;
  for (let gy = 0.25; gy < 120; gy += 0.5) {
    for (let gx = -59.75; gx < 60; gx += 0.5) {
      if (inT(gx, gy) && inT(cos * (gx - x) + sin * (gy - y), cos * (gy - y) - sin * (gx - x))) inside++;
    }
  }
  return inside / 4 / 6300;
}

describe('coverage', () => {
  it('is 1 on the target, after whole turns as well, and never more', () => {
    expect(coverage.of(GOAL)).toBeCloseTo(1, 12);
    expect(coverage.of(moved(0, 0, 14 * Math.PI))).toBeCloseTo(1, 11);
    for (let i = 0; i < 1000; i++) expect(coverage.of(moved(i * 1e-15, i * 3e-15, i * 1e-17))).toBeLessThanOrEqual(1);
  });

  it('is 0 where block and target do not meet, or share an edge only', () => {
    expect(coverage.of(moved(130, 0, 0))).toBe(0);
    expect(coverage.of({ blockX: -1e6, blockY: 1e6, angle: 3 })).toBe(0);
    // Turned by half a turn, bar against bar.
    expect(coverage.of(moved(0, 0, Math.PI))).toBeCloseTo(0, 12);
  });

  it("loses both rectangles' widths when moved along the bar", () => {
    for (const x of [1, 10, 29, -5]) expect(coverage.of(moved(x, 0, 0))).toBeCloseTo(1 - (120 * Math.abs(x)) / 6300, 12);
  });

  it("counts the stem on the target's bar when moved along the stem", () => {
    const area = 120 * 20 + 30 * 80 + 30 * 10;
    expect(coverage.of(moved(0, -10, 0))).toBeCloseTo(area / 6300, 12);
    expect(coverage.of(moved(0, 10, 0))).toBeCloseTo(area / 6300, 12);
  });

  it('agrees with counting cells in any pose', () => {
    const random = new Mt19937(11);
    let most = 0;
    for (let i = 0; i < 60; i++) {
      const [x, y] = [random.nextInteger(-60, 61), random.nextInteger(-60, 61)];
      const turn = random.nextInteger(0, 628) / 100 + 0.003;
      const share = coverage.of(moved(x, y, turn));
      most = Math.max(most, share);
      expect(Math.abs(share - counted(x, y, turn))).toBeLessThan(0.004);
    }
    expect(most).toBeGreaterThan(0.4);
  });
});
