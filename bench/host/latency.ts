import { setTimeout as sleep } from 'node:timers/promises';
import { type Engine, timeDecision } from './engine.js';
import type { Floor } from './floor.js';

/** How decisions follow each other. */
export const PACES = ['without a turn', 'back to back', '50 Hz'] as const;
export type Pace = (typeof PACES)[number];

/** Decisions of one subject in a round: a few, so that what disturbs the machine disturbs all subjects alike. */
const PER_ROUND: Readonly<Record<Pace, number>> = { 'without a turn': 40, 'back to back': 40, '50 Hz': 5 };
const TICK_MS = 20;
/** Rounds that are not counted: the JavaScript engine compiles. */
const UNCOUNTED = 5;

/** One of those that take turns. */
export interface Subject {
  readonly name: string;
  /** What is done between two measurements, outside of both. */
  readonly prepare?: () => void;
  readonly time: (index: number) => Promise<number>;
}

/** One decision, in milliseconds. */
export interface Sample {
  readonly ms: number;
  /** Of all threads of the process: what neighbours on the machine do lengthens it less than the time that passed. */
  readonly processorMs: number;
}

/** Samples by subject and pace. */
export type Samples = ReadonlyMap<string, ReadonlyMap<Pace, Sample[]>>;

/** Name of what nothing can be faster than. */
export const FLOOR_AHEAD = 'plain Dawn, encoded ahead';

/** What WebGPU itself costs, with commands that were encoded before and within. */
export function floorSubjects(floor: Floor): Subject[] {
  let commands: GPUCommandBuffer | undefined;
  return [
    {
      name: FLOOR_AHEAD,
      prepare: () => {
        commands = floor.encode();
      },
      time: () => floor.time(commands),
    },
    { name: 'plain Dawn, encoding within', time: () => floor.time() },
  ];
}

export function engineSubject(engine: Engine): Subject {
  return { name: engine.name, time: (index) => timeDecision(engine, index) };
}

/** Measures subjects in turns, for some seconds. The order changes from round to round. */
export async function measureInTurns(subjects: readonly Subject[], seconds: number): Promise<Samples> {
  const samples = new Map(subjects.map(({ name }) => [name, new Map(PACES.map((pace): [Pace, Sample[]] => [pace, []]))]));
  let end = Infinity;
  for (let round = 0; performance.now() < end; round++) {
    if (round === UNCOUNTED) end = performance.now() + 1000 * seconds;
    for (const pace of PACES) {
      for (const subject of round % 2 === 0 ? subjects : [...subjects].reverse()) {
        const found = await measure(subject, pace, PER_ROUND[pace]);
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

async function measure({ prepare, time }: Subject, pace: Pace, count: number): Promise<Sample[]> {
  const found: Sample[] = [];
  let due = performance.now();
  // The first one after another subject's is not counted: it finds that one's caches.
  for (let index = 0; index <= count; index++) {
    prepare?.();
    if (pace === 'back to back') await turn();
    if (pace === '50 Hz') await sleep(Math.max(0, due - performance.now()));
    due = performance.now() + TICK_MS;
    const before = process.cpuUsage();
    const ms = await time(index);
    const { user, system } = process.cpuUsage(before);
    if (index > 0) found.push({ ms, processorMs: (user + system) / 1000 });
  }
  return found;
}

/** One turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
