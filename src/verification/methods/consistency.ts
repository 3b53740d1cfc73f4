import { CheckpointError } from '../../foundation/errors.js';
import { createStrategy } from '../../strategies/index.js';
import type { StrategyOptions } from '../../strategies/strategy-options.js';
import type { GoldenCase } from '../golden-case.js';
import { strategyContextOf } from './context.js';
import type { Computed, MethodCaseKind } from './define.js';
import { activations, chunksOf, decideBatch, probeOf } from './one-batch.js';

const EXACT = ['levels', 'time_input', 'stop_input'];

/** Cases of Consistency Policy: one decision of a batch. */
export const CONSISTENCY_CASE: MethodCaseKind = {
  strategy: strategyOf,
  probes: ['start', 'sample', 'x0', 'model_output', 'activation.diffusion_step_encoder'],
  tolerance: 1e-4,
  isExact: (name) => EXACT.includes(name),
  compute: async (run) => {
    const { golden, policy } = run;
    const decisions = await decideBatch(golden, policy, 1);
    const { steps } = createStrategy(strategyOf(golden), strategyContextOf(run)).usual;
    const computed: Computed = new Map([
      ['levels', Float32Array.from(steps, ({ timestep }) => timestep)],
      ['time_input', Float32Array.from(steps, ({ levels }) => levels?.[0] ?? NaN)],
      ['stop_input', Float32Array.from(steps, ({ levels }) => levels?.[1] ?? NaN)],
      ['chunk', chunksOf(decisions)],
      ['float64.chunk', chunksOf(decisions)],
      ['float64.model_output.0', probeOf(decisions, 'model_output.0')],
      ...activations(run, decisions),
    ] as [string, ArrayLike<number>][]);
    const embedding = probeOf(decisions, 'activation.diffusion_step_encoder.0');
    computed.set('embedding.time', half(embedding, decisions.length, 0));
    computed.set('embedding.stop', half(embedding, decisions.length, 1));
    steps.forEach((_, i) => {
      computed.set(`network_input.${i}`, probeOf(decisions, i === 0 ? 'start' : `sample.${i - 1}`));
      computed.set(`model_output.${i}`, probeOf(decisions, `model_output.${i}`));
      // Pairs of the step's G and the one before.
      computed.set(
        `sample.${i}`,
        probeOf(decisions, `x0.${i}`).filter((__, index) => index % 2 === 0),
      );
    });
    return computed;
  },
};

function strategyOf({ name, description }: GoldenCase): StrategyOptions {
  const { steps, chaining } = description;
  if (chaining !== undefined && chaining !== null && chaining !== 'bins' && chaining !== 'raw') {
    throw new CheckpointError(`case "${name}": case.json: chaining must be null, "bins" or "raw", found ${JSON.stringify(chaining)}.`);
  }
  return { name: 'Consistency', ...(steps === undefined ? {} : { steps }), ...(chaining ? { chaining } : {}) };
}

/** One of the two embeddings of every sample, f32 [b][2][e]. */
function half(values: Float32Array, batch: number, which: 0 | 1): Float32Array {
  const width = values.length / batch / 2;
  return values.filter((_, i) => Math.floor(i / width) % 2 === which);
}
