/**
 * A slot for an offset in bytes that dispatches take anew at every replay, e.g. a row of a table. `PlanBuilder.offset` makes
 * one; what it stands for is its owner's affair.
 */
export interface StepOffset {
  readonly name: string;
  readonly index: number;
}

/** Values of a plan's step offsets for one replay, in bytes; 0 until they are set. `PlanBuilder.offsetValues` makes them. */
export class OffsetValues {
  readonly #slots: readonly StepOffset[];
  readonly #bytes: number[] = [];

  constructor(slots: readonly StepOffset[]) {
    this.#slots = slots;
  }

  /** @throws TypeError for a slot of another plan. */
  set(slot: StepOffset, bytes: number): void {
    if (this.#slots[slot.index] !== slot) throw foreignOffset(slot.name, this.#slots);
    this.#bytes[slot.index] = bytes;
  }

  /** Not checked: it is called for every binding of every dispatch. */
  at(slot: StepOffset): number {
    return this.#bytes[slot.index] ?? 0;
  }

  /** Whether these are values for the plan with these slots. */
  belongTo(slots: readonly StepOffset[]): boolean {
    return this.#slots === slots;
  }
}

export function foreignOffset(name: string, slots: readonly StepOffset[]): TypeError {
  const names = slots.map((slot) => slot.name).join(', ');
  return new TypeError(`step offset "${name}" belongs to another plan, this one has ${names || 'none'}: make it with this plan's builder.`);
}
