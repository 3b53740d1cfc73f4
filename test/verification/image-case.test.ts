import { describe, expect, it } from 'vitest';
import { encodeSafetensors, type WritableTensor } from '../../src/checkpoints/safetensors/safetensors.js';
import { memorySource } from '../../src/checkpoints/source.js';
import { CheckpointError } from '../../src/foundation/errors.js';
import type { Observation } from '../../src/observations/frame.js';
import type { RawImage } from '../../src/observations/picture.js';
import { GoldenCase } from '../../src/verification/golden-case.js';
import { recordedObservations } from '../../src/verification/recorded-observations.js';

const bytes = (count: number): Uint8Array => Uint8Array.from({ length: count }, (_, i) => i);
const STATE: WritableTensor = { name: 'input.observation.state', dtype: 'F32', shape: [2, 3, 1], data: Float32Array.of(1, 2, 3, 4, 5, 6) };
const WINDOWS: WritableTensor = { name: 'input.observation.image', dtype: 'U8', shape: [2, 3, 3, 1, 2], data: bytes(36) };
const TICKS: WritableTensor = { name: 'ticks.input.observation.image', dtype: 'U8', shape: [2, 3, 1, 2], data: bytes(12) };

function open(description: object, files: Record<string, readonly WritableTensor[]>): Promise<GoldenCase> {
  const encoded = Object.entries(files).map(([name, tensors]) => [name, encodeSafetensors(tensors)]);
  return GoldenCase.open(memorySource('a case', { 'case.json': JSON.stringify(description), ...Object.fromEntries(encoded) }));
}

describe('a recorded case with images', () => {
  it.each([
    ['beside the rest', {}, { 'case.safetensors': [STATE, WINDOWS, TICKS] }],
    ['in a file of their own', { inputs: 'inputs.json' }, { 'case.safetensors': [STATE], 'inputs.safetensors': [WINDOWS, TICKS] }],
  ] as const)('has its pictures %s', async (_, description, files) => {
    const golden = await open(description, files);
    const [, second] = (await recordedObservations(golden, 'input.observation.')) as [Observation, Observation];
    expect(second['observation.state']).toEqual(Float32Array.of(4, 5, 6));
    const images = second['observation.image'] as readonly RawImage[];
    expect(images).toHaveLength(3);
    expect(images[1]).toEqual({ data: bytes(36).subarray(24, 30), height: 1, width: 2, layout: 'chw' });
    const ticks = await recordedObservations(golden, 'ticks.input.observation.');
    expect(ticks.map((tick) => [...((tick['observation.image'] as RawImage).data as Uint8Array)])).toEqual([
      [0, 1, 2, 3, 4, 5],
      [6, 7, 8, 9, 10, 11],
    ]);
  });

  it('says which file is missing where pictures are made by a formula', async () => {
    const opened = open({ inputs: 'inputs.json' }, { 'case.safetensors': [STATE] });
    await expect(opened).rejects.toThrow(CheckpointError);
    await expect(opened).rejects.toThrow(/made by a formula, expected them in "inputs\.safetensors".*Make it from "inputs\.json" first/);
  });
});
