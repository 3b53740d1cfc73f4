import { describe, expect, it } from 'vitest';
import { BAR_VERTICES } from '../../../src/envs/push-t/board.js';
import { BlockBody } from '../../../src/envs/push-t/bodies.js';
import { Box } from '../../../src/envs/push-t/box.js';
import { BroadPhase } from '../../../src/envs/push-t/broad-phase.js';
import { Manifold } from '../../../src/envs/push-t/manifold.js';
import { Mt19937 } from '../../../src/envs/push-t/mt19937.js';
import { Separation } from '../../../src/envs/push-t/separation.js';
import { Rectangle, Wall } from '../../../src/envs/push-t/shapes.js';
import { touchWall } from '../../../src/envs/push-t/touch-wall.js';

function bar(x: number, y: number, angle: number): Rectangle {
  const body = new BlockBody();
  body.turnTo(angle);
  body.placeOrigin(x, y);
  return new Rectangle(body, BAR_VERTICES);
}

function separation(rectangle: Rectangle, ax: number, ay: number, bx = ax, by = ay): number[] {
  const measured = new Separation();
  measured.measure(rectangle.vertices, ax, ay, bx, by);
  return [measured.distance, measured.normalX, measured.normalY].map((value) => Math.round(value * 1e9) / 1e9 + 0);
}

describe('distance of a point to a rectangle', () => {
  const rectangle = bar(100, 100, 0); // x 40 … 160, y 100 … 130
  it.each([
    ['in front of an edge', 70, 90, [10, 0, 1]],
    ['in front of a corner', 37, 96, [5, 0.6, 0.8]],
    ['inside, nearest to the top: it leaves against the normal', 70, 104, [-4, 0, 1]],
    ['inside, nearest to the right', 158, 115, [-2, -1, 0]],
  ])('%s', (_, x, y, expected) => {
    expect(separation(rectangle, x, y)).toEqual(expected);
  });

  it('has a normal on a corner, whatever rounding makes of the turned block', () => {
    for (let angle = 0; angle < 6; angle += 0.003) {
      const { vertices } = bar(100, 100, angle);
      for (let i = 0; i < 8; i += 2) {
        const measured = new Separation();
        measured.measure(vertices, vertices[i] ?? 0, vertices[i + 1] ?? 0, vertices[i] ?? 0, vertices[i + 1] ?? 0);
        expect(measured.distance).toBeCloseTo(0, 12);
        expect(Math.hypot(measured.normalX, measured.normalY)).toBeCloseTo(1, 12);
      }
    }
  });
});

describe('distance of a segment to a rectangle', () => {
  it('is that of the nearest points, and moving by the depth ends an overlap', () => {
    const random = new Mt19937(1);
    const [seen, distance] = [{ apart: 0, overlapping: 0 }, (i: number) => random.nextInteger(-i, i + 1)];
    for (let i = 0; i < 300; i++) {
      const [x, y, angle] = [distance(120), distance(120), distance(314) / 100 + 0.001];
      const [ax, ay, bx, by] = [distance(90), distance(90), distance(90), distance(90) + 0.5] as const;
      const measured = new Separation();
      measured.measure(bar(x, y, angle).vertices, ax, ay, bx, by);
      const sampled = (rectangle: Rectangle): number => sampledDistance(rectangle, ax, ay, bx, by);
      if (measured.distance > 0) {
        seen.apart++;
        expect(Math.abs(sampled(bar(x, y, angle)) - measured.distance)).toBeLessThan(0.15);
      } else {
        seen.overlapping++;
        const out = 1e-6 - measured.distance;
        const cleared = bar(x + out * measured.normalX, y + out * measured.normalY, angle);
        expect(separation(cleared, ax, ay, bx, by)[0]).toBeGreaterThan(0);
        // The least depth: by less, in no direction, the two come apart.
        for (let turn = 0; turn < 6; turn += 0.25) {
          const less = -0.99 * measured.distance;
          const shifted = bar(x + less * Math.cos(turn), y + less * Math.sin(turn), angle);
          expect(separation(shifted, ax, ay, bx, by)[0]).toBeLessThanOrEqual(0);
        }
      }
    }
    expect(Math.min(seen.apart, seen.overlapping)).toBeGreaterThan(50);
  });

  it('is measured across parallel edges', () => {
    expect(separation(bar(100, 100, 0), 0, 97, 500, 97)).toEqual([3, 0, 1]);
    expect(separation(bar(100, 100, 0), 500, 97, 0, 97)).toEqual([3, 0, 1]);
  });
});

/** Least distance of the rectangle's outline to a thousand points of the segment. */
function sampledDistance(rectangle: Rectangle, ax: number, ay: number, bx: number, by: number): number {
  const v = rectangle.vertices;
  let least = Infinity;
  for (let k = 0; k <= 1000; k++) {
    const [px, py] = [ax + (k / 1000) * (bx - ax), ay + (k / 1000) * (by - ay)];
    for (let i = 0; i < 8; i += 2) {
      const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = [v[i], v[i + 1], v[(i + 2) % 8], v[(i + 3) % 8]];
      const [ex, ey] = [x1 - x0, y1 - y0];
      const t = Math.max(0, Math.min(1, ((px - x0) * ex + (py - y0) * ey) / (ex * ex + ey * ey)));
      least = Math.min(least, Math.hypot(px - x0 - t * ex, py - y0 - t * ey));
    }
  }
  return least;
}

describe('contacts with a wall', () => {
  const wall = new Wall([0, 0, 500, 0]);
  const touching = (rectangle: Rectangle, pushing = wall): Manifold => {
    const manifold = new Manifold();
    touchWall(pushing, rectangle, new Separation(), manifold);
    return manifold;
  };

  it("are none beyond the wall's radius", () => {
    expect(touching(bar(100, 2.001, 0)).count).toBe(0);
    expect(touching(bar(100, 1.999, 0)).count).toBe(2);
  });

  it('are the ends of the stretch along which a block lies on it', () => {
    const { count, points, normalX, normalY } = touching(bar(480, 1, 0));
    expect([count, normalX, normalY].map((value) => value + 0)).toEqual([2, 0, 1]);
    expect(points.map(({ ax, ay }) => [ax, ay]).sort()).toEqual([
      [420, 2],
      [500, 2],
    ]);
    expect(points.map(({ bx, by }) => [bx, by]).sort()).toEqual([
      [420, 1],
      [500, 1],
    ]);
    expect(points[0].key).not.toBe(points[1].key);
  });

  it('are one point where a corner stands on it', () => {
    const { count, points } = touching(bar(100, 1 + Math.SQRT1_2 * 60, Math.PI / 4));
    expect(count).toBe(1);
    const [{ ax, ay, bx, by }] = points;
    const x = 100 - Math.SQRT1_2 * 60;
    [ax - x, ay - 2, bx - x, by - 1].forEach((error) => expect(error).toBeCloseTo(0, 9));
  });

  it('keep their keys while the block slides', () => {
    const keys = (manifold: Manifold): number[] => manifold.points.slice(0, manifold.count).map(({ key }) => key);
    expect(keys(touching(bar(100, 1, 0.001)))).toEqual(keys(touching(bar(130, 1.01, 0.0012))));
    // Turned by half a turn, it lies on its other long edge.
    expect(keys(touching(bar(100, 31, Math.PI + 0.001)))).not.toEqual(keys(touching(bar(100, 1, 0.001))));
  });

  it('are finite where the end of the wall stands on an edge', () => {
    const { count, points } = touching(bar(100, 301, 0), new Wall([100, 0, 100, 300]));
    expect(count).toBeGreaterThan(0);
    for (const value of Object.values(points[0])) expect(value).toSatisfy(Number.isFinite);
    expect(points[0].by).toBeCloseTo(301, 9);
    // In line with a corner, both differences across the normal are 0.
    const corner = touching(bar(160, 301, 0), new Wall([100, 0, 100, 300]));
    for (const value of Object.values(corner.points[0])) expect(value).toSatisfy(Number.isFinite);
  });
});

describe('broad phase', () => {
  it('reports every overlapping pair with a moving shape exactly once, however they move', () => {
    const random = new Mt19937(9);
    const shapes = Array.from({ length: 7 }, (_, id) => ({ id, box: new Box(), velocity: { vx: 0, vy: 0 } }));
    const place = (shape: (typeof shapes)[number], x: number, y: number, size: number): void => shape.box.set(x, y, x + size, y + size);
    for (const shape of shapes) place(shape, random.nextInteger(0, 300), random.nextInteger(0, 300), 80);
    const [still, moving] = [shapes.slice(0, 4), shapes.slice(4)];
    let reported: string[] = [];
    const name = (a: number, b: number): string => `${Math.min(a, b)}-${Math.max(a, b)}`;
    const broadPhase = new BroadPhase(still, moving, [1, 2, 0], (a, b) => reported.push(name(a.id, b.id)));
    let overlaps = 0;
    for (let step = 0; step < 2000; step++) {
      for (const shape of moving) {
        // Mostly small moves, within the enlarged box; now and then a jump.
        const reach = random.nextInteger(0, 20) === 0 ? 150 : 4;
        const [dx, dy] = [random.nextInteger(-reach, reach + 1), random.nextInteger(-reach, reach + 1)];
        Object.assign(shape.velocity, { vx: 100 * dx, vy: 100 * dy });
        const within = (value: number): number => Math.max(0, Math.min(300, value));
        place(shape, within(shape.box.minX + dx), within(shape.box.minY + dy), 80);
      }
      reported = [];
      broadPhase.update();
      expect(new Set(reported).size).toBe(reported.length);
      for (const a of moving) {
        for (const b of shapes) {
          if (a.id <= b.id || !a.box.overlaps(b.box)) continue;
          overlaps++;
          expect(reported).toContain(name(a.id, b.id));
        }
      }
    }
    expect(overlaps).toBeGreaterThan(2000);
  });
});
