import { WarmstepError } from '../../src/foundation/errors.js';
import { processorTime } from './processor-time.js';

/** What a caller may hand over by mistake, or on purpose, by a name to tell it by. */
export const HOSTILE: Readonly<Record<string, unknown>> = {
  null: null,
  NaN: NaN,
  Infinity: Infinity,
  '-1': -1,
  '0.5': 0.5,
  '1e300': 1e300,
  'a word': 'no such word',
  'no text': '',
  'a long text': 'x'.repeat(1_000_000),
  bigint: 1n,
  symbol: Symbol('hostile'),
  true: true,
  'an empty object': {},
  'an object without prototype': Object.create(null),
  'an empty list': [],
  'a list of null': [null],
  'a list of a hole': new Array(1),
  'a list of two thousand million holes': new Array(2 ** 31),
  'an endless list': { length: 2, [Symbol.iterator]: () => ({ next: () => ({ done: false, value: 0 }) }) },
  'a huge array-like': { length: 1e9 },
  'an array-like of no length': { length: NaN },
  'a typed array': new Float32Array(3),
  'a function': () => {},
  'a raw GPUDevice': { createBuffer: () => {}, lost: new Promise(() => {}), destroy: () => {} },
};

/** More processor time than any check needs; an allocation or a loop over what was given takes many times as much. */
const MOST_MS = 1000;
/** By the clock, on a machine that others use: what waits for a timer before it refuses. */
const MOST_WAIT_MS = 10_000;

/** A call with one value exchanged. `accepts`: those that are right here, or that the value's own meaning covers. */
export interface Probe {
  readonly what: string;
  readonly call: (value: never) => unknown;
  readonly accepts?: readonly string[];
}

/** A probe of every option of a call, and of the options as a whole. */
export function optionProbes<O extends object>(
  what: string,
  valid: O,
  keys: readonly (keyof O & string)[],
  call: (options: O) => unknown,
  accepts: Partial<Record<keyof O & string, readonly string[]>> = {},
): Probe[] {
  return [
    { what: `${what}: options`, call: (value) => call(value), accepts: ['an empty object', 'an object without prototype'] },
    { what: `${what}: an unknown option`, call: (value) => call({ ...valid, 'no such option': value } as O) },
    ...keys.map((key) => ({
      what: `${what}: ${key}`,
      call: (value: never) => call({ ...valid, [key]: value } as O),
      accepts: accepts[key] ?? [],
    })),
  ];
}

/** What a stub throws that is reached: the value was taken for a good one. */
export class Reached extends Error {}

/** Calls with every hostile value, and says where no WarmstepError came of it. */
export async function faultsOf({ call, accepts = [] }: Probe): Promise<string[]> {
  const faults: string[] = [];
  for (const [name, value] of Object.entries(HOSTILE)) {
    const [started, spent] = [performance.now(), processorTime()];
    const outcome = await outcomeOf(() => call(value as never));
    const [took, worked] = [performance.now() - started, spent()];
    if (worked > MOST_MS || took > MOST_WAIT_MS) faults.push(`${name}: took ${took.toFixed()} ms, worked ${worked.toFixed()} of them`);
    if (outcome instanceof WarmstepError ? outcome.message.length > 2000 : !(outcome === 'accepted' && accepts.includes(name))) {
      faults.push(`${name}: ${outcome instanceof Error ? `${outcome.name}: ${outcome.message.slice(0, 200)}` : String(outcome)}`);
    }
  }
  return faults;
}

async function outcomeOf(call: () => unknown): Promise<unknown> {
  try {
    await call();
    return 'accepted';
  } catch (error) {
    return error instanceof Reached ? 'accepted' : error;
  }
}
