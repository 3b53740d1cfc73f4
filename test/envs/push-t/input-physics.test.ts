import { describe, expect, it } from 'vitest';
import { PushT, type PushTState } from '../../../src/envs/push-t/push-t.js';
import { NonFiniteError, OptionError } from '../../../src/foundation/errors.js';

const STATE: PushTState = { agentX: 100, agentY: 100, blockX: 250, blockY: 250, angle: 1 };

/** What a caller without types may pass. */
const untyped = (value: unknown): never => value as never;

describe('Push-T refuses bad input and stays as it was', () => {
  const pushT = new PushT();
  pushT.reset(5);
  pushT.step([300, 300]);
  const twin = new PushT();
  twin.reset(5);
  twin.step([300, 300]);

  const refused = (call: () => unknown, error: new (message: string) => Error, message: RegExp): void => {
    const before = pushT.state;
    expect(call).toThrow(error);
    expect(call).toThrow(message);
    expect(pushT.state).toEqual(before);
    // Velocities and contacts are as they were, too: the next step is that of a twin which was never asked.
    expect(pushT.step([200, 300])).toEqual(twin.step([200, 300]));
    expect(pushT.state).toEqual(twin.state);
  };

  it.each([[[NaN, 1]], [[1, NaN]], [[Infinity, 1]], [[1, -Infinity]]])('target %j is not finite', (target) => {
    refused(() => pushT.step(target), NonFiniteError, /2 finite numbers/);
  });

  const notTwo: [unknown][] = [[[]], [[1]], [[1, 2, 3]], [undefined], [['1', '2']], [[1, null]]];
  it.each(notTwo)('target %j is not two numbers', (target) => {
    refused(() => pushT.step(untyped(target)), OptionError, /must be 2 numbers/);
  });

  it('a target whose square would overflow', () => {
    refused(() => pushT.step([1e300, 0]), OptionError, /within ±1000000000 pixels/);
  });

  it.each([-1, 2 ** 32, 0.5, NaN, Infinity, untyped('7'), untyped(undefined)])('seed %s', (seed) => {
    refused(() => pushT.reset(seed), OptionError, /integer from 0 to 4294967295/);
  });

  const names = ['agentX', 'agentY', 'blockX', 'blockY', 'angle'];
  it.each(names)('a state whose %s is missing, not finite or far away', (name) => {
    for (const value of [undefined, NaN, Infinity, 1e10]) {
      const state = untyped({ ...STATE, [name]: value });
      refused(() => pushT.resetTo(state), OptionError, new RegExp(`${name} must be a number within`));
      refused(() => pushT.placeAt(state), OptionError, new RegExp(`${name} must be a number within`));
    }
  });

  it('unknown options, and a legacy order that is not true or false', () => {
    expect(() => new PushT(untyped({ legasy: true }))).toThrow(/unknown option "legasy"/);
    expect(() => new PushT(untyped({ legacy: 'no' }))).toThrow(/legacy must be true or false/);
  });
});

describe('Push-T stays finite', () => {
  it('whatever the targets are', () => {
    const pushT = new PushT();
    // Far and near targets in turn, so that the agent hits the block at every speed, from every side and inside of it.
    for (let seed = 0; seed < 20; seed++) {
      pushT.reset(seed);
      for (let step = 0; step < 100; step++) {
        const reach = 10 ** ((seed + step) % 10);
        const { blockX, blockY } = pushT.state;
        const turn = step * 2.4;
        const limit = (value: number): number => Math.max(-1e9, Math.min(1e9, value));
        pushT.step([limit(blockX + reach * Math.cos(turn)), limit(blockY + reach * Math.sin(turn))]);
        for (const value of Object.values(pushT.state)) expect(value).toSatisfy(Number.isFinite);
        expect(pushT.coverage).toBeGreaterThanOrEqual(0);
      }
    }
  });

  it('where things lie exactly on each other', () => {
    const pushT = new PushT();
    // The agent on corners, edges and the centre of the block; the block along and across the end of a wall.
    const poses: [number, number, number, number, number][] = [
      [190, 200, 250, 200, 0],
      [250, 200, 250, 200, 0],
      [265, 230, 250, 200, 0],
      [250, 245, 250, 200, 0],
      [400, 400, 65, 5, 0],
      [400, 400, 5, 506, 0],
      [400, 400, 5, 506, Math.PI / 2],
      [400, 400, 5, 480, Math.PI],
      [5, 5, 5, 5, 0],
      [506, 506, 506, 506, Math.PI / 4],
    ];
    for (const [agentX, agentY, blockX, blockY, angle] of poses) {
      pushT.placeAt({ agentX, agentY, blockX, blockY, angle });
      for (let step = 0; step < 20; step++) pushT.step([agentX, agentY]);
      for (const value of Object.values(pushT.state)) expect(value).toSatisfy(Number.isFinite);
    }
  });
});
