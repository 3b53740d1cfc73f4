import type { Observation } from '../../src/observations/frame.js';
import type { Episode } from '../../src/policy/episode.js';
import { loadPolicy } from '../../src/policy/load-policy.js';
import type { Decision, Policy } from '../../src/policy/policy.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import type { FalconStrategyOptions, StepStrategyOptions, StrategyOptions } from '../../src/strategies/strategy-options.js';
import { ChangedCheckpoint, PRE } from './changed-checkpoint.js';
import { golden } from './folders.js';
import { bits, type loadGolden, vectors } from './golden-policy.js';
import { at } from './toy.js';

export const CASE = 'step-forward-noise';
export const DDIM: StrategyOptions = { name: 'DDIM', steps: 2 };
export const STEP: StepStrategyOptions = { name: 'STEP', budget: 2, coldStart: { steps: 4 } };
export const RTI_DP: StrategyOptions = { name: 'RTI-DP' };
export const FALCON: FalconStrategyOptions = { name: 'Falcon', solver: 'DDIM', steps: 8, exploration: 0.3, threshold: 1e6 };

/** What must not differ between a decision in company and the same one alone. */
export function facts(result: Decision): object {
  const { timesteps, evaluations, screening, warm, stalled } = result;
  return { bits: bits(result), actions: [...result.actions], timesteps, evaluations, screening, warm, stalled };
}

export async function decideOne(policy: Policy, episode: Episode, given: Observation): Promise<Decision> {
  return at(await policy.decideAll([{ episode, window: given }]), 0);
}

/** The golden policy with observations as they are: of statistics, `broken` would be refused. */
export function loadRaw(device: ComputeDevice, options: NonNullable<Parameters<typeof loadGolden>[2]> = {}): Promise<Policy> {
  const { predictor, ...rest } = options;
  const networks = predictor === true ? { networks: { predictor: golden(`${CASE}/predictor`) } } : {};
  const { source } = new ChangedCheckpoint(CASE).steps(PRE, (steps) => {
    for (const { config } of steps) if (config.norm_map) Object.assign(config.norm_map, { STATE: 'IDENTITY', ENV: 'IDENTITY' });
  });
  return loadPolicy(source, { ...rest, ...networks, device });
}

/** Values that no network has room for, where nothing normalises them. */
export function broken(policy: Policy): Observation {
  const { observationSteps } = policy.info;
  return Object.fromEntries(vectors(policy).map(({ name, size }) => [name, new Float32Array(size * observationSteps).fill(3e38)]));
}
