import { fileURLToPath } from 'node:url';
import { caseFolder } from '../../src/platform/node/case-folder.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import { GoldenCase } from '../../src/verification/golden-case.js';
import { openCvaeCase } from '../../src/verification/training/cvae-case.js';
import { trainingDescription } from '../../src/verification/training/description.js';

const FOLDER = fileURLToPath(new URL('../goldens/train-image-cvae', import.meta.url));

/** The first recorded step of a CVAE over pictures, against float64. */
export interface FirstStep {
  /** Relative differences of the loss and of the norm of all gradients. */
  readonly loss: number;
  readonly norm: number;
  /** The worst of the sampled gradients and of the sampled changes of weights: difference by the largest of its tensor. */
  readonly gradient: number;
  readonly change: number;
}

/** Runs that step, gradients and update, on a device. */
export async function firstStepOfCvae(device: ComputeDevice): Promise<FirstStep> {
  const sources = await caseFolder(FOLDER);
  const golden = await GoldenCase.open(sources.golden);
  const description = trainingDescription(golden.name, golden.description as Readonly<Record<string, unknown>>);
  const network = await openCvaeCase(golden, description, sources, device);
  try {
    const run = description.runs.find(({ name }) => name === 'release');
    const [update] = run?.updates ?? [];
    if (!run || !update) throw new Error('the case has no run "release"');
    network.write('weights', network.startWeights);
    network.run(0, false, update);
    const { loss, gradientNorm } = await network.metrics();
    const indices = await golden.values('sample_index');
    const worst = async (name: string, found: (parameter: string, element: number) => number): Promise<number> => {
      const samples = await golden.values(`expected.${name}.samples`);
      const width = samples.length / description.parameters.length;
      const errors = description.parameters.map((parameter, index) => {
        let [error, scale] = [0, 0];
        for (let i = index * width; i < (index + 1) * width; i++) {
          const [element, expected] = [indices[i] as number, samples[i] as number];
          if (element < 0) continue;
          scale = Math.max(scale, Math.abs(expected));
          error = Math.max(error, Math.abs(found(parameter.name, element) - expected));
        }
        return error / scale;
      });
      return Math.max(...errors);
    };
    const [gradients, weights] = [await network.read('gradients'), await network.read('weights')];
    const start = network.startWeights;
    const at = (tensors: ReadonlyMap<string, Float32Array>, name: string, element: number): number =>
      tensors.get(name)?.[element] as number;
    return {
      loss: Math.abs(loss / (run.loss[0] as number) - 1),
      norm: Math.abs(gradientNorm / (run.gradientNorm[0] as number) - 1),
      gradient: await worst('release.grad', (name, element) => at(gradients, name, element)),
      change: await worst('release.delta.1', (name, element) => at(weights, name, element) - at(start, name, element)),
    };
  } finally {
    network.dispose();
    await sources.golden.close();
  }
}
