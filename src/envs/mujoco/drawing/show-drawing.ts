import type { SceneMoment, ScenePart } from '../../scene.js';
import type { Drawing, DrawnView } from './drawing.js';

/**
 * Draws a moment: faces that look at the camera, far ones first, lit by how they lie; their shadows on the table; the way of the tracked
 * point, and where the last target would have it. A page is given the text of this function: nothing else of this file is there.
 */
export function showDrawing(part: (name: string) => ScenePart, { tick, states, targets }: SceneMoment, data: unknown): void {
  const { bodies, views, palette, stride, targetStride, light, slots, tracked, aim } = data as Drawing;
  type Place = { readonly p: readonly number[]; readonly r: readonly number[] };

  const at = (list: readonly number[], index: number): number => list[index] as number;
  const turned = (r: readonly number[], v: readonly number[], from = 0): number[] =>
    [0, 3, 6].map((row) => at(r, row) * at(v, from) + at(r, row + 1) * at(v, from + 1) + at(r, row + 2) * at(v, from + 2));
  const times = (a: readonly number[], b: readonly number[]): number[] =>
    [0, 3, 6].flatMap((row) => [0, 1, 2].map((i) => at(a, row) * at(b, i) + at(a, row + 1) * at(b, 3 + i) + at(a, row + 2) * at(b, 6 + i)));
  /** Of a unit quaternion w, x, y, z. */
  const rotation = (w: number, x: number, y: number, z: number): number[] => [
    1 - 2 * (y * y + z * z),
    2 * (x * y - w * z),
    2 * (x * z + w * y),
    2 * (x * y + w * z),
    1 - 2 * (x * x + z * z),
    2 * (y * z - w * x),
    2 * (x * z - w * y),
    2 * (y * z + w * x),
    1 - 2 * (x * x + y * y),
  ];
  const about = (axis: readonly number[], angle: number): number[] => {
    const s = Math.sin(angle / 2);
    return rotation(Math.cos(angle / 2), s * at(axis, 0), s * at(axis, 1), s * at(axis, 2));
  };
  const added = (a: readonly number[], b: readonly number[]): number[] => a.map((value, i) => value + at(b, i));

  /** Where the bodies are, up to one of them, for the numbers of a snapshot. */
  function placesOf(values: readonly number[], last: number): Place[] {
    const places: Place[] = [];
    for (let index = 0; index <= last; index++) {
      const { parent, at: origin, turn, shift, pose } = bodies[index] as Drawing['bodies'][number];
      if (pose !== undefined) {
        const [x, y, z, qw, qx, qy, qz] = values.slice(pose, pose + 7) as [number, number, number, number, number, number, number];
        places.push({ p: [x, y, z], r: rotation(qw, qx, qy, qz) });
        continue;
      }
      const on: Place = parent < 0 ? { p: [0, 0, 0], r: [1, 0, 0, 0, 1, 0, 0, 0, 1] } : (places[parent] as Place);
      const local = shift
        ? added(
            origin,
            shift.axis.map((value) => value * at(values, shift.value)),
          )
        : origin;
      places.push({ p: added(on.p, turned(on.r, local)), r: turn ? times(on.r, about(turn.axis, at(values, turn.value))) : on.r });
    }
    return places;
  }

  const valuesAt = (moment: number): number[] => states.slice(stride * moment, stride * moment + stride);
  const trackedOf = (values: readonly number[]): number[] => {
    const { p, r } = placesOf(values, tracked.body)[tracked.body] as Place;
    return added(p, turned(r, tracked.at));
  };

  /** Of a point of the world: x and y on the board, and the distance along the view. */
  function projected({ eye, axes, focal, x, y, width, height }: DrawnView, point: readonly number[], from = 0): [number, number, number] {
    const seen = turned(axes, [at(point, from) - at(eye, 0), at(point, from + 1) - at(eye, 1), at(point, from + 2) - at(eye, 2)]);
    const depth = -at(seen, 2);
    return [x + width / 2 + (focal * at(seen, 0)) / depth, y + height / 2 - (focal * at(seen, 1)) / depth, depth];
  }
  const text = (points: readonly (readonly number[])[]): string =>
    points.map(([x, y]) => `${(x as number).toFixed(1)},${(y as number).toFixed(1)}`).join(' ');

  const now = valuesAt(tick);
  const places = placesOf(now, bodies.length - 1);
  const worlds = bodies.map(({ vertices }, index) => {
    const { p, r } = places[index] as Place;
    const world: number[] = [];
    for (let i = 0; i < vertices.length; i += 3) world.push(...added(p, turned(r, vertices, i)));
    return world;
  });
  const way = Array.from({ length: tick + 1 }, (_, moment) => trackedOf(valuesAt(moment)));
  const wanted = [...now];
  // The target that led here; before the first tick there is none.
  if (tick > 0) for (const { from, to, gain, offset } of aim) wanted[to] = offset + gain * at(targets, targetStride * (tick - 1) + from);
  const mark = tick > 0 ? trackedOf(wanted) : undefined;

  views.forEach((view, number) => {
    const NEAR = 0.02;
    const found: { readonly layer: number; readonly far: number; readonly points: string; readonly fill: string }[] = [];
    const shadow: string[] = [];
    bodies.forEach(({ faces, layer }, index) => {
      const world = worlds[index] as number[];
      for (const [colour, ...corners] of faces) {
        const [a, b, c] = corners.map((corner) => [at(world, 3 * corner), at(world, 3 * corner + 1), at(world, 3 * corner + 2)]) as [
          number[],
          number[],
          number[],
        ];
        const u = added(
          b,
          a.map((value) => -value),
        );
        const v = added(
          c,
          b.map((value) => -value),
        );
        const cross = [
          at(u, 1) * at(v, 2) - at(u, 2) * at(v, 1),
          at(u, 2) * at(v, 0) - at(u, 0) * at(v, 2),
          at(u, 0) * at(v, 1) - at(u, 1) * at(v, 0),
        ];
        const size = Math.hypot(...cross) || 1;
        const lit = (at(cross, 0) * at(light, 0) + at(cross, 1) * at(light, 1) + at(cross, 2) * at(light, 2)) / size;
        if (lit > 0) {
          // Along the light to the table.
          const fallen = corners.map((corner) => {
            const z = Math.max(0, at(world, 3 * corner + 2)) / at(light, 2);
            return projected(view, [at(world, 3 * corner) - z * at(light, 0), at(world, 3 * corner + 1) - z * at(light, 1), 0]);
          });
          if (fallen.every(([, , depth]) => depth > NEAR)) shadow.push(`M${text(fallen)}Z`);
        }
        const towards = [0, 1, 2].reduce((total, i) => total + at(cross, i) * (at(view.eye, i) - at(a, i)), 0);
        if (towards <= 0) continue;
        const seen = corners.map((corner) => projected(view, world, 3 * corner));
        if (!seen.every(([, , depth]) => depth > NEAR)) continue;
        const shade = 0.58 + 0.42 * Math.max(0, lit);
        const [red, green, blue] = (palette[colour as number] as readonly number[]).map((level) => Math.round(level * shade));
        const far = seen.reduce((total, [, , depth]) => total + depth, 0) / seen.length;
        found.push({ layer: layer ?? 1, far, points: text(seen), fill: `rgb(${red},${green},${blue})` });
      }
    });
    found.sort((one, other) => one.layer - other.layer || other.far - one.far);
    for (let slot = 0; slot < slots; slot++) {
      const face = found[slot];
      const element = part(`face-${number}-${slot}`);
      element.setAttribute('points', face?.points ?? '');
      if (face) element.setAttribute('color', face.fill);
    }
    part(`shadow-${number}`).setAttribute('d', shadow.join(''));
    part(`way-${number}`).setAttribute('points', text(way.map((point) => projected(view, point))));
    const target = part(`target-${number}`);
    target.style.display = mark ? '' : 'none';
    if (mark) target.setAttribute('transform', `translate(${text([projected(view, mark)]).replace(',', ' ')})`);
  });
}
