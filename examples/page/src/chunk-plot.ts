import { svg, text } from './dom.js';

const [WIDTH, HEIGHT] = [640, 220];
const [LEFT, RIGHT, TOP, BOTTOM] = [34, 630, 10, 196];

/** The rows of a normalised chunk, a curve for each value of an action. */
export function drawChunk(values: Float32Array, actionDim: number): SVGElement {
  const rows = values.length / actionDim;
  const most = Math.max(1, ...values.map(Math.abs));
  const x = (row: number): number => LEFT + (row / (rows - 1)) * (RIGHT - LEFT);
  const y = (value: number): number => (TOP + BOTTOM) / 2 - (value / most) * ((BOTTOM - TOP) / 2);
  const curves = Array.from({ length: actionDim }, (_, dimension) => {
    const points = Array.from(
      { length: rows },
      (__, row) => `${x(row).toFixed(1)},${y(values[row * actionDim + dimension] as number).toFixed(1)}`,
    );
    return svg('polyline', { points: points.join(' '), stroke: `hsl(${(360 * dimension) / actionDim} 60% 50%)` });
  });
  return svg(
    'svg',
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': `The newest chunk: ${rows} actions of ${actionDim} values` },
    svg('line', { class: 'axis', x1: LEFT, x2: RIGHT, y1: y(0), y2: y(0) }),
    text(LEFT - 6, y(most) + 8, most.toFixed(1), 'end'),
    text(LEFT - 6, y(0) + 4, '0', 'end'),
    text(LEFT - 6, y(-most), (-most).toFixed(1), 'end'),
    ...curves,
    text(RIGHT, HEIGHT - 6, `${rows} actions of ${actionDim} values, normalised`, 'end'),
  );
}
