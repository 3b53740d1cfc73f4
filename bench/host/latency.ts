import { setTimeout as sleep } from 'node:timers/promises';
import { inTurn, PACES, type Pace, type Subject } from './subjects.js';

/** Decisions of one subject in a round: a few, so that what disturbs the machine disturbs all subjects alike. */
const PER_ROUND: Readonly<Record<Pace, number>> = {
  'without a turn': 40,
  'back to back': 40,
  '50 Hz': 5,
  '50 Hz, prepared by the host': 5,
  '50 Hz, prepared': 5,
};
/** Rounds that are not counted: the JavaScript engine compiles. */
const UNCOUNTED = 5;

/** One decision, in milliseconds. */
export interface Sample {
  readonly ms: number;
  /** Of all threads of the process: what neighbours on the machine do lengthens it less than the time that passed. */
  readonly processorMs: number;
}

/** Samples by subject and pace. */
export type Samples = ReadonlyMap<string, ReadonlyMap<Pace, Sample[]>>;

/** Measures subjects in turns, for some seconds. The order changes from round to round. */
export async function measureInTurns(subjects: readonly Subject[], seconds: number): Promise<Samples> {
  const samples = new Map(subjects.map(({ name }) => [name, new Map(PACES.map((pace): [Pace, Sample[]] => [pace, []]))]));
  let end = Infinity;
  for (let round = 0; performance.now() < end; round++) {
    if (round === UNCOUNTED) end = performance.now() + 1000 * seconds;
    for (const pace of PACES) {
      for (const subject of round % 2 === 0 ? subjects : [...subjects].reverse()) {
        const found = await measure(subject, pace);
        if (round >= UNCOUNTED)
          samples
            .get(subject.name)
            ?.get(pace)
            ?.push(...found);
        // What one leaves behind is no other's business.
        await sleep(2);
      }
    }
  }
  return samples;
}

function measure(subject: Subject, pace: Pace): Promise<Sample[]> {
  return inTurn(subject, pace, PER_ROUND[pace], async (index) => {
    const before = process.cpuUsage();
    const ms = await subject.time(index);
    const { user, system } = process.cpuUsage(before);
    return { ms, processorMs: (user + system) / 1000 };
  });
}
