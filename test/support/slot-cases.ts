import { readFileSync } from 'node:fs';
import { SafetensorsFile } from '../../src/checkpoints/safetensors/safetensors.js';
import { alphasCumprod } from '../../src/diffusion/noise-schedule.js';
import { type SlotScheduleOptions, SlotSolver } from '../../src/diffusion/slot-steps.js';
import type { SolverStep } from '../../src/diffusion/solver-step.js';
import type { UnetShape } from '../../src/spec/network-shapes.js';
import type { DecisionContext, DecisionOutcome, DenoiseRequest, DenoiseResult } from '../../src/strategies/strategy.js';
import { applyToSample } from './apply-solver-step.js';
import { golden } from './folders.js';
import { floats, type Tensors } from './recorded-case.js';

/** Cases of methods whose rows have levels of their own: `sdp`, `sdp-denoise`, `rnr-dp`. */

export interface SlotCaseConfig {
  readonly action_dim: number;
  readonly obs_dim: number;
  readonly n_obs_steps: number;
  readonly horizon: number;
  readonly n_action_steps: number;
  readonly down_dims: number[];
  readonly kernel_size: number;
  readonly n_groups: number;
  readonly diffusion_step_embed_dim: number;
  readonly use_film_scale_modulation: boolean;
  readonly num_train_timesteps: number;
  readonly beta_schedule: 'squaredcos_cap_v2';
  readonly beta_start: number;
  readonly beta_end: number;
  readonly prediction_type: 'epsilon' | 'sample';
  readonly clip_sample: boolean;
  readonly clip_sample_range: number;
  readonly buffer_init?: 'zero' | 'denoise';
}

export function readSlotCase(name: string): { config: SlotCaseConfig; batch: number } {
  const json = (file: string): unknown => JSON.parse(readFileSync(new URL(`../goldens/methods/${name}/${file}`, import.meta.url), 'utf8'));
  return { config: json('network/config.json') as SlotCaseConfig, batch: (json('case.json') as { batch: number }).batch };
}

export function slotOptions(config: SlotCaseConfig): SlotScheduleOptions {
  return {
    alphasCumprod: alphasCumprod(
      {
        numTrainTimesteps: config.num_train_timesteps,
        betaSchedule: config.beta_schedule,
        betaStart: config.beta_start,
        betaEnd: config.beta_end,
      },
      'pytorch',
    ),
    predictionType: config.prediction_type,
    clip: config.clip_sample ? config.clip_sample_range : null,
  };
}

export function slotSolver(config: SlotCaseConfig): SlotSolver {
  return new SlotSolver(slotOptions(config));
}

/** A step over one sample f32 [slots][actionDim], in float64. */
export function applySlots(
  { slots = [] }: SolverStep,
  x: ArrayLike<number>,
  output: ArrayLike<number>,
  noise: ArrayLike<number> | undefined,
): Float64Array {
  const width = x.length / slots.length;
  const row = (values: ArrayLike<number>, slot: number): number[] =>
    Array.from({ length: width }, (_, i) => values[slot * width + i] as number);
  return Float64Array.from(
    slots.flatMap((step, slot) => {
      const own = row(x, slot);
      return [...applyToSample({ ...step, timestep: 0 }, { x: own, output: row(output, slot), noise: noise && row(noise, slot) }).x];
    }),
  );
}

/** Part `index` of a tensor of so many parts, such as a sample of a batch. */
export function part(tensors: Tensors, name: string, index: number, parts: number): Float32Array {
  const values = floats(tensors, name);
  const size = values.length / parts;
  return values.slice(index * size, (index + 1) * size);
}

/** Values one after the other. */
export function joined(...parts: readonly ArrayLike<number>[]): Float32Array {
  return Float32Array.from(parts.flatMap((values) => Array.from(values)));
}

/** What a strategy draws from, with the given numbers in the place of random ones. @throws where it wants more than there are. */
export function contextWith(normals: Float32Array, frames = new Float32Array()): DecisionContext {
  return {
    newest: undefined,
    before: undefined,
    frames,
    uniform: (count) => new Float64Array(count),
    normal: (count) => {
      if (count > normals.length) throw new Error(`the strategy draws ${count} numbers, there are ${normals.length}`);
      return normals.slice(0, count);
    },
  };
}

/** Drives a decision whose runs a function makes. */
export function decide(
  deciding: Generator<readonly DenoiseRequest[], DecisionOutcome, readonly DenoiseResult[]>,
  run: (request: DenoiseRequest) => Float32Array,
): DecisionOutcome {
  let next = deciding.next();
  while (!next.done) {
    const results = next.value.map((request): DenoiseResult => {
      const chunk = run(request);
      return { normalizedChunk: chunk, chunk, trace: [] };
    });
    next = deciding.next(results);
  }
  return next.value;
}

/** Sizes of a case's U-Net. */
export function slotUnetShape(config: SlotCaseConfig): UnetShape {
  return {
    actionDim: config.action_dim,
    horizon: config.horizon,
    downDims: config.down_dims,
    kernelSize: config.kernel_size,
    groups: config.n_groups,
    stepEmbedDim: config.diffusion_step_embed_dim,
    conditioningDim: config.n_obs_steps * config.obs_dim,
    scaleModulation: config.use_film_scale_modulation,
  };
}

/** The tensors of a case's network, by LeRobot's names. */
export async function slotTensors(name: string): Promise<Record<string, Float32Array>> {
  const file = await SafetensorsFile.open(await golden(`methods/${name}/network`).open('model.safetensors'));
  const tensors: Record<string, Float32Array> = {};
  for (const stored of file.tensors.keys()) {
    const canonical = stored
      .replace('.blocks.0.', '.conv1.')
      .replace('.blocks.1.', '.conv2.')
      .replace(/^((?:down|up)_modules\.\d+\.[23])\.conv\./, '$1.')
      .replace(/^mid_modules\.0\.([01])\./, 'mid_modules.$1.');
    tensors[canonical] = (await file.readFloats(stored)).slice();
  }
  return tensors;
}
