import { checkList, checkNumber, checkObject } from '../../foundation/options.js';
import { AGENT_RADIUS, BAR_VERTICES, type BlockPose, BOARD_SIZE, GOAL, STEM_VERTICES, WALL_RADIUS, WALLS } from './board.js';
import { placePoints } from './place-points.js';
import { Canvas, type Colour, type Pixel } from './raster.js';
import { resizeBilinear } from './resize.js';
import { type ContactPoint, checkState, isUsable, type PushTState } from './state.js';

/** Side of the picture that policies see, in pixels. */
export const PICTURE_SIZE = 96;

const WHITE: Colour = [255, 255, 255];
const LIGHT_GREEN: Colour = [144, 238, 144];
const LIGHT_SLATE_GREY: Colour = [119, 136, 153];
const ROYAL_BLUE: Colour = [65, 105, 225];
const LIGHT_GREY: Colour = [211, 211, 211];
const CONTACT_RED: Colour = [231, 76, 60];

const EDGE_RADIUS = 2;
/** How much narrower the agent's inner disc is. */
export const AGENT_RIM = 4;
/** Half the length of a contact's mark. */
const CONTACT_REACH = 2;

/**
 * The board as gym-pusht draws it with pygame, RGB, [512, 512, 3]: target, block, agent, walls, then the contact points.
 * The recorded pictures of the demonstrations show no contact points, also where there are contacts.
 */
export function drawBoard(state: PushTState, contactPoints: readonly ContactPoint[] = []): Uint8Array {
  checkState('drawPicture', state);
  checkList('drawPicture', 'contactPoints', contactPoints, checkContact);
  const canvas = new Canvas(BOARD_SIZE, WHITE);
  for (const vertices of [BAR_VERTICES, STEM_VERTICES]) canvas.fillConvex(cornersOf(vertices, GOAL), LIGHT_GREEN);
  for (const vertices of [BAR_VERTICES, STEM_VERTICES]) drawRectangle(canvas, cornersOf(vertices, state));
  const agent = pixelAt(state.agentX, state.agentY);
  canvas.fillDisc(agent, AGENT_RADIUS, ROYAL_BLUE);
  canvas.fillDisc(agent, AGENT_RADIUS - AGENT_RIM, light(ROYAL_BLUE));
  for (const [x0, y0, x1, y1] of WALLS) drawEdge(canvas, [x0, y0], [x1, y1], WALL_RADIUS, LIGHT_GREY);
  for (const { x, y, normalX, normalY } of contactPoints) {
    const [reachX, reachY] = [CONTACT_REACH * normalX, CONTACT_REACH * normalY];
    canvas.smoothLine(pixelAt(x - reachX, y - reachY), pixelAt(x + reachX, y + reachY), CONTACT_RED);
  }
  return canvas.data;
}

/** gym-pusht's `pixels`, LeRobot's `observation.image` before it is scaled: RGB, rows of pixels, [96, 96, 3]. */
export function drawPicture(state: PushTState, contactPoints: readonly ContactPoint[] = []): Uint8Array {
  return resizeBilinear(drawBoard(state, contactPoints), BOARD_SIZE, PICTURE_SIZE);
}

function checkContact(point: ContactPoint): void {
  const { x, y, normalX, normalY } = checkObject('drawPicture', 'a contact point', point) as ContactPoint;
  for (const [name, value] of Object.entries({ x, y, normalX, normalY })) {
    checkNumber('drawPicture', name, value, 'a number within the board or near it', isUsable);
  }
}

function drawRectangle(canvas: Canvas, corners: readonly Pixel[]): void {
  canvas.fillConvex(corners, light(LIGHT_SLATE_GREY));
  corners.forEach((corner, i) => {
    drawEdge(canvas, corner, corners[(i + 1) % corners.length] ?? corner, EDGE_RADIUS, LIGHT_SLATE_GREY);
  });
}

/**
 * A line with round ends, drawn from the shapes that gym-pusht lays over each other. The disc at the end is left to the next
 * edge, which starts there.
 */
function drawEdge(canvas: Canvas, start: Pixel, end: Pixel, radius: number, colour: Colour): void {
  canvas.thickLine(start, end, 2 * radius, colour);
  const [dx, dy] = [Math.abs(end[0] - start[0]), Math.abs(end[1] - start[1])];
  const scale = radius / Math.hypot(dx, dy);
  // Without their signs these are an offset across the line only where it rises to the right; elsewhere the shape is flatter
  // than it should be. It is the original's.
  const [offsetX, offsetY] = [roundHalfToEven(dy * scale), roundHalfToEven(dx * scale)];
  canvas.fillConvex(
    [
      [start[0] - offsetX, start[1] - offsetY],
      [start[0] + offsetX, start[1] + offsetY],
      [end[0] + offsetX, end[1] + offsetY],
      [end[0] - offsetX, end[1] - offsetY],
    ],
    colour,
  );
  canvas.fillDisc(start, radius, colour);
}

function cornersOf(vertices: readonly number[], pose: BlockPose): Pixel[] {
  const placed = placePoints(vertices, pose);
  return Array.from({ length: placed.length / 2 }, (_, i) => pixelAt(placed[2 * i] ?? 0, placed[2 * i + 1] ?? 0));
}

function pixelAt(x: number, y: number): Pixel {
  return [roundHalfToEven(x), roundHalfToEven(y)];
}

/** Rounds as Python does: halves go to the even neighbour. */
function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest === 0.5 ? floor + (floor & 1) : Math.round(value);
}

function light([red, green, blue]: Colour): Colour {
  const lighter = (part: number): number => Math.min(Math.round(part * 1.2), 255);
  return [lighter(red), lighter(green), lighter(blue)];
}
