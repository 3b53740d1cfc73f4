import { encodeSafetensors, type WritableTensor } from '../checkpoints/safetensors/safetensors.js';
import { CheckpointError } from '../foundation/errors.js';
import type { LoadPolicyOptions } from '../policy/load-policy.js';
import { loadPolicy } from '../policy/load-policy.js';
import type { Decision, Policy } from '../policy/policy.js';
import type { GripperOptions, RtiDpStrategyOptions } from '../strategies/strategy-options.js';
import type { CaseReport, CaseSources } from './case-report.js';
import { compareTensor, type TensorReport } from './compare.js';
import type { GoldenCase } from './golden-case.js';
import { recordedObservations } from './recorded-observations.js';
import { storageTolerance } from './tolerance.js';

/** A chain of a hundred evaluations in float32 and three short ones, as the README of the cases has it. */
const TOLERANCE = 2e-5;

const OBSERVATION = 'ticks.input.observation.';

/** Whether a case is an episode of RTI-DP: one decision a tick, the first of them cold, recorded before and after the rule for grippers. */
export function isRtiDpCase({ description: { kind } }: GoldenCase): boolean {
  return kind === 'rti_dp';
}

/** Replays the episode through act(). @throws what loading and planning throw. */
export async function verifyRtiDpCase(golden: GoldenCase, sources: CaseSources, options: LoadPolicyOptions): Promise<CaseReport> {
  if (!sources.policy) throw new CheckpointError(`case "${golden.name}": expected a folder policy/, found none.`);
  const decisions: Decision[] = [];
  const strategy = strategyOf(golden);
  const onDecision = (decision: Decision): void => void decisions.push(decision);
  const policy = await loadPolicy(sources.policy, { ...options, strategy, probes: ['sample'], onDecision });
  try {
    const computed = await computeEpisode(golden, policy, decisions);
    const tolerance = storageTolerance(policy.info, { exact: TOLERANCE });
    const tensors: TensorReport[] = [];
    const dump: WritableTensor[] = [];
    for (const name of [...golden.names('expected.'), ...golden.names('ticks.expected.').map((tick) => `ticks.${tick}`)]) {
      const full = name.startsWith('ticks.') ? name.replace('ticks.', 'ticks.expected.') : `expected.${name}`;
      const values = computed.get(name);
      if (!values) throw new CheckpointError(`case "${golden.name}" expects "${full}", which is not known.`);
      const shape = golden.shape(full);
      tensors.push(compareTensor(full, shape, await golden.values(full), values, tolerance));
      dump.push({ name, dtype: 'F32', shape, data: values });
    }
    const pass = tensors.every((tensor) => tensor.pass);
    return { name: golden.name, precision: policy.info.precision, tensors, pass, dump: encodeSafetensors(dump) };
  } finally {
    await policy.dispose();
  }
}

function strategyOf({ name, description: { timesteps, gripper, cold_start: cold } }: GoldenCase): RtiDpStrategyOptions {
  if (!timesteps || cold?.scheduler !== 'DDPM') {
    throw new CheckpointError(
      `case "${name}": expected timesteps and a cold_start of DDPM in case.json, found ${JSON.stringify({ timesteps, cold })}.`,
    );
  }
  return { name: 'RTI-DP', timesteps, ...(gripper ? { gripper: ruleOf(gripper) } : {}) };
}

/** A release's settings have a factor in either variant; what is remembered unchanged is not divided by it. */
function ruleOf({ factor, ...rule }: GripperOptions): GripperOptions {
  return rule.remember === 'unchanged' || factor === undefined ? rule : { ...rule, factor };
}

/** `chunk.i` before the rule for grippers, `guess.i`, what is kept, and `action_horizon.i`, in the units of the robot, of decision i; `ticks.action`. */
async function computeEpisode(golden: GoldenCase, policy: Policy, decisions: readonly Decision[]): Promise<Map<string, Float32Array>> {
  const observations = await recordedObservations(golden, OBSERVATION);
  const { actionDim, horizon } = policy.info;
  const actions = new Float32Array(observations.length * actionDim);
  const computed = new Map<string, Float32Array>([['ticks.action', actions]]);
  for (const [tick, observation] of observations.entries()) {
    const rows = await golden.values(`ticks.input.variance_noise.${tick}`);
    const size = horizon * actionDim;
    // The last step, at timestep 0, takes no noise.
    const stepNoise = Array.from({ length: rows.length / size - 1 }, (_, step) => rows.subarray(step * size, (step + 1) * size));
    const start = tick === 0 ? { noise: await golden.values('ticks.input.noise') } : {};
    actions.set(await policy.act(observation, { ...start, stepNoise }), tick * actionDim);
    const decision = decisions[tick];
    const sample = decision?.probes.get(`sample.${decision.timesteps.length - 1}`);
    if (!decision || !sample) throw new CheckpointError(`case "${golden.name}": expected a decision in tick ${tick}, found none.`);
    computed.set(`chunk.${tick}`, sample).set(`guess.${tick}`, decision.normalizedChunk).set(`action_horizon.${tick}`, decision.chunk);
  }
  return computed;
}
