import { describe, expect, it } from 'vitest';
import { EnvironmentLostError } from '../../../src/envs/environment.js';
import type { MujocoModule } from '../../../src/envs/mujoco/module.js';
import { Simulation, SimulationError } from '../../../src/envs/mujoco/simulation.js';

const fails = (message: string) => () => {
  throw new Error(message);
};
const model = { delete: () => {} };

/** A module that takes no model, or a model and no state. */
function broken(message: string, part: 'model' | 'state'): MujocoModule {
  class MjData {
    constructor() {
      fails(message)();
    }
  }
  return { MjModel: { from_xml_string: part === 'model' ? fails(message) : () => model }, MjData } as unknown as MujocoModule;
}

describe('a simulation that MuJoCo does not make', () => {
  it.each([
    ['std::bad_alloc', 'model'],
    ['MuJoCo Error: Loading error: Error: engine error: Could not allocate memory\n', 'model'],
    ['std::bad_alloc', 'state'],
  ] as const)('for want of memory, %j of the %s, is no failure of an episode', (message, part) => {
    const make = (): Simulation => new Simulation(broken(message, part), '<mujoco/>', 0.01);
    expect(make).toThrow(EnvironmentLostError);
    expect(make).toThrow(
      `MuJoCo has no memory for another simulation (${message.trim()}): run fewer side by side (parallel, on the command line --parallel).`,
    );
  });

  it('for its model is told in its words', () => {
    const make = (): Simulation => new Simulation(broken('unrecognized element', 'model'), '<lamp/>', 0.01);
    expect(make).toThrow(SimulationError);
    expect(make).toThrow('MuJoCo does not take the model: unrecognized element');
  });
});
