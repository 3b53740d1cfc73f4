/** A rectangle in a picture. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export interface LabelledPoint {
  readonly x: number;
  readonly y: number;
  /** Empty for a point that only takes its place. */
  readonly text: string;
}

export interface PlacedLabel<P extends LabelledPoint = LabelledPoint> {
  readonly point: P;
  /** Left end of the text's baseline. */
  readonly x: number;
  readonly y: number;
  /** Where a line from the point should end, for a label that does not touch its point. */
  readonly leader: { readonly x: number; readonly y: number } | undefined;
}

/** Of a 12 px sans-serif font, on the safe side. */
const CHARACTER_WIDTH = 7.3;
const LINE_HEIGHT = 15;
const POINT_RADIUS = 7;
/** Farther from its point a label might be taken for another's. */
const LEADER_FROM = 14;

/**
 * A place for the label of each point: beside it, above it or below it, at growing distances, where it covers no other
 * point, no obstacle and no label. Earlier points choose first; a label that finds no place is left out.
 */
export function placeLabels<P extends LabelledPoint>(points: readonly P[], obstacles: readonly Box[], bounds: Box): PlacedLabel<P>[] {
  const taken: Box[] = [...obstacles, ...points.map(({ x, y }) => around(x, y))];
  return points.flatMap((point) => {
    if (point.text === '') return [];
    const width = point.text.length * CHARACTER_WIDTH;
    const place = [...candidates(point, width)].find((box) => inside(box, bounds) && !taken.some((other) => overlap(box, other)));
    if (!place) return [];
    taken.push(place);
    return [{ point, x: place.left, y: place.bottom - 4, leader: leaderEnd(point, place) }];
  });
}

function* candidates({ x, y }: LabelledPoint, width: number): Generator<Box> {
  for (const distance of [9, 20, 34, 50]) {
    for (const lift of [0, -0.6, 0.6, -1, 1, -1.6, 1.6]) {
      yield box(x + distance, y + lift * distance, width);
      yield box(x - distance - width, y + lift * distance, width);
    }
    yield box(x - width / 2, y - distance - LINE_HEIGHT / 2, width);
    yield box(x - width / 2, y + distance + LINE_HEIGHT / 2, width);
  }
}

/** The point of the box that is nearest to the point, if that is far. */
function leaderEnd({ x, y }: LabelledPoint, { left, top, right, bottom }: Box): { x: number; y: number } | undefined {
  const end = { x: Math.min(right, Math.max(left, x)), y: Math.min(bottom - 2, Math.max(top + 2, y)) };
  return Math.hypot(end.x - x, end.y - y) > LEADER_FROM ? end : undefined;
}

function box(left: number, middle: number, width: number): Box {
  return { left, top: middle - LINE_HEIGHT / 2, right: left + width, bottom: middle + LINE_HEIGHT / 2 };
}

function around(x: number, y: number): Box {
  return { left: x - POINT_RADIUS, top: y - POINT_RADIUS, right: x + POINT_RADIUS, bottom: y + POINT_RADIUS };
}

function inside(inner: Box, outer: Box): boolean {
  return inner.left >= outer.left && inner.right <= outer.right && inner.top >= outer.top && inner.bottom <= outer.bottom;
}

export function overlap(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}
