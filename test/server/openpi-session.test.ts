import { describe, expect, it } from 'vitest';
import { WarmstepError } from '../../src/foundation/errors.js';
import type { Picture } from '../../src/observations/picture.js';
import { OpenpiSession, type OpenpiSettings } from '../../src/server/openpi/session.js';
import { PolicyService } from '../../src/server/policy-service.js';
import { changed, randomNumbers } from '../support/changed-messages.js';
import { answerOf, floats, ndarray, pack, plain, unpack } from '../support/openpi.js';
import { CAMERA, type PretendOptions, PretendPolicy, STATE } from '../support/pretend-policy.js';

interface Conversation {
  readonly policy: PretendPolicy;
  readonly service: PolicyService;
  readonly session: OpenpiSession;
  readonly ignored: string[];
  /** The rows of the answer to an observation that came at a time. */
  ask(observation: Readonly<Record<string, unknown>>, at?: number): Promise<readonly number[]>;
}

async function converse(settings: Partial<OpenpiSettings> = {}, options: PretendOptions = {}): Promise<Conversation> {
  const policy = new PretendPolicy(options);
  const service = new PolicyService(policy, { maxBatch: 2, maxWaiting: 4, onEvent: () => {} });
  await service.whenReady();
  const ignored: string[] = [];
  const session = new OpenpiSession(service, policy, {
    tickMs: undefined,
    keyMap: {},
    version: '1.2.3',
    now: () => 0,
    onIgnored: (keys) => ignored.push(...keys),
    ...settings,
  });
  const ask = async (observation: Readonly<Record<string, unknown>>, at = 0): Promise<readonly number[]> =>
    answerOf(await session.answer(message(observation), at)).actions.values;
  return { policy, service, session, ignored, ask };
}

const message = (observation: Readonly<Record<string, unknown>>): Uint8Array => pack(new Map(Object.entries(observation)));
const state = (x: number, y: number): Record<string, unknown> => ({ 'observation.state': floats([x, y]) });
/** What the pretended policy answers to a newest frame, `dx` from the oldest, in the first decision of an episode. */
const rows = (x: number, y: number, dx = 0, dy = 0, decisions = 0): number[] =>
  [0, 1, 2].flatMap((row) => [x + 10 * dx + row + 1000 * decisions, y + 10 * dy + row + 1000 * decisions]);

/** As openpi's clients write a NumPy scalar. */
const scalar = (value: number): Map<Buffer, unknown> =>
  new Map<Buffer, unknown>([
    [Buffer.from('__npgeneric__'), true],
    [Buffer.from('data'), value],
    [Buffer.from('dtype'), '<f4'],
  ]);

describe('a session of openpi', () => {
  it('says first what the policy reads and makes', async () => {
    const { session } = await converse({ tickMs: 100 }, { observations: [STATE, CAMERA] });
    expect(plain(unpack(session.greeting()))).toEqual({
      server: 'warmstep',
      version: '1.2.3',
      policy: 'pretend',
      observations: {
        'observation.state': { kind: 'vector', dtype: 'float32', shape: [2] },
        'observation.images.front': { kind: 'image', dtype: 'uint8', shape: [4, 6, 3] },
      },
      observation_steps: 2,
      tick_ms: 100,
      action_dim: 2,
      action_steps: 3,
      horizon: 8,
      reset_key: 'reset',
      strategy: 'none',
      precision: 'f32',
      adapter: 'no adapter',
    });
  });

  it('answers with rows of actions and timings, from the second answer on with the whole turn', async () => {
    let clock = 0;
    const { session } = await converse({ now: () => (clock += 2) });
    session.greeting();
    const first = answerOf(await session.answer(message(state(1, 2)), 0));
    expect(first.actions).toEqual({ dtype: '<f4', shape: [3, 2], values: rows(1, 2) });
    expect(first.server_timing).toEqual({ infer_ms: 2 });
    expect(first.policy_timing).toEqual({ infer_ms: 1.5 });
    session.sent();
    const second = answerOf(await session.answer(message(state(1, 2)), 0));
    // From the greeting to the moment when the first answer had left.
    expect(second.server_timing).toEqual({ infer_ms: 2, prev_total_ms: 6 });
  });

  it('is an episode, and another from a message with reset on', async () => {
    const { ask, policy } = await converse();
    expect(await ask(state(1, 2))).toEqual(rows(1, 2));
    expect(await ask(state(1, 2))).toEqual(rows(1, 2, 0, 0, 1));
    expect(await ask({ ...state(1, 2), reset: true })).toEqual(rows(1, 2));
    expect(await ask({ ...state(1, 2), reset: false })).toEqual(rows(1, 2, 0, 0, 1));
    expect(policy.begun).toBe(2);
    await expect(ask({ ...state(1, 2), reset: 'yes' })).rejects.toThrow(/"reset": must be true or false, found yes/);
  });

  it('takes the names of many clients for a feature', async () => {
    const { ask } = await converse({ keyMap: { 'observation/joints': 'observation.state' } });
    for (const key of ['observation.state', 'observation/state', 'state', 'observation/joints']) {
      expect((await ask({ [key]: floats([1, 2]), reset: true })).slice(0, 2), key).toEqual([1, 2]);
    }
    const grouped = new Map([['state', floats([3, 4])]]);
    expect((await ask({ observation: grouped, reset: true })).slice(0, 2)).toEqual([3, 4]);
    await expect(ask({ state: floats([1, 2]), 'observation/state': floats([1, 2]) })).rejects.toThrow(
      /"state" and "observation\/state" both stand for/,
    );
    await expect(converse({ keyMap: { a: 'no.such' } })).rejects.toThrow(
      /keyMap: "a" stands for "no.such", which this policy does not read/,
    );
  });

  it('leaves out what the policy does not read, and tells of it once', async () => {
    const { ask, ignored, service } = await converse();
    await ask({ ...state(1, 2), prompt: 'push', images: new Map([['wrist', floats([1])]]) });
    await ask({ ...state(1, 2), prompt: 'push' });
    expect(ignored).toEqual(['prompt', 'images/wrist']);
    expect(service.metrics.value('ignoredKeys')).toBe(3);
    await expect(ask({ prompt: 'push' })).rejects.toThrow(/"observation.state" is missing; not read by this policy: prompt/);
  });

  it.each([
    ['f32', floats([1, 2])],
    ['f64', ndarray('<f8', [2], new Uint8Array(Float64Array.of(1, 2).buffer))],
    ['big-endian', ndarray('>f4', [2], Uint8Array.of(0x3f, 0x80, 0, 0, 0x40, 0, 0, 0))],
    ['integers', ndarray('<i8', [2], new Uint8Array(BigInt64Array.of(1n, 2n).buffer))],
    ['a row', floats([1, 2], [1, 2])],
    ['a list', [1, 2]],
    ['a list of NumPy scalars', [scalar(1), scalar(2)]],
    ['a list of a row', [floats([1, 2])]],
  ])('reads %s as the same numbers', async (_, value) => {
    const { ask } = await converse();
    expect(await ask({ state: value })).toEqual(rows(1, 2));
  });

  it('reads a number where a feature has one', async () => {
    const observations = [{ ...STATE, size: 1 }];
    for (const value of [5, scalar(5), floats([5], []), [5]]) {
      const { policy, session } = await converse({}, { observations });
      await session.answer(message({ state: value }), 0);
      expect(policy.windows).toEqual([{ 'observation.state': Float32Array.of(5, 5) }]);
    }
  });
});

describe('frames of a session', () => {
  it('are paired where they came about one tick apart, and repeated elsewhere', async () => {
    const { ask, service } = await converse({ tickMs: 100 });
    expect(await ask(state(1, 0), 1000)).toEqual(rows(1, 0));
    expect(await ask(state(2, 0), 1110)).toEqual(rows(2, 0, 1, 0, 1));
    expect(await ask(state(3, 0), 1150)).toEqual(rows(3, 0, 2, 0, 2));
    expect(service.metrics.value('repeatedFrames')).toBe(1);
    // A chunk later.
    expect(await ask(state(9, 0), 1950)).toEqual(rows(9, 0, 0, 0, 3));
    expect(service.metrics.value('repeatedFrames')).toBe(2);
    expect(await ask({ ...state(4, 0), reset: true }, 2050)).toEqual(rows(4, 0));
  });

  it('are repeated where the tick is not known', async () => {
    const { ask } = await converse();
    await ask(state(1, 0), 0);
    expect(await ask(state(2, 0), 100)).toEqual(rows(2, 0, 0, 0, 1));
  });

  it('are taken as they are in a window', async () => {
    const { ask } = await converse({ tickMs: 100 });
    const window = { state: floats([1, 2, 4, 8], [2, 2]) };
    expect(await ask(window, 0)).toEqual(rows(4, 8, 3, 6));
    expect(
      await ask(
        {
          state: [
            [1, 2],
            [4, 8],
          ],
        },
        100,
      ),
    ).toEqual(rows(4, 8, 3, 6, 1));
    // The newest frame of a window is one that came then.
    expect(await ask(state(5, 8), 200)).toEqual(rows(5, 8, 1, 0, 2));
  });

  it('must all be windows, or none', async () => {
    const { ask } = await converse({}, { observations: [STATE, { ...STATE, name: 'other', feature: 'other' }] });
    await expect(ask({ state: floats([1, 2, 3, 4], [2, 2]), other: floats([1, 2]) })).rejects.toThrow(
      /some values are windows of 2 frames/,
    );
  });
});

describe('images of a session', () => {
  const pixels = Uint8Array.from({ length: 4 * 6 * 3 }, (_, i) => i);
  const planar = Uint8Array.from({ length: 72 }, (_, i) => pixels[3 * (i % 24) + Math.floor(i / 24)] as number);
  const seen = async (camera: unknown): Promise<Picture[]> => {
    const { policy, session } = await converse({}, { observations: [STATE, CAMERA] });
    await session.answer(message({ ...state(1, 2), images: new Map([['front', camera]]) }), 0);
    return policy.windows[0]?.['observation.images.front'] as Picture[];
  };
  const valuesOf = (picture: Picture | undefined): number[] =>
    [...(picture?.format === 'f32-chw' ? new Float32Array(picture.bytes.buffer) : (picture?.bytes ?? []))].map(Number);

  it('are bytes in either layout', async () => {
    const [hwc, again] = await seen(ndarray('|u1', [4, 6, 3], pixels));
    expect([hwc?.format, again === hwc, valuesOf(hwc)]).toEqual(['u8-hwc3', true, [...pixels]]);
    const [chw] = await seen(ndarray('|u1', [3, 4, 6], planar));
    expect([chw?.format, valuesOf(chw)]).toEqual(['u8-chw', [...planar]]);
  });

  it('are floats in either layout, as planes', async () => {
    const scaled = (bytes: Uint8Array): Uint8Array => new Uint8Array(Float32Array.from(bytes, (byte) => byte / 128).buffer);
    const wanted = [...planar].map((byte) => byte / 128);
    expect(valuesOf((await seen(ndarray('<f4', [3, 4, 6], scaled(planar))))[0])).toEqual(wanted);
    expect(valuesOf((await seen(ndarray('<f4', [4, 6, 3], scaled(pixels))))[0])).toEqual(wanted);
  });

  it.each([
    ['are kept where they lie in the message', 0, true],
    ['are copied where the message is much more than they are', 100_000, false],
  ] as const)('%s', async (_, others, isKept) => {
    const { policy, session } = await converse({}, { observations: [STATE, { ...CAMERA, height: 40, width: 60 } as typeof CAMERA] });
    const frame = Uint8Array.from({ length: 40 * 60 * 3 }, (_, i) => i);
    const images = ndarray('|u1', [40, 60, 3], frame);
    // Memory of its own, as a socket hands it over.
    const sent = message({ ...state(1, 2), 'images/front': images, unread: new Uint8Array(others) });
    const own = new Uint8Array(sent);
    await session.answer(own, 0);
    const [picture] = policy.windows[0]?.['observation.images.front'] as [Picture];
    expect([picture.format, valuesOf(picture)]).toEqual(['u8-hwc3', [...frame]]);
    expect(picture.bytes.buffer === own.buffer).toBe(isKept);
  });

  it('are copied beside large ones of floats, which are converted and do not hold the message', async () => {
    const front = { ...CAMERA, height: 40, width: 60 } as typeof CAMERA;
    const wrist = { ...front, name: 'observation.images.wrist', feature: 'observation.images.wrist' };
    const { policy, session } = await converse({}, { observations: [STATE, front, wrist] });
    const frame = new Uint8Array(40 * 60 * 3).fill(9);
    const floating = ndarray('<f4', [40, 60, 3], new Uint8Array(4 * frame.length));
    const own = new Uint8Array(message({ ...state(1, 2), 'images/front': ndarray('|u1', [40, 60, 3], frame), 'images/wrist': floating }));
    await session.answer(own, 0);
    const [picture] = policy.windows[0]?.[front.name] as [Picture];
    expect([picture.format, valuesOf(picture)]).toEqual(['u8-hwc3', [...frame]]);
    expect(picture.bytes.buffer).not.toBe(own.buffer);
  });

  it('are windows with a frame before the others', async () => {
    const { policy, session } = await converse({}, { observations: [STATE, CAMERA] });
    const window = Uint8Array.of(...pixels, ...planar);
    await session.answer(message({ state: floats([1, 2, 3, 4], [2, 2]), 'images/front': ndarray('|u1', [2, 4, 6, 3], window) }), 0);
    expect((policy.windows[0]?.['observation.images.front'] as Picture[]).map(valuesOf)).toEqual([[...pixels], [...planar]]);
  });

  it('of another size or kind are refused, saying what is right', async () => {
    await expect(seen(ndarray('|u1', [6, 4, 3], pixels))).rejects.toThrow(
      /must be an image \[4, 6, 3\] or \[3, 4, 6\].*found \|u1 \[6, 4, 3\]/,
    );
    await expect(seen(ndarray('<i4', [4, 6, 3], new Uint8Array(288)))).rejects.toThrow(/found <i4/);
    await expect(seen('a picture')).rejects.toThrow(/must be an array, found a picture/);
    await expect(seen(floats(new Array(72).fill(2), [3, 4, 6]))).rejects.toThrow(/2 at index 0/);
  });
});

describe('what is no observation', () => {
  it.each([
    ['no map', pack([1, 2]), /must be a map/],
    ['a missing feature', message({}), /"observation.state" is missing/],
    ['a wrong size', message({ state: floats([1, 2, 3]) }), /must be 2 numbers, \[2\], or 2 frames of them, \[2, 2\].*found \[3\]/],
    ['NaN', message({ state: floats([1, Number.NaN]) }), /NaN at index 1/],
    ['nothing', message({ state: null }), /must be numbers, found null/],
    ['a text', message({ state: 'fast' }), /must be numbers, found fast/],
    ['rows of different lengths', message({ state: [[1, 2], [3]] }), /of one length/],
    ['numbers among lists', message({ state: [[1, 2], 3] }), /of one length/],
    [
      'groups in groups',
      message({ a: new Map([['b', new Map([['c', new Map([['d', new Map([['e', new Map()]])]])]])]]) }),
      /more than 4 groups/,
    ],
  ])('%s: an error in words', async (_, bytes, words) => {
    const { session } = await converse();
    await expect(session.answer(bytes, 0)).rejects.toThrow(words);
    await expect(session.answer(bytes, 0)).rejects.toBeInstanceOf(WarmstepError);
  });

  it('is an error for every changed message that is none, and the session lives', async () => {
    const { session, ask } = await converse({}, { observations: [STATE, CAMERA] });
    const camera = ndarray('|u1', [4, 6, 3], new Uint8Array(72));
    const good = { ...state(1, 2), 'observation/images/front': camera, prompt: 'push', reset: true };
    const random = randomNumbers(7);
    let refused = 0;
    for (let i = 0; i < 4000; i++) {
      try {
        await session.answer(changed(message(good), random), i);
      } catch (error) {
        if (!(error instanceof WarmstepError)) throw error;
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(3000);
    expect((await ask(good)).slice(0, 2)).toEqual([1, 2]);
  });
});
