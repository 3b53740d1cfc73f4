import { expect, it } from 'vitest';
import { checkDemonstrations } from '../../src/mixture/demonstrations.js';
import { Neighbours } from '../../src/mixture/neighbours.js';
import { Scaling } from '../../src/mixture/scaling.js';

/** A frame an episode, at a place on a line. */
function neighboursOf(places: readonly number[], neighbours: number): Neighbours {
  const actions = places.map((_, frame) => frame / places.length);
  const demonstrations = checkDemonstrations('test', {
    name: 'test',
    observations: [{ name: 'observation.state', size: 1, values: places, scales: [1] }],
    actions,
    actionDim: 1,
    episodeEnds: places.map((_, frame) => frame + 1),
  });
  return new Neighbours(demonstrations, new Scaling(demonstrations.actions, 1), {
    bandwidth: 0.1,
    neighbours,
    horizon: 1,
    observationSteps: 1,
  });
}

it('are the nearest frames, also behind many that are equally far: those of a pause are equal to the last bit', () => {
  const places = [...new Array<number>(100).fill(0.5), ...new Array<number>(5).fill(0)];
  const found = neighboursOf(places, 80).of([0]);
  expect(found).toHaveLength(80);
  expect(found.slice(0, 5).map(({ logWeight }) => logWeight)).toEqual([0, 0, 0, 0, 0]);
  expect(Math.max(...found.map(({ logWeight }) => logWeight))).toBe(0);
  // The last five frames have the largest actions.
  expect(Math.min(...found.slice(0, 5).map(({ chunk }) => chunk[0] as number))).toBeGreaterThan(0.8);
});

it('are all frames, where there are fewer', () => {
  const found = neighboursOf([0, 0.1, 0.3], 80).of([0]);
  expect(found.map(({ logWeight }) => logWeight)).toEqual([0, expect.closeTo(-0.5, 12), expect.closeTo(-4.5, 12)]);
});
