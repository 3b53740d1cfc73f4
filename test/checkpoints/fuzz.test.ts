import { describe, expect, it } from 'vitest';
import { loadPredictorCheckpoint } from '../../src/checkpoints/predictor/read-predictor.js';
import { loadPolicyCheckpoint } from '../../src/checkpoints/read-policy.js';
import { encodeSafetensors, SafetensorsFile } from '../../src/checkpoints/safetensors/safetensors.js';
import { memorySource } from '../../src/checkpoints/source.js';
import { WarmstepError } from '../../src/foundation/errors.js';
import { bounded, boundedSource, seeded } from '../support/bounded-source.js';
import { type Files, goldenFiles, jsonOf } from '../support/folders.js';

type Outcome = 'valid' | 'refused';

/** Anything but a result or one of the engine's errors fails the test, and so does a read beyond the file. */
async function outcome(work: () => Promise<unknown>, what: () => string): Promise<Outcome> {
  try {
    await work();
    return 'valid';
  } catch (error) {
    if (error instanceof WarmstepError) return 'refused';
    throw new Error(`${what()} gave ${String(error)}`, { cause: error });
  }
}

async function openAndRead(bytes: Uint8Array): Promise<void> {
  const file = await SafetensorsFile.open(bounded(await memorySource('fuzz', { file: bytes }).open('file')));
  for (const name of file.tensors.keys()) await file.readFloats(name);
}

const SMALL = encodeSafetensors(
  [
    { name: 'observation.state.min', dtype: 'F32', shape: [2, 3], data: [1, 2, 3, 4, 5, 6] },
    { name: 'a', dtype: 'F16', shape: [4], data: [1, 2, 3, 4] },
    { name: 'b', dtype: 'I64', shape: [1], data: [7] },
    { name: 'empty', dtype: 'BOOL', shape: [0], data: [] },
  ],
  { format: 'pt' },
);
const HEADER_END = 8 + Number(new DataView(SMALL.buffer).getBigUint64(0, true));

describe('a hostile safetensors file', () => {
  it('with any one header bit flipped is refused or read', async () => {
    const outcomes = new Set<Outcome>();
    for (let bit = 0; bit < HEADER_END * 8; bit++) {
      const bytes = SMALL.slice();
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      outcomes.add(
        await outcome(
          () => openAndRead(bytes),
          () => `bit ${bit}`,
        ),
      );
    }
    expect(outcomes).toEqual(new Set<Outcome>(['valid', 'refused']));
  });

  it('cut at any byte is refused', async () => {
    for (let length = 0; length < SMALL.length; length++) {
      expect(
        await outcome(
          () => openAndRead(SMALL.slice(0, length)),
          () => `length ${length}`,
        ),
      ).toBe('refused');
    }
  });

  it('with random header bytes and lengths is refused or read', async () => {
    const random = seeded(1);
    for (let run = 0; run < 2000; run++) {
      const bytes = SMALL.slice();
      for (let edits = random(6); edits >= 0; edits--) bytes[random(HEADER_END)] = random(256);
      if (random(4) === 0) new DataView(bytes.buffer).setBigUint64(0, BigInt(random(2 ** 31)) << BigInt(random(33)), true);
      await outcome(
        () => openAndRead(bytes),
        () => `run ${run}`,
      );
    }
  });

  it('with absurd values in its header is refused or read', async () => {
    const random = seeded(2);
    const absurd = [
      '-1',
      '0',
      '1.5',
      '1e308',
      '9007199254740993',
      '4294967296',
      'null',
      'true',
      '"x"',
      '[]',
      '{}',
      '-0',
      '[[[[]]]]',
      '{"__proto__":{"shape":[1]}}',
      '18446744073709551615',
      '""',
    ];
    const numbers = /\d+/g;
    const text = new TextDecoder().decode(SMALL.subarray(8, HEADER_END));
    const places = [...text.matchAll(numbers)].map(({ index }) => index);
    for (let run = 0; run < 1000; run++) {
      const chosen = new Set([places[random(places.length)]!, places[random(places.length)]!]);
      const changed = text.replace(numbers, (number, at: number) => (chosen.has(at) ? absurd[random(absurd.length)]! : number));
      const header = new TextEncoder().encode(changed);
      const bytes = new Uint8Array(8 + header.length + SMALL.length - HEADER_END);
      new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
      bytes.set(header, 8);
      bytes.set(SMALL.subarray(HEADER_END), 8 + header.length);
      await outcome(
        () => openAndRead(bytes),
        () => changed,
      );
    }
  });
});

/** Replaces, removes or adds one value somewhere inside a JSON document. */
function mutate(value: unknown, random: (limit: number) => number): unknown {
  const absurd: unknown[] = [
    null,
    true,
    -1,
    0,
    1,
    0.5,
    1e308,
    2 ** 53,
    4096,
    65_536,
    '',
    'MIN_MAX',
    '../x',
    [],
    {},
    [1],
    [2 ** 40],
    Array<number>(1000).fill(2),
    { a: { b: [] } },
    '__proto__',
    'observation.state',
  ];
  const isLeaf = typeof value !== 'object' || value === null || random(6) === 0;
  if (isLeaf) return absurd[random(absurd.length)];
  const entries = Object.entries(value);
  if (entries.length === 0) return absurd[random(absurd.length)];
  const at = random(entries.length);
  if (Array.isArray(value)) return value.map((item: unknown, i) => (i === at ? mutate(item, random) : item));
  if (random(5) === 0) entries.splice(at, 1);
  else entries[at] = [entries[at]![0], mutate(entries[at]![1], random)];
  return Object.fromEntries(entries);
}

async function mutateJson(files: Files, seed: number, runs: number, load: (files: Files) => Promise<unknown>): Promise<Set<Outcome>> {
  const random = seeded(seed);
  const names = Object.keys(files).filter((name) => name.endsWith('.json'));
  const outcomes = new Set<Outcome>();
  for (let run = 0; run < runs; run++) {
    const changed = { ...files };
    for (let edits = random(2); edits >= 0; edits--) {
      const name = names[random(names.length)]!;
      changed[name] = JSON.stringify(mutate(jsonOf(changed, name), random));
    }
    outcomes.add(
      await outcome(
        () => load(changed),
        () => `run ${run} of seed ${seed}`,
      ),
    );
  }
  return outcomes;
}

describe('hostile JSON', () => {
  it.each(['state-ddim2', 'state-dialect-a', 'state-dialect-b'])('in the policy of %s is refused or loads', async (name) => {
    const outcomes = await mutateJson(goldenFiles(`${name}/policy`), 3, 600, (files) => loadPolicyCheckpoint(boundedSource(files)));
    expect(outcomes).toEqual(new Set<Outcome>(['valid', 'refused']));
  });

  it('in a predictor is refused or loads', async () => {
    const outcomes = await mutateJson(goldenFiles('step-pusht-trained/predictor'), 4, 400, (files) =>
      loadPredictorCheckpoint(boundedSource(files)),
    );
    expect(outcomes).toEqual(new Set<Outcome>(['valid', 'refused']));
  });

  it('bit by bit in a policy header is refused or loads', async () => {
    const files = goldenFiles('state-dialect-b/policy');
    const model = files['model.safetensors'] as Uint8Array;
    const random = seeded(5);
    for (let run = 0; run < 300; run++) {
      const bytes = model.slice();
      const bit = random(17_720 * 8);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      await outcome(
        () => loadPolicyCheckpoint(boundedSource({ ...files, 'model.safetensors': bytes })),
        () => `bit ${bit}`,
      );
    }
  });
});

describe('a read beyond the file', () => {
  it('would be seen by these tests', async () => {
    const source = bounded(await memorySource('fuzz', { file: new Uint8Array(4) }).open('file'));
    expect(() => source.read(0, new Uint8Array(5))).toThrow('5 bytes at 0 of 4');
    expect(() => source.read(0, new Uint8Array(new ArrayBuffer(2 ** 21), 0, 4))).toThrow('a buffer of 2097152 bytes');
  });
});
