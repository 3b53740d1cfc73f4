import { describe, expect, it } from 'vitest';
import { ObservationError } from '../../src/foundation/errors.js';
import { checkFrame, checkWindow } from '../../src/observations/check.js';
import type { Observation } from '../../src/observations/frame.js';
import { loadPolicy } from '../../src/policy/load-policy.js';
import type { ObservationInfo } from '../../src/spec/policy-spec.js';
import { ChangedCheckpoint, PRE } from '../support/changed-checkpoint.js';
import { useTestDevice } from '../support/device.js';
import { bits, loadGolden, noise, window } from '../support/golden-policy.js';

const FEATURES: readonly ObservationInfo[] = [
  { kind: 'vector', name: 'joints', feature: 'observation.state', size: 2 },
  { kind: 'vector', name: 'observation.environment_state', feature: 'observation.environment_state', size: 3 },
];
const env = [10, 11, 12];

describe('checkFrame and checkWindow', () => {
  it('interleaves the features frame by frame, in the order of the conditioning vector', () => {
    const observation = { 'observation.environment_state': [10, 11, 12, 20, 21, 22], joints: [1, 2, 3, 4] };
    expect(checkWindow(FEATURES, observation, 2, 'act').map(({ values }) => values)).toEqual([
      Float32Array.of(1, 2, 10, 11, 12),
      Float32Array.of(3, 4, 20, 21, 22),
    ]);
  });

  it.each<[string, (values: number[]) => ArrayLike<number>]>([
    ['an array', (values) => values],
    ['Float32Array', (values) => Float32Array.from(values)],
    ['Float64Array', (values) => Float64Array.from(values)],
    ['Int16Array', (values) => Int16Array.from(values)],
    ['Uint8Array', (values) => Uint8Array.from(values)],
  ])('takes any array of numbers: %s', (_, from) => {
    const observation: Observation = { joints: from([1, 2]), 'observation.environment_state': from(env) };
    expect(checkFrame(FEATURES, observation, 'act').values).toEqual(Float32Array.of(1, 2, 10, 11, 12));
  });

  it('rounds f64 to f32', () => {
    expect(checkFrame(FEATURES, { joints: [0.1, 1e-50], 'observation.environment_state': env }, 'act').values[0]).toBe(Math.fround(0.1));
  });

  it('knows a feature by the name of the robot and by that of the policy, but not by both at once', () => {
    const byOwn = checkFrame(FEATURES, { 'observation.state': [1, 2], 'observation.environment_state': env }, 'act');
    expect(byOwn).toEqual(checkFrame(FEATURES, { joints: [1, 2], 'observation.environment_state': env }, 'act'));
    const both = { joints: [1, 2], 'observation.state': [1, 2], 'observation.environment_state': env };
    expect(() => checkFrame(FEATURES, both, 'act')).toThrow(/"joints" and "observation\.state" are the same feature/);
  });

  const refused: [string, unknown, RegExp][] = [
    ['a missing feature', { 'observation.environment_state': env }, /"joints" must be an array of 2 numbers per frame, found nothing/],
    [
      'an unknown name',
      { joints: [1, 2], 'observation.environment_state': env, speed: [1] },
      /"speed" is not known.*joints, observation\.environment_state/,
    ],
    ['too few values', { joints: [1], 'observation.environment_state': env }, /"joints" must have 2 values, found 1/],
    [
      'too many values',
      { joints: [1, 2], 'observation.environment_state': [...env, 1] },
      /"observation\.environment_state" must have 3 values, found 4/,
    ],
    ['NaN', { joints: [1, NaN], 'observation.environment_state': env }, /"joints" has NaN at index 1/],
    ['infinity', { joints: [-Infinity, 1], 'observation.environment_state': env }, /"joints" has -Infinity at index 0/],
    ['a number beyond f32', { joints: [1, 1e39], 'observation.environment_state': env }, /"joints" has 1e\+39 at index 1/],
    ['numbers as text', { joints: ['1', '2'], 'observation.environment_state': env }, /"joints" has 1 at index 0/],
    ['bigints', { joints: BigInt64Array.of(1n, 2n), 'observation.environment_state': env }, /"joints" has 1 at index 0/],
    ['null inside', { joints: [1, null], 'observation.environment_state': env }, /"joints" has null at index 1/],
    ['a hole', { joints: [1, , 2].slice(0, 2), 'observation.environment_state': env }, /"joints" has undefined at index 1/],
    [
      'nested arrays',
      {
        joints: [
          [1, 2],
          [3, 4],
        ],
        'observation.environment_state': env,
      },
      /"joints" has a list of 2 at index 0/,
    ],
    ['a string', { joints: '12', 'observation.environment_state': env }, /"joints" must be an array of 2 numbers per frame, found string/],
    ['a number', { joints: 12, 'observation.environment_state': env }, /"joints" must be an array.*found number/],
    ['null', { joints: null, 'observation.environment_state': env }, /"joints" must be an array/],
    ['no object: null', null, /must be an object of arrays by name, found null/],
    ['no object: undefined', undefined, /must be an object of arrays by name, found undefined/],
    ['no object: a string', 'state', /must be an object of arrays by name, found string/],
    ['an array', [1, 2], /"0" is not known/],
  ];

  it.each(refused)('refuses %s', (_, observation, message) => {
    const gather = (): unknown => checkFrame(FEATURES, observation as Observation, 'act');
    expect(gather).toThrow(ObservationError);
    expect(gather).toThrow(message);
    expect(gather).toThrow(/^act: /);
  });
});

describe('observations of a policy', () => {
  const device = useTestDevice();

  it('are refused without touching the episode: act() and decide() reject, and the next call works', async () => {
    const policy = await loadGolden(device(), 'state-bias-film');
    const name = policy.info.observations[0]?.name as string;
    await expect(policy.act({ ...window(policy), [name]: [NaN] })).rejects.toThrow(ObservationError);
    await expect(policy.act(window(policy))).rejects.toThrow(new RegExp(`${name}" must have`));
    await expect(policy.decide({ ...window(policy), [name]: [1, 2, 3] })).rejects.toThrow(new RegExp(`${name}" must have`));
    await expect(policy.decide({})).rejects.toThrow(new RegExp(name));
    expect((await policy.decide(window(policy))).warm).toBe(false);
    await policy.dispose();
  });

  it('have the names of the robot where the checkpoint renames them', async () => {
    const renamed = new ChangedCheckpoint('state-bias-film').steps(PRE, (steps) => {
      const rename = steps.find((step) => step.registry_name === 'rename_observations_processor');
      if (rename) rename.config.rename_map = { 'robot.joints': 'observation.state' };
    });
    const plain = await loadGolden(device(), 'state-bias-film');
    const policy = await loadPolicy(renamed.source, { device: device() });
    expect(policy.info.observations.map(({ name }) => name)).toEqual(['robot.joints', 'observation.environment_state']);
    const options = { previous: [], noise: noise(plain) };
    const found = await policy.decide(window(policy), options);
    expect(bits(found)).toEqual(bits(await plain.decide(window(plain), options)));
    await expect(policy.decide({ 'observation.environment_state': [0] })).rejects.toThrow(/"robot\.joints"/);
    await policy.dispose();
    await plain.dispose();
  });
});
