import { describe, expect, it } from 'vitest';
import type { Contraction, StepSpread } from '../../src/analysis/contraction.js';
import { contractionPlot } from '../../src/analysis/contraction-plot.js';
import { summarizeRatios } from '../../src/analysis/spread.js';

const DELTAS = [1e-3, 1e-1];

/** `largest`: of every step's ratios, which begin at 0.5. */
function measured(timesteps: readonly number[], largest: number): Contraction {
  const spread = (delta: number): StepSpread => ({ delta, fresh: summarizeRatios([0.5, 0.75, largest]), carried: null });
  const end = { productOfMeans: 0.5, productOfMaxima: 1, measured: summarizeRatios([0.5]), roundingFloor: 1e-4 };
  return {
    solver: 'DDIM',
    starts: 1,
    directions: 3,
    steps: timesteps.map((timestep) => ({ timestep, spreads: DELTAS.map(spread) })),
    endToEnd: DELTAS.map((delta) => ({ delta, ...end })),
  };
}

function numbers(svg: string, attribute: string): number[] {
  return [...svg.matchAll(new RegExp(` ${attribute}="(-?[\\d.]+)"`, 'g'))].map(([, value]) => Number(value));
}

describe('the plot of a contraction', () => {
  const few = { name: 'STEP 2 & more', contraction: measured([50, 0], 3.7) };
  const many = {
    name: 'DDPM 100',
    contraction: measured(
      Array.from({ length: 100 }, (_, i) => 99 - i),
      0.9,
    ),
  };

  it('is an SVG file with a panel per delta and the names of the series', () => {
    const svg = contractionPlot('How much <it> contracts', [many, few]);
    expect(svg).toMatch(/^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    expect(svg).toContain('How much &lt;it&gt; contracts');
    expect(svg).toContain('‖δ‖ = 0.001');
    expect(svg).toContain('‖δ‖ = 0.1');
    expect(svg).toContain('STEP 2 &amp; more');
    expect(svg.match(/class="one"/g)).toHaveLength(2);
  });

  it('shows the largest ratio inside the picture, however large it is', () => {
    for (const largest of [0.9, 1, 3.7, 250]) {
      const svg = contractionPlot('', [{ ...few, contraction: measured([50, 0], largest) }]);
      const [top, bottom] = [Math.min(...numbers(svg, 'y1')), Math.max(...numbers(svg, 'y1'))];
      const heights = [...numbers(svg, 'y2'), ...numbers(svg, 'cy')];
      expect(Math.min(...heights), String(largest)).toBeGreaterThanOrEqual(top);
      expect(top).toBeGreaterThan(60);
      expect(bottom).toBeLessThan(400);
    }
  });

  it('draws few steps as bars and many as bands', () => {
    expect(contractionPlot('', [few]).match(/<(circle|polygon)/g)).toEqual(Array<string>(2 * 2).fill('<circle'));
    expect(contractionPlot('', [many]).match(/<(circle|polygon)/g)).toEqual(Array<string>(2 * 2).fill('<polygon'));
  });
});
