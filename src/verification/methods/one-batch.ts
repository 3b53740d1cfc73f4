import { CheckpointError } from '../../foundation/errors.js';
import { joinedFloats } from '../../foundation/joined.js';
import type { Decision, Policy } from '../../policy/policy.js';
import { toChannelsFirst } from '../compare.js';
import type { GoldenCase } from '../golden-case.js';
import type { Computed, MethodRun } from './define.js';
import { CONDITIONING } from './stand-in-policy.js';

/** A tensor [b, …] as one array for each sample. */
export async function samplesOf(golden: GoldenCase, name: string): Promise<Float32Array[]> {
  const [batch = 1] = golden.shape(name);
  const values = await golden.values(name);
  const size = values.length / batch;
  return Array.from({ length: batch }, (_, b) => values.slice(b * size, (b + 1) * size));
}

/** Decides over the recorded conditioning, all samples as one batch, with the recorded noise. `firstStepNoise`: number of its first row. */
export async function decideBatch(golden: GoldenCase, policy: Policy, firstStepNoise = 0): Promise<Decision[]> {
  const windows = await samplesOf(golden, 'input.global_cond');
  const noise = golden.has('input.noise') ? await samplesOf(golden, 'input.noise') : undefined;
  const stepNoise: Float32Array[][] = [];
  for (let row = firstStepNoise; golden.has(`input.step_noise.${row}`); row++)
    stepNoise.push(await samplesOf(golden, `input.step_noise.${row}`));
  return policy.decideAll(
    windows.map((window, b) => ({
      window: { [CONDITIONING]: window },
      previous: [],
      ...(noise ? { noise: noise[b] } : {}),
      ...(stepNoise.length > 0 ? { stepNoise: stepNoise.map((row) => row[b] as Float32Array) } : {}),
    })),
  );
}

/** An inner value of a batch. */
export function probeOf(decisions: readonly Decision[], name: string): Float32Array {
  const values = decisions[0]?.probes.get(name);
  if (!values) throw new CheckpointError(`the case expects a value that the engine has as "${name}", which is none of this network.`);
  return values;
}

/** The normalised chunks of a batch. */
export function chunksOf(decisions: readonly Decision[]): Float32Array {
  return joinedFloats(decisions.map(({ normalizedChunk }) => normalizedChunk));
}

const ACTIVATION = 'activation.';

/** Where the activations of a network's first evaluation are found. */
interface ActivationPlaces {
  /** What the names of the network's modules begin with, in the case. */
  readonly prefix?: string | undefined;
  /** What the names of inner values begin with, of the run that the evaluation is of. */
  readonly run?: string;
  readonly moduleName?: ((module: string) => string) | undefined;
}

/** Inner values that the activations of a case ask for. */
export function activationProbes(golden: GoldenCase, { prefix = '', moduleName }: ActivationPlaces = {}): string[] {
  return golden.names(`expected.${ACTIVATION}${prefix}`).map((module) => ACTIVATION + engineName(module, moduleName));
}

/** Activations of the first evaluation; Diffusion Policy's names of modules. */
export function activations(
  { golden, policy }: MethodRun,
  decisions: readonly Decision[],
  { prefix = '', run = '', moduleName }: ActivationPlaces = {},
): Computed {
  const computed: Computed = new Map();
  const { horizon, actionDim } = policy.info;
  for (const module of golden.names(`expected.${ACTIVATION}${prefix}`)) {
    const isOutput = module === 'final_conv';
    const values = isOutput
      ? toChannelsFirst(probeOf(decisions, `${run}model_output.0`), decisions.length, horizon, actionDim)
      : probeOf(decisions, `${run}${ACTIVATION}${engineName(module, moduleName)}.0`);
    computed.set(ACTIVATION + prefix + module, values);
  }
  return computed;
}

function engineName(module: string, rename: (module: string) => string = (name) => name): string {
  return rename(module)
    .replace(/\.blocks\.0$/, '.conv1')
    .replace(/\.blocks\.1$/, '.conv2');
}
