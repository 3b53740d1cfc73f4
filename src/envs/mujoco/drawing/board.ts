import { lookingAt } from '../../../rendering/scene.js';
import { normalized } from '../../../rendering/vectors.js';
import type { SceneBoard } from '../../scene.js';
import type { Colour, Primitive } from '../primitives.js';
import type { Drawing, DrawnBody, DrawnView } from './drawing.js';
import { meshOf } from './mesh.js';
import { showDrawing } from './show-drawing.js';

/** A body as a task describes it: `DrawnBody` with solids in place of a mesh. */
export interface SolidBody extends Omit<DrawnBody, 'vertices' | 'faces'> {
  readonly solids: readonly Primitive[];
}

/** A camera: where it is, what it looks at, its angle from top to bottom in degrees. Its up is the world's. */
export interface ViewCamera {
  readonly eye: readonly [number, number, number];
  readonly look: readonly [number, number, number];
  readonly fovy: number;
}

export interface DrawingOptions extends Pick<Drawing, 'stride' | 'targetStride' | 'tracked' | 'aim'> {
  readonly bodies: readonly SolidBody[];
  /** One above the other on the board. */
  readonly cameras: readonly ViewCamera[];
  /** Corners of the table that is drawn, m. Default: what is in front of an arm. */
  readonly table?: readonly (readonly [number, number])[];
}

const WIDTH = 480;
const HEIGHT = 300;
const GAP = 8;
/** Of the faces of convex solids, which look the other way on the other side. */
const SHARE_SEEN = 0.55;
const LIGHT = normalized([0.35, -0.3, 1]);
const TABLE = [
  [-0.12, -0.34],
  [0.42, -0.34],
  [0.42, 0.34],
  [-0.12, 0.34],
] as const;

/** The two sets of colours are those of light and dark pages. */
const STYLE = `
.board svg { --room: #eef1f4; --table: #d9d4cb; --shadow: #a49f96; --way: #d55e00; }
@media (prefers-color-scheme: dark) {
  .board svg { --room: #2b323b; --table: #5d5b54; --shadow: #33332f; --way: #ff9a4d; }
}
.room { fill: var(--room); }
.table { fill: var(--table); }
.shadow { fill: var(--shadow); }
.face { fill: currentColor; stroke: currentColor; stroke-width: .6; stroke-linejoin: round; }
.way { fill: none; stroke: var(--way); stroke-width: 1.5; opacity: .55; stroke-linejoin: round; }
.aim { fill: none; stroke: var(--way); stroke-width: 2.5; }
`;

export function drawingOf({ bodies, cameras, table = TABLE, ...rest }: DrawingOptions): Drawing {
  const palette: Colour[] = [];
  const colourOf = (colour: Colour): number => {
    const known = palette.findIndex((one) => one.join() === colour.join());
    return known >= 0 ? known : palette.push(colour) - 1;
  };
  const drawn = bodies.map(({ solids, ...body }): DrawnBody => {
    const { vertices, faces } = meshOf(solids);
    return {
      ...body,
      vertices: vertices.map((value) => Number(value.toFixed(5))),
      faces: faces.map(({ colour, corners }) => [colourOf(colour), ...corners]),
    };
  });
  return {
    ...rest,
    table,
    bodies: drawn,
    views: cameras.map((camera, number) => viewOf(camera, number * (HEIGHT + GAP))),
    palette: palette.map((colour) => colour.map((level) => Math.round(255 * level))),
    light: LIGHT,
    slots: Math.ceil(SHARE_SEEN * drawn.reduce((total, { faces }) => total + faces.length, 0)),
  };
}

/** The board of a drawing: its views one above the other. `legend`: what is seen, besides the way and the target. Markup. */
export function drawingBoard(drawing: Drawing, legend: string): SceneBoard {
  const { views, slots, table } = drawing;
  return {
    width: WIDTH,
    height: views.length * (HEIGHT + GAP) - GAP,
    markup: views.map((view, number) => viewMarkup(view, table, number, slots)).join(''),
    style: STYLE,
    legend: `${legend} The line is where the hand has been, the cross where the last command would have it.`,
    data: drawing,
    show: showDrawing,
  };
}

function viewMarkup(view: DrawnView, table: Drawing['table'], number: number, slots: number): string {
  const { x, y, width, height } = view;
  const clip = `<clipPath id="view-${number}"><rect x="${x}" y="${y}" width="${width}" height="${height}"></rect></clipPath>`;
  const faces = Array.from({ length: slots }, (_, slot) => `<polygon class="face" data-part="face-${number}-${slot}"></polygon>`);
  return (
    `${clip}<g clip-path="url(#view-${number})"><rect class="room" x="${x}" y="${y}" width="${width}" height="${height}"></rect>` +
    `<polygon class="table" points="${tableOf(view, table)
      .map(([px, py]) => `${px.toFixed(1)},${py.toFixed(1)}`)
      .join(' ')}"></polygon>` +
    `<path class="shadow" data-part="shadow-${number}"></path>${faces.join('')}<polyline class="way" data-part="way-${number}"></polyline>` +
    `<path class="aim" data-part="target-${number}" d="M-6 -6L6 6M-6 6L6 -6"></path></g>`
  );
}

/** Corners of the table on the board. */
export function tableOf({ eye, axes, focal, x, y, width, height }: DrawnView, table: Drawing['table']): [number, number][] {
  return table.map((corner): [number, number] => {
    const [dx, dy, dz] = [corner[0] - (eye[0] as number), corner[1] - (eye[1] as number), -(eye[2] as number)];
    const seen = [0, 3, 6].map((row) => (axes[row] as number) * dx + (axes[row + 1] as number) * dy + (axes[row + 2] as number) * dz);
    const depth = -(seen[2] as number);
    return [x + width / 2 + (focal * (seen[0] as number)) / depth, y + height / 2 - (focal * (seen[1] as number)) / depth];
  });
}

function viewOf({ eye, look, fovy }: ViewCamera, y: number): DrawnView {
  const { axes } = lookingAt(eye, look, [0, 0, 1], fovy);
  const focal = HEIGHT / 2 / Math.tan((fovy * Math.PI) / 360);
  return { eye, axes, focal, x: 0, y, width: WIDTH, height: HEIGHT };
}
