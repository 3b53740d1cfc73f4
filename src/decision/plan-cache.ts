import type { PolicyCheckpoint } from '../checkpoints/types.js';
import type { Schedule } from '../diffusion/solver-step.js';
import { DecisionPlan } from './decision-plan.js';
import type { PolicyNetworks } from './networks.js';

/** Name of the probe that brings the sample after every step. */
export const TRACE_PROBE = 'sample';

/** Plans that are kept. A fleet whose episodes end one by one asks for many batch sizes, and each plan has its buffers. */
const MOST_PLANS = 16;

/** The plans of a policy, one per batch size; those that trace their samples apart. */
export class PlanCache {
  readonly #networks: PolicyNetworks;
  readonly #checkpoint: PolicyCheckpoint;
  readonly #probes: readonly string[];
  /** Least recently used first. */
  readonly #plans = new Map<string, DecisionPlan>();
  /** What the schedules of all strategies so far need. */
  #maxSteps = 1;
  #maxNoiseRows = 0;

  constructor(networks: PolicyNetworks, checkpoint: PolicyCheckpoint, probes: readonly string[]) {
    this.#networks = networks;
    this.#checkpoint = checkpoint;
    this.#probes = probes;
  }

  /** Sizes plans that are compiled from now on for these schedules. */
  reserve(schedules: readonly Schedule[]): void {
    this.#maxSteps = Math.max(this.#maxSteps, ...schedules.map(({ steps }) => steps.length));
    this.#maxNoiseRows = Math.max(this.#maxNoiseRows, ...schedules.map(({ noisySteps }) => noisySteps));
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

  /** Of the probes of a traced run, those that the policy was loaded with. */
  askedFor(probes: ReadonlyMap<string, Float32Array>): ReadonlyMap<string, Float32Array> {
    if (this.#probes.includes(TRACE_PROBE)) return probes;
    return new Map([...probes].filter(([name]) => !name.startsWith(`${TRACE_PROBE}.`)));
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
    };
    return DecisionPlan.compile(this.#networks, shape, trace ? [...this.#probes, TRACE_PROBE] : this.#probes);
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
