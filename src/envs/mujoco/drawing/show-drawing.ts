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
  function projected({ eye, axes, focal, x, y, width, height }: DrawnView, point: readonly number[]): [number, number, number] {
    const [dx, dy, dz] = [at(point, 0) - at(eye, 0), at(point, 1) - at(eye, 1), at(point, 2) - at(eye, 2)];
    const depth = -(at(axes, 6) * dx + at(axes, 7) * dy + at(axes, 8) * dz);
    return [
      x + width / 2 + (focal * (at(axes, 0) * dx + at(axes, 1) * dy + at(axes, 2) * dz)) / depth,
      y + height / 2 - (focal * (at(axes, 3) * dx + at(axes, 4) * dy + at(axes, 5) * dz)) / depth,
      depth,
    ];
  }
  /** Empty for what is behind the camera, or too near to it. */
  const text = ([x, y, depth]: readonly [number, number, number]): string =>
    depth > 0.02 ? `${Math.round(10 * x) / 10},${Math.round(10 * y) / 10}` : '';
  const textOf = (corners: readonly number[], spots: readonly string[]): string =>
    corners.every((corner) => spots[corner] !== '') ? corners.map((corner) => spots[corner]).join(' ') : '';

  const now = valuesAt(tick);
  const places = placesOf(now, bodies.length - 1);
  const points: number[][] = [];
  const solid: {
    readonly layer: number;
    readonly corners: readonly number[];
    readonly normal: readonly number[];
    readonly lit: number;
    readonly colour: string;
  }[] = [];
  bodies.forEach(({ vertices, faces, layer }, index) => {
    const { p, r } = places[index] as Place;
    const first = points.length;
    for (let i = 0; i < vertices.length; i += 3) points.push(added(p, turned(r, vertices, i)));
    for (const [hue, ...own] of faces) {
      const corners = own.map((corner) => first + corner);
      const [a, b, c] = corners.map((corner) => points[corner]) as [number[], number[], number[]];
      const [ux, uy, uz] = [at(b, 0) - at(a, 0), at(b, 1) - at(a, 1), at(b, 2) - at(a, 2)];
      const [vx, vy, vz] = [at(c, 0) - at(b, 0), at(c, 1) - at(b, 1), at(c, 2) - at(b, 2)];
      const normal = [uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx];
      const [nx, ny, nz] = normal as [number, number, number];
      const lit = (nx * at(light, 0) + ny * at(light, 1) + nz * at(light, 2)) / (Math.hypot(nx, ny, nz) || 1);
      const shade = 0.58 + 0.42 * Math.max(0, lit);
      const levels = (palette[hue as number] as readonly number[]).map((level) => Math.round(level * shade));
      solid.push({ layer: layer ?? 1, corners, normal, lit, colour: `rgb(${levels.join(',')})` });
    }
  });
  // Along the light to the table.
  const fallen = points.map(([x, y, z]) => {
    const way = Math.max(0, z as number) / at(light, 2);
    return [(x as number) - way * at(light, 0), (y as number) - way * at(light, 1), 0];
  });
  const way = Array.from({ length: tick + 1 }, (_, moment) => trackedOf(valuesAt(moment)));
  const wanted = [...now];
  // The target that led here; before the first tick there is none.
  if (tick > 0) for (const { from, to, gain, offset } of aim) wanted[to] = offset + gain * at(targets, targetStride * (tick - 1) + from);
  const mark = tick > 0 ? trackedOf(wanted) : undefined;

  views.forEach((view, number) => {
    const seen = points.map((point) => projected(view, point));
    const spots = seen.map(text);
    const shades = fallen.map((point) => text(projected(view, point)));
    const found: { readonly layer: number; readonly far: number; readonly points: string; readonly colour: string }[] = [];
    let shadow = '';
    for (const { layer, corners, normal, lit, colour } of solid) {
      const dropped = lit > 0 ? textOf(corners, shades) : '';
      if (dropped !== '') shadow += `M${dropped}Z`;
      const corner = points[corners[0] as number] as number[];
      if ([0, 1, 2].reduce((total, i) => total + at(normal, i) * (at(view.eye, i) - at(corner, i)), 0) <= 0) continue;
      const outline = textOf(corners, spots);
      if (outline === '') continue;
      const far = corners.reduce((total, one) => total + (seen[one] as readonly [number, number, number])[2], 0) / corners.length;
      found.push({ layer, far, points: outline, colour });
    }
    found.sort((one, other) => one.layer - other.layer || other.far - one.far);
    for (let slot = 0; slot < slots; slot++) {
      const face = found[slot];
      const element = part(`face-${number}-${slot}`);
      element.setAttribute('points', face?.points ?? '');
      if (face) element.setAttribute('color', face.colour);
    }
    part(`shadow-${number}`).setAttribute('d', shadow);
    part(`way-${number}`).setAttribute('points', way.map((point) => text(projected(view, point))).join(' '));
    const target = part(`target-${number}`);
    const spot = mark ? text(projected(view, mark)) : '';
    target.style.display = spot === '' ? 'none' : '';
    if (spot !== '') target.setAttribute('transform', `translate(${spot.replace(',', ' ')})`);
  });
}
