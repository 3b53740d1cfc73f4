import { describe, expect, it } from 'vitest';
import { warmstep, warmstepJson } from './captured.js';

interface Diagnosis {
  readonly ok: boolean;
  readonly adapter: { readonly description: string; readonly isFallback: boolean } | null;
  readonly limits: { readonly name: string; readonly granted: number; readonly needed: number; readonly ok: boolean }[];
  readonly knownAnswer: { readonly largestError: number; readonly ok: boolean };
  readonly problems: string[];
  readonly advice: string[];
}

describe('warmstep doctor', () => {
  it('reports what is there, as JSON', async () => {
    const diagnosis = await warmstepJson<Diagnosis>('doctor');
    expect(diagnosis).toMatchObject({
      ok: true,
      problems: [],
      environment: { node: process.version, webgpu: expect.stringMatching(/^\d+\./), platform: `${process.platform} ${process.arch}` },
    });
    expect(diagnosis.adapter?.description).not.toBe('');
    expect(diagnosis.advice.length).toBe(diagnosis.adapter?.isFallback ? 1 : 0);
    expect(diagnosis.limits.map(({ name }) => name)).toContain('maxStorageBufferBindingSize');
    for (const { granted, needed, ok } of diagnosis.limits) expect(ok).toBe(granted >= needed);
    // The largest weight of the large network: 1024 × 4096 × 5 values of f32.
    expect(diagnosis.limits[0]?.needed).toBe(1024 * 4096 * 5 * 4);
  });

  it('has computed something', async () => {
    const { knownAnswer } = await warmstepJson<Diagnosis>('doctor');
    expect(knownAnswer.ok).toBe(true);
    expect(knownAnswer.largestError).toBeGreaterThan(0);
    expect(knownAnswer.largestError).toBeLessThan(1e-5);
  });

  it('says so to people', async () => {
    const { code, stdout } = await warmstep('doctor');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^adapter +\S/m);
    expect(stdout).toContain('Policies can run here.');
  });

  it('ends with 1 and a remedy where there is no adapter', async () => {
    const { code, stdout } = await warmstep('doctor', '--adapter', 'no such adapter');
    expect(code).toBe(1);
    expect(stdout).toContain('problem: no adapter\'s name contains "no such adapter"');
    expect(stdout).toContain('Policies cannot run here.');
  });
});
