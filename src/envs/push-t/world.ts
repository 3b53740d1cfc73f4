import { BAR_VERTICES, STEM_VERTICES, WALLS } from './board.js';
import { AgentBody, BlockBody } from './bodies.js';
import { BroadPhase } from './broad-phase.js';
import { ContactPair } from './contact-pair.js';
import { Separation } from './separation.js';
import { Disc, Rectangle, Wall } from './shapes.js';
import type { ContactPoint } from './state.js';
import { touchAgent } from './touch-agent.js';
import { touchWall } from './touch-wall.js';

/** Length of a substep in seconds. */
export const SUBSTEP = 0.01;

const ITERATIONS = 10;

/** What remains of an overlap after a second: (1 − 0.1)^60 with 0.1 as a C float, rounded as Chipmunk has it. */
const CORRECTION_BIAS = 0.0017970074436457143;

/** Share of the overlap that a substep corrects, per second. */
const CORRECTION_RATE = (1 - CORRECTION_BIAS ** SUBSTEP) / SUBSTEP;

type Shape = Disc | Rectangle | Wall;

/** Agent, block and walls, and the solver that moves them (Chipmunk 7 as gym-pusht sets it up: cpSpaceStep.c). */
export class World {
  readonly agent = new AgentBody();
  readonly block = new BlockBody();
  readonly #disc = new Disc(this.agent);
  readonly #bar = new Rectangle(this.block, BAR_VERTICES);
  readonly #stem = new Rectangle(this.block, STEM_VERTICES);
  readonly #pairs = new Map<Disc | Wall, Readonly<Record<'bar' | 'stem', ContactPair>>>();
  readonly #broadPhase: BroadPhase<Shape>;
  readonly #separation = new Separation();
  /** Pairs that touch in this substep, in the order in which they were reported. */
  readonly #touching: ContactPair[] = [];
  #substep = 0;

  /** Everything stands where gym-pusht sets it up, before a reset moves it. */
  constructor() {
    const walls = WALLS.map((ends) => new Wall(ends));
    for (const pusher of [this.#disc, ...walls]) {
      this.#pairs.set(pusher, { bar: new ContactPair(pusher.velocity), stem: new ContactPair(pusher.velocity) });
    }
    // Checked in the order bar, stem, agent: that of Chipmunk's hash set of five slots.
    this.#broadPhase = new BroadPhase<Shape>(walls, [this.#disc, this.#bar, this.#stem], [1, 2, 0], this.#collide);
  }

  /** Moves everything by one substep, then finds the velocities for the next. */
  substep(): void {
    this.#substep++;
    this.block.move(SUBSTEP);
    this.agent.move(SUBSTEP);
    this.#disc.follow();
    this.#bar.follow();
    this.#stem.follow();
    this.#touching.length = 0;
    this.#broadPhase.update();
    for (const pair of this.#touching) pair.prepare(CORRECTION_RATE);
    this.block.stop();
    for (const pair of this.#touching) pair.applyKnownImpulses(this.block);
    for (let i = 0; i < ITERATIONS; i++) {
      for (const pair of this.#touching) pair.iterate(this.block);
    }
  }

  /** Where the block touched agent and walls in the last substep, halfway between the surfaces. */
  get contactPoints(): readonly ContactPoint[] {
    return this.#touching.flatMap((pair) => pair.contactPoints());
  }

  readonly #collide = (a: Shape, b: Shape): void => {
    if (a instanceof Rectangle) {
      // Bar and stem are one body, which does not collide with itself.
      if (!(b instanceof Rectangle)) this.#touch(b, a);
    } else if (b instanceof Rectangle) {
      this.#touch(a, b);
    }
  };

  #touch(pusher: Disc | Wall, rectangle: Rectangle): void {
    if (!pusher.box.overlaps(rectangle.box)) return;
    const pair = this.#pairs.get(pusher)?.[rectangle === this.#bar ? 'bar' : 'stem'];
    if (!pair) return;
    if (pusher instanceof Disc) touchAgent(pusher, rectangle, this.#separation, pair.manifold);
    else touchWall(pusher, rectangle, this.#separation, pair.manifold);
    if (pair.manifold.count === 0) return;
    pair.update(this.block, this.#substep);
    this.#touching.push(pair);
  }
}
