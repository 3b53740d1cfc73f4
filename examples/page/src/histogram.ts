import { svg, text } from './dom.js';

const [WIDTH, HEIGHT] = [340, 144];
const [LEFT, RIGHT, TOP, BOTTOM] = [8, 332, 14, 104];
/** Milliseconds: what a control loop of 50 Hz has for a decision. */
const LIMIT = 20;
/** Bars per factor of ten. */
const RESOLUTION = 8;

/** Latencies on a logarithmic axis, beside the 20 ms line. */
export function drawHistogram(latencies: readonly number[]): SVGElement {
  const low = Math.floor(Math.log10(Math.min(LIMIT / 20, ...latencies)));
  const high = Math.ceil(Math.log10(Math.max(LIMIT * 5, ...latencies)));
  const x = (milliseconds: number): number => LEFT + ((Math.log10(milliseconds) - low) / (high - low)) * (RIGHT - LEFT);
  const counts = new Map<number, number>();
  for (const latency of latencies) {
    const bin = Math.floor(Math.log10(latency) * RESOLUTION);
    counts.set(bin, (counts.get(bin) ?? 0) + 1);
  }
  const most = Math.max(1, ...counts.values());
  const bars = [...counts].map(([bin, count]) => {
    const from = x(10 ** (bin / RESOLUTION));
    const to = x(10 ** ((bin + 1) / RESOLUTION));
    const height = ((BOTTOM - TOP) * count) / most;
    const isLate = 10 ** (bin / RESOLUTION) >= LIMIT;
    return svg('rect', { class: isLate ? 'bar late' : 'bar', x: from, y: BOTTOM - height, width: Math.max(1, to - from - 1), height });
  });
  const powers = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i));
  const sorted = [...latencies].sort((a, b) => a - b);
  const quantile = (share: number): string => (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(1);
  const title =
    latencies.length === 0
      ? 'no decision yet'
      : `p50 ${quantile(0.5)} ms · p99 ${quantile(0.99)} ms · ${latencies.length} ${latencies.length === 1 ? 'decision' : 'decisions'}`;
  return svg(
    'svg',
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': `Latencies: ${title}` },
    ...bars,
    svg('line', { class: 'axis', x1: LEFT, x2: RIGHT, y1: BOTTOM, y2: BOTTOM }),
    svg('line', { class: 'limit', x1: x(LIMIT), x2: x(LIMIT), y1: TOP - 6, y2: BOTTOM }),
    text(x(LIMIT) + 4, TOP + 2, '20 ms'),
    ...powers.map((power) =>
      text(x(power), BOTTOM + 14, `${power} ms`, power === 10 ** low ? 'start' : power === 10 ** high ? 'end' : 'middle'),
    ),
    text(LEFT, HEIGHT - 6, title),
  );
}
