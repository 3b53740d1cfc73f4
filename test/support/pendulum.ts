import type { MujocoModule } from '../../src/envs/mujoco/module.js';
import { Simulation } from '../../src/envs/mujoco/simulation.js';
import { COUNT, type ServoParameters, Servos } from '../../src/envs/so101/servo.js';

export interface Pendulum {
  readonly servo: ServoParameters;
  /** kg, at 0.1 m. */
  readonly mass: number;
  /** Angle above the horizon of the servo's zero, rad. Default 0. */
  readonly raised?: number;
  readonly hasGravity?: boolean;
}

const TIMESTEP = 1 / 600;

/** One servo with a weight on a lever of 10 cm, as on a test bench: goals in rad go in, counts come out. */
export class ServoBench {
  readonly #simulation: Simulation;
  readonly #servos: Servos;

  constructor(mujoco: MujocoModule, { servo, mass, raised = 0, hasGravity = true }: Pendulum) {
    this.#servos = new Servos(servo, 1, -1);
    this.#simulation = new Simulation(
      mujoco,
      `<mujoco><compiler angle="radian"/><size memory="200K"/><option timestep="${TIMESTEP}" integrator="implicitfast" ` +
        `${hasGravity ? '' : 'gravity="0 0 0"'}/><worldbody><body euler="0 ${-raised} 0"><joint name="j" axis="0 -1 0" ` +
        `damping="${this.#servos.damping}" armature="${servo.armature}" frictionloss=".1" solreffriction=".004 1"/>` +
        `<inertial pos=".1 0 0" mass="${mass}" diaginertia="1e-5 1e-5 1e-5"/></body></worldbody>` +
        '<actuator><motor joint="j"/></actuator></mujoco>',
      TIMESTEP,
    );
    this.#simulation.forward();
    this.#servos.reset([0]);
  }

  /** Counts after each tick of 20 steps. */
  run(goal: number, seconds: number): number[] {
    this.#servos.setGoals([goal]);
    return Array.from({ length: Math.round(seconds * 30) }, () => {
      this.#simulation.step(20, ({ qpos, qvel, ctrl, bias, frictionloss }) => {
        const torque = this.#servos.torque(0, Math.round((qpos[0] as number) / COUNT), TIMESTEP);
        ctrl[0] = torque;
        frictionloss[0] = this.#servos.frictionLoss(torque, bias[0] as number, qvel[0] as number);
      });
      return Math.round((this.#simulation.views.qpos[0] as number) / COUNT);
    });
  }

  close(): void {
    this.#simulation.delete();
  }
}
