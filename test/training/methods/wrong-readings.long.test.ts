import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { folderSource } from '../../../src/platform/node/folder-source.js';
import { MethodTraining } from '../../../src/training/methods/method-training.js';
import { LOSS_KINDS } from '../../../src/verification/losses/kinds.js';
import { LossFiles } from '../../../src/verification/losses/loss-files.js';
import { recordedLosses } from '../../../src/verification/losses/recorded-loss.js';
import { norm } from '../../../src/verification/training/compare-training.js';
import { useTestDevice } from '../../support/device.js';
import { GOLDENS } from '../../support/golden-cases.js';

/** What is written over a part of every batch, after it was packed. */
type Change = (values: Float32Array) => void;

interface Reading {
  readonly what: string;
  readonly golden: string;
  readonly loss: string;
  /** By part; see the method. */
  readonly changes: Readonly<Record<string, Change>>;
  /** What the loss becomes, where somebody computed it. */
  readonly expected?: number;
}

const swapPairs: Change = (values) => {
  for (let i = 0; i + 1 < values.length; i += 2) values.set([values[i + 1] as number, values[i] as number], i);
};
/** Embeddings of 32 values each, side by side. */
const swapEmbeddings: Change = (values) => {
  for (let i = 0; i + 64 <= values.length; i += 64) values.copyWithin(i + 32, i, i + 32).set(values.slice(i + 32, i + 64), i);
};

const READINGS: readonly Reading[] = [
  { what: 'DSM unweighted', golden: 'cp-1step', loss: 'dsm', changes: { dsmWeights: (values) => values.fill(1) }, expected: 0.6672 },
  { what: 'no gradient through the average', golden: 'cp-1step', loss: 'ctm', changes: { endBack: (values) => oddTo(values, 0) } },
  {
    what: 'the gradient of what the jump keeps forgotten',
    golden: 'cp-1step',
    loss: 'ctm',
    changes: { endBack: (values) => evenTo(values, 0) },
  },
  { what: "Euler's step for Heun's", golden: 'cp-1step', loss: 'ctm', changes: { heun: (values) => everyFourthTo(values, 0) } },
  { what: 'level and stop exchanged', golden: 'cp-1step', loss: 'ctm', changes: { studentLevels: swapEmbeddings } },
  { what: "the teacher's weights 1", golden: 'cp-1step', loss: 'teacher', changes: { weights: (values) => values.fill(1) } },
  { what: 'signal and noise exchanged', golden: 'sdp', loss: 'random', changes: { coefficients: swapPairs } },
  { what: 'one level for all rows', golden: 'sdp', loss: 'increasing', changes: { sinusoids: (values) => values.copyWithin(32, 0, 32) } },
  { what: 'unweighted scores', golden: 'onedp-s', loss: 'generator', changes: { difference: (values) => values.set([1, -1]) } },
  {
    what: 'noise of the start in place of that of the level',
    golden: 'onedp-d',
    loss: 'generator',
    changes: { back: (values) => values.fill(-1.7) },
  },
  { what: 'σ and μ weighted alike', golden: 'no-diffusion', loss: 'total', changes: { headWeights: (values) => oddTo(values, 2) } },
];

function oddTo(values: Float32Array, value: number): void {
  for (let i = 1; i < values.length; i += 2) values[i] = value;
}
function evenTo(values: Float32Array, value: number): void {
  for (let i = 0; i < values.length; i += 2) values[i] = value;
}
function everyFourthTo(values: Float32Array, value: number): void {
  for (let i = 3; i < values.length; i += 4) values[i] = value;
}

describe('a wrong reading of a method', () => {
  const device = useTestDevice();
  afterEach(() => void vi.restoreAllMocks());

  it.each(READINGS)(
    '$golden: $what, is seen by the recorded losses',
    async ({ golden, loss, changes, expected }) => {
      const create = MethodTraining.create.bind(MethodTraining);
      vi.spyOn(MethodTraining, 'create').mockImplementation((of, method, options) => {
        const pack: typeof method.pack = (batch, parts) => {
          const inverseCount = method.pack(batch, parts);
          for (const [part, change] of Object.entries(changes)) change(parts.values(part as never));
          return inverseCount;
        };
        return create(of, { ...method, pack }, options);
      });
      const source = await folderSource(join(GOLDENS, 'methods', golden));
      try {
        const files = await LossFiles.open(source);
        const kind = LOSS_KINDS.get(files.config.string('type'));
        const recorded = (await recordedLosses(source)).find(({ name }) => name === loss);
        if (!kind || !recorded) throw new Error(`${golden} has no loss "${loss}"`);
        const { values, gradients } = await kind.compute(device(), files, loss);
        const total = norm([...gradients.values()].map((gradient) => norm(gradient)));
        const off = [...recorded.values].map(([key, value]) => Math.abs((values[key] ?? NaN) / value - 1));
        const worst = Math.max(...off, Math.abs(total / (recorded.total as number) - 1));
        // Far beyond the tolerance, so that nobody takes it for rounding.
        expect(worst).toBeGreaterThan(100 * kind.tolerance(loss));
        if (expected !== undefined) expect(values['loss']).toBeCloseTo(expected, 4);
      } finally {
        await source.close();
      }
    },
    300_000,
  );
});
