import { visible } from '../../foundation/visible.js';
import { halfBlocks, shrink } from './half-blocks.js';

const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
const CLEAR_TO_END_OF_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

/** For terminals that do not tell their size. */
const USUAL = { columns: 80, rows: 24 };

/** What the view needs of `process.stdout` or `process.stderr`. */
export interface TerminalStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

export interface TerminalViewOptions {
  /** Where the stream is no terminal: of how many frames one leaves a line. Default 10. */
  readonly logEvery?: number;
}

/**
 * Side of the largest picture that fits, even: a line shows two rows of pixels, and the line below the frame stays free. So
 * does the last column: terminals differ in what they do behind it.
 */
export function fittingSize(pictureSize: number, captionLines: number, columns: number, rows: number): number {
  const fitting = Math.min(pictureSize, columns - 1, 2 * (rows - captionLines - 1));
  return Math.max(2, fitting - (fitting % 2));
}

/**
 * A live view in a terminal: every frame is drawn over the last one, which stays when the view ends. Where the stream is no
 * terminal, captions become lines of a log. Whoever opens a view ends it, also after an interrupt; if the process exits
 * without that, the cursor comes back all the same.
 */
export class TerminalView {
  readonly #stream: TerminalStream;
  readonly #logEvery: number;
  /** Lines of the frame on the screen; the cursor is in the line below them. */
  #lines = 0;
  #frames = 0;
  #unlogged: string | undefined;
  #cursorHidden = false;
  readonly #showCursor = (): void => void this.#stream.write(SHOW_CURSOR);

  constructor(stream: TerminalStream, { logEvery = 10 }: TerminalViewOptions = {}) {
    this.#stream = stream;
    this.#logEvery = logEvery;
  }

  /** Shows a square RGB picture, rows of pixels, with lines of text below it. */
  show(picture: Uint8Array, caption: readonly string[]): void {
    const lines = caption.map(visible);
    if (this.#stream.isTTY) this.#draw(picture, lines);
    else this.#log(lines.join('  '));
    this.#frames++;
  }

  /** Leaves the last frame where it is and gives the cursor back; in a log, adds the last caption. */
  end(): void {
    if (this.#unlogged !== undefined) this.#stream.write(`${this.#unlogged}\n`);
    this.#unlogged = undefined;
    if (!this.#cursorHidden) return;
    this.#cursorHidden = false;
    process.off('exit', this.#showCursor);
    this.#showCursor();
  }

  #draw(picture: Uint8Array, caption: readonly string[]): void {
    const { columns = USUAL.columns, rows = USUAL.rows } = this.#stream;
    const pictureSize = Math.sqrt(picture.length / 3);
    const size = fittingSize(pictureSize, caption.length, columns, rows);
    // A line that is longer than the terminal is wide would wrap, and the next frame would start too low.
    const text = caption.map((line) => [...line].slice(0, columns - 1).join(''));
    const lines = [...halfBlocks(shrink(picture, pictureSize, size), size), ...text];
    const frame = lines.map((line) => `${line}${CLEAR_TO_END_OF_LINE}\n`).join('');
    this.#stream.write(`${this.#start()}${frame}${CLEAR_BELOW}`);
    this.#lines = lines.length;
  }

  /** What takes the cursor to the first line of the frame. */
  #start(): string {
    if (this.#cursorHidden) return `\r\x1b[${this.#lines}A`;
    this.#cursorHidden = true;
    process.once('exit', this.#showCursor);
    return HIDE_CURSOR;
  }

  #log(line: string): void {
    const due = this.#frames % this.#logEvery === 0;
    if (due) this.#stream.write(`${line}\n`);
    this.#unlogged = due ? undefined : line;
  }
}
