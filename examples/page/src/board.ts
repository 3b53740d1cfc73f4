import type { Scene } from 'warmstep/evaluation';
import { svg } from './dom.js';
import type { Path, Refinement } from './refinement.js';

/** The board of an episode, with the newest decision drawn over it. */
export class Board {
  readonly #scene: Scene;
  readonly #svg: SVGElement;
  readonly #overlay: SVGElement;

  constructor(place: HTMLElement, scene: Scene) {
    this.#scene = scene;
    this.#svg = boardSvg(scene);
    this.#svg.setAttribute('role', 'img');
    this.#svg.setAttribute('aria-label', scene.title);
    this.#overlay = svg('g', { class: 'overlay' });
    this.#svg.append(this.#overlay);
    place.replaceChildren(this.#svg);
  }

  /** `states` and `targets` as a replay has them. */
  show(
    moment: { readonly tick: number; readonly states: readonly number[]; readonly targets: readonly number[] },
    refinement: Refinement | undefined,
  ): void {
    showMoment(this.#scene, this.#svg, moment);
    this.#overlay.replaceChildren(...(refinement ? overlay(refinement) : []));
  }
}

/** Small boards: what denoising began with, and what each evaluation made of it. */
export function drawStrip(scene: Scene, states: readonly number[], refinement: Refinement): HTMLElement[] {
  const { prediction, start, steps } = refinement;
  const last = steps.length - 1;
  const shown: [string, SVGElement[]][] = [
    ...(prediction ? [['predicted', [line(prediction, 'prediction')]] as [string, SVGElement[]]] : []),
    [prediction ? 'with noise' : 'noise', dots(start)],
    ...middle(steps).map(({ path, step }): [string, SVGElement[]] => [
      step === last ? 'the plan' : `after evaluation ${step + 1} of ${steps.length}`,
      step === last ? plan(path, refinement.executed) : [line(path, 'refined')],
    ]),
  ];
  const view = viewOf([...(prediction ? [prediction] : []), ...steps], states, scene.board);
  return shown.map(([caption, elements]) => {
    const board = boardSvg(scene);
    board.setAttribute('viewBox', view);
    showMoment(scene, board, { tick: 0, states, targets: [] });
    board.append(svg('g', { class: 'overlay' }, ...elements));
    const figure = document.createElement('figure');
    const title = document.createElement('figcaption');
    title.textContent = caption;
    figure.append(board, title);
    return figure;
  });
}

/** Least side of what small boards show, in units of the board. */
const LEAST_VIEW = 170;

/** The part of the board where plans lie, and the agent, as a square. Noise lies anywhere, and is cut. */
function viewOf(paths: readonly Path[], [agentX = 0, agentY = 0]: readonly number[], { width, height }: Scene['board']): string {
  const points = [...paths.flat(), [agentX, agentY] as const].filter(([x, y]) => x >= 0 && x <= width && y >= 0 && y <= height);
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const side = Math.min(width, Math.max(LEAST_VIEW, right - left + 50, bottom - top + 50));
  const place = (low: number, high: number, most: number): number => Math.min(Math.max(0, (low + high - side) / 2), most - side);
  return `${place(left, right, width)} ${place(top, bottom, height)} ${side} ${side}`;
}

/** All of few evaluations; of many, some evenly spread and the last. */
function middle(steps: readonly Path[], most = 4): { readonly path: Path; readonly step: number }[] {
  const all = steps.map((path, step) => ({ path, step }));
  if (all.length <= most) return all;
  return Array.from({ length: most }, (_, i) => all[Math.round(((i + 1) * all.length) / most) - 1] as (typeof all)[number]);
}

function boardSvg({ board }: Scene): SVGElement {
  const picture = svg('svg', { viewBox: `0 0 ${board.width} ${board.height}` });
  // Markup of this package's own scene.
  picture.innerHTML = board.markup;
  return picture;
}

function showMoment({ board }: Scene, picture: SVGElement, moment: Parameters<Scene['board']['show']>[1]): void {
  board.show((name) => picture.querySelector<SVGElement>(`[data-part="${name}"]`) as SVGElement, moment, board.data);
}

function overlay({ prediction, start, steps, executed }: Refinement): SVGElement[] {
  const last = steps.at(-1);
  return [
    ...dots(start),
    ...(prediction ? [line(prediction, 'prediction')] : []),
    // The nearer to the plan, the stronger: what noise looks like at first would hide the scene.
    ...middle(steps.slice(0, -1), 3).map(({ path, step }) => faded(line(path, 'refined'), (step + 1) / steps.length)),
    ...(last ? plan(last, executed) : []),
  ];
}

function plan(path: Path, { first, count }: Refinement['executed']): SVGElement[] {
  return [line(path, 'rest'), line(path.slice(first, first + count), 'executed')];
}

/** `progress`: 0 … 1. One evaluation of two is drawn in full. */
function faded(element: SVGElement, progress: number): SVGElement {
  element.setAttribute('opacity', Math.min(1, Math.max(0.1, (2 * progress) ** 3)).toFixed(2));
  return element;
}

function line(path: Path, kind: string): SVGElement {
  return svg('polyline', { class: kind, points: path.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ') });
}

function dots(path: Path): SVGElement[] {
  return path.map(([x, y]) => svg('circle', { class: 'start', cx: x.toFixed(1), cy: y.toFixed(1), r: 5 }));
}
