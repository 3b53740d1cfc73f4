/** A number of a snapshot or a target. */
export interface SceneAxis {
  readonly name: string;
  /** Decimals that a replay keeps of it. */
  readonly digits: number;
}

/** An episode at a tick, as a replay has it: `Replay` says what the arrays hold. */
export interface SceneMoment {
  /** Ticks that were executed, 0 … the episode's. */
  readonly tick: number;
  /** [ticks + 1][axes of a snapshot], flattened. */
  readonly states: readonly number[];
  /** [ticks][axes of a target], flattened. */
  readonly targets: readonly number[];
}

/** An element of the board, as far as a scene may change it. */
export interface ScenePart {
  setAttribute(name: string, value: string): void;
  readonly style: { display: string };
}

/** The picture of a replay in a page. */
export interface SceneBoard {
  /** Of the picture, in its own units; y points down. */
  readonly width: number;
  readonly height: number;
  /** What stands still and what moves: SVG elements; those that move have a `data-part`. */
  readonly markup: string;
  /** Style sheet of these elements. `prefers-color-scheme` tells light pages from dark ones. */
  readonly style: string;
  /** What is seen, for the reader of a report. Markup. */
  readonly legend: string;
  /**
   * Shows a moment; `part` finds an element by its `data-part`, `data` is the board's. A page is given the text of this function: a
   * function or an arrow, no method, that uses its arguments and what JavaScript has, and nothing else of its file.
   */
  readonly show: (part: (name: string) => ScenePart, moment: SceneMoment, data: unknown) => void;
  /** What `show` needs besides: plain data, which a page is given as JSON. */
  readonly data?: unknown;
}

/** How a task is shown, in reports and in a terminal. */
export interface Scene {
  /** Of the task, for people. */
  readonly title: string;
  /** What the reward is, and what a success is, for the reader of a report: whole sentences after a colon. Markup. */
  readonly scoring: string;
  /** Ticks per second. */
  readonly tickRate: number;
  readonly snapshot: readonly SceneAxis[];
  /** Of an action as it is sent. */
  readonly targets: readonly SceneAxis[];
  readonly board: SceneBoard;
  /** A reward in the task's own words, e.g. "coverage 0.50". */
  readonly describeReward: (reward: number) => string;
  /** The present for a terminal: a square picture, RGB, [size, size, 3]. Absent where a task has none. */
  readonly picture?: (snapshot: readonly number[]) => Uint8Array;
}

/** The same digits for several axes. */
export function sceneAxes(digits: number, ...names: readonly string[]): SceneAxis[] {
  return names.map((name) => ({ name, digits }));
}
