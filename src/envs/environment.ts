/** What one control step led to. */
export interface EnvironmentStep {
  /** 0 … 1; an episode's score is the largest of its rewards. */
  readonly reward: number;
  /** Whether the task is done, which ends the episode. */
  readonly success: boolean;
}

/** A simulated task that a policy can be evaluated on. Equal calls give equal results: all chance is in the seed. */
export interface Environment<State> {
  /** Everything that observations and pictures are made of. */
  readonly state: State;
  /** Begins the episode of a seed. Throws OptionError for an unusable seed. */
  reset(seed: number): State;
  /** Carries out one action. Throws, and leaves the state as it was, where the action is unusable. */
  step(action: ArrayLike<number>): EnvironmentStep;
}
