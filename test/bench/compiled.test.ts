import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { type CompiledKernel, type CompiledRecord, compiledTable, parseCompiled, worseThan } from '../../bench/kernels/compiled.js';

const WROTE = `some warning of a driver
STAT|VGPRs=12|Spilled VGPRs=0|LDS size=0
KERNEL|{"label":"conv 4 | f16","dispatches":12}

STAT|SGPRs=128|VGPRs=60|Spilled SGPRs=3|Spilled VGPRs=2|Code size=4920|LDS size=16384|Subgroups per SIMD=16|VMEM=14|SMEM=13
KERNEL|{"label":"silent","dispatches":1}
KERNEL|{"label":"last","dispatches":2}
STAT|VGPRs=8`;

describe('what a driver said of kernels', () => {
  it('is read in the order in which they were compiled; what came before belongs to none', () => {
    const [first, silent, last, ...more] = parseCompiled(WROTE);
    expect(first).toEqual({
      label: 'conv 4 | f16',
      dispatches: 12,
      registers: 60,
      spilledRegisters: 2,
      spilledScalars: 3,
      sharedBytes: 16384,
      wavesPerSimd: 16,
      codeBytes: 4920,
      vectorLoads: 14,
      scalarLoads: 13,
    });
    expect(silent).toMatchObject({ label: 'silent', registers: undefined });
    expect(last).toMatchObject({ label: 'last', dispatches: 2, registers: 8, wavesPerSimd: undefined });
    expect(more).toEqual([]);
  });

  const kernel: CompiledKernel = { ...(parseCompiled(WROTE)[0] as CompiledKernel), spilledRegisters: 0, spilledScalars: 0 };
  const record = (...kernels: CompiledKernel[]): CompiledRecord => ({ adapter: 'a', decision: 'd', kernels });

  it('is worse where registers spill, grow beyond a tenth, or leave too few waves', () => {
    const worse = (change: Partial<CompiledKernel>): string[] => worseThan(record(kernel), record({ ...kernel, ...change }));
    expect(worse({})).toEqual([]);
    expect(worse({ registers: 66, wavesPerSimd: 8, codeBytes: 9000 })).toEqual([]);
    expect(worse({ registers: 67 })).toEqual(['conv 4 | f16: 67 registers, 60 before']);
    expect(worse({ spilledRegisters: 1 })).toEqual(['conv 4 | f16: spills 1 registers, 0 before']);
    expect(worse({ wavesPerSimd: 7 })).toEqual(['conv 4 | f16: 7 waves per SIMD, 16 before']);
    expect(worse({ label: 'new', spilledScalars: 5, registers: 250, wavesPerSimd: 4 })).toEqual([
      'new: spills 5 registers, 0 before',
      'new: 4 waves per SIMD, 8 before',
    ]);
  });

  it('is a table for people, with gaps where a driver says nothing', () => {
    expect(compiledTable(record(...parseCompiled(WROTE)))).toMatch(/silent +1 +– +–/);
  });

  it.each(['navi31', 'navi21'])('has no spills and at least 8 waves in what is stored for %s', async (family) => {
    const file = new URL(`../../bench/results/2026-11-29-${family}-compiled-f16.json`, import.meta.url);
    const stored = JSON.parse(await readFile(file, 'utf8')) as CompiledRecord;
    expect(stored.kernels.reduce((sum, { dispatches }) => sum + dispatches, 0)).toBe(81);
    expect(worseThan(record(), stored)).toEqual([]);
  });
});
