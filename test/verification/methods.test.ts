import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeSafetensors, SafetensorsFile, type WritableTensor } from '../../src/checkpoints/safetensors/safetensors.js';
import { type CheckpointSource, memorySource } from '../../src/checkpoints/source.js';
import { caseFolder } from '../../src/platform/node/case-folder.js';
import type { CaseReport } from '../../src/verification/case-report.js';
import { verifyCase } from '../../src/verification/verify-case.js';
import { tensorsOf } from '../support/changed-checkpoint.js';
import { useTestDevice } from '../support/device.js';
import { golden, goldenFiles, jsonOf } from '../support/folders.js';
import { GOLDENS } from '../support/golden-cases.js';

async function readTensors(source: CheckpointSource): Promise<SafetensorsFile['tensors']> {
  return (await SafetensorsFile.open(await source.open('case.safetensors'))).tensors;
}

// One of each method; the others are in methods.long.test.ts.
describe('cases of methods with networks of their own', () => {
  const device = useTestDevice();

  it.each(['cp-3step', 'onedp-s', 'no-diffusion', 'sdp', 'rnr-dp'])('%s agrees in every tensor', async (name) => {
    const report = await verifyCase(await caseFolder(join(GOLDENS, 'methods', name)), device(), 'f32');
    expect(report.tensors.filter((tensor) => !tensor.pass)).toEqual([]);
    expect(report.tensors.length).toBeGreaterThan(30);
    const expected = await readTensors(golden(`methods/${name}`));
    const dumped = await readTensors(memorySource('dump', { 'case.safetensors': report.dump }));
    const names = [...expected.keys()].filter((tensor) => tensor.startsWith('expected.'));
    // Behind them lie losses and norms of gradients, by their names in losses.json.
    const files = goldenFiles(`methods/${name}`);
    const { losses = {} } = 'losses.json' in files ? (jsonOf(files, 'losses.json') as { losses: object }) : {};
    const isLoss = (tensor: string): boolean => Object.hasOwn(losses, tensor.split('.')[0] as string);
    const decided = [...dumped.keys()].filter((tensor) => !isLoss(tensor));
    expect(decided.sort()).toEqual(names.map((tensor) => tensor.replace('expected.', '')).sort());
    expect([...dumped.keys()].some((tensor) => tensor.endsWith('.grad_norm.total'))).toBe(name !== 'cp-3step');
    for (const tensor of names) expect(dumped.get(tensor.replace('expected.', ''))?.shape).toEqual(expected.get(tensor)?.shape);
  });
});

describe('a wrong reading of a method', () => {
  const device = useTestDevice();

  /** A case whose network has some tensors changed. */
  async function verified(name: string, change: (tensor: WritableTensor) => WritableTensor): Promise<CaseReport> {
    const files = goldenFiles(`methods/${name}/network`);
    files['model.safetensors'] = encodeSafetensors((await tensorsOf(files, 'model.safetensors')).map(change));
    // Losses, recorded beside it, are those of the network as it is.
    const { 'losses.json': _losses, ...recorded } = goldenFiles(`methods/${name}`);
    const sources = { golden: memorySource(name, recorded), network: async () => memorySource('network', files) };
    return verifyCase(sources, device(), 'f32');
  }

  it('shows: the two embeddings of a consistency model exchanged', async () => {
    const width = 32;
    const swapped = (tensor: WritableTensor): WritableTensor => {
      if (!tensor.name.endsWith('cond_encoder.1.weight')) return tensor;
      const [, columns = 0] = tensor.shape;
      const halves = new Uint16Array((tensor.data as Uint8Array).slice().buffer);
      const data = halves.map((_, i) => {
        const column = i % columns;
        if (column >= 2 * width) return halves[i] as number;
        return halves[column < width ? i + width : i - width] as number;
      });
      return { ...tensor, data: new Uint8Array(data.buffer) };
    };
    const right = await verified('cp-1step', (tensor) => tensor);
    expect(right.pass).toBe(true);
    // Twenty times nearer than the release's float32: the sinusoids are those of float64.
    const exact = right.tensors.find(({ name }) => name === 'expected.float64.chunk');
    expect((exact?.error ?? NaN) / (exact?.scale ?? NaN)).toBeLessThan(3e-6);
    expect((await verified('cp-1step', swapped)).pass).toBe(false);
  });
});
