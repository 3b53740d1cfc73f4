import type { Schedule, SolverStep } from '../../diffusion/solver-step.js';
import { rehearsedAt } from '../decision-input.js';

/** Which row of a denoiser's tables belongs to which level. */
export class LevelRows {
  /** Of one evaluation at the first level, by each of the networks. */
  readonly rehearsed: Schedule;
  readonly #rows: ReadonlyMap<string, number>;
  /** Schedules that were looked through: a control loop asks for the same one every time. */
  readonly #known = new WeakSet<Schedule>();

  readonly #networks: ReadonlySet<string>;

  /** As `MethodDenoiser.withLevels` takes them, one level at least; `networks`: of a method that has several. */
  constructor(levels: readonly (readonly number[])[], networks: readonly string[] = []) {
    const [first] = levels;
    if (!first) throw new TypeError('a denoiser needs a level at least');
    this.#rows = new Map(levels.map((values, row) => [levelKey(values), row]));
    this.#networks = new Set(networks);
    this.rehearsed = rehearsedAt({ levels: first }, networks.length > 0 ? networks : [undefined]);
  }

  knows(schedule: Schedule): boolean {
    if (this.#known.has(schedule)) return true;
    const isKnown = schedule.steps.every(
      ({ levels, network }) =>
        levels !== undefined &&
        this.#rows.has(levelKey(levels)) &&
        (network === undefined ? this.#networks.size === 0 : this.#networks.has(network)),
    );
    if (isKnown) this.#known.add(schedule);
    return isKnown;
  }

  /** @throws TypeError for a step without levels, and for one that has no row. */
  rowOf({ levels }: SolverStep): number {
    const row = levels && this.#rows.get(levelKey(levels));
    if (row === undefined)
      throw new TypeError(`no row for a step at level ${levels?.join(', ') ?? '(none)'}: its schedule was not reserved`);
    return row;
  }
}

export function levelKey(values: readonly number[]): string {
  return values.join(' ');
}
