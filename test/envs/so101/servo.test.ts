import { describe, expect, it } from 'vitest';
import { checkSo101Options, servoOf } from '../../../src/envs/so101/options.js';
import { COUNT, SERVO_7V, SERVO_12V, Servos } from '../../../src/envs/so101/servo.js';
import { SO101_GOLDEN } from '../../support/so101.js';

describe('the servo', () => {
  it('has the constants that were identified', () => {
    const { fullTorque, damping, stiffness } = new Servos(SERVO_12V, 1);
    const { stallAtFullDuty, damping: d, stiffnessP16, counts } = SO101_GOLDEN.servoConst;
    expect([fullTorque, damping, stiffness, COUNT]).toEqual([stallAtFullDuty, d, stiffnessP16, counts]);
    expect(new Servos(SERVO_7V, 1).fullTorque).toBeCloseTo(3.35, 3);
    expect(new Servos(SERVO_7V, 1).damping).toBeCloseTo(0.615, 3);
  });

  it.each(SO101_GOLDEN.servo)('gives the recorded torque and friction: goal $goal, at $q, load $bias, speed $w', (row) => {
    const servos = new Servos(SERVO_12V, 1, -1);
    servos.reset([row.goal]);
    const reading = Math.round(row.q / COUNT);
    expect([servos.goals[0], reading]).toEqual([row.goalCount, row.posCount]);
    const torque = servos.torque(0, reading, 1 / 600);
    expect(torque).toBeCloseTo(row.tau, 8);
    expect(servos.frictionLoss(torque, row.bias, row.w)).toBeCloseTo(row.frictionloss, 8);
  });

  it('follows its goal no faster than its firmware does', () => {
    const servos = new Servos(SERVO_12V, 1);
    servos.reset([0]);
    servos.setGoals([1]);
    for (let step = 0; step < 30; step++) servos.torque(0, 0, 1 / 300);
    expect((servos.references[0] as number) * COUNT).toBeCloseTo(0.52, 3);
  });

  it('lets go: no current brakes the motor, and the ramp begins where the joint is when it takes hold again', () => {
    const servos = new Servos(SERVO_12V, 2);
    servos.reset([0, 0]);
    servos.setTorque(0, false);
    expect([servos.hasTorque(0), servos.hasTorque(1)]).toEqual([false, true]);
    const velocity = 1.5;
    // What is left of the joint's damping is viscous friction.
    expect(servos.damping * velocity - servos.coast(0, 300, velocity)).toBeCloseTo(SERVO_12V.viscous * velocity, 12);
    servos.setTorque(0, true);
    const [reference] = servos.references;
    servos.torque(0, 300, 1 / 300);
    expect([reference, (servos.references[0] as number) < 300, (servos.references[0] as number) > 280]).toEqual([300, true, true]);
    servos.setTorque(1, false);
    servos.reset([0, 0]);
    expect(servos.hasTorque(1)).toBe(true);
  });

  it('holds the gripper at half its torque', () => {
    const servos = new Servos(SERVO_12V, 6);
    servos.reset([1, 1, 1, 1, 1, 1]);
    expect(servos.torque(0, -2000, 1)).toBeCloseTo(2.94, 9);
    expect(servos.torque(5, -2000, 1)).toBeCloseTo(1.47, 9);
  });

  it('is what the options say', () => {
    const servo = servoOf(checkSo101Options('test', { voltage: 7.4, p: 32, friction: 0.5 }));
    expect(servo).toEqual({
      ...SERVO_7V,
      proportional: 32,
      friction: { base: 0.0117, stribeck: 0.05995, load: 0.0238, loadStribeck: 0.14875 },
    });
  });
});
