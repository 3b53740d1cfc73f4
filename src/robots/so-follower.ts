import { OptionError } from '../foundation/errors.js';
import { checkChoice, checkKeys, checkMethods, checkNumber, checkObject, checkToggle, copyNumbers, keysOf } from '../foundation/options.js';
import { SetupError } from '../foundation/setup-error.js';
import { type ArmCalibration, JOINTS, type JointName } from './calibration.js';
import { BusError, type FeetechBus, ServoError } from './feetech-bus.js';
import { STEPS_PER_TURN, STS3215, STS3215_MODEL } from './registers.js';
import { type ArmUnits, type JointUnits, toSteps, toUnits } from './units.js';

export interface SoFollowerOptions {
  readonly calibration: ArmCalibration;
  /** What joint values mean: said, never guessed. */
  readonly units: ArmUnits;
  /**
   * The farthest that a goal may lie from where the joint is, in its units: farther ones are brought nearer. Infinity: no limit. Costs a
   * read per goal.
   */
  readonly maxRelativeTarget: number;
  /** Whether a calibration that differs from what the servos hold is written to them. Default false: an error that says what differs. */
  readonly writesCalibration?: boolean;
}

/** What a servo says of itself. */
export interface ServoState {
  readonly joint: JointName;
  readonly id: number;
  /** Steps of its sensor, 0 … 4095. */
  readonly steps: number;
  /** The same in the units of the arm. */
  readonly position: number;
  /** Volts. */
  readonly voltage: number;
  /** Degrees Celsius. */
  readonly temperature: number;
  readonly hasTorque: boolean;
}

/** What an arm is found like. */
export interface ArmState {
  /** In the order of `joints`. */
  readonly servos: readonly ServoState[];
  /** In words, where the calibration is not what the servos hold; empty where it is. */
  readonly differences: readonly string[];
}

const KEYS = keysOf<SoFollowerOptions>({ calibration: true, units: true, maxRelativeTarget: true, writesCalibration: true });

/**
 * A follower arm SO-100 or SO-101: six STS3215 on a bus, set up as LeRobot's `so_follower` sets them up. It is limp until
 * `enableTorque`, and holds its pose from then on, also when this process is gone: servos keep their last goal, and nothing but `relax`
 * or the supply lets go.
 */
export class SoFollower {
  readonly joints = JOINTS;
  readonly units: ArmUnits;
  readonly #bus: FeetechBus;
  readonly #calibration: ArmCalibration;
  readonly #maxRelativeTarget: number;
  readonly #writesCalibration: boolean;
  readonly #ids: readonly number[];
  #isConnected = false;
  #hasTorque = false;
  /** How often it was let go of: who is taking hold meanwhile sees it change. */
  #releases = 0;

  /** @throws OptionError */
  constructor(bus: FeetechBus, options: SoFollowerOptions) {
    checkKeys('SoFollower', options, KEYS);
    checkMethods('SoFollower', 'bus', bus, 'a FeetechBus', ['ping', 'read', 'write', 'readAll', 'writeAll']);
    this.#bus = bus;
    this.#calibration = checkedCalibration(options.calibration);
    this.units = checkChoice('SoFollower', 'units', options.units, ['degrees', 'range']);
    this.#maxRelativeTarget = checkNumber(
      'SoFollower',
      'maxRelativeTarget',
      options.maxRelativeTarget,
      'a positive number',
      (value) => value > 0,
    );
    this.#writesCalibration =
      options.writesCalibration === undefined ? false : checkToggle('SoFollower', 'writesCalibration', options.writesCalibration);
    this.#ids = JOINTS.map((joint) => this.#calibration[joint].id);
  }

  get hasTorque(): boolean {
    return this.#hasTorque;
  }

  /**
   * Finds the servos, compares the calibration with what they hold, and sets them up. The arm is limp after it.
   * @throws BusError for a joint that is silent or no STS3215; OptionError where the calibration is another arm's.
   */
  async connect(): Promise<void> {
    await this.#find();
    await this.relax();
    await this.#compareCalibration();
    for (const joint of JOINTS) await this.#setUp(joint);
    this.#isConnected = true;
  }

  /**
   * Finds the servos and reads what they say: nothing is written, and an arm that holds itself goes on to.
   * @throws BusError for a joint that is silent or no STS3215; ServoError.
   */
  async inspect(): Promise<ArmState> {
    await this.#find();
    const servos: ServoState[] = [];
    for (const joint of JOINTS) {
      const { id } = this.#calibration[joint];
      const steps = await this.#bus.read(id, STS3215.presentPosition);
      servos.push({
        joint,
        id,
        steps,
        position: toUnits(steps, unitsOf(joint, this.units), this.#calibration[joint]),
        voltage: (await this.#bus.read(id, STS3215.presentVoltage)) / 10,
        temperature: await this.#bus.read(id, STS3215.presentTemperature),
        hasTorque: (await this.#bus.read(id, STS3215.torqueEnable)) !== 0,
      });
    }
    return { servos, differences: await this.#differences() };
  }

  /** Joint values of the present, in the order of `joints`. @throws BusError, ServoError. */
  async observe(): Promise<Float32Array> {
    const steps = await this.#bus.readAll(this.#ids, STS3215.presentPosition);
    return Float32Array.from(JOINTS, (joint, i) => toUnits(steps[i] as number, unitsOf(joint, this.units), this.#calibration[joint]));
  }

  /**
   * Takes hold: the arm keeps the pose that it is in. A `relax` that is called meanwhile wins: the arm is limp.
   * @throws BusError, ServoError; OptionError before `connect`, and where `relax` was called meanwhile.
   */
  async enableTorque(): Promise<void> {
    if (!this.#isConnected) throw new OptionError('SoFollower: connect() comes before enableTorque().');
    const releases = this.#releases;
    // Or it would jump to the goal of whoever drove it before.
    const present = await this.#bus.readAll(this.#ids, STS3215.presentPosition);
    const here = new Map(this.#ids.map((id, i) => [id, present[i] as number]));
    const writes = [
      () => this.#bus.writeAll(STS3215.goalPosition, here),
      ...this.#ids.flatMap((id) => [STS3215.torqueEnable, STS3215.lock].map((register) => () => this.#bus.write(id, register, 1))),
    ];
    for (const write of writes) {
      // Asked right before each: none comes to stand behind those of a relax() in the bus's queue.
      if (releases !== this.#releases) break;
      await write();
    }
    if (releases !== this.#releases) {
      await this.#letGo();
      throw new OptionError(
        'SoFollower.enableTorque: relax() was called meanwhile: the arm is limp. Take hold again where it is to stand.',
      );
    }
    this.#hasTorque = true;
  }

  /**
   * Moves towards joint values, in the order of `joints`, no farther than `maxRelativeTarget` from the present ones. Returns what was sent.
   * @throws OptionError for values that are not finite or not six, and while the arm is limp; BusError, ServoError.
   */
  async send(action: ArrayLike<number>): Promise<Float32Array> {
    const wanted = copyNumbers(action, JOINTS.length, (found, index) => {
      const at = index === undefined ? '' : ` at index ${index} (${JOINTS[index]})`;
      return new OptionError(`SoFollower.send: expected ${JOINTS.length} finite joint values, found ${found}${at}. Nothing was sent.`);
    });
    if (!this.#hasTorque) throw new OptionError('SoFollower.send: the arm is limp: call enableTorque() first.');
    const goal = this.#maxRelativeTarget === Infinity ? wanted : limited(wanted, await this.observe(), this.#maxRelativeTarget);
    const steps = new Map(
      JOINTS.map((joint, i) => {
        const found = toSteps(goal[i] as number, unitsOf(joint, this.units), this.#calibration[joint]);
        // Degrees have no limits of their own: the servo's are those of its sensor.
        return [this.#calibration[joint].id, Math.min(STEPS_PER_TURN - 1, Math.max(0, found))] as const;
      }),
    );
    await this.#bus.writeAll(STS3215.goalPosition, steps);
    return Float32Array.from(goal);
  }

  /**
   * Lets go: the arm falls if nothing holds it. Tried for every joint, whatever the others say; a servo that complains has let go as well.
   * @throws BusError of the first that did not answer.
   */
  async relax(): Promise<void> {
    this.#hasTorque = false;
    this.#releases++;
    await this.#letGo();
  }

  async #letGo(): Promise<void> {
    const failures: unknown[] = [];
    for (const id of this.#ids) {
      for (const register of [STS3215.torqueEnable, STS3215.lock]) {
        try {
          await this.#bus.write(id, register, 0);
        } catch (error) {
          if (error instanceof ServoError) continue;
          failures.push(error);
          break;
        }
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  async #find(): Promise<void> {
    for (const [index, id] of this.#ids.entries()) {
      if (!(await this.#bus.ping(id))) {
        throw new BusError(`${JOINTS[index]} (servo ${id}) does not answer: expected six servos on the bus. Look at power, cable and ids.`);
      }
      const model = await this.#bus.read(id, STS3215.model);
      if (model !== STS3215_MODEL)
        throw new BusError(`${JOINTS[index]} (servo ${id}): expected an STS3215 (model ${STS3215_MODEL}), found model ${model}.`);
    }
  }

  async #compareCalibration(): Promise<void> {
    const differences = await this.#differences(this.#writesCalibration);
    if (differences.length === 0 || this.#writesCalibration) return;
    throw new SetupError(
      `SoFollower: the calibration is not what the servos hold: ${differences.slice(0, 3).join('; ')}${differences.length > 3 ? ' …' : ''}. Give ` +
        "this arm's file, calibrate again, or write the file to the servos with `writesCalibration`.",
    );
  }

  /** Where the calibration is not what the servos hold, which it then is where it is written. */
  async #differences(isWritten = false): Promise<string[]> {
    const differences: string[] = [];
    for (const joint of JOINTS) {
      const { id, homingOffset, rangeMin, rangeMax } = this.#calibration[joint];
      const wanted = [
        [STS3215.homingOffset, homingOffset],
        [STS3215.minPosition, rangeMin],
        [STS3215.maxPosition, rangeMax],
      ] as const;
      for (const [register, value] of wanted) {
        const found = await this.#bus.read(id, register);
        if (found === value) continue;
        differences.push(`${joint} ${register.name} ${found} in the servo, ${value} in the file`);
        if (isWritten) await this.#bus.write(id, register, value);
      }
    }
    return differences;
  }

  /** As LeRobot sets up its follower: gentle gains, full acceleration, a gripper that does not burn out. */
  async #setUp(joint: JointName): Promise<void> {
    const { id } = this.#calibration[joint];
    const write = (register: (typeof STS3215)[keyof typeof STS3215], value: number): Promise<void> => this.#bus.write(id, register, value);
    await write(STS3215.returnDelay, 0);
    await write(STS3215.maxAcceleration, 254);
    await write(STS3215.acceleration, 254);
    // Bit 4 makes positions count over several turns.
    await write(STS3215.phase, (await this.#bus.read(id, STS3215.phase)) & ~0x10);
    await write(STS3215.mode, 0);
    await write(STS3215.proportional, 16);
    await write(STS3215.integral, 0);
    await write(STS3215.derivative, 32);
    if (joint !== 'gripper') return;
    await write(STS3215.maxTorque, 500);
    await write(STS3215.protectionCurrent, 250);
    await write(STS3215.overloadTorque, 25);
  }
}

/** As `readCalibration` returned it. @throws OptionError */
function checkedCalibration(calibration: ArmCalibration): ArmCalibration {
  checkObject('SoFollower', 'calibration', calibration);
  const missing = JOINTS.find((joint) => !Number.isInteger(calibration[joint]?.id));
  if (missing) throw new OptionError(`SoFollower: calibration must be what readCalibration returned, found no "${missing}" in it.`);
  return calibration;
}

function unitsOf(joint: JointName, units: ArmUnits): JointUnits {
  return joint === 'gripper' ? 'percent' : units;
}

function limited(goal: Float64Array, present: Float32Array, most: number): Float64Array {
  return goal.map((value, i) => Math.min((present[i] as number) + most, Math.max((present[i] as number) - most, value)));
}
