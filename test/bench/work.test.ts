import { describe, expect, it } from 'vitest';
import { type Case, collectCases } from '../../bench/kernels/cases.js';
import { type DecisionChoice, recordSynthetic } from '../../bench/kernels/network.js';
import { useTestDevice } from '../support/device.js';

/** Parameters of the large U-Net that no evaluation reads: they are tabulated at load, or used once per decision. */
const STEP_ENCODER = 128 * 512 + 512 + 512 * 128 + 128;
const FILM_ROWS = 2 * 4 * (512 + 1024 + 2048);
const FILM = FILM_ROWS * (128 + 46 + 1);
const LARGE = 249_074_826;

describe('work of a decision', () => {
  const device = useTestDevice();
  const casesOf = async (choice: Partial<DecisionChoice>): Promise<Case[]> => {
    const decision = await recordSynthetic(device(), { size: 'large', precision: 'f32', batch: 1, horizon: 16, steps: 2, ...choice });
    decision.destroy();
    return collectCases(decision);
  };
  const total = (cases: readonly Case[], value: (found: Case) => number): number =>
    cases.reduce((sum, found) => sum + value(found) * found.perDecision, 0);
  const evaluation = (cases: readonly Case[]): Case[] => cases.filter(({ segment }) => segment === 'evaluate');

  it('reads every parameter of the U-Net once per evaluation', async () => {
    const cases = evaluation(await casesOf({ steps: 1 }));
    const read = LARGE - STEP_ENCODER - FILM;
    // Channels are padded, the ten of the output convolution most of all.
    expect(total(cases, ({ weightBytes }) => weightBytes) / 4 / read).toBeCloseTo(1, 3);
  });

  it('counts the multiply-adds of one evaluation', async () => {
    const cases = evaluation(await casesOf({ steps: 1 }));
    // As PyTorch would count: it computes step encoder and FiLM in every evaluation.
    const elsewhere = 2 * 128 * 512 + FILM_ROWS * (128 + 46);
    expect((total(cases, ({ macs }) => macs) + elsewhere) / 1e9).toBeCloseTo(1.17, 2);
  });

  it('counts twice with two evaluations, and once what a decision does once', async () => {
    const [one, two] = [await casesOf({ size: 'tiny', steps: 1 }), await casesOf({ size: 'tiny', steps: 2 })];
    const macs = (cases: readonly Case[]): number => total(cases, (found) => found.macs);
    expect(macs(two) - macs(one)).toBe(macs(evaluation(one)));
    expect(macs(one)).toBeGreaterThan(macs(evaluation(one)));
  });

  it.each([
    ['f16', 2],
    ['int8', 4],
  ] as const)('needs fewer bytes for the same multiply-adds in %s', async (precision, factor) => {
    const [full, small] = [await casesOf({ size: 'tiny' }), await casesOf({ size: 'tiny', precision })];
    expect(total(small, ({ macs }) => macs)).toBe(total(full, ({ macs }) => macs));
    const ratio = total(full, ({ weightBytes }) => weightBytes) / total(small, ({ weightBytes }) => weightBytes);
    expect(ratio).toBeGreaterThan(0.8 * factor);
    expect(ratio).toBeLessThanOrEqual(factor);
  });

  it('multiplies with the batch and, per matrix, with the horizon', async () => {
    const macs = async (choice: Partial<DecisionChoice>): Promise<number> =>
      total(evaluation(await casesOf({ size: 'tiny', ...choice })), (found) => found.macs);
    const one = await macs({});
    expect(await macs({ batch: 4 })).toBe(4 * one);
    expect(await macs({ horizon: 64 })).toBe(4 * one);
  });

  it('has every dispatch of the decision in exactly one case, each under a name of its own', async () => {
    const decision = await recordSynthetic(device(), { size: 'tiny', precision: 'f32', batch: 1, horizon: 16, steps: 2 });
    const cases = collectCases(decision);
    const recorded = decision.builder.segments.flatMap(({ dispatches }) => dispatches);
    const collected = cases.flatMap(({ dispatches }) => dispatches);
    expect(new Set(collected)).toEqual(new Set(recorded));
    expect(collected.length).toBe(recorded.length);
    expect(new Set(cases.map(({ id }) => id)).size).toBe(cases.length);
    decision.destroy();
  });
});

describe('a decision with two evaluations and predictor', () => {
  const device = useTestDevice({ deviceClass: 'gpu' });

  // Each dependent dispatch costs a few microseconds on a large GPU: whoever adds one should know, and change the number here.
  it('is this many dispatches on a GPU', async () => {
    const decision = await recordSynthetic(device(), { size: 'tiny', precision: 'f32', batch: 1, horizon: 16, steps: 2 });
    const counts = Object.fromEntries(decision.builder.segments.map(({ name, dispatches }) => [name, dispatches.length]));
    decision.destroy();
    expect(counts).toEqual({ observe: 2, predict: 5, start: 1, evaluate: 36, finish: 1 });
    expect(decision.runs.reduce((sum, { segment }) => sum + (counts[segment] ?? 0), 0)).toBe(81);
  });
});
