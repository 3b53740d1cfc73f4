import { describe, expect, it } from 'vitest';
import { EnvironmentLostError } from '../../../src/envs/environment.js';
import type { MujocoModule } from '../../../src/envs/mujoco/module.js';
import { Simulation, SimulationError } from '../../../src/envs/mujoco/simulation.js';

const fails = (thrown: unknown) => () => {
  throw thrown;
};
const model = { delete: () => {} };

/** A module that takes no model, or a model and no state. */
function broken(thrown: unknown, part: 'model' | 'state'): MujocoModule {
  class MjData {
    constructor() {
      fails(thrown)();
    }
  }
  return { MjModel: { from_xml_string: part === 'model' ? fails(thrown) : () => model }, MjData } as unknown as MujocoModule;
}

describe('a simulation that MuJoCo does not make', () => {
  it.each([
    ['std::bad_alloc', 'model'],
    ['MuJoCo Error: Loading error: Error: engine error: Could not allocate memory\n', 'model'],
    ['std::bad_alloc', 'state'],
  ] as const)('for want of memory, %j of the %s, is no failure of an episode', (message, part) => {
    const make = (): Simulation => new Simulation(broken(new Error(message), part), '<mujoco/>', 0.01);
    expect(make).toThrow(EnvironmentLostError);
    expect(make).toThrow(`MuJoCo has no memory for another simulation (${message.trim()}): close others, or run fewer side by side.`);
  });

  it.each([
    ['a number', 5_341_096, '5341096'],
    ['an error without a message', { name: 'CppException' }, '[object Object]'],
    ['nothing', undefined, 'undefined'],
  ])('is told where a build of MuJoCo throws %s', (_, thrown, shown) => {
    const make = (part: 'model' | 'state') => () => new Simulation(broken(thrown, part), '<mujoco/>', 0.01);
    expect(make('state')).toThrow(EnvironmentLostError);
    expect(make('state')).toThrow(`MuJoCo has no memory for another simulation (${shown})`);
    expect(make('model')).toThrow(new SimulationError(`MuJoCo does not take the model: ${shown}`));
  });

  it('for its model is told in its words', () => {
    const make = (): Simulation => new Simulation(broken(new Error('unrecognized element'), 'model'), '<lamp/>', 0.01);
    expect(make).toThrow(SimulationError);
    expect(make).toThrow('MuJoCo does not take the model: unrecognized element');
  });
});
