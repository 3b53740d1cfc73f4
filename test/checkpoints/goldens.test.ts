import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadPredictorCheckpoint } from '../../src/checkpoints/predictor/read-predictor.js';
import { loadPolicyCheckpoint } from '../../src/checkpoints/read-policy.js';
import { SafetensorsFile } from '../../src/checkpoints/safetensors/safetensors.js';
import { memorySource } from '../../src/checkpoints/source.js';
import type { Normalizer, Unnormalizer } from '../../src/spec/policy-spec.js';
import { golden, goldenCases } from '../support/folders.js';

const DIALECTS: Record<string, string> = { 'state-dialect-a': 'A', 'state-dialect-b': 'B' };

function caseFile(name: string, file: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`../goldens/${name}/${file}`, import.meta.url)));
}

async function recorded(name: string): Promise<(tensor: string) => Promise<Float32Array>> {
  const bytes = await memorySource(name, { case: caseFile(name, 'case.safetensors') }).open('case');
  const file = await SafetensorsFile.open(bytes);
  return async (tensor) => (await file.readFloats(tensor)).slice();
}

/** The kernel's arithmetic, every operation rounded to f32. */
function normalize({ subtract, divide, multiply, add }: Normalizer, raw: Float32Array): Float32Array {
  const { fround } = Math;
  const size = subtract.length;
  return raw.map((x, i) => {
    const j = i % size;
    return fround(fround(fround(fround(x - subtract[j]!) / divide[j]!) * multiply[j]!) + add[j]!);
  });
}

function unnormalize({ add, halve, multiply, shift }: Unnormalizer, values: Float32Array): Float32Array {
  const { fround } = Math;
  const size = add.length;
  return values.map((y, i) => {
    const j = i % size;
    return fround(fround(fround(fround(y + add[j]!) * halve[j]!) * multiply[j]!) + shift[j]!);
  });
}

function largestError(found: Float32Array, expected: Float32Array): number {
  expect(found.length).toBe(expected.length);
  return found.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
}

// STEP cases record whole episodes and keep no normalised inputs.
describe.each(goldenCases('policy').filter((name) => name.startsWith('state-')))('%s', (name) => {
  it('normalises and un-normalises as the reference does', async () => {
    const policy = await loadPolicyCheckpoint(golden(`${name}/policy`));
    const read = await recorded(name);
    for (const feature of policy.observations) {
      const found = normalize(feature.normalizer, await read(`input.${feature.rawName}`));
      expect(largestError(found, await read(`expected.normalized.${feature.name}`))).toBe(0);
    }
    const { steps } = JSON.parse(new TextDecoder().decode(caseFile(name, 'case.json'))) as { steps: number };
    const actions = unnormalize(policy.action, await read(`expected.sample.${steps - 1}`));
    expect(largestError(actions, await read('expected.action_horizon'))).toBe(0);
  });
});

describe.each(goldenCases('policy'))('%s', (name) => {
  it('loads with its dialect and parameter count', async () => {
    const policy = await loadPolicyCheckpoint(golden(`${name}/policy`));
    expect(policy.dialect).toBe(DIALECTS[name] ?? 'C');
    const { parameters } = JSON.parse(new TextDecoder().decode(caseFile(name, 'case.json'))) as { parameters?: number };
    if (parameters !== undefined) expect(policy.parameters).toBe(parameters);
    const stored = [...policy.weights.names()].map((tensor) => policy.weights.shape(tensor)!.reduce((a, b) => a * b, 1));
    expect(policy.parameters).toBe(stored.reduce((a, b) => a + b, 0));
    const frame = policy.observations.reduce((sum, { size }) => sum + size, 0);
    expect(policy.unet.conditioningDim).toBe(policy.observationSteps * frame);
  });

  it('has finite weights under canonical names', async () => {
    const { weights } = await loadPolicyCheckpoint(golden(`${name}/policy`));
    const bias = await weights.readFloats('final_conv.1.bias');
    expect([...weights.shape('final_conv.1.bias')!]).toEqual([bias.length]);
    expect(weights.locate('final_conv.1.bias')).toBe('tensor "diffusion.unet.final_conv.1.bias" in model.safetensors');
  });
});

describe.each(goldenCases('predictor'))('%s', (name) => {
  it('loads its predictor', async () => {
    const policy = await loadPolicyCheckpoint(golden(`${name}/policy`));
    const { config, parameters, weightBytes, warnings } = await loadPredictorCheckpoint(golden(`${name}/predictor`));
    expect(warnings).toEqual([]);
    // 667,906 for Push-T, 670,602 for Can and Square: the published sizes of the two.
    expect(parameters).toBe(config.actionDim === 2 ? 667_906 : 670_602);
    expect(weightBytes).toBe(parameters * 2);
    expect(config).toMatchObject({ actionDim: policy.unet.actionDim, horizon: policy.unet.horizon });
    expect(config.observationDim * config.observationSteps).toBe(policy.unet.conditioningDim);
  });
});
