import type { PolicyCheckpoint } from '../checkpoints/types.js';
import type { Schedule } from '../diffusion/solver-step.js';
import { DecisionPlan } from './decision-plan.js';
import type { PolicyNetworks } from './policy-networks.js';

/** The plans of a policy, one per batch size. */
export class PlanCache {
  readonly #networks: PolicyNetworks;
  readonly #checkpoint: PolicyCheckpoint;
  readonly #taps: readonly string[];
  readonly #plans = new Map<number, DecisionPlan>();

  constructor(networks: PolicyNetworks, checkpoint: PolicyCheckpoint, taps: readonly string[]) {
    this.#networks = networks;
    this.#checkpoint = checkpoint;
    this.#taps = taps;
  }

  /** The plan of a batch size; compiled when it is missing, or when a schedule is longer than any before. */
  async get(batch: number, schedules: readonly Schedule[]): Promise<DecisionPlan> {
    const existing = this.#plans.get(batch);
    if (existing && schedules.every((schedule) => existing.fits(schedule))) return existing;
    const { unet, observationSteps } = this.#checkpoint;
    const shape = {
      batch,
      observationSteps,
      frameWidth: unet.conditioningDim / observationSteps,
      horizon: unet.horizon,
      actionDim: unet.actionDim,
      maxSteps: Math.max(existing?.shape.maxSteps ?? 0, ...schedules.map((schedule) => schedule.steps.length)),
      maxNoiseRows: Math.max(existing?.shape.maxNoiseRows ?? 0, ...schedules.map((schedule) => schedule.noisySteps)),
    };
    const plan = await DecisionPlan.compile(this.#networks, shape, this.#taps);
    existing?.destroy();
    this.#plans.set(batch, plan);
    return plan;
  }

  /** The plan of a batch size, if it was compiled. */
  peek(batch: number): DecisionPlan | undefined {
    return this.#plans.get(batch);
  }

  destroy(): void {
    for (const plan of this.#plans.values()) plan.destroy();
    this.#plans.clear();
  }
}
