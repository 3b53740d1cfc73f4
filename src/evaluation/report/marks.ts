import { coordinate, element, escape } from '../../report/html.js';
import type { Look, Row, Shape } from './model.js';

/** A point of a plot, of the form and colour of its strategy. */
export function marker(x: number, y: number, { colour, shape }: Look, radius = 5): string {
  const attributes = { fill: colour, class: 'marker' };
  if (shape === 'circle') return element('circle', { cx: x, cy: y, r: radius, ...attributes });
  return element('path', { d: outline(shape, x, y, radius), ...attributes });
}

function outline(shape: Exclude<Shape, 'circle'>, x: number, y: number, radius: number): string {
  const path = (points: readonly (readonly [number, number])[]): string =>
    `M${points.map(([dx, dy]) => `${coordinate(x + dx * radius)} ${coordinate(y + dy * radius)}`).join('L')}Z`;
  switch (shape) {
    case 'square':
      return path([
        [-0.9, -0.9],
        [0.9, -0.9],
        [0.9, 0.9],
        [-0.9, 0.9],
      ]);
    case 'diamond':
      return path([
        [0, -1.25],
        [1.25, 0],
        [0, 1.25],
        [-1.25, 0],
      ]);
    case 'triangle':
      return path([
        [0, -1.2],
        [1.1, 0.8],
        [-1.1, 0.8],
      ]);
    default:
      return shape satisfies never;
  }
}

/** A short piece of the strategy's line with its point, before its name. */
export function swatch({ look }: Row): string {
  const line = element('line', { x1: 1, y1: 6, x2: 21, y2: 6, stroke: look.colour, 'stroke-width': 2.5, 'stroke-dasharray': look.dash });
  return element('svg', { class: 'swatch', viewBox: '0 0 22 12', 'aria-hidden': 'true' }, [line, marker(11, 6, look, 4)]);
}

/** Name of a strategy for a table, with what it means underneath. */
export function nameCell(row: Row): string {
  const { name, description } = row.summary;
  return element('th', { scope: 'row', 'data-value': row.index }, [
    swatch(row),
    element('span', { class: 'name' }, escape(name)),
    element('small', {}, escape(description)),
  ]);
}
