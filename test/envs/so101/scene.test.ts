import { describe, expect, it } from 'vitest';
import type { Drawing, DrawnView } from '../../../src/envs/mujoco/drawing/drawing.js';
import { showDrawing } from '../../../src/envs/mujoco/drawing/show-drawing.js';
import { expertActions } from '../../../src/envs/so101/expert.js';
import { SO101_TASKS } from '../../../src/envs/so101/goals.js';
import { so101Scene } from '../../../src/envs/so101/scene.js';
import { So101 } from '../../../src/envs/so101/so101.js';
import { mujoco } from '../../support/mujoco.js';

const module = await mujoco();

/** Elements of a board, by name, with what was set. */
class Parts {
  readonly all = new Map<string, Map<string, string>>();
  readonly find = (name: string) => {
    const attributes = this.all.get(name) ?? new Map<string, string>();
    this.all.set(name, attributes);
    return { setAttribute: (key: string, value: string) => void attributes.set(key, value), style: { display: '' } };
  };
  get(name: string, attribute: string): string {
    return this.all.get(name)?.get(attribute) ?? '';
  }
}

/** Where a camera sees a point: its own words, not the board's. */
function seen({ eye, axes, focal, x, y, width, height }: DrawnView, point: ArrayLike<number>): [number, number] {
  const [right, up, back] = [0, 3, 6].map((row) =>
    [0, 1, 2].reduce((total, i) => total + (axes[row + i] as number) * ((point[i] as number) - (eye[i] as number)), 0),
  ) as [number, number, number];
  return [x + width / 2 - (focal * right) / back, y + height / 2 + (focal * up) / back];
}

const pointsOf = (text: string): number[][] => (text === '' ? [] : text.split(' ').map((pair) => pair.split(',').map(Number)));

describe('the scene of the SO-101', () => {
  it.each(SO101_TASKS)('draws the bodies where MuJoCo has them, all along an episode: %s', (task) => {
    const environment = new So101(module, task);
    const scene = so101Scene(task);
    const data = scene.board.data as Drawing;
    const { body } = environment;
    environment.reset(9);
    const grasp = body.simulation.id('site', 'grasp');
    const states = [...environment.snapshot()];
    const targets: number[] = [];
    let tick = 0;
    for (const { action } of expertActions(environment)) {
      environment.step(action);
      states.push(...environment.snapshot());
      targets.push(...action);
      tick++;
      if (tick % 70 !== 0) continue;
      const parts = new Parts();
      showDrawing(parts.find, { tick, states, targets }, data);
      data.views.forEach((view, number) => {
        const way = pointsOf(parts.get(`way-${number}`, 'points'));
        expect(way).toHaveLength(tick + 1);
        const [x, y] = seen(view, body.simulation.views.sitePositions.subarray(3 * grasp, 3 * grasp + 3));
        expect(way.at(-1)?.[0]).toBeCloseTo(x, 0);
        expect(way.at(-1)?.[1]).toBeCloseTo(y, 0);
        // No face of any solid is left out for want of an element: the last one is empty.
        expect(parts.get(`face-${number}-${data.slots - 1}`, 'points')).toBe('');
        // The corners of the blue cube's faces are the nearest points to its corners that there are.
        const { position, rotation } = body.pose(body.cube);
        const corner = position.map(
          (value, i) => value + 0.015 * [0, 1, 2].reduce((total, k) => total + (rotation[3 * i + k] as number), 0),
        );
        const [cx, cy] = seen(view, corner);
        const distances = Array.from({ length: data.slots }, (_, slot) => pointsOf(parts.get(`face-${number}-${slot}`, 'points')))
          .flat()
          .map(([px, py]) => Math.hypot((px as number) - cx, (py as number) - cy));
        // Seven of the eight corners belong to a face that looks at the camera; this one does from above. MuJoCo's poses are those
        // before the last step of physics, and so half a pixel behind where things move.
        if (rotation[8]! > 0.99) expect(Math.min(...distances)).toBeLessThan(0.8);
        expect(parts.get(`shadow-${number}`, 'd')).toMatch(/^M/);
      });
    }
    environment.close();
    expect(scene.snapshot).toHaveLength(data.stride);
  });

  it('marks where the last command would have the hand', () => {
    const scene = so101Scene('so101-pick-place');
    const data = scene.board.data as Drawing;
    const parts = new Parts();
    const home = [0, -1.15, 0.85, 1.35, 0, 0.3, 0.2, 0, 0.015, 1, 0, 0, 0, 0.2, 0.1, 0.004, 1, 0, 0, 0];
    // The command is where the arm is, in LeRobot's units.
    const units = [0, (-1.15 / 1.74533) * 100, (0.85 / 1.69) * 100, (1.35 / 1.65806) * 100, (200 * 2.74385) / 5.58506 - 100, 20];
    showDrawing(parts.find, { tick: 1, states: [...home, ...home], targets: units }, data);
    const [x, y] = pointsOf(parts.get('way-0', 'points')).at(-1) as [number, number];
    const [mx, my] = /translate\((\S+) (\S+)\)/.exec(parts.get('target-0', 'transform'))?.slice(1).map(Number) as [number, number];
    expect(Math.hypot(mx - x, my - y)).toBeLessThan(0.3);
  });

  it('has a picture for terminals, with table, arm and cube in it', () => {
    const environment = new So101(module, 'so101-stack-cube');
    environment.reset(3);
    const picture = so101Scene('so101-stack-cube').picture?.(environment.snapshot()) as Uint8Array;
    environment.close();
    expect(picture).toHaveLength(96 * 96 * 3);
    const pixels = Array.from({ length: 96 * 96 }, (_, i) => picture.subarray(3 * i, 3 * i + 3));
    const count = (is: (r: number, g: number, b: number) => boolean): number =>
      pixels.filter(([r, g, b]) => is(r as number, g as number, b as number)).length;
    expect(count((r, g, b) => r === 87 && g === 86 && b === 79)).toBeGreaterThan(1500);
    expect(count((r, g, b) => r > 140 && g > 110 && b < 60)).toBeGreaterThan(150);
    expect(count((r, g, b) => b > 110 && r < 60 && g < 110)).toBeGreaterThan(10);
  });
});
