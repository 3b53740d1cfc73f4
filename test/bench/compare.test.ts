import { describe, expect, it } from 'vitest';
import { compareRecords, comparisonReport, judge, parseRecord } from '../../bench/kernels/compare.js';
import { type CaseRecord, SUITE_FORMAT, type SuiteRecord, type Timing } from '../../bench/kernels/record.js';
import { describeSamples, rounded } from '../../bench/kernels/statistics.js';

function timing(samplesMs: readonly number[]): Timing {
  return { ...describeSamples(samplesMs), samplesMs };
}

function caseRecord(id: string, samplesMs: readonly number[], perDecision = 2): CaseRecord {
  return {
    id,
    kernel: 'conv1d',
    kind: 'conv1d',
    segment: 'evaluate',
    shape: '8×8×5 over 4',
    layers: [id],
    workgroups: [1, 1, 1],
    perDecision,
    bytes: 1e6,
    weightBytes: 1e6,
    macs: 4e6,
    chain: 1,
    rotation: 1,
    dispatch: timing(samplesMs),
  };
}

function suiteRecord(cases: readonly CaseRecord[], changes: Partial<SuiteRecord> = {}): SuiteRecord {
  return {
    format: SUITE_FORMAT,
    environment: {
      date: '2026-01-01T00:00:00.000Z',
      warmstep: '0',
      commit: 'abc',
      node: 'v20',
      webgpu: '0',
      platform: 'linux x64',
      cpu: 'cpu',
      cpus: 2,
      loadAverage: [0, 0, 0],
    },
    adapter: {
      vendor: '',
      architecture: '',
      device: '',
      description: 'an adapter',
      isFallback: true,
      profile: 'safe',
      variants: 'shipped',
    },
    deviceClass: 'software',
    profile: 'safe',
    clock: 'host',
    size: 'tiny',
    batch: 1,
    horizon: 16,
    steps: 2,
    filter: '',
    stream: [{ name: 'read', bytes: 1e6, run: timing([1]), gigabytesPerSecond: 1 }],
    overheads: [],
    precisions: [{ precision: 'f32', dispatches: 2, bytes: 2e6, macs: 8e6, decision: timing([3]), cases }],
    ...changes,
  };
}

describe('statistics', () => {
  it('takes percentiles that were measured', () => {
    const samples = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(describeSamples(samples)).toEqual({ count: 100, p25: 25, p50: 50, p75: 75, p95: 95, p99: 99 });
    expect(describeSamples([3, 1])).toEqual({ count: 2, p25: 1, p50: 1, p75: 3, p95: 3, p99: 3 });
  });

  it('refuses to describe nothing', () => {
    expect(() => describeSamples([])).toThrow('at least one sample');
  });

  it('keeps six digits of a sample', () => {
    expect(rounded([0.000123456789, 1234.56789])).toEqual([0.000123457, 1234.57]);
  });
});

describe('comparison of two records', () => {
  it('marks a difference only where the middle halves of the samples are apart', () => {
    const slow = describeSamples([10, 11, 12, 13]);
    expect(judge(slow, describeSamples([5, 6, 7, 8]))).toBe('faster');
    expect(judge(describeSamples([5, 6, 7, 8]), slow)).toBe('slower');
    expect(judge(slow, describeSamples([9, 10, 11, 12]))).toBe('same');
  });

  it('gives ratios per decision, and names what only one of them has', () => {
    const before = suiteRecord([caseRecord('a', [4, 4, 4]), caseRecord('gone', [1])]);
    const after = suiteRecord([caseRecord('a', [1, 1, 1], 4), caseRecord('new', [1])]);
    const { comparisons, onlyOld, onlyNew } = compareRecords(before, after);
    expect(comparisons.find(({ name }) => name === 'f32 a')).toMatchObject({ oldMs: 8, newMs: 4, speedup: 2, verdict: 'faster' });
    expect([onlyOld, onlyNew]).toEqual([['f32 gone'], ['f32 new']]);
    expect(comparisonReport(compareRecords(before, after))).toMatch(/f32 a +8\.000 ms +4\.000 ms +2\.00 × +\+/);
  });

  it('tells what else differs', () => {
    const other = suiteRecord([], { profile: 'fast' });
    expect(compareRecords(suiteRecord([]), other).remarks).toEqual(['profile: safe → fast']);
  });

  it('refuses records of different decisions, and other files', () => {
    expect(() => compareRecords(suiteRecord([]), suiteRecord([], { batch: 4 }))).toThrow('batch was 1, now it is 4');
    expect(() => compareRecords(suiteRecord([]), suiteRecord([], { clock: 'gpu' }))).toThrow('clock was host');
    expect(() => parseRecord('{"format":"other"}', 'old.json')).toThrow('old.json is no record of this suite');
  });
});
