import { type BlockBody, INVERSE_MOMENT } from './bodies.js';
import { Manifold } from './manifold.js';
import type { ContactPoint } from './state.js';

/** Overlap that is not corrected, so that resting contacts last; a C float in Chipmunk. Pixels. */
const SLOP = Math.fround(0.1);

/** Substeps after which impulses of a contact that was lost are forgotten. */
const PERSISTENCE = 3;

/** One contact of a pair, as the solver sees it. */
class Contact {
  key = 0;
  /** From the block's centre of gravity to the point on the block. */
  rx = 0;
  ry = 0;
  /** Mass that an impulse along the normal moves. */
  mass = 0;
  /** Speed at which the overlap is to be corrected. */
  correctionSpeed = 0;
  correction = 0;
  impulse = 0;
}

/**
 * A shape that pushes, and a rectangle of the block: their contacts, and the impulses that are kept from substep to
 * substep (Chipmunk cpArbiter.c).
 */
export class ContactPair {
  readonly manifold = new Manifold();
  readonly #pusher: { readonly vx: number; readonly vy: number };
  #contacts: readonly [Contact, Contact] = [new Contact(), new Contact()];
  #previous: readonly [Contact, Contact] = [new Contact(), new Contact()];
  #count = 0;
  #touched = -Infinity;
  #isFirstTouch = true;

  /** `pusher`: velocity of the shape that is not the block's. */
  constructor(pusher: { readonly vx: number; readonly vy: number }) {
    this.#pusher = pusher;
  }

  get count(): number {
    return this.#count;
  }

  /** Takes the contacts of `manifold` over, with the impulses of those that are known. `substep`: its number. */
  update(block: BlockBody, substep: number): void {
    const age = substep - this.#touched;
    const known = age <= PERSISTENCE ? this.#count : 0;
    this.#isFirstTouch = age > 1;
    this.#touched = substep;
    [this.#contacts, this.#previous] = [this.#previous, this.#contacts];
    this.#count = this.manifold.count;
    for (let i = 0; i < this.#count; i++) {
      const { key, bx, by } = this.manifold.points[i === 0 ? 0 : 1];
      const contact = this.#contacts[i === 0 ? 0 : 1];
      contact.key = key;
      contact.rx = bx - block.x;
      contact.ry = by - block.y;
      contact.impulse = 0;
      for (let k = 0; k < known; k++) {
        const old = this.#previous[k === 0 ? 0 : 1];
        if (old.key === key) contact.impulse = old.impulse;
      }
    }
  }

  /** `rate`: share of the overlap that is corrected per second. */
  prepare(rate: number): void {
    const { normalX, normalY, points } = this.manifold;
    for (let i = 0; i < this.#count; i++) {
      const contact = this.#contacts[i === 0 ? 0 : 1];
      const { ax, ay, bx, by } = points[i === 0 ? 0 : 1];
      const lever = contact.rx * normalY - contact.ry * normalX;
      contact.mass = 1 / (1 + INVERSE_MOMENT * lever * lever);
      const separation = (bx - ax) * normalX + (by - ay) * normalY;
      contact.correctionSpeed = -rate * Math.min(0, separation + SLOP);
      contact.correction = 0;
    }
  }

  /** Starts from the impulses of the previous substep. */
  applyKnownImpulses(block: BlockBody): void {
    if (this.#isFirstTouch) return;
    const { normalX, normalY } = this.manifold;
    for (let i = 0; i < this.#count; i++) {
      const { impulse, rx, ry } = this.#contacts[i === 0 ? 0 : 1];
      block.push(normalX * impulse, normalY * impulse, rx, ry);
    }
  }

  /** One iteration: each contact in turn pushes as hard as it takes, and never pulls (Chipmunk cpArbiterApplyImpulse). */
  iterate(block: BlockBody): void {
    const { normalX, normalY } = this.manifold;
    for (let i = 0; i < this.#count; i++) {
      const contact = this.#contacts[i === 0 ? 0 : 1];
      const { rx, ry, mass } = contact;
      const correctionSpeed =
        (block.correctionX - ry * block.correctionW) * normalX + (block.correctionY + rx * block.correctionW) * normalY;
      const speed = (block.vx - ry * block.w - this.#pusher.vx) * normalX + (block.vy + rx * block.w - this.#pusher.vy) * normalY;

      const correction = Math.max(contact.correction + (contact.correctionSpeed - correctionSpeed) * mass, 0);
      const addedCorrection = correction - contact.correction;
      contact.correction = correction;
      block.correct(normalX * addedCorrection, normalY * addedCorrection, rx, ry);

      const impulse = Math.max(contact.impulse - speed * mass, 0);
      const addedImpulse = impulse - contact.impulse;
      contact.impulse = impulse;
      block.push(normalX * addedImpulse, normalY * addedImpulse, rx, ry);
    }
  }

  /** The contacts for a picture: in the middle between the two surfaces. */
  contactPoints(): ContactPoint[] {
    const { normalX, normalY, points } = this.manifold;
    return points.slice(0, this.#count).map(({ ax, ay, bx, by }) => ({ x: (ax + bx) / 2, y: (ay + by) / 2, normalX, normalY }));
  }
}
