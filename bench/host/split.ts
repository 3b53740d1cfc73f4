import { DeviceClock, type Span } from '../../src/cli/bench/device-clock.js';
import { REHEARSED } from '../../src/decision/decision-input.js';
import { median } from '../../src/foundation/statistics.js';
import { valuesInFrame } from '../../src/spec/policy-spec.js';
import { type Engine, moduleOf } from './engine.js';
import { engineSubject, inTurn, type Pace, type Subject } from './subjects.js';

/** Where the time of a decision goes, medians in milliseconds. Parts of the first kind follow each other and add up. */
export interface Split {
  /** From the call to the write, without the three below: checks, observations, strategy, the promises up to there. */
  readonly strategyMs: number;
  /** Measured by themselves, with the sizes of the decision. */
  readonly noiseMs: number;
  readonly stagingMs: number;
  /** Commands encoded within the decision; 0 where they were ready. */
  readonly encodeMs: number;
  readonly writeMs: number;
  readonly submitMs: number;
  /** From the submit to the news that the result is mapped. */
  readonly wakeMs: number;
  /** Of that, commands of the next decision that were encoded meanwhile. */
  readonly meanwhileMs: number;
  /** Copies out of the mapped buffer. */
  readonly readMs: number;
  /** From there to the actions: strategy, copies for the caller, promises. */
  readonly promisesMs: number;
  readonly totalMs: number;
}

export const SPLIT_PACES = ['back to back', '50 Hz', '50 Hz, prepared by the host', '50 Hz, prepared'] as const satisfies readonly Pace[];
export type SplitPace = (typeof SPLIT_PACES)[number];

/** Decisions of a subject in its turn, and turns. */
const PER_TURN: Readonly<Record<SplitPace, number>> = {
  'back to back': 20,
  '50 Hz': 5,
  '50 Hz, prepared by the host': 5,
  '50 Hz, prepared': 5,
};
const TURNS = 20;
const APART = 2000;

/** What is followed through the host. */
export interface SplitSubject {
  readonly subject: Subject;
  /** What of a decision is measured by itself. */
  readonly noiseMs: number;
  readonly stagingMs: number;
}

/** Plain Dawn has neither. */
export function floorSplitSubject(subject: Subject): SplitSubject {
  return { subject, noiseMs: 0, stagingMs: 0 };
}

export async function engineSplitSubject(engine: Engine): Promise<SplitSubject> {
  return { subject: engineSubject(engine), noiseMs: await noiseTime(engine), stagingMs: await stagingTime(engine) };
}

export type SplitsByPace = Readonly<Record<SplitPace, Split>>;

/** Follows decisions of each subject through the host, in turns. The clock costs a few microseconds per decision. */
export async function measureSplits(subjects: readonly SplitSubject[]): Promise<SplitsByPace[]> {
  const found = subjects.map((): Partial<Record<SplitPace, Split>> => ({}));
  for (const pace of SPLIT_PACES) {
    const splits = await measureAt(pace, subjects);
    for (const [place, byPace] of found.entries()) byPace[pace] = splits[place] as Split;
  }
  return found as SplitsByPace[];
}

async function measureAt(pace: SplitPace, subjects: readonly SplitSubject[]): Promise<Split[]> {
  const parts = subjects.map((): Followed[] => []);
  for (let round = 0; round < TURNS; round++) {
    for (const [place, subject] of subjects.entries()) parts[place]?.push(...(await followed(subject, pace)));
  }
  return subjects.map(({ noiseMs, stagingMs }, place) => {
    const middle = (name: keyof Followed): number => median((parts[place] ?? []).map((part) => part[name]));
    return {
      strategyMs: middle('strategyMs'),
      noiseMs,
      stagingMs,
      encodeMs: middle('encodeMs'),
      writeMs: middle('writeMs'),
      submitMs: middle('submitMs'),
      wakeMs: middle('wakeMs'),
      meanwhileMs: middle('meanwhileMs'),
      readMs: middle('readMs'),
      promisesMs: middle('promisesMs'),
      totalMs: middle('totalMs'),
    };
  });
}

/** The parts that are found from outside. */
export type Followed = Omit<Split, 'noiseMs' | 'stagingMs'>;

/** A turn of one subject. */
async function followed({ subject, noiseMs, stagingMs }: SplitSubject, pace: SplitPace): Promise<Followed[]> {
  const clock = new DeviceClock(subject.device);
  try {
    return await inTurn(subject, pace, PER_TURN[pace], async (index) => {
      clock.take();
      const begun = performance.now();
      await subject.time(index);
      return split(clock.take(), begun, performance.now(), noiseMs + stagingMs);
    });
  } finally {
    clock.stop();
  }
}

/** A decision from `begun` to `ended`, without the `apartMs` that were measured by themselves; calls before it are of something else. */
export function split(all: readonly Span[], begun: number, ended: number, apartMs: number): Followed {
  const spans = all.filter(({ end }) => end > begun);
  const find = (name: Span['name']): Span => {
    const span = spans.find((one) => one.name === name);
    if (!span) throw new TypeError(`a decision makes one write, one submit and one read-back, this one made no ${name}`);
    return span;
  };
  const [write, submit, map, unmap] = [find('writeBuffer'), find('submit'), find('mapAsync'), find('unmap')];
  // What began before the decision is no part of it.
  const encodes = spans.filter(({ name, begin }) => name === 'encode' && begin < submit.begin);
  const encodeMs = encodes.reduce((sum, { begin, end }) => sum + end - Math.max(begin, begun), 0);
  return {
    strategyMs: Math.max(0, write.begin - begun - encodeMs - apartMs),
    encodeMs,
    writeMs: write.end - write.begin,
    submitMs: submit.end - submit.begin,
    wakeMs: map.end - submit.end,
    meanwhileMs: spans
      .filter(({ name, begin, end }) => name === 'encode' && begin >= submit.end && end <= map.end)
      .reduce((sum, { begin, end }) => sum + end - begin, 0),
    readMs: unmap.end - map.end,
    promisesMs: ended - unmap.end,
    totalMs: ended - begun,
  };
}

async function noiseTime({ root, policy }: Engine): Promise<number> {
  const { fillNormal } = await moduleOf<typeof import('../../src/diffusion/philox.js')>(root, 'diffusion/philox.js');
  const { horizon, actionDim } = policy.info;
  return timeApart((decision) => fillNormal(new Float32Array(horizon * actionDim), { seed: 0, episode: 0, decision, purpose: 0 }));
}

async function stagingTime({ root, policy }: Engine): Promise<number> {
  const { DecisionUpload } = await moduleOf<typeof import('../../src/decision/decision-upload.js')>(root, 'decision/decision-upload.js');
  const { horizon, actionDim, observationSteps, observations } = policy.info;
  const frameWidth = observations.reduce((sum, feature) => sum + valuesInFrame(feature), 0);
  const shape = { batch: 1, observationSteps, frameWidth, horizon, actionDim, maxSteps: 16, maxNoiseRows: 0 };
  const upload = new DecisionUpload(shape);
  const values = new Float32Array(horizon * actionDim);
  const input = {
    observations: new Float32Array(observationSteps * frameWidth),
    schedule: REHEARSED,
    starts: [{ predictionScale: 1, noiseScale: 1 }],
    history: values,
    noise: values,
    stepNoise: [],
  };
  return timeApart(() => upload.fill(input));
}

/** Median milliseconds of something that is quick, once it is compiled. */
function timeApart(run: (index: number) => unknown): number {
  const times = Array.from({ length: APART }, (_, index) => {
    const begun = performance.now();
    run(index);
    return performance.now() - begun;
  });
  return median(times.slice(APART / 2));
}
