import type { UpdateScalars } from '../training-step.js';
import { emaDecay } from './ema-decay.js';
import { learningRate } from './learning-rate.js';
import type { OptimizerSettings } from './presets.js';

/** The scalars of the optimiser step before which `done` steps were done, of a run of `totalSteps`, in float64. */
export function updateScalars(settings: OptimizerSettings, totalSteps: number, done: number): UpdateScalars {
  const { optimizer, beta1, beta2, epsilon, weightDecay, clipNorm, ema, schedule, warmupSteps, decayEvery, decayFactor } = settings;
  return {
    optimizer,
    learningRate: learningRate({ name: schedule, peak: settings.learningRate, warmupSteps, totalSteps, decayEvery, decayFactor }, done),
    beta1,
    beta2,
    epsilon,
    weightDecay,
    stepNumber: done + 1,
    clipNorm,
    emaDecay: ema === null ? null : emaDecay(ema, done + 1),
  };
}
