/**
 * Success rates of STEP's paper (arXiv 2602.08245, appendix B) on an SO-101 of the real world, 20 episodes each: Table 8, by σ_stall and denoising
 * steps, and Table 9, by σ_stall and σ_scale at two steps; and what its Figure 7 says of the time of an episode.
 */
export interface PaperStallTask {
  /** As the paper calls it. */
  readonly name: string;
  /** Of Table 8: columns are `PAPER_STEPS`, rows `PAPER_SIGMA_STALL`. */
  readonly bySteps: readonly (readonly number[])[];
  /** Of Table 9: columns are the first of `PAPER_SIGMA_SCALE`, rows `PAPER_SIGMA_STALL`. */
  readonly byScale: readonly (readonly number[])[];
}

export const PAPER_STALL_EPISODES = 20;
export const PAPER_SIGMA_STALL: readonly number[] = [0, 0.2, 0.4, 0.6, 0.8, 1, 1.2, 1.4, 1.6, 1.8, 2];
export const PAPER_STEPS: readonly number[] = [8, 4, 2];
export const PAPER_SIGMA_SCALE: readonly number[] = [0, 0.2, 0.4, 0.6, 0.8, 1];
/** Of the tables by steps, and the number of steps of the tables by scale. */
export const PAPER_TABLE_8_SCALE = 0.4;
export const PAPER_TABLE_9_STEPS = 2;
/** What the paper chose. */
export const PAPER_CHOICE = 1.2;
/** Figure 7: the perturbation shortens an episode by this share, on average over numbers of steps. */
export const PAPER_TIME_SAVED = 0.59;

const PICK_AND_PLACE: PaperStallTask = {
  name: 'PickNPlace',
  bySteps: [
    [0, 0, 0],
    [0.1, 0.1, 0.05],
    [0.35, 0.3, 0.2],
    [0.6, 0.55, 0.35],
    [0.9, 0.85, 0.6],
    [1, 0.95, 0.75],
    [1, 1, 0.95],
    [0.95, 0.95, 0.95],
    [0.65, 0.6, 0.4],
    [0.3, 0.25, 0.15],
    [0, 0, 0],
  ],
  byScale: [
    [0, 0, 0, 0, 0, 0],
    [0, 0, 0.05, 0.05, 0, 0],
    [0.15, 0.15, 0.2, 0.2, 0.2, 0.15],
    [0.25, 0.3, 0.35, 0.35, 0.25, 0.2],
    [0.45, 0.6, 0.6, 0.6, 0.55, 0.45],
    [0.6, 0.75, 0.75, 0.7, 0.7, 0.6],
    [0.65, 0.95, 0.95, 0.85, 0.75, 0.65],
    [0.6, 0.95, 0.95, 0.8, 0.7, 0.6],
    [0.4, 0.4, 0.4, 0.4, 0.35, 0.3],
    [0.1, 0.1, 0.15, 0.1, 0.05, 0.05],
    [0, 0, 0, 0, 0, 0],
  ],
};

const STACK_CUBE: PaperStallTask = {
  name: 'StackCube',
  bySteps: [
    [0, 0, 0],
    [0.1, 0.05, 0.05],
    [0.3, 0.25, 0.15],
    [0.6, 0.55, 0.3],
    [0.85, 0.8, 0.6],
    [1, 0.95, 0.7],
    [1, 1, 0.8],
    [0.95, 0.9, 0.75],
    [0.6, 0.55, 0.3],
    [0.25, 0.2, 0.1],
    [0, 0, 0],
  ],
  byScale: [
    [0, 0, 0, 0, 0],
    [0, 0, 0.05, 0.05, 0],
    [0.1, 0.1, 0.15, 0.15, 0.1],
    [0.25, 0.3, 0.3, 0.3, 0.25],
    [0.4, 0.55, 0.6, 0.55, 0.45],
    [0.5, 0.65, 0.7, 0.65, 0.55],
    [0.55, 0.8, 0.8, 0.7, 0.6],
    [0.5, 0.75, 0.75, 0.65, 0.55],
    [0.2, 0.25, 0.3, 0.3, 0.25],
    [0, 0.05, 0.1, 0.1, 0.05],
    [0, 0, 0, 0, 0],
  ],
};

/** The tables of a task by its name here, options left out. */
export const PAPER_STALL_TASKS: ReadonlyMap<string, PaperStallTask> = new Map([
  ['so101-pick-place', PICK_AND_PLACE],
  ['so101-stack-cube', STACK_CUBE],
]);
