import { type Schedule, usesThresholding } from '../diffusion/solver-step.js';
import { OptionError } from '../foundation/errors.js';
import type { PolicySpec } from '../spec/policy-spec.js';
import { DecisionPlan } from './decision-plan.js';
import type { MethodDenoiser } from './denoisers/denoiser-network.js';
import { LevelledDenoisers } from './denoisers/levelled-denoisers.js';
import type { PolicyNetworks } from './networks.js';
import type { LatentShape } from './noise.js';

/** Name of the probe that brings the sample after every step. */
export const TRACE_PROBE = 'sample';

/** Plans that are kept. A fleet whose episodes end one by one asks for many batch sizes, and each plan has its buffers. */
const MOST_PLANS = 16;

/** What plans of one batch size differ in. */
export interface PlanVariant {
  /** Name of the denoiser: the type of a method's network; undefined: the policy's own. */
  readonly denoiser?: string | undefined;
  /** Whether the sample after every step is handed out. */
  readonly trace?: boolean;
}

/** The plans of a policy, one per batch size and variant. */
export class PlanCache {
  /** Undefined once it was destroyed. */
  #networks: PolicyNetworks | undefined;
  readonly #spec: PolicySpec;
  readonly #probes: readonly string[];
  /** Least recently used first. */
  readonly #plans = new Map<string, DecisionPlan>();
  /** The most recently used. */
  #newest: { readonly plan: DecisionPlan; readonly variant: PlanVariant } | undefined;
  /** What the schedules of all strategies so far need. */
  #maxSteps = 1;
  #maxNoiseRows = 0;
  #thresholding = false;
  #version = 0;
  readonly #levelled = new LevelledDenoisers();

  constructor(networks: PolicyNetworks, spec: PolicySpec, probes: readonly string[]) {
    this.#networks = networks;
    this.#spec = spec;
    this.#probes = probes;
  }

  /** Sizes plans that are compiled from now on for these schedules, through this denoiser. */
  reserve(schedules: readonly Schedule[], denoiser?: string): void {
    this.#version++;
    if (denoiser !== undefined) this.#levelled.reserve(denoiser, schedules);
    this.#maxSteps = Math.max(this.#maxSteps, ...schedules.map(({ steps }) => steps.length));
    this.#maxNoiseRows = Math.max(this.#maxNoiseRows, ...schedules.map(({ noisySteps }) => noisySteps));
    this.#thresholding ||= schedules.some(({ steps }) => steps.some(usesThresholding));
  }

  /**
   * The plan of a batch size; compiled when it is missing, or when a schedule does not fit into its buffers.
   * @throws OptionError for a denoiser that the policy does not have.
   */
  async get(batch: number, schedules: readonly Schedule[], variant: PlanVariant = {}): Promise<DecisionPlan> {
    const key = keyOf(batch, variant);
    const existing = this.#plans.get(key);
    if (existing && schedules.every((schedule) => existing.fits(schedule))) return this.#used(key, existing, variant);
    if (existing) this.#drop(key, existing);
    this.reserve(schedules, variant.denoiser);
    try {
      const plan = await this.#compile(batch, schedules, variant);
      this.#plans.set(key, plan);
      this.#newest = { plan, variant: { denoiser: variant.denoiser, trace: variant.trace ?? false } };
      this.#forget();
      return plan;
    } finally {
      // Behind all of it, so that nobody keeps what was true in the middle; also behind a failure, which may have let plans go.
      this.#version++;
    }
  }

  /** As `get`, without a wait: undefined where there is no such plan yet. */
  find(batch: number, schedule: Schedule, variant: PlanVariant = {}): DecisionPlan | undefined {
    // A control loop asks for the same plan every time: without its key, which is garbage afterwards.
    const newest = this.#newest;
    if (newest?.plan.shape.batch === batch && isSame(newest.variant, variant) && newest.plan.fits(schedule)) return newest.plan;
    const key = keyOf(batch, variant);
    const existing = this.#plans.get(key);
    return existing?.fits(schedule) ? this.#used(key, existing, variant) : undefined;
  }

  /** Of the probes of a traced run, those that the policy was loaded with. */
  askedFor(probes: ReadonlyMap<string, Float32Array>): ReadonlyMap<string, Float32Array> {
    if (this.#probes.includes(TRACE_PROBE)) return probes;
    return new Map([...probes].filter(([name]) => !name.startsWith(`${TRACE_PROBE}.`)));
  }

  /** The random values that starts read; undefined where they read none. */
  get latents(): LatentShape | undefined {
    const start = this.#networks?.predictor;
    return start && start.latentDim > 0 ? start : undefined;
  }

  /** Another number whenever `bytes` or a plan may have changed. */
  get version(): number {
    return this.#version;
  }

  /** Bytes of weights and tables on the device, of networks of methods those for the levels of all strategies so far. */
  get bytes(): number {
    return (this.#networks?.bytes ?? 0) + this.#levelled.bytes;
  }

  /** The plan of a batch size, if it was compiled. */
  peek(batch: number, variant: PlanVariant = {}): DecisionPlan | undefined {
    return this.#plans.get(keyOf(batch, variant));
  }

  /** Forgets all plans; those from now on are of these networks, and as large as those before. */
  moveTo(networks: PolicyNetworks): void {
    this.destroy();
    this.#networks = networks;
  }

  /** Keeps nothing of the device. */
  destroy(): void {
    for (const plan of this.#plans.values()) plan.destroy();
    this.#plans.clear();
    this.#levelled.destroy();
    this.#version++;
    this.#newest = undefined;
    this.#networks = undefined;
  }

  async #compile(batch: number, schedules: readonly Schedule[], { denoiser, trace = false }: PlanVariant): Promise<DecisionPlan> {
    const { unet, observationSteps } = this.#spec;
    if (!this.#networks) throw new TypeError('the plans of a policy were destroyed');
    const networks: PolicyNetworks & { readonly horizon?: number } =
      denoiser === undefined ? this.#networks : await this.#withDenoiser(this.#networks, denoiser, schedules);
    const { rowWidth = 0, latentDim = 0 } = networks.predictor ?? {};
    const shape = {
      batch,
      observationSteps,
      frameWidth: unet.conditioningDim / observationSteps,
      horizon: networks.horizon ?? unet.horizon,
      actionDim: unet.actionDim,
      maxSteps: this.#maxSteps,
      maxNoiseRows: this.#maxNoiseRows,
      thresholding: denoiser === undefined && this.#thresholding,
      slotRows: networks.denoiser?.perSlot ? (networks.horizon ?? unet.horizon) : 1,
      rowWidth,
      latentDim,
    };
    return DecisionPlan.compile(networks, shape, trace ? [...this.#probes, TRACE_PROBE] : this.#probes);
  }

  /** The networks with the denoiser of this name, and what predicts its starts, in the place of the policy's own. */
  async #withDenoiser(
    networks: PolicyNetworks,
    name: string,
    schedules: readonly Schedule[],
  ): Promise<PolicyNetworks & { readonly horizon?: number }> {
    const method = denoiserOf(networks, name);
    let denoiser = this.#levelled.find(name, schedules);
    if (!denoiser) {
      // They are bound to the rows that are about to go.
      for (const [key, plan] of this.#plans) if (isThrough(key, name)) this.#drop(key, plan);
      denoiser = await this.#levelled.make(name, method, schedules);
    }
    const { horizon, start } = method;
    if (horizon === undefined) return { ...networks, denoiser, predictor: start ?? networks.predictor };
    // The policy's predictor makes other chunks.
    return { ...networks, denoiser, horizon, predictor: start };
  }

  #used(key: string, plan: DecisionPlan, { denoiser, trace = false }: PlanVariant): DecisionPlan {
    this.#plans.delete(key);
    this.#plans.set(key, plan);
    this.#newest = { plan, variant: { denoiser, trace } };
    return plan;
  }

  #drop(key: string, plan: DecisionPlan): void {
    plan.destroy();
    this.#plans.delete(key);
    if (this.#newest?.plan === plan) this.#newest = undefined;
  }

  #forget(): void {
    for (const [key, plan] of this.#plans) {
      if (this.#plans.size <= MOST_PLANS) return;
      plan.destroy();
      this.#plans.delete(key);
    }
  }
}

function isSame(a: PlanVariant, b: PlanVariant): boolean {
  return a.denoiser === b.denoiser && (a.trace ?? false) === (b.trace ?? false);
}

function keyOf(batch: number, { denoiser, trace = false }: PlanVariant): string {
  return `${batch}${trace ? ' traced' : ''}${denoiser === undefined ? '' : ` ${denoiser}`}`;
}

/** Whether a key of `keyOf` is of plans through this denoiser. */
function isThrough(key: string, denoiser: string): boolean {
  return key.endsWith(` ${denoiser}`);
}

/** @throws OptionError for a denoiser that the policy does not have. */
function denoiserOf({ denoisers = new Map() }: PolicyNetworks, name: string): MethodDenoiser {
  const found = denoisers.get(name);
  if (found) return found;
  const there = [...denoisers.keys()].map((known) => `"${known}"`).join(', ');
  throw new OptionError(
    `a run asks for denoiser "${name}", the policy has ${there === '' ? 'its own alone' : `its own and ${there}`}: name one of these, or none.`,
  );
}
