import { readFileSync } from 'node:fs';
import { ddimSchedule } from '../../src/diffusion/ddim.js';
import { ddpmSchedule } from '../../src/diffusion/ddpm.js';
import { dpmSolverSchedule } from '../../src/diffusion/dpm-solver.js';
import { alphasCumprod } from '../../src/diffusion/noise-schedule.js';
import type { Clip, Schedule } from '../../src/diffusion/solver-step.js';
import type { NoiseScheduleOptions } from '../../src/spec/noise-schedule.js';
import type { PredictionType, TimestepSpacing, VarianceType } from '../../src/spec/sampling.js';

/** A run of diffusers' scheduler without a network: test/goldens/README.md. */
export interface Trace {
  readonly name: string;
  readonly scheduler: 'DDIM' | 'DDPM' | 'DPMSOLVER';
  readonly steps: number;
  readonly config: TraceConfig;
  readonly shape: readonly [number, number, number];
  readonly timesteps: readonly number[];
  readonly x: readonly number[];
  readonly model_output: readonly (readonly number[])[];
  readonly noise?: readonly (readonly number[])[];
  readonly sigmas?: readonly number[];
  readonly eta?: number;
  readonly use_clipped_model_output?: boolean;
  /** x0: of DDIM and DDPM. */
  readonly expected: { readonly float64: readonly (readonly number[])[]; readonly x0_float64?: readonly (readonly number[])[] };
}

interface TraceConfig {
  readonly num_train_timesteps: number;
  readonly beta_schedule: NoiseScheduleOptions['betaSchedule'];
  readonly beta_start: number;
  readonly beta_end: number;
  readonly rescale_betas_zero_snr?: boolean;
  readonly prediction_type: PredictionType;
  readonly clip_sample?: boolean;
  readonly clip_sample_range?: number;
  readonly thresholding?: boolean;
  readonly dynamic_thresholding_ratio?: number;
  readonly sample_max_value?: number;
  readonly timestep_spacing?: TimestepSpacing;
  readonly steps_offset?: number;
  readonly set_alpha_to_one?: boolean;
  readonly variance_type?: VarianceType;
  readonly solver_order?: number;
  readonly solver_type?: 'midpoint' | 'heun';
  readonly algorithm_type?: 'dpmsolver++' | 'sde-dpmsolver++';
  readonly final_sigmas_type?: 'zero' | 'sigma_min';
  readonly lower_order_final?: boolean;
  readonly euler_at_final?: boolean;
  readonly lambda_min_clipped?: number;
  readonly use_karras_sigmas?: boolean;
}

export function readTraces(): readonly Trace[] {
  const text = readFileSync(new URL('../goldens/methods/scheduler-traces.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { traces: Trace[] }).traces;
}

/** Bound on the difference to `float64`: 1e-5 · max(1, max|expected|). */
export function traceBound(expected: readonly number[]): number {
  return 1e-5 * Math.max(1, ...expected.map(Math.abs));
}

/** The schedule of a trace, by the options that its config's keys are called here. */
export function traceSchedule({ scheduler, steps, config, eta = 0, use_clipped_model_output = false }: Trace): Schedule {
  const options = {
    alphasCumprod: alphasCumprod(
      {
        numTrainTimesteps: config.num_train_timesteps,
        betaSchedule: config.beta_schedule,
        betaStart: config.beta_start,
        betaEnd: config.beta_end,
        rescaleBetasZeroSnr: config.rescale_betas_zero_snr ?? false,
      },
      'pytorch',
    ),
    predictionType: config.prediction_type,
    steps,
    ...given({ timestepSpacing: config.timestep_spacing, stepsOffset: config.steps_offset }),
  };
  const clip = clipOf(config);
  switch (scheduler) {
    case 'DDIM':
      return ddimSchedule({
        ...options,
        clip,
        eta,
        useClippedModelOutput: use_clipped_model_output,
        ...given({ setAlphaToOne: config.set_alpha_to_one }),
      });
    case 'DDPM':
      return ddpmSchedule({ ...options, clip, ...given({ varianceType: config.variance_type }) });
    case 'DPMSOLVER':
      return dpmSolverSchedule({
        ...options,
        clip: config.thresholding ? clip : null,
        karrasTimestep: config.beta_schedule === 'squaredcos_cap_v2' ? 'below' : 'nearest',
        ...given({
          solverOrder: config.solver_order,
          solverType: config.solver_type,
          algorithmType: config.algorithm_type,
          finalSigma: config.final_sigmas_type === 'sigma_min' ? ('sigma-min' as const) : undefined,
          lowerOrderFinal: config.lower_order_final,
          eulerAtFinal: config.euler_at_final,
          lambdaMinClipped: config.lambda_min_clipped,
          useKarrasSigmas: config.use_karras_sigmas,
        }),
      });
    default:
      return scheduler satisfies never;
  }
}

/** diffusers' defaults: clip range 1, quantile 0.995, largest value 1; thresholding comes before the clip. */
function clipOf(config: TraceConfig): Clip {
  if (config.thresholding) return { quantile: config.dynamic_thresholding_ratio ?? 0.995, most: config.sample_max_value ?? 1 };
  return (config.clip_sample ?? true) ? (config.clip_sample_range ?? 1) : null;
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function given<T extends object>(options: T): Given<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Given<T>;
}
