import { describe, expect, it } from 'vitest';
import { borderJump, innerStep, rmsDistance } from '../../src/cli/demo/compare.js';
import { warmstep } from './captured.js';

describe('warmstep demo', () => {
  it('compares STEP with DDIM by the distance to DDPM, and tells a reader how', async () => {
    const { code, stdout, stderr } = await warmstep('demo', '--decisions', '2');
    expect(code).toBe(0);
    expect(stderr).toContain('STEP with 2 evaluations');
    expect(stdout).toMatch(/^adapter +\S/m);
    expect(stdout).toContain('DDPM is stochastic');
    expect(stdout).toContain('actions of decision 2:');
    const rows = [...stdout.matchAll(/^((?:STEP|DDIM|DDPM) \d+(?:, other noise)?) +(\d+) +([\d.]+)/gm)];
    expect(rows.map(([, strategy, evaluations]) => [strategy, Number(evaluations)])).toEqual([
      ['STEP 2', 2], ['DDIM 2', 2], ['DDIM 4', 4], ['DDIM 10', 10], ['DDPM 100, other noise', 100],
    ]);
    // The unit is a pixel of a board of 512: all of them decide for the same place, none for the very same.
    for (const [, , , distance] of rows) {
      expect(Number(distance)).toBeGreaterThan(0);
      expect(Number(distance)).toBeLessThan(200);
    }
  });
});

describe('the distances of the demo', () => {
  const decisions = [Float32Array.of(0, 0, 3, 4), Float32Array.of(3, 5, 3, 5)];

  it('compares chosen decisions by root mean square', () => {
    expect(rmsDistance(decisions, [Float32Array.of(9, 9, 9, 9), Float32Array.of(3, 5, 3, 1)], [1])).toBe(2);
  });

  it('measures the jump from one decision to the next, and the steps inside', () => {
    expect(borderJump(decisions, 2)).toBe(1);
    expect(innerStep(decisions, 2)).toBe(2.5);
  });
});
