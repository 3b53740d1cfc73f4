import { describe, expect, it } from 'vitest';
import { OptionError } from '../../src/foundation/errors.js';
import { FalconBuffer, type VisitedSample } from '../../src/strategies/falcon.js';
import { createStrategy } from '../../src/strategies/index.js';
import type { DenoiseRequest, StrategyContext } from '../../src/strategies/strategy.js';
import type { FalconStrategyOptions } from '../../src/strategies/strategy-options.js';
import { at, EXACT, toy } from '../support/toy.js';
import { TOY_CONTEXT, type ToyDecision, ToyEpisode } from '../support/toy-episode.js';

type Settings = Omit<FalconStrategyOptions, 'name'>;

/** Every remembered sample is a candidate that agrees, and noise is the start only where there is none. */
const REUSE: Settings = { exploration: 0, threshold: 1e6 };

describe('the buffer of visited samples', () => {
  const visited = (...values: number[]): VisitedSample[] => values.map((value, i) => ({ sample: Float32Array.of(value), step: i + 1 }));
  const values = ({ samples }: FalconBuffer): (number | undefined)[] => samples.map(({ sample }) => sample[0]);

  it('forgets the oldest decision first, and of one decision the noisiest sample first', () => {
    const first = new FalconBuffer(5).with(visited(1, 2, 3));
    const second = first.with(visited(11, 12, 13));
    expect(values(second)).toEqual([2, 3, 11, 12, 13]);
    expect(values(second.with(visited(21, 22, 23)))).toEqual([12, 13, 21, 22, 23]);
    expect(values(new FalconBuffer(2).with(visited(1, 2, 3)))).toEqual([2, 3]);
  });

  it('does not change: what is added is in another buffer', () => {
    const empty = new FalconBuffer(2);
    const first = empty.with(visited(1, 2));
    first.with(visited(11, 12));
    expect([values(empty), values(first)]).toEqual([[], [1, 2]]);
  });
});

/** Four DDIM steps, at timesteps 75, 50, 25 and 0, so that the samples before the last three are remembered. */
function toyFalcon(options: Settings, context: StrategyContext = TOY_CONTEXT): ToyEpisode {
  return new ToyEpisode(createStrategy({ name: 'Falcon', solver: 'DDIM', steps: 4, ...options }, context));
}

const NOISE = [1, -0.5, 2, 0.3];
const timesteps = ({ schedule }: DenoiseRequest): number[] => schedule.steps.map(({ timestep }) => timestep);
/** Timesteps of the candidates of a decision that screened some. */
const screened = ({ rounds }: ToyDecision): number[] => (rounds.length < 2 ? [] : (rounds[0] ?? []).flatMap(timesteps));

describe('candidates', () => {
  it('are the samples that the decisions before passed through, as they were', () => {
    const episode = toyFalcon({ ...REUSE, minTimestep: 0 });
    const first = episode.decide({ noise: NOISE });
    const second = episode.decide();
    expect(screened(first)).toEqual([]);
    expect(screened(second)).toEqual([50, 25, 0]);
    expect(second.rounds[0]?.map(({ prediction }) => prediction)).toEqual(first.result.trace.slice(0, 3));
    expect(second.rounds[0]?.every(({ predictionScale, noiseScale }) => predictionScale === 1 && noiseScale === 0)).toBe(true);
  });

  it('lie at or above minTimestep, by default a fifth of the training timesteps', () => {
    const secondOf = (options: Settings): number[] => {
      const episode = toyFalcon({ ...REUSE, ...options });
      episode.decide({ noise: NOISE });
      return screened(episode.decide());
    };
    expect(secondOf({})).toEqual([50, 25]);
    expect(secondOf({ minTimestep: 25 })).toEqual([50, 25]);
    expect(secondOf({ minTimestep: 26 })).toEqual([50]);
    expect(secondOf({ minTimestep: 51 })).toEqual([]);
  });

  it('are as many as the capacity at most: the oldest decision goes first, of one decision the noisiest', () => {
    const episode = toyFalcon({ threshold: 1e6, exploration: 0.5, minTimestep: 0, capacity: 4 });
    const fromNoise = { noise: NOISE, uniform: [0.4] };
    episode.decide(fromNoise);
    episode.decide(fromNoise);
    expect(screened(episode.decide({ uniform: [0.6, 0.5] }))).toEqual([0, 50, 25, 0]);
  });

  it('of a decision that went on from one are the samples after it', () => {
    const episode = toyFalcon({ ...REUSE, minTimestep: 0, kappa: 1e6 });
    episode.decide({ noise: NOISE });
    // With a large κ all three are as likely: the middle one is that of timestep 25.
    const second = episode.decide({ uniform: [0.9, 0.5] });
    expect(second.rounds[1]?.map(timesteps)).toEqual([[25, 0]]);
    expect(screened(episode.decide())).toEqual([50, 25, 0, 0]);
  });

  it('are none where chunks do not overlap beyond what is executed', () => {
    const episode = toyFalcon(REUSE, { ...TOY_CONTEXT, observationSteps: 2, actionSteps: 3 });
    episode.decide({ noise: NOISE });
    expect(episode.decide({ noise: NOISE })).toMatchObject({ warm: false, screening: 0 });
  });

  it('are not asked for with the probability of exploration', () => {
    const secondWith = (draw: number): ToyDecision => {
      const episode = toyFalcon({ threshold: 1e6 });
      episode.decide({ noise: NOISE });
      return episode.decide({ noise: NOISE, uniform: [draw, 0.5] });
    };
    expect(secondWith(0.099)).toMatchObject({ warm: false, screening: 0 });
    expect(secondWith(0.101)).toMatchObject({ warm: true, screening: 2 });
  });
});

describe('a candidate agrees', () => {
  /** RMS distance of x̂0 from the rest of the chunk, rows 0 and 1 against rows 2 and 3: written out for the toy network. */
  function distance({ result }: ToyDecision, step: number, timestep: number): number {
    const alphaBar = at(EXACT, timestep);
    const sample = result.trace[step] ?? [];
    const squares = [0, 1].map((row) => {
      const x = at(sample, row);
      const x0 = (x - Math.sqrt(1 - alphaBar) * toy(x, timestep)) / Math.sqrt(alphaBar);
      return (x0 - at(result.normalizedChunk, row + 2)) ** 2;
    });
    return Math.sqrt((at(squares, 0) + at(squares, 1)) / 2);
  }

  it('where its x̂0 is nearer than the threshold to the rows that are still to be executed', () => {
    const first = toyFalcon(REUSE).decide({ noise: NOISE });
    const distances = [distance(first, 0, 50), distance(first, 1, 25)];
    const [near, far] = [Math.min(...distances), Math.max(...distances)];
    expect(far - near).toBeGreaterThan(0.01);
    const secondWith = (threshold: number): ToyDecision => {
      const episode = toyFalcon({ ...REUSE, threshold, kappa: 1e6 });
      episode.decide({ noise: NOISE });
      // The noisier one would be drawn, if it were there.
      return episode.decide({ noise: NOISE, uniform: [0.9, 1e-9] });
    };
    const nearest = distances.indexOf(near) === 0 ? [50, 25, 0] : [25, 0];
    expect(timesteps(secondWith(near * 0.999).request)).toEqual([75, 50, 25, 0]);
    expect(timesteps(secondWith(near * 1.001).request)).toEqual(nearest);
    expect(timesteps(secondWith(far * 0.999).request)).toEqual(nearest);
    expect(timesteps(secondWith(far * 1.001).request)).toEqual([50, 25, 0]);
  });
});

describe('of the candidates that agree, one', () => {
  const drawn = (choice: number, kappa?: number): number[] => {
    const episode = toyFalcon({ ...REUSE, ...(kappa === undefined ? {} : { kappa }) });
    episode.decide({ noise: NOISE });
    return timesteps(episode.decide({ uniform: [0.5, choice] }).request);
  };

  it('is drawn with a probability ∝ exp(−k/κ)', () => {
    for (const kappa of [5, 10, 40]) {
      const share = Math.exp(-50 / kappa) / (Math.exp(-50 / kappa) + Math.exp(-25 / kappa));
      expect(drawn(share - 1e-6, kappa)).toEqual([50, 25, 0]);
      expect(drawn(share + 1e-6, kappa)).toEqual([25, 0]);
    }
    // By default a tenth of the training timesteps.
    expect([drawn(0.0758), drawn(0.0759)]).toEqual([
      [50, 25, 0],
      [25, 0],
    ]);
    expect(drawn(1 - 1e-12)).toEqual([25, 0]);
  });

  it('is the least noisy one where κ is so small that every weight rounds to 0', () => {
    expect(drawn(1e-9, 0.01)).toEqual([25, 0]);
  });
});

it('a sample that moves on when it is used again is filled up with the last action, noised to its level', () => {
  const episode = toyFalcon({ ...REUSE, shiftOnReuse: true });
  const first = episode.decide({ noise: NOISE });
  const normal = [0.7, -1.1, 0.4, 2];
  const { rounds } = episode.decide({ normal, uniform: [0.5, 1e-9] });
  [50, 25].forEach((timestep, i) => {
    const [signal, noise] = [Math.sqrt(at(EXACT, timestep)), Math.sqrt(1 - at(EXACT, timestep))];
    const fill = [0, 1].map((row) => signal * at(first.chunk, 3) + noise * at(normal, 2 * i + row));
    const expected = [...(first.result.trace[i] ?? []).slice(2), ...fill];
    expect([...(rounds[0]?.[i]?.prediction ?? [])]).toEqual(expected.map((value) => expect.closeTo(value, 5)));
  });
  // What was compared is what is gone on from.
  expect(rounds[1]?.[0]?.prediction).toEqual(rounds[0]?.[0]?.prediction);
});

describe('Falcon refuses', () => {
  it.each<[string, object, RegExp]>([
    ['an unknown option', { delta: 0.1 }, /strategy Falcon: unknown option "delta".*exploration/],
    ['an unknown solver', { solver: 'Euler' }, /solver must be one of DDPM, DDIM, DPM-Solver\+\+, found Euler/],
    ['no steps', { steps: 0 }, /steps must be an integer from 1 to 100, found 0/],
    ['a probability above 1', { exploration: 1.1 }, /exploration must be a number from 0 to 1, found 1.1/],
    ['a threshold of 0', { threshold: 0 }, /threshold must be a finite number above 0, found 0/],
    ['a κ of 0', { kappa: 0 }, /kappa must be a finite number above 0, found 0/],
    ['a timestep beyond the training', { minTimestep: 100 }, /minTimestep must be an integer from 0 to 99, found 100/],
    ['room for nothing', { capacity: 0 }, /capacity must be an integer from 1/],
    ['a word as a switch', { shiftOnReuse: 'yes' }, /shiftOnReuse must be true or false, found "yes"/],
  ])('%s', (_, options, message) => {
    const create = (): unknown => createStrategy({ name: 'Falcon', ...options }, TOY_CONTEXT);
    expect(create).toThrow(OptionError);
    expect(create).toThrow(message);
  });
});
