import type { Schedule } from '../../diffusion/solver-step.js';
import { OptionError } from '../../foundation/errors.js';
import type { LevelledDenoiser, MethodDenoiser } from './denoiser-network.js';
import { levelKey } from './level-rows.js';

/** Rows that a denoiser keeps: beyond them, those of strategies that are not in use any more go. */
const MOST_ROWS = 4096;

/** The denoisers of methods, each with rows for the levels that the schedules of all strategies so far name. */
export class LevelledDenoisers {
  readonly #reserved = new Map<string, Map<string, readonly number[]>>();
  /** Networks that steps named, by denoiser. */
  readonly #networks = new Map<string, Set<string>>();
  readonly #made = new Map<string, LevelledDenoiser>();

  /** Rows that are made from now on are for the levels of these schedules too. */
  reserve(name: string, schedules: readonly Schedule[]): void {
    let levels = this.#reserved.get(name) ?? new Map<string, readonly number[]>();
    const more = schedules.flatMap(({ steps }) => steps.flatMap((step) => (step.levels ? [step.levels] : [])));
    if (levels.size + more.length > MOST_ROWS) levels = new Map();
    for (const values of more) levels.set(levelKey(values), values);
    this.#reserved.set(name, levels);
    const networks = this.#networks.get(name) ?? new Set<string>();
    for (const { steps } of schedules) for (const { network } of steps) if (network !== undefined) networks.add(network);
    this.#networks.set(name, networks);
  }

  /** Of all rows, on the device. */
  get bytes(): number {
    let bytes = 0;
    for (const made of this.#made.values()) bytes += made.bytes;
    return bytes;
  }

  /** The denoiser, if it has rows for these schedules. */
  find(name: string, schedules: readonly Schedule[]): LevelledDenoiser | undefined {
    const made = this.#made.get(name);
    return made && schedules.every((schedule) => made.knows(schedule)) ? made : undefined;
  }

  /** The denoiser with rows for these schedules; those that it had are freed. @throws OptionError for a schedule without levels. */
  async make(name: string, denoiser: MethodDenoiser, schedules: readonly Schedule[]): Promise<LevelledDenoiser> {
    this.#made.get(name)?.destroy();
    this.#made.delete(name);
    const networks = [...(this.#networks.get(name) ?? [])];
    const made = await denoiser.withLevels([...(this.#reserved.get(name)?.values() ?? [])], networks).catch((error: unknown) => {
      // What it refused would be asked of it again with every schedule after this one.
      this.#reserved.delete(name);
      this.#networks.delete(name);
      throw error;
    });
    if (!schedules.every((schedule) => made.knows(schedule))) {
      made.destroy();
      throw new OptionError(
        `a run through denoiser "${name}" has a step without \`levels\`, or one whose \`network\` is none of its networks: expected of each ` +
          'step the levels that its network embeds, and which network that is where there are several.',
      );
    }
    this.#made.set(name, made);
    return made;
  }

  /** Keeps nothing of the device; what was reserved stays. */
  destroy(): void {
    for (const made of this.#made.values()) made.destroy();
    this.#made.clear();
  }
}
