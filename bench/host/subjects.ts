import { setTimeout as sleep } from 'node:timers/promises';
import type { PrepareChoice } from '../../src/spec/prepare-options.js';
import { type Engine, prepareDecision, timeDecision } from './engine.js';
import type { Floor } from './floor.js';

const PREPARED = '50 Hz, prepared';
const PREPARED_BY_HOST = '50 Hz, prepared by the host';

/** How decisions follow each other. */
export const PACES = ['without a turn', 'back to back', '50 Hz', PREPARED_BY_HOST, PREPARED] as const;
export type Pace = (typeof PACES)[number];

/** How decisions of a pace are prepared; undefined: not at all. */
const PREPARES: Partial<Readonly<Record<Pace, PrepareChoice>>> = { [PREPARED_BY_HOST]: 'host', [PREPARED]: 'device' };

const TICK_MS = 20;

/** One of those that take turns: decisions of a build, or plain Dawn. */
export interface Subject {
  readonly name: string;
  readonly device: GPUDevice;
  /** What is done between two decisions, as soon as there is time. */
  readonly between?: () => void;
  /** What is done right before a decision that is prepared, with the device or without it. */
  readonly prepare?: (on: PrepareChoice) => Promise<void> | void;
  /** Makes a decision; returns its milliseconds. */
  readonly time: (index: number) => Promise<number>;
}

/** Name of what nothing can be faster than. */
export const FLOOR_AHEAD = 'plain Dawn, encoded ahead';

/** What WebGPU itself costs, with commands that were encoded before: after the decision before, or where decisions are prepared then. */
export function floorAhead(floor: Floor, device: GPUDevice): Subject {
  let commands: GPUCommandBuffer | undefined;
  const encode = (): void => {
    commands = floor.encode();
  };
  return { name: FLOOR_AHEAD, device, between: encode, prepare: encode, time: () => floor.time(commands) };
}

/** The same with commands that are encoded within. */
export function floorWithin(floor: Floor, device: GPUDevice): Subject {
  return { name: 'plain Dawn, encoding within', device, time: () => floor.time() };
}

export function engineSubject(engine: Engine): Subject {
  const { name, device } = engine;
  return { name, device: device.gpuDevice, prepare: (on) => prepareDecision(engine, on), time: (index) => timeDecision(engine, index) };
}

/** Measures `count` decisions of a subject in its turn. The first one is not counted: it finds another one's caches. */
export async function inTurn<T>(
  { between, prepare }: Subject,
  pace: Pace,
  count: number,
  measure: (index: number) => Promise<T>,
): Promise<T[]> {
  const found: T[] = [];
  const on = PREPARES[pace];
  let due = performance.now();
  for (let index = 0; index <= count; index++) {
    between?.();
    if (pace === 'back to back') await turn();
    if (pace === '50 Hz' || on) await sleep(Math.max(0, due - performance.now()));
    due = performance.now() + TICK_MS;
    if (on) {
      await prepare?.(on);
      await turn();
    }
    const one = await measure(index);
    if (index > 0) found.push(one);
  }
  return found;
}

/** One turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
