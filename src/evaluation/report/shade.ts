/**
 * Style of a cell that stands for a score: blue towards 1, orange towards 0, the colour of the page half way. The style
 * sheet mixes the colours, so that one file fits light and dark pages.
 */
export function shade(score: number): string {
  const strength = Math.round(Math.abs(2 * Math.min(1, Math.max(0, score)) - 1) * 100);
  return `--ink:var(${score >= 0.5 ? '--high' : '--low'});--strength:${strength}%`;
}
