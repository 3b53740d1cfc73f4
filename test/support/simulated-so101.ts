import { So101Motors } from '../../src/envs/so101/motors.js';
import type { So101Options } from '../../src/envs/so101/options.js';
import { So101 } from '../../src/envs/so101/so101.js';
import { readCalibration } from '../../src/robots/calibration.js';
import { FeetechBus } from '../../src/robots/feetech-bus.js';
import type { SerialLine } from '../../src/robots/port.js';
import { SimulatedArm, type SimulatedArmOptions } from '../../src/robots/simulated/simulated-arm.js';
import { SoFollower } from '../../src/robots/so-follower.js';
import { mujoco } from './mujoco.js';

/** An arm in MuJoCo behind its bus. */
export interface SimulatedSo101 {
  readonly environment: So101;
  readonly motors: So101Motors;
  readonly arm: SimulatedArm;
  close(): void;
}

export async function simulatedSo101(options: SimulatedArmOptions & { readonly so101?: So101Options } = {}): Promise<SimulatedSo101> {
  const { so101 = {}, ...others } = options;
  const environment = new So101(await mujoco(), 'so101-pick-place', so101);
  environment.reset(3);
  const motors = new So101Motors(environment);
  const arm = new SimulatedArm(motors, others);
  return {
    environment,
    motors,
    arm,
    close: () => {
      arm.close();
      environment.close();
    },
  };
}

/** Who drives it, in LeRobot's older units. */
export function followerOf(arm: SimulatedArm, line: SerialLine, most = 5): { readonly bus: FeetechBus; readonly follower: SoFollower } {
  const bus = new FeetechBus(line, { timeoutMs: 40 });
  const calibration = readCalibration(arm.calibrationFile);
  return { bus, follower: new SoFollower(bus, { calibration, units: 'range', maxRelativeTarget: most }) };
}
