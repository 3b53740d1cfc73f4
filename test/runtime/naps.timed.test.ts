import { expect, it } from 'vitest';
import { Naps, napClock } from '../../src/runtime/naps.js';

it('naps sleep for about as long as they say, on this machine', async () => {
  const naps = new Naps(napClock((call) => void setImmediate(call)));
  const delays: number[] = [];
  const third = (): number => delays.sort((a, b) => a - b)[2] ?? Infinity;
  // On a machine that others use, until a few were not in their way: who sleeps too long does it every time.
  for (let i = 0; i < 200 && (i < 9 || third() >= 1); i++) {
    const due = performance.now() + 5;
    const end = naps.begin();
    // As Dawn does: asked in every turn.
    while (performance.now() < due) await new Promise((resolve) => setImmediate(resolve));
    end();
    delays.push(performance.now() - due);
  }
  // The machine may be shared: most of them are late by no more than a nap.
  expect(third()).toBeLessThan(1);
});
