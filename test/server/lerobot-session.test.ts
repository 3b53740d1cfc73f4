import { describe, expect, it } from 'vitest';
import type { Picture } from '../../src/observations/picture.js';
import { LeRobotSession, type LeRobotSettings } from '../../src/server/lerobot/session.js';
import { PolicyService } from '../../src/server/policy-service.js';
import { HELPERS, INSTRUCTIONS, PyBytes, pickledInstructions, pickledObservation, unpickledActions } from '../support/pickles.js';
import { CAMERA, type PretendOptions, PretendPolicy, STATE } from '../support/pretend-policy.js';

interface Conversation {
  readonly policy: PretendPolicy;
  readonly session: LeRobotSession;
  readonly refusals: unknown[];
  /** First values of the answer's rows, with their time steps; undefined for no answer. */
  actions(): Promise<readonly (readonly [number, number])[] | undefined>;
}

async function converse(options: PretendOptions = {}, settings: Partial<LeRobotSettings> = {}): Promise<Conversation> {
  const policy = new PretendPolicy(options);
  const service = new PolicyService(policy, { maxBatch: 1, maxWaiting: 4, onEvent: () => {} });
  await service.whenReady();
  const refusals: unknown[] = [];
  const now = (): number => performance.now();
  const onRefused = (error: unknown): void => void refusals.push(error);
  const session = new LeRobotSession(service, policy, { fps: 10, waitMs: 5, leastMs: 0, seed: 0, now, onRefused, ...settings });
  const actions = async (): Promise<readonly (readonly [number, number])[] | undefined> => {
    const bytes = await session.actions();
    return bytes.length === 0 ? undefined : unpickledActions(bytes).map(({ timestep, action }) => [timestep, action[0] as number]);
  };
  return { policy, session, refusals, actions };
}

describe('a session of LeRobot', () => {
  it('answers an observation with actions from its time step and moment on', async () => {
    const { session } = await converse();
    session.instruct(pickledInstructions());
    expect(session.observe(pickledObservation(5, 1, 2))).toBe(true);
    const actions = unpickledActions(await session.actions());
    expect(actions.map(({ timestep, action }) => [timestep, ...action])).toEqual([
      [5, 1, 2],
      [6, 2, 3],
      [7, 3, 4],
    ]);
    actions.forEach(({ timestamp }, i) => expect(timestamp).toBeCloseTo(100.5 + i / 10, 9));
  });

  it('hands out no more than the client asks for, under the names that it uses', async () => {
    const { session } = await converse();
    const module = 'lerobot.scripts.server.helpers';
    session.instruct(pickledInstructions({ actions_per_chunk: 2 }, module));
    session.observe(pickledObservation(5, 1, 2));
    expect(unpickledActions(await session.actions(), module).length).toBe(2);
    expect(HELPERS).not.toBe(module);
  });

  it('pairs frames that were observed a tick apart, decided on or not, and repeats where one is missing', async () => {
    const { session, actions } = await converse();
    session.instruct(pickledInstructions());
    session.observe(pickledObservation(0, 0, 0));
    expect(await actions()).toEqual([
      [0, 0],
      [1, 1],
      [2, 2],
    ]);
    // Too near to the last to be decided on, but a frame of its time.
    expect(session.observe(pickledObservation(7, 0.5, 0))).toBe(false);
    expect(session.observe(pickledObservation(8, 2, 0))).toBe(true);
    // 2 + 10 · (2 − 0.5).
    expect((await actions())?.[0]).toEqual([8, 17]);
    session.observe(pickledObservation(20, 9, 0));
    expect((await actions())?.[0]).toEqual([20, 9]);
  });

  it('decides on what is news, and on what must go', async () => {
    const { session, actions } = await converse();
    session.instruct(pickledInstructions());
    expect(session.observe(pickledObservation(3, 1, 0))).toBe(true);
    await actions();
    expect(session.observe(pickledObservation(3, 50, 0))).toBe(false);
    expect(session.observe(pickledObservation(4, 1.5, 0))).toBe(false);
    expect(session.observe(pickledObservation(4, 2, 0))).toBe(true);
    expect(session.observe(pickledObservation(3, 50, 0, { must_go: true }))).toBe(true);
    // The newer took the place of the older.
    expect((await actions())?.[0]?.[0]).toBe(3);
    expect(await actions()).toBeUndefined();
  });

  it('goes on from a chunk where the client has executed all of it, and begins anew elsewhere', async () => {
    const { session, policy, actions } = await converse();
    session.instruct(pickledInstructions());
    const ask = async (timestep: number): Promise<number | undefined> => {
      session.observe(pickledObservation(timestep, 1, 2, { must_go: true }));
      return (await actions())?.[0]?.[1];
    };
    // Three rows are executed of a chunk: the pretended policy counts decisions of an episode in thousands.
    expect([await ask(0), await ask(3), await ask(6), await ask(8), await ask(11)]).toEqual([1, 1001, 2001, 1, 1001]);
    expect(policy.begun).toBe(2);
    session.ready();
    expect(await ask(14)).toBe(1);
  });

  it('waits for an observation, and answers nothing where none comes', async () => {
    const { session, actions } = await converse({}, { waitMs: 2000 });
    session.instruct(pickledInstructions());
    const waiting = actions();
    session.observe(pickledObservation(5, 1, 2));
    expect((await waiting)?.length).toBe(3);
    const forgotten = actions();
    session.ready();
    expect(await forgotten).toBeUndefined();
  });

  it('takes its time, so that clients do not turn in a circle', async () => {
    const { session, actions } = await converse({}, { leastMs: 40 });
    session.instruct(pickledInstructions());
    session.observe(pickledObservation(5, 1, 2));
    const started = performance.now();
    await actions();
    expect(performance.now() - started).toBeGreaterThan(35);
  });

  it('answers nothing where a decision fails, and says so', async () => {
    const { session, policy, refusals, actions } = await converse();
    session.instruct(pickledInstructions());
    policy.isLost = true;
    session.observe(pickledObservation(5, 1, 2));
    expect(await actions()).toBeUndefined();
    expect(refusals).toEqual([expect.objectContaining({ name: 'DeviceLostError' })]);
  });

  it('reads pictures by the names of cameras, in the size of the policy', async () => {
    const { session, policy, actions } = await converse({ observations: [STATE, CAMERA] });
    session.instruct(pickledInstructions({ rename_map: { 'observation.images.front': CAMERA.name } }));
    const grey = new PyBytes([2, 3, 3], new Uint8Array(18).fill(99));
    session.observe(pickledObservation(5, 1, 2, { observation: { 'a.pos': 1, 'b.pos': 2, front: grey } }));
    await actions();
    const [picture] = policy.windows[0]?.[CAMERA.name] as Picture[];
    expect([picture?.height, picture?.width, new Set(picture?.bytes)]).toEqual([4, 6, new Set([99])]);
  });
});

describe('a picture that has the size of the policy', () => {
  const LARGE = { ...CAMERA, height: 40, width: 60 };
  const observe = async (others: object): Promise<{ readonly message: Uint8Array; readonly picture: Picture }> => {
    const { session, policy, actions } = await converse({ observations: [STATE, LARGE] });
    session.instruct(pickledInstructions({ rename_map: { 'observation.images.front': LARGE.name } }));
    const grey = new PyBytes([40, 60, 3], new Uint8Array(7200).fill(99));
    const message = new Uint8Array(pickledObservation(5, 1, 2, { observation: { 'a.pos': 1, 'b.pos': 2, front: grey, ...others } }));
    session.observe(message);
    await actions();
    return { message, picture: (policy.windows[0]?.[LARGE.name] as Picture[])[0] as Picture };
  };

  it('stays where it lies in the message', async () => {
    const { message, picture } = await observe({});
    expect(picture.bytes.buffer).toBe(message.buffer);
    expect([picture.bytes.length, new Set(picture.bytes)]).toEqual([7200, new Set([99])]);
  });

  it('is copied where the message is mostly something else, which would be held with it', async () => {
    const { message, picture } = await observe({ other: new PyBytes([100, 100, 3], new Uint8Array(30_000)) });
    expect(picture.bytes.buffer).not.toBe(message.buffer);
    expect([picture.bytes.length, new Set(picture.bytes)]).toEqual([7200, new Set([99])]);
  });

  it('is copied beside a large one that is resized, which does not hold the message', async () => {
    const wrist = { ...CAMERA, name: 'observation.images.wrist', feature: 'observation.images.wrist' };
    const { session, policy, actions } = await converse({ observations: [STATE, LARGE, wrist] });
    const [front, large] = [
      new PyBytes([40, 60, 3], new Uint8Array(7200).fill(99)),
      new PyBytes([100, 100, 3], new Uint8Array(30_000).fill(7)),
    ];
    const { lerobot_features: features } = INSTRUCTIONS;
    session.instruct(
      pickledInstructions({ lerobot_features: { ...features, 'observation.images.wrist': features['observation.images.front'] } }),
    );
    const message = new Uint8Array(pickledObservation(5, 1, 2, { observation: { 'a.pos': 1, 'b.pos': 2, front, wrist: large } }));
    session.observe(message);
    await actions();
    const pictures = [LARGE, wrist].map(({ name }) => (policy.windows[0]?.[name] as Picture[])[0] as Picture);
    expect(pictures.map(({ height, bytes }) => [height, new Set(bytes)])).toEqual([
      [40, new Set([99])],
      [4, new Set([7])],
    ]);
    expect(pictures.map(({ bytes }) => bytes.buffer === message.buffer)).toEqual([false, false]);
  });
});

describe('a robot that does not fit', () => {
  it.each([
    ['another kind of policy', { policy_type: 'act' }, /policy_type "act": this server has a diffusion policy/],
    ['no features', { lerobot_features: null }, /lerobot_features must be a dictionary/],
    ['a missing feature', { lerobot_features: {} }, /the robot has no "observation.state"/],
    [
      'another number of motors',
      { lerobot_features: { 'observation.state': { names: ['a', 'b', 'c'] } } },
      /has 3 names, and the policy reads 2/,
    ],
    ['motors without names', { lerobot_features: { 'observation.state': { names: null } } }, /must have `names`/],
    ['no actions', { actions_per_chunk: 0 }, /actions_per_chunk must be a whole number/],
  ])('%s is refused when it says so', async (_, changes, words) => {
    const { session } = await converse();
    expect(() => session.instruct(pickledInstructions(changes))).toThrow(words);
    expect(() => session.observe(pickledObservation(5, 1, 2))).toThrow(/no instructions yet/);
  });

  it.each([
    ['a missing motor', { observation: { 'a.pos': 1 } }, /"b.pos" must be a number, found undefined/],
    ['a motor that is not finite', { observation: { 'a.pos': 1, 'b.pos': Number.NaN } }, /NaN at index 1/],
    ['no dictionary', { observation: null }, /must be a dictionary/],
    ['no time step', { timestep: -1 }, /timestep must be a whole number/],
    ['no moment', { timestamp: 'now' }, /timestamp must be seconds/],
  ])('%s is refused with its observation', async (_, changes, words) => {
    const { session } = await converse();
    session.instruct(pickledInstructions());
    expect(() => session.observe(pickledObservation(5, 1, 2, changes))).toThrow(words);
  });

  it('a picture of other numbers is refused, and a record of another class', async () => {
    const { session } = await converse({ observations: [CAMERA] });
    session.instruct(pickledInstructions());
    const grey = new PyBytes([2, 9], new Uint8Array(18));
    expect(() => session.observe(pickledObservation(5, 1, 2, { observation: { front: grey } }))).toThrow(
      /must be bytes \[height, width, 3\], found \|u1 \[2, 9\]/,
    );
    expect(() => session.observe(pickledInstructions())).toThrow(/must be a TimedObservation, found RemotePolicyConfig/);
  });
});
