import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SafetensorsFile } from '../../../src/checkpoints/safetensors/safetensors.js';
import { drawBoard, drawPicture, PICTURE_SIZE } from '../../../src/envs/push-t/picture.js';
import { Canvas, type Colour } from '../../../src/envs/push-t/raster.js';
import { resizeBilinear } from '../../../src/envs/push-t/resize.js';
import type { PushTState } from '../../../src/envs/push-t/state.js';
import { openFile } from '../../../src/platform/node/folder-source.js';
import { dataFolder } from '../../support/data.js';

const BLACK: Colour = [0, 0, 0];
const WHITE: Colour = [255, 255, 255];

function stateOf([agentX = 0, agentY = 0, blockX = 0, blockY = 0, angle = 0]: ArrayLike<number> & Iterable<number>): PushTState {
  return { agentX, agentY, blockX, blockY, angle };
}

/** A small picture as text: `#` where it is white. */
function sketch(size: number, draw: (canvas: Canvas) => void): string[] {
  const canvas = new Canvas(size, BLACK);
  draw(canvas);
  return Array.from({ length: size }, (_, y) =>
    Array.from({ length: size }, (_, x) => ((canvas.data[(y * size + x) * 3] ?? 0) > 0 ? '#' : '.')).join(''),
  );
}

function pixel(picture: Uint8Array, x: number, y: number): number[] {
  const size = Math.sqrt(picture.length / 3);
  return [...picture.subarray((y * size + x) * 3, (y * size + x) * 3 + 3)];
}

function digest(picture: Uint8Array): string {
  return createHash('sha256').update(picture).digest('hex').slice(0, 16);
}

describe('shapes', () => {
  it('discs have an even diameter, around the upper left corner of their pixel', () => {
    expect(sketch(6, (canvas) => canvas.fillDisc([3, 3], 2, WHITE))).toEqual(['......', '..##..', '.####.', '.####.', '..##..', '......']);
  });

  it('lines of width 4 reach one pixel to one side and two to the other, across their main direction', () => {
    expect(sketch(7, (canvas) => canvas.thickLine([1, 2], [5, 4], 4, WHITE))).toEqual([
      '.......',
      '.##....',
      '.####..',
      '.#####.',
      '.#####.',
      '...###.',
      '.....#.',
    ]);
    expect(sketch(7, (canvas) => canvas.thickLine([3, 5], [3, 1], 4, WHITE))).toEqual([
      '.......',
      '..####.',
      '..####.',
      '..####.',
      '..####.',
      '..####.',
      '.......',
    ]);
  });

  it('lines at 45° are thickened along rows', () => {
    expect(sketch(5, (canvas) => canvas.thickLine([1, 1], [2, 2], 4, WHITE))).toEqual(['.....', '####.', '.####', '.....', '.....']);
  });

  it('polygons include their border, and slopes are cut towards the upper end of an edge', () => {
    expect(
      sketch(7, (canvas) =>
        canvas.fillConvex(
          [
            [3, 0],
            [6, 2],
            [3, 6],
            [0, 2],
          ],
          WHITE,
        ),
      ),
    ).toEqual(['...#...', '..###..', '#######', '#######', '.#####.', '..###..', '...#...']);
  });

  it('smooth lines share a step between two pixels', () => {
    const canvas = new Canvas(6, WHITE);
    canvas.smoothLine([1, 1], [5, 2], [55, 55, 55]);
    const values = [1, 2].map((y) => [0, 1, 2, 3, 4, 5].map((x) => pixel(canvas.data, x, y)[0]));
    expect(values).toEqual([
      [255, 55, 105, 155, 205, 255],
      [255, 255, 205, 155, 105, 55],
    ]);
  });

  it('end at the border of the picture', () => {
    expect(
      sketch(4, (canvas) => {
        canvas.fillDisc([0, 0], 2, WHITE);
        canvas.thickLine([2, 4], [9, 4], 4, WHITE);
        canvas.smoothLine([3, -2], [3, 0], WHITE);
      }),
    ).toEqual(['##.#', '#...', '....', '..##']);
  });
});

describe('resizing', () => {
  it('gives what OpenCV 5.0 gives with INTER_LINEAR', () => {
    const size = 16;
    const picture = Uint8Array.from({ length: size * size * 3 }, (_, i) => {
      const [x, y, channel] = [Math.floor(i / 3) % size, Math.floor(i / 3 / size), i % 3];
      return (x * 37 + y * 91 + channel * 50) % 256;
    });
    expect([...resizeBilinear(picture, size, 3)]).toEqual([
      21, 71, 121, 176, 119, 63, 160, 174, 217, 123, 151, 95, 128, 114, 100, 133, 183, 126, 188, 60, 103, 165, 215, 52, 107, 156, 207,
    ]);
  });

  it('keeps a single colour', () => {
    expect(new Set(resizeBilinear(new Uint8Array(64 * 64 * 3).fill(255), 64, 12))).toEqual(new Set([255]));
  });
});

describe('the picture of a state', () => {
  // States of recorded frames of the demonstrations, and the beginnings of the SHA-256 of the recorded pictures.
  it.each([
    { state: [222.0, 97.0, 222.99382, 381.59903, 3.0079994], sha256: 'dc5b77414ed78b42' },
    { state: [266.7359, 332.57343, 228.03712, 339.15698, 2.585039], sha256: 'a9fa0e14c27b1481' },
    { state: [158.33017, 360.7482, 251.44249, 262.8108, 0.8216594], sha256: 'f7a78889b8d2f231' },
    { state: [84.80573, 150.06775, 143.30386, 271.9001, 2.853264], sha256: '6436dac7faeaa348' },
    { state: [116.22679, 133.8668, 176.61362, 236.50763, 2.2284741], sha256: '8fc96ad02fa7b372' },
    { state: [263.8435, 320.99466, 319.40665, 291.54688, 0.31055206], sha256: 'e0ce9dd10ac26789' },
    { state: [363.712, 356.4979, 290.95172, 270.90387, 0.56126845], sha256: 'f4b08c17e65d1f00' },
    { state: [144.55124, 305.26306, 255.17747, 253.30528, 0.8870488], sha256: '27a4e17b02fb6fd1' },
  ])('is the recorded one, byte for byte: $sha256', ({ state, sha256 }) => {
    const picture = drawPicture(stateOf(state));
    expect(picture.length).toBe(PICTURE_SIZE * PICTURE_SIZE * 3);
    expect(digest(picture)).toBe(sha256);
  });

  it('shows the agent above the block, the block above the target, and walls', () => {
    const board = drawBoard({ agentX: 256, agentY: 300, blockX: 256, blockY: 256, angle: 0 });
    const colours = {
      corner: pixel(board, 5, 5),
      agent: pixel(board, 256, 300),
      rim: pixel(board, 243, 300),
      bar: pixel(board, 220, 270),
      edge: pixel(board, 200, 256),
      target: pixel(board, 230, 300),
      board: pixel(board, 100, 100),
    };
    expect(colours).toEqual({
      corner: [211, 211, 211],
      agent: [78, 126, 255],
      rim: [65, 105, 225],
      bar: [143, 163, 184],
      edge: [119, 136, 153],
      target: [144, 238, 144],
      board: [255, 255, 255],
    });
  });

  it('shows contact points when they are given, as lines along the normal', () => {
    const state = { agentX: 100, agentY: 100, blockX: 300, blockY: 300, angle: 0 };
    const board = drawBoard(state, [{ x: 400.2, y: 100.4, normalX: 0, normalY: 1 }]);
    const without = drawBoard(state);
    const changed = Array.from({ length: 512 * 512 }, (_, i) => i).filter((i) => board[i * 3 + 1] !== without[i * 3 + 1]);
    expect(changed.map((i) => [i % 512, Math.floor(i / 512)])).toEqual([98, 99, 100, 101, 102].map((y) => [400, y]));
    expect(pixel(board, 400, 100)).toEqual([231, 76, 60]);
  });

  it('rounds positions to whole pixels, halves to even ones', () => {
    const board = (agentX: number): string => digest(drawBoard({ agentX, agentY: 100, blockX: 300, blockY: 300, angle: 0 }));
    expect([board(100.5), board(101.5), board(101.49)]).toEqual([board(100), board(102), board(101)]);
  });

  it('can have the agent beyond the walls, which do not stop it', () => {
    const board = drawBoard({ agentX: -8, agentY: 256, blockX: 300, blockY: 300, angle: 0 });
    expect([pixel(board, 0, 256), pixel(board, 0, 280)]).toEqual([
      [78, 126, 255],
      [255, 255, 255],
    ]);
  });
});

const data = dataFolder('pusht', 'comparison with the recorded pictures of the demonstrations');

describe('recorded pictures of the demonstrations', () => {
  it.skipIf(!data)('differ in no pixel', async () => {
    const source = await openFile(join(data ?? '', 'frames.safetensors'));
    const file = await SafetensorsFile.open(source);
    const states = Float32Array.from(await file.readFloats('state'));
    const recorded = Float32Array.from(await file.readFloats('image'));
    await source.close();
    const values = PICTURE_SIZE * PICTURE_SIZE * 3;
    const frames = recorded.length / values;
    const differing = Array.from({ length: frames }, (_, frame) => {
      const drawn = drawPicture(stateOf(states.subarray(frame * 5, frame * 5 + 5)));
      return drawn.filter((value, i) => value !== recorded[frame * values + i]).length;
    });
    expect(frames).toBe(8);
    expect(differing).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  });
});
