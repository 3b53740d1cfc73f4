import { describe, expect, it } from 'vitest';
import { Mt19937 } from '../../../src/envs/push-t/mt19937.js';
import { PushT } from '../../../src/envs/push-t/push-t.js';
import { drawState } from '../../../src/envs/push-t/reset.js';

describe('the legacy generator of NumPy', () => {
  it('draws the words of init_genrand', () => {
    expect(new Mt19937(0).nextWord()).toBe(2357136044);
    // The 10000th word of the default seed, as the C++ standard requires of std::mt19937.
    const standard = new Mt19937(5489);
    for (let i = 1; i < 10000; i++) standard.nextWord();
    expect(standard.nextWord()).toBe(4123659995);
  });

  it('draws integers over the whole of a range and not beyond', () => {
    const random = new Mt19937(3);
    const drawn = Array.from({ length: 2000 }, () => random.nextInteger(-2, 3));
    expect([...new Set(drawn)].sort((a, b) => a - b)).toEqual([-2, -1, 0, 1, 2]);
    expect(random.nextInteger(7, 8)).toBe(7);
  });
});

describe('Push-T reset', () => {
  // seed; agent; block drawn; angle; origin and coverage in the legacy order; coverage in the other
  it.each([
    [0, [222, 97], [217, 292], 3.0079994677219553, [222.993827393, 381.599036236], 0.180782622, 0.418664472],
    [1, [87, 285], [172, 355], -6.595749753457083, [158.162507247, 357.180334024], 0.000641707, 0],
    [2, [218, 65], [172, 122], -3.28337113063679, [178.358678625, 211.548481525], 0, 0],
    [42, [152, 398], [370, 206], -0.16423722535645258, [362.642505923, 206.605548985], 0, 0],
    [10000, [190, 103], [396, 102], -0.9910769040660181, [358.352262898, 122.349484973], 0, 0],
    [100000, [235, 124], [335, 128], -0.9049274284249247, [299.612885309, 145.201580731], 0, 0],
    [100001, [365, 182], [275, 280], -1.0981131397099535, [234.934254428, 304.512539646], 0.168961481, 0.123274643],
    [100002, [159, 417], [295, 339], -6.114616737632861, [302.549712108, 339.637833156], 0, 0],
    [100003, [148, 273], [301, 204], -14.329782047628804, [256.832185373, 257.614183136], 0.169877286, 0],
    [100049, [143, 388], [104, 324], -13.41298796393892, [70.293037148, 339.186569213], 0, 0],
  ] as const)('seed %i', (seed, agent, drawn, angle, origin, legacyCoverage, coverage) => {
    const state = drawState(seed);
    expect([state.agentX, state.agentY, state.blockX, state.blockY]).toEqual([...agent, ...drawn]);
    expect(state.angle).toBeCloseTo(angle, 14);

    const legacy = new PushT();
    const began = legacy.reset(seed);
    expect([began.agentX, began.agentY, began.angle]).toEqual([...agent, state.angle]);
    expect(Math.hypot(began.blockX - origin[0], began.blockY - origin[1])).toBeLessThan(1e-9);
    expect(legacy.coverage).toBeCloseTo(legacyCoverage, 9);

    const other = new PushT({ legacy: false });
    const lies = other.reset(seed);
    expect(Math.hypot(lies.blockX - drawn[0], lies.blockY - drawn[1])).toBeLessThan(1e-9);
    expect(other.coverage).toBeCloseTo(coverage, 9);
  });

  it('takes seeds from 0 to 2^32 − 1', () => {
    expect(new PushT().reset(2 ** 32 - 1)).not.toEqual(new PushT().reset(2 ** 32 - 2));
  });

  it('turns the block of an explicit state about its centre of gravity in the legacy order', () => {
    const state = { agentX: 0, agentY: 10, blockX: 20, blockY: 30, angle: 1 };
    const began = new PushT().resetTo(state);
    // gym-pusht's own example, printed as float32.
    expect(Math.fround(began.blockX)).toBe(Math.fround(57.866196));
    expect(Math.fround(began.blockY)).toBe(Math.fround(50.686398));
    const other = new PushT({ legacy: false }).resetTo(state);
    expect(other.blockX).toBeCloseTo(20, 12);
    expect(other.blockY).toBeCloseTo(30, 12);
  });

  it('places everything exactly where it is asked to, whatever the order', () => {
    const state = { agentX: 123.25, agentY: 77.5, blockX: 301.125, blockY: 199.75, angle: 5.5 };
    for (const legacy of [true, false]) {
      const placed = new PushT({ legacy }).placeAt(state);
      const errors = Object.values(placed).map((value, i) => value - (Object.values(state)[i] ?? NaN));
      for (const error of errors) expect(error).toBeCloseTo(0, 12);
    }
  });

  it('pushes an agent and a block apart that overlap at the start, beginning with the first step', () => {
    const pushT = new PushT();
    // Agent on the bar's outer edge, 5 px of overlap.
    const start = { agentX: 256, agentY: 190, blockX: 256, blockY: 200, angle: 0 };
    expect(pushT.placeAt(start)).toEqual(start);
    pushT.step([256, 190]);
    // The slop stays, and each of ten substeps corrects about 6 % of what is beyond it.
    const remaining = 5 - (pushT.state.blockY - 200);
    expect(remaining - 0.1).toBeCloseTo(4.9 * 0.0017970074436457143 ** 0.1, 6);
  });
});
