import { describe, expect, it } from 'vitest';
import type { Observation } from '../../src/observations/frame.js';
import { Picture } from '../../src/observations/picture.js';
import type { ObservationInfo } from '../../src/spec/policy-spec.js';
import { Simulation } from '../support/simulated.js';

const CAMERA: ObservationInfo = { kind: 'image', name: 'image', feature: 'image', height: 1, width: 1, channels: 3, features: 2 };

/** A simulation whose source encodes as long as `finish` is not called. */
function looking(): { simulation: Simulation; encoded: Observation[]; finish: (error?: Error) => Promise<void> } {
  const simulation = new Simulation({ info: { observations: [CAMERA] } });
  const encoded: Observation[] = [];
  let end: (error?: Error) => void = () => {};
  Object.assign(simulation.source, {
    observe: (observation: Observation): Promise<void> => {
      encoded.push(observation);
      return new Promise((resolve, reject) => (end = (error) => (error ? reject(error) : resolve())));
    },
  });
  const finish = async (error?: Error): Promise<void> => {
    end(error);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { simulation, encoded, finish };
}

describe('images in a control loop', () => {
  it('are encoded as they arrive, one at a time, and decisions are handed the same pictures', async () => {
    const { simulation, encoded, finish } = looking();
    const { loop, source } = simulation;
    for (const value of [1, 2, 3]) loop.observe({ image: new Uint8Array(3).fill(value) });
    // The encoder is busy with the first: the others are left to the decision that reads them.
    expect(encoded).toHaveLength(1);
    await finish();
    loop.observe({ image: new Uint8Array(3).fill(4) });
    expect(encoded).toHaveLength(2);
    const picture = encoded[1]?.['image'];
    expect(picture).toBeInstanceOf(Picture);
    loop.start();
    await simulation.run(2);
    expect((source.windows[0]?.['image'] as Picture[]).map((one) => one === picture)).toEqual([true, true]);
    await finish();
  });

  it('that cannot be encoded are left to the decision, whose error counts', async () => {
    const { simulation, encoded, finish } = looking();
    simulation.loop.observe({ image: new Uint8Array(3) });
    await finish(new Error('device lost'));
    simulation.loop.observe({ image: new Uint8Array(3) });
    expect(encoded).toHaveLength(2);
    expect(simulation.loop.state).toBe('idle');
    await finish();
  });
});
