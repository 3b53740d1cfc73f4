import type { PolicyCheckpoint } from '../checkpoints/types.js';
import { type Schedule, usesThresholding } from '../diffusion/solver-step.js';
import { DecisionPlan } from './decision-plan.js';
import type { PolicyNetworks } from './networks.js';

/** Name of the tap that brings the sample after every step. */
export const TRACE_TAP = 'sample';

/** Plans that are kept. A fleet whose episodes end one by one asks for many batch sizes, and each plan has its buffers. */
const MOST_PLANS = 16;

/** The plans of a policy, one per batch size; those that trace their samples apart. */
export class PlanCache {
  readonly #networks: PolicyNetworks;
  readonly #checkpoint: PolicyCheckpoint;
  readonly #taps: readonly string[];
  /** Least recently used first. */
  readonly #plans = new Map<string, DecisionPlan>();
  /** What the schedules of all strategies so far need. */
  #maxSteps = 1;
  #maxNoiseRows = 0;
  #thresholding = false;

  constructor(networks: PolicyNetworks, checkpoint: PolicyCheckpoint, taps: readonly string[]) {
    this.#networks = networks;
    this.#checkpoint = checkpoint;
    this.#taps = taps;
  }

  /** Sizes plans that are compiled from now on for these schedules. */
  reserve(schedules: readonly Schedule[]): void {
    this.#maxSteps = Math.max(this.#maxSteps, ...schedules.map(({ steps }) => steps.length));
    this.#maxNoiseRows = Math.max(this.#maxNoiseRows, ...schedules.map(({ noisySteps }) => noisySteps));
    this.#thresholding ||= schedules.some(({ steps }) => steps.some(usesThresholding));
  }

  /** The plan of a batch size; compiled when it is missing, or when a schedule does not fit into its buffers. */
  async get(batch: number, schedules: readonly Schedule[], trace = false): Promise<DecisionPlan> {
    const key = keyOf(batch, trace);
    const existing = this.#plans.get(key);
    this.#plans.delete(key);
    if (existing && schedules.every((schedule) => existing.fits(schedule))) {
      this.#plans.set(key, existing);
      return existing;
    }
    existing?.destroy();
    this.reserve(schedules);
    const plan = await this.#compile(batch, trace);
    this.#plans.set(key, plan);
    this.#forget();
    return plan;
  }

  /** Of the taps of a traced run, those that the policy was loaded with. */
  askedFor(taps: ReadonlyMap<string, Float32Array>): ReadonlyMap<string, Float32Array> {
    if (this.#taps.includes(TRACE_TAP)) return taps;
    return new Map([...taps].filter(([name]) => !name.startsWith(`${TRACE_TAP}.`)));
  }

  /** The plan of a batch size, if it was compiled. */
  peek(batch: number): DecisionPlan | undefined {
    return this.#plans.get(keyOf(batch, false));
  }

  destroy(): void {
    for (const plan of this.#plans.values()) plan.destroy();
    this.#plans.clear();
  }

  #compile(batch: number, trace: boolean): Promise<DecisionPlan> {
    const { unet, observationSteps } = this.#checkpoint;
    const shape = {
      batch,
      observationSteps,
      frameWidth: unet.conditioningDim / observationSteps,
      horizon: unet.horizon,
      actionDim: unet.actionDim,
      maxSteps: this.#maxSteps,
      maxNoiseRows: this.#maxNoiseRows,
      thresholding: this.#thresholding,
    };
    return DecisionPlan.compile(this.#networks, shape, trace ? [...this.#taps, TRACE_TAP] : this.#taps);
  }

  #forget(): void {
    for (const [key, plan] of this.#plans) {
      if (this.#plans.size <= MOST_PLANS) return;
      plan.destroy();
      this.#plans.delete(key);
    }
  }
}

function keyOf(batch: number, trace: boolean): string {
  return `${batch}${trace ? ' traced' : ''}`;
}
