import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { REHEARSED } from '../../src/decision/decision-input.js';
import { ReadyCommands } from '../../src/decision/ready-commands.js';
import type { Schedule } from '../../src/diffusion/solver-step.js';
import type { SegmentRun } from '../../src/runtime/plan.js';

const PARTS = 3;
const later = (call: () => void): void => void setImmediate(call);

/** Time of the processor: it goes on while commands are encoded, and never else. */
let nowMs = 0;
beforeEach(() => void vi.spyOn(performance, 'now').mockImplementation(() => nowMs));
afterEach(() => void vi.restoreAllMocks());

/** Commands that say what they are of, and count what was encoded; each of their parts takes `partMs`. */
function counted(partMs: () => number = () => 0): { readonly ready: ReadyCommands; readonly encoded: string[]; parts: () => number } {
  const encoded: string[] = [];
  let parts = 0;
  const ready = new ReadyCommands({
    later,
    runs: (schedule, predicted) => [{ segment: `${schedule.steps.length}${predicted ? ' predicted' : ''}` }],
    encode(runs) {
      let part = 0;
      return {
        next: () => {
          nowMs += partMs();
          if (part++ < PARTS) {
            parts++;
            return undefined;
          }
          encoded.push((runs[0] as SegmentRun).segment);
          return { label: `${(runs[0] as SegmentRun).segment} #${encoded.length}` } as GPUCommandBuffer;
        },
      };
    },
  });
  return { ready, encoded, parts: () => parts };
}

function schedule(steps: number): Schedule {
  return { ...REHEARSED, steps: Array.from({ length: steps }, () => REHEARSED.steps[0] as (typeof REHEARSED.steps)[number]) };
}

const TWO = schedule(2);
const SIXTEEN = schedule(16);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A decision, up to the moment at which its result is handed out. */
function decide(ready: ReadyCommands, kind: Schedule, predicted = true): string {
  const { label } = ready.take(kind, predicted);
  ready.submitted();
  ready.handedOut();
  return label;
}

describe('commands that are kept ready', () => {
  it('are encoded after a result was handed out, in a later turn, and each is used once', async () => {
    const { ready, encoded } = counted();
    expect(decide(ready, TWO)).toBe('2 predicted #1');
    // Nothing stands between the result and its reader, whose turn is this one.
    await Promise.resolve();
    expect(encoded).toHaveLength(1);
    await turn();
    expect(encoded).toHaveLength(2);
    expect(decide(ready, TWO)).toBe('2 predicted #2');
    await turn();
    expect(decide(ready, TWO)).toBe('2 predicted #3');
  });

  it('are encoded while the device works where decisions follow each other without a turn', () => {
    const { ready, encoded } = counted();
    decide(ready, TWO);
    expect(encoded).toHaveLength(1);
    ready.take(TWO, true);
    expect(encoded).toHaveLength(2);
    ready.submitted();
    expect(encoded).toHaveLength(3);
    ready.handedOut();
    ready.take(TWO, true);
    expect(encoded).toHaveLength(3);
  });

  it('are kept for several kinds of decisions: an episode begins as fast as it goes on', async () => {
    const { ready, encoded } = counted();
    ready.expect(SIXTEEN, false);
    ready.expect(TWO, true);
    expect(encoded).toEqual(['16', '2 predicted']);
    expect([decide(ready, SIXTEEN, false), decide(ready, TWO)]).toEqual(['16 #1', '2 predicted #2']);
    await turn();
    expect(encoded.slice(2, 4).sort()).toEqual(['16', '2 predicted']);
    const before = encoded.length;
    decide(ready, SIXTEEN, false);
    expect(encoded).toHaveLength(before);
  });

  it('are finished by a decision that comes while they are encoded in part', () => {
    const { ready, parts } = counted();
    ready.take(TWO, true);
    expect(parts()).toBe(PARTS);
  });

  it('are made twice around a rehearsal, which takes the first ones, and left to nobody', async () => {
    const { ready, encoded } = counted();
    decide(ready, TWO);
    await turn();
    expect(ready.rehearse(TWO, true)).toBe(true);
    expect(ready.take(TWO, true).label).toBe('2 predicted #2');
    expect(ready.rehearse(TWO, true)).toBe(true);
    expect(encoded).toHaveLength(3);
    expect(decide(ready, TWO)).toBe('2 predicted #3');
    await turn();
    // For the next rehearsal.
    expect(encoded).toHaveLength(4);
  });

  it("that take longer than a millisecond are no rehearsal's, and go on in idle turns", async () => {
    const { ready, encoded } = counted(() => 0.6);
    expect(ready.rehearse(TWO, true)).toBe(false);
    expect(encoded).toEqual([]);
    for (let i = 0; i < 4; i++) await turn();
    expect(encoded).toHaveLength(1);
    expect(ready.rehearse(TWO, true)).toBe(true);
  });

  it('are left to whoever prepares them, and made in idle turns again once nobody does', async () => {
    const { ready, encoded } = counted();
    decide(ready, TWO);
    await turn();
    expect(encoded).toHaveLength(2);
    ready.prepare(TWO, true);
    expect(encoded).toHaveLength(2);
    decide(ready, TWO);
    await turn();
    expect(encoded).toHaveLength(2);
    ready.prepare(TWO, true);
    expect(encoded).toHaveLength(3);
    expect(decide(ready, TWO)).toBe('2 predicted #3');
    await turn();
    // Not prepared: made within, and from then on ahead.
    expect(decide(ready, TWO)).toBe('2 predicted #4');
    await turn();
    expect(encoded).toHaveLength(5);
    expect(decide(ready, TWO)).toBe('2 predicted #5');
  });

  it('are made in idle turns all the same where they take longer than preparing may', async () => {
    const { ready, encoded } = counted(() => 0.6);
    for (let decision = 1; decision <= 20; decision++) {
      const begunMs = nowMs;
      ready.prepare(TWO, true);
      expect(nowMs - begunMs).toBeLessThan(1.3);
      // Idle turns go on with what was begun.
      for (let i = 0; i < 4; i++) await turn();
      const before = encoded.length;
      expect(decide(ready, TWO)).toBe(`2 predicted #${decision}`);
      expect(encoded).toHaveLength(before);
      for (let i = 0; i < 4; i++) await turn();
      expect(encoded).toHaveLength(decision + 1);
    }
  });

  it('that preparing does not finish in time are finished by idle turns', async () => {
    let partMs = 0;
    const { ready, encoded } = counted(() => partMs);
    ready.prepare(TWO, true);
    decide(ready, TWO);
    await turn();
    expect(encoded).toHaveLength(1);
    partMs = 0.6;
    const begunMs = nowMs;
    ready.prepare(TWO, true);
    expect(nowMs - begunMs).toBeLessThan(1.3);
    expect(encoded).toHaveLength(1);
    for (let i = 0; i < 4; i++) await turn();
    expect(encoded).toHaveLength(2);
  });

  it('are found ready by nearly all decisions where every second, third or tenth is not prepared', async () => {
    for (const period of [2, 3, 10]) {
      const { ready, encoded } = counted();
      let within = 0;
      for (let decision = 0; decision < 300; decision++) {
        if (decision % period > 0) ready.prepare(TWO, true);
        const before = encoded.length;
        decide(ready, TWO);
        within += encoded.length - before;
        await turn();
      }
      expect(within, `every ${period}`).toBeGreaterThan(0);
      expect(within, `every ${period}`).toBeLessThan(12);
    }
  });

  it('of other kinds than the prepared one are made in idle turns as before', async () => {
    const { ready, encoded } = counted();
    ready.expect(SIXTEEN, false);
    ready.prepare(TWO, true);
    decide(ready, SIXTEEN, false);
    await turn();
    expect(encoded).toEqual(['16', '2 predicted', '16']);
    // A plan that is gone leaves nothing to prepare for.
    ready.clear();
    decide(ready, TWO);
    await turn();
    expect(encoded).toHaveLength(5);
  });

  it('are of a few kinds at most: schedules that never come again are forgotten', async () => {
    const { ready, encoded } = counted();
    for (let steps = 1; steps <= 20; steps++) decide(ready, schedule(steps));
    await turn();
    const settled = encoded.length;
    await turn();
    expect(encoded).toHaveLength(settled);
    expect(settled).toBeLessThanOrEqual(20 + 20 + 4);
  });

  it('fail where a decision asks for them, and nowhere else', async () => {
    let broken = false;
    const ready = new ReadyCommands({
      later,
      runs: () => [],
      encode: () => ({
        next: () => {
          if (broken) throw new RangeError('lost');
          return { label: 'commands' } as GPUCommandBuffer;
        },
      }),
    });
    decide(ready, TWO);
    broken = true;
    // An error in an idle turn would end the process.
    await turn();
    expect(() => ready.take(TWO, true)).toThrow(RangeError);
    broken = false;
    expect(ready.take(TWO, true).label).toBe('commands');
  });

  it('are not encoded for a plan that is gone', async () => {
    const { ready, encoded } = counted();
    decide(ready, TWO);
    ready.clear();
    await turn();
    expect(encoded).toHaveLength(1);
  });
});
