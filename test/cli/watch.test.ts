import { describe, expect, it } from 'vitest';
import { halfBlocks, shrink } from '../../src/cli/watch/half-blocks.js';
import { fittingSize, type TerminalStream, TerminalView } from '../../src/cli/watch/terminal-view.js';

const ESCAPE = '\x1b';
const [RED, BLUE] = [
  [255, 0, 0],
  [0, 0, 255],
];

function picture(size: number, colour: readonly number[]): Uint8Array {
  return Uint8Array.from({ length: size * size * 3 }, (_, i) => colour[i % 3] ?? 0);
}

class FakeStream implements TerminalStream {
  readonly written: string[] = [];
  readonly isTTY: boolean;
  readonly columns: number;
  readonly rows: number;

  constructor(isTTY: boolean, columns = 40, rows = 12) {
    this.isTTY = isTTY;
    this.columns = columns;
    this.rows = rows;
  }

  write(text: string): void {
    this.written.push(text);
  }
}

describe('a picture in characters', () => {
  it('has two pixels in each, and writes a colour where it changes', () => {
    const pixels = Uint8Array.from([...RED, ...RED, ...BLUE, ...RED]);
    expect(halfBlocks(pixels, 2)).toEqual([`${ESCAPE}[38;2;255;0;0m${ESCAPE}[48;2;0;0;255m▀${ESCAPE}[48;2;255;0;0m▀${ESCAPE}[0m`]);
  });

  it('is made smaller by means, also where pixels are not covered evenly', () => {
    const grey = (values: readonly number[]): Uint8Array => Uint8Array.from(values.flatMap((value) => [value, value, value]));
    expect(shrink(grey([0, 10, 20, 40, 50, 60, 80, 90, 100]), 3, 2)).toEqual(grey([0, 15, 60, 75]));
    expect(shrink(picture(8, BLUE), 8, 8)).toEqual(picture(8, BLUE));
  });

  it('is as large as fits beside the last column and above the last line', () => {
    expect([fittingSize(96, 2, 200, 80), fittingSize(96, 2, 80, 24), fittingSize(96, 2, 40, 60), fittingSize(96, 2, 3, 2)]).toEqual([
      96, 42, 38, 2,
    ]);
  });
});

describe('the view in a terminal', () => {
  it('draws over its last frame, hides the cursor, and gives it back', () => {
    const stream = new FakeStream(true);
    const listeners = process.listenerCount('exit');
    const view = new TerminalView(stream);
    view.show(picture(4, RED), ['STEP, seed 3', 'tick 1']);
    view.show(picture(4, BLUE), ['STEP, seed 3', 'tick 2']);
    expect(process.listenerCount('exit')).toBe(listeners + 1);
    view.end();
    view.end();
    const row = (colour: string): string => `${ESCAPE}[38;2;${colour}m${ESCAPE}[48;2;${colour}m▀▀▀▀${ESCAPE}[0m${ESCAPE}[K\n`;
    const frame = (colour: string, tick: number): string =>
      `${row(colour).repeat(2)}STEP, seed 3${ESCAPE}[K\ntick ${tick}${ESCAPE}[K\n${ESCAPE}[J`;
    expect(stream.written).toEqual([`${ESCAPE}[?25l${frame('255;0;0', 1)}`, `\r${ESCAPE}[4A${frame('0;0;255', 2)}`, `${ESCAPE}[?25h`]);
    expect(process.listenerCount('exit')).toBe(listeners);
  });

  it('gives the cursor back when the process exits in the middle', () => {
    const stream = new FakeStream(true);
    const before = process.listeners('exit');
    const view = new TerminalView(stream);
    view.show(picture(4, RED), []);
    const [added] = process.listeners('exit').filter((listener) => !before.includes(listener));
    added?.call(process, 0);
    expect(stream.written.at(-1)).toBe(`${ESCAPE}[?25h`);
    view.end();
  });

  it('stays within the terminal: smaller picture, shorter lines', () => {
    const stream = new FakeStream(true, 10, 6);
    const view = new TerminalView(stream);
    view.show(picture(96, RED), ['a caption that is longer than the terminal is wide']);
    view.end();
    const lines = (stream.written[0] ?? '').split('\n').map((line) => line.replaceAll(/\x1b\[[?\d;]*[A-Za-z]/g, ''));
    expect(lines).toEqual(['▀▀▀▀▀▀▀▀', '▀▀▀▀▀▀▀▀', '▀▀▀▀▀▀▀▀', '▀▀▀▀▀▀▀▀', 'a caption', '']);
  });
});

describe('the view in a log', () => {
  it.each([
    { frames: 6, logged: [0, 3, 5] },
    { frames: 7, logged: [0, 3, 6] },
  ])('leaves a line for some of $frames frames, once each, the first and the last among them', ({ frames, logged }) => {
    const stream = new FakeStream(false);
    const view = new TerminalView(stream, { logEvery: 3 });
    for (let tick = 0; tick < frames; tick++) view.show(picture(4, RED), [`tick ${tick}`, 'coverage 0.50']);
    view.end();
    view.end();
    expect(stream.written).toEqual(logged.map((tick) => `tick ${tick}  coverage 0.50\n`));
  });
});
