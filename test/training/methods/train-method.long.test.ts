import { describe, expect, it } from 'vitest';
import type { ComputeDevice } from '../../../src/runtime/device.js';
import type { StrategyOptions } from '../../../src/strategies/strategy-options.js';
import type { MemoryStorage } from '../../../src/training/loop/run-storage.js';
import { memoryStorage } from '../../../src/training/loop/run-storage.js';
import { useTestDevice } from '../../support/device.js';
import { decidedChunk, tinyMethodRun, tinyTeacher, trainedFolder } from '../../support/method-runs.js';
import { expectSameAfterInterruption, type TinyRun } from '../../support/training-runs.js';

/** Several compilations of a software driver. */
const COMPILES_MS = 300_000;

describe('the training of a method', () => {
  const device = useTestDevice();
  const consistency = async (): Promise<TinyRun> => {
    const teacher = await tinyTeacher(device());
    return tinyMethodRun('consistency', () => ({ teacher: trainedFolder(teacher) }));
  };
  const runs: readonly (readonly [string, () => Promise<TinyRun>, StrategyOptions | undefined])[] = [
    ['consistency-teacher', async () => tinyMethodRun('consistency-teacher'), undefined],
    ['consistency', consistency, { name: 'Consistency', steps: 3 }],
    ['onedp', async () => tinyMethodRun('onedp'), { name: 'OneDP' }],
    ['onedp, deterministic', async () => tinyMethodRun('onedp', { variant: 'deterministic' }), { name: 'OneDP' }],
    ['no-diffusion', async () => tinyMethodRun('no-diffusion', { hiddenDim: 12 }), { name: 'NO-Diffusion' }],
    ['sdp', async () => tinyMethodRun('sdp', { actionSteps: 3 }), undefined],
  ];

  it.each(runs)(
    '%s that was interrupted and gone on with equals one that was not, bit by bit, and its folder decides',
    async (_name, open, strategy) => {
      const storage = await expectSameAfterInterruption(await open(), device());
      if (strategy) await expectDecides(device(), storage, strategy);
    },
    COMPILES_MS,
  );

  it('of a student begins as its teacher, whatever it is told about where to stop', async () => {
    const teacher = await tinyTeacher(device());
    const student = memoryStorage();
    // The first step of a warm-up has rate 0: what comes out is what went in.
    const still = { warmupSteps: 1 };
    await tinyMethodRun('consistency', { teacher: trainedFolder(teacher), steps: 1, optimizer: still })(device(), student);
    const [before, after] = await Promise.all([tensorsOf(teacher), tensorsOf(student)]);
    for (const [name, values] of before) {
      const found = after.get(name) as Float32Array;
      if (!name.endsWith('cond_encoder.1.weight')) {
        expect(found, name).toEqual(values);
        continue;
      }
      const rows = (found.length - values.length) / 8;
      const columns = values.length / rows;
      for (let row = 0; row < rows; row++) {
        const [wide, narrow] = [
          found.subarray(row * (columns + 8), (row + 1) * (columns + 8)),
          values.subarray(row * columns, (row + 1) * columns),
        ];
        expect(wide.subarray(0, 8)).toEqual(narrow.subarray(0, 8));
        expect([...wide.subarray(8, 16)]).toEqual(new Array(8).fill(0));
        expect(wide.subarray(16)).toEqual(narrow.subarray(8));
      }
    }
  });
});

async function expectDecides(device: ComputeDevice, storage: MemoryStorage, strategy: StrategyOptions): Promise<void> {
  const chunk = await decidedChunk(device, storage, strategy);
  expect(chunk.every((value) => Math.abs(value) <= 1)).toBe(true);
  expect(new Set(chunk).size).toBeGreaterThan(4);
}

async function tensorsOf({ files }: MemoryStorage): Promise<ReadonlyMap<string, Float32Array>> {
  const { SafetensorsFile } = await import('../../../src/checkpoints/safetensors/safetensors.js');
  const { memorySource } = await import('../../../src/checkpoints/source.js');
  const source = memorySource('run', { 'model.safetensors': files.get('model.safetensors') as Uint8Array });
  const file = await SafetensorsFile.open(await source.open('model.safetensors'));
  const tensors = new Map<string, Float32Array>();
  for (const name of file.tensors.keys()) tensors.set(name, (await file.readFloats(name)).slice());
  return tensors;
}
