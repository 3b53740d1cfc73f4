import { tableOf } from './board.js';
import type { Drawing, DrawnView } from './drawing.js';
import { showDrawing } from './show-drawing.js';

const SIZE = 96;
const ROOM = [27, 32, 38] as const;
const TABLE = [87, 86, 79] as const;
const SHADOW = [51, 51, 47] as const;
/** Samples of a pixel along each side. */
const SAMPLES = 2;

type Point = readonly [number, number];

/** The present through the first view of a drawing, for a terminal: RGB, [96, 96, 3]. The same faces as on a board. */
export function drawingPicture(drawing: Drawing, snapshot: readonly number[]): Uint8Array {
  const [first] = drawing.views as [DrawnView];
  // The middle of the view, square.
  const view: DrawnView = { ...first, x: 0, y: 0, width: SIZE, height: SIZE, focal: (first.focal * SIZE) / first.height };
  const parts = new Map<string, Map<string, string>>();
  const part = (name: string) => {
    const attributes = parts.get(name) ?? new Map<string, string>();
    parts.set(name, attributes);
    return { setAttribute: (key: string, value: string) => void attributes.set(key, value), style: { display: '' } };
  };
  showDrawing(part, { tick: 0, states: snapshot, targets: [] }, { ...drawing, views: [view] });
  const canvas = new Canvas();
  canvas.fill([tableOf(view, drawing.table)], TABLE);
  const shadow = parts.get('shadow-0')?.get('d') ?? '';
  canvas.fill(
    shadow.split('Z').map((one) => pointsOf(one.slice(1))),
    SHADOW,
  );
  for (let slot = 0; slot < drawing.slots; slot++) {
    const face = parts.get(`face-0-${slot}`);
    const colour = /^rgb\((\d+),(\d+),(\d+)\)$/.exec(face?.get('color') ?? '');
    // The slots that are left are empty.
    if (!colour) break;
    canvas.fill([pointsOf(face?.get('points') ?? '')], [Number(colour[1]), Number(colour[2]), Number(colour[3])]);
  }
  return canvas.picture();
}

function pointsOf(text: string): Point[] {
  if (text === '') return [];
  return text.split(' ').map((pair) => pair.split(',').map(Number) as [number, number]);
}

/** Convex polygons, one over the other, in samples that are averaged in the end. */
class Canvas {
  readonly #side = SIZE * SAMPLES;
  readonly #samples = new Uint8Array(this.#side * this.#side * 3);

  constructor() {
    for (let i = 0; i < this.#samples.length; i++) this.#samples[i] = ROOM[i % 3] as number;
  }

  fill(polygons: readonly (readonly Point[])[], colour: readonly number[]): void {
    for (const points of polygons) this.#fillOne(points, colour);
  }

  #fillOne(points: readonly Point[], colour: readonly number[]): void {
    const heights = points.map(([, y]) => y * SAMPLES);
    const first = Math.max(0, Math.ceil(Math.min(...heights) - 0.5));
    const last = Math.min(this.#side - 1, Math.floor(Math.max(...heights) - 0.5));
    for (let row = first; row <= last; row++) {
      const y = (row + 0.5) / SAMPLES;
      let [left, right] = [Infinity, -Infinity];
      points.forEach(([ax, ay], i) => {
        const [bx, by] = points[(i + 1) % points.length] as Point;
        if (ay === by || y < Math.min(ay, by) || y > Math.max(ay, by)) return;
        const x = ax + ((y - ay) / (by - ay)) * (bx - ax);
        left = Math.min(left, x);
        right = Math.max(right, x);
      });
      const begin = Math.max(0, Math.ceil(left * SAMPLES - 0.5));
      const end = Math.min(this.#side - 1, Math.floor(right * SAMPLES - 0.5));
      for (let column = begin; column <= end; column++) {
        const at = 3 * (row * this.#side + column);
        for (let channel = 0; channel < 3; channel++) this.#samples[at + channel] = colour[channel] as number;
      }
    }
  }

  picture(): Uint8Array {
    const picture = new Uint8Array(SIZE * SIZE * 3);
    const row = 3 * this.#side;
    for (let i = 0; i < picture.length; i++) {
      const [y, x, channel] = [Math.floor(i / (3 * SIZE)), Math.floor(i / 3) % SIZE, i % 3];
      let sum = 0;
      for (let dy = 0; dy < SAMPLES; dy++) {
        for (let dx = 0; dx < SAMPLES; dx++) sum += this.#samples[(y * SAMPLES + dy) * row + (x * SAMPLES + dx) * 3 + channel] as number;
      }
      picture[i] = sum / (SAMPLES * SAMPLES);
    }
    return picture;
  }
}
