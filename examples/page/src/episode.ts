import type { Decision, Observation } from 'warmstep';
import type { Scene, Task, TaskEnvironment } from 'warmstep/evaluation';
import type { PolicyWorker } from 'warmstep/worker';
import { type Refinement, refinementOf } from './refinement.js';

/** An episode of a task as it is played: everything that was seen of it, and the actions that wait. */
export class Episode {
  readonly scene: Scene;
  /** As a replay has them: [ticks + 1][axes of a snapshot] and [ticks][axes of a target]. */
  readonly states: number[] = [];
  readonly targets: number[] = [];
  readonly rewards: number[] = [];
  /** By decision: the tick that it was made at, and how. */
  readonly decisions: {
    readonly tick: number;
    readonly refinement: Refinement;
    readonly evaluations: number;
    readonly latencyMs: number;
  }[] = [];
  readonly #policy: PolicyWorker;
  readonly #environment: TaskEnvironment;
  readonly #task: Task;
  readonly #frames: Observation[] = [];
  readonly #queue: Float32Array[] = [];
  #isSolved = false;

  private constructor(policy: PolicyWorker, task: Task, environment: TaskEnvironment) {
    this.scene = task.scene;
    this.#policy = policy;
    this.#task = task;
    this.#environment = environment;
  }

  /** The first moment of the episode of a seed. The policy's own episode ends. */
  static async begin(policy: PolicyWorker, task: Task, seed: number): Promise<Episode> {
    const environment = await task.create();
    await environment.reset(seed);
    policy.reset();
    const episode = new Episode(policy, task, environment);
    episode.states.push(...environment.snapshot());
    return episode;
  }

  get ticks(): number {
    return this.rewards.length;
  }

  get isSolved(): boolean {
    return this.#isSolved;
  }

  get isOver(): boolean {
    return this.#isSolved || this.ticks >= this.#task.maxTicks;
  }

  /** Whether the next tick needs a decision first. */
  get needsDecision(): boolean {
    return this.#queue.length === 0;
  }

  /** The decision that the plan of a tick came from. */
  decisionAt(tick: number): (typeof this.decisions)[number] | undefined {
    return this.decisions.findLast((decision) => decision.tick <= Math.max(0, tick - 1)) ?? this.decisions[0];
  }

  /** @throws as `Policy.decide`; the episode is then as it was. */
  async decide(): Promise<void> {
    const frame = this.#environment.observe();
    const frames = [...this.#frames, frame];
    const decision = await this.#policy.decide(windowOf(frames, this.#policy.info));
    const { actionDim, observationSteps } = this.#policy.info;
    for (let row = 0; row < decision.actions.length; row += actionDim) this.#queue.push(decision.actions.slice(row, row + actionDim));
    this.decisions.push(entryOf(decision, this.ticks, actionDim, observationSteps - 1));
  }

  /** Carries out the next action. */
  async step(): Promise<void> {
    const action = this.#queue.shift();
    if (!action) return;
    this.#frames.push(this.#environment.observe());
    this.#frames.splice(0, this.#frames.length - this.#policy.info.observationSteps);
    const { reward, success } = await this.#environment.step(action);
    this.#isSolved = success;
    this.rewards.push(reward);
    this.targets.push(...action);
    this.states.push(...this.#environment.snapshot());
  }
}

function entryOf(decision: Decision, tick: number, actionDim: number, firstRow: number): Episode['decisions'][number] {
  const { evaluations, latencyMs } = decision;
  return { tick, refinement: refinementOf(decision, actionDim, firstRow), evaluations, latencyMs };
}

/** The newest frames as a window by name; the oldest stands for those before it. */
function windowOf(frames: readonly Observation[], { observations, observationSteps }: PolicyWorker['info']): Observation {
  const newest = Array.from(
    { length: observationSteps },
    (_, step) => frames[Math.max(0, frames.length - observationSteps + step)] as Observation,
  );
  return Object.fromEntries(
    observations.map(({ name, kind }) => {
      const values = newest.map((frame) => frame[name]);
      return [name, kind === 'image' ? (values as Uint8Array[]) : values.flatMap((value) => [...(value as ArrayLike<number> as number[])])];
    }),
  );
}
