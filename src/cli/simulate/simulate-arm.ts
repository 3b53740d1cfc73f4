import { join } from 'node:path';
import { startMujoco } from '../../envs/mujoco/module.js';
import type { So101TaskName } from '../../envs/so101/goals.js';
import { So101Motors } from '../../envs/so101/motors.js';
import type { So101Options } from '../../envs/so101/options.js';
import { So101 } from '../../envs/so101/so101.js';
import { visible } from '../../foundation/visible.js';
import { writeOutputFile } from '../../platform/node/output-file.js';
import { JOINTS } from '../../robots/calibration.js';
import { SimulatedArm } from '../../robots/simulated/simulated-arm.js';
import { count } from '../../terminal/format.js';
import { print, printError } from '../../terminal/output.js';
import { Progress } from '../../terminal/progress.js';
import { facts } from '../../terminal/table.js';
import { importMujoco } from '../simulation/mujoco.js';
import { PseudoTerminal } from './pseudo-terminal.js';

/** Names in the folder. */
export const PORT = 'port';
export const CALIBRATION = 'calibration.json';

const SHOWN_MS = 200;

/** What the command line says, checked. */
export interface SimulateSettings {
  readonly task: So101TaskName;
  readonly options: So101Options;
  readonly seed: number;
  /** Absolute. */
  readonly folder: string;
  /** Infinity: until it is stopped. */
  readonly seconds: number;
}

/** Simulates an arm behind a pseudo-terminal until the signal or the time ends it. Returns the exit code. @throws what cannot be opened. */
export async function simulateArm(settings: SimulateSettings, signal: AbortSignal): Promise<number> {
  const environment = new So101(await startMujoco('simulate', importMujoco), settings.task, settings.options);
  try {
    environment.reset(settings.seed);
    signal.throwIfAborted();
    const arm = new SimulatedArm(new So101Motors(environment));
    try {
      return await behindTerminal(arm, environment, settings, signal);
    } finally {
      arm.close();
    }
  } finally {
    environment.close();
  }
}

async function behindTerminal(arm: SimulatedArm, environment: So101, settings: SimulateSettings, signal: AbortSignal): Promise<number> {
  const calibration = join(settings.folder, CALIBRATION);
  await writeOutputFile(calibration, `${JSON.stringify(arm.calibrationFile, null, 2)}\n`);
  const terminal = await PseudoTerminal.open(settings.folder, PORT);
  const began = performance.now();
  try {
    terminal.onData((bytes) => {
      const answer = arm.receive(bytes);
      if (answer.length > 0) terminal.write(answer);
    });
    print(
      facts([
        ['simulated', `${environment.name}, seed ${settings.seed}`],
        ['port', visible(terminal.path)],
        ['calibration', visible(calibration)],
      ]),
    );
    const problem = await untilOver(arm, environment, terminal, settings.seconds, signal);
    const { packets, damaged, lostMs } = arm.traffic;
    print(
      facts([
        ['time', `${((performance.now() - began) / 1000).toFixed(1)} s${stoodStill(lostMs)}`],
        ['packets', `${count(packets)}, ${count(damaged)} damaged`],
        ['torque', heldJoints(arm)],
      ]),
    );
    if (problem === undefined) return 0;
    printError(problem);
    return 1;
  } finally {
    await terminal.close();
  }
}

/** Shows the arm until it is over; returns why where something failed. */
async function untilOver(
  arm: SimulatedArm,
  environment: So101,
  terminal: PseudoTerminal,
  seconds: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const progress = new Progress();
  let timer: ReturnType<typeof setInterval> | undefined;
  const began = performance.now();
  try {
    return await new Promise<string | undefined>((resolve) => {
      void terminal.ended.then(resolve);
      signal.addEventListener('abort', () => resolve(undefined), { once: true });
      if (signal.aborted) resolve(undefined);
      timer = setInterval(() => {
        if (arm.failure) resolve(`the simulation failed: ${arm.failure.message}`);
        if (performance.now() - began > 1000 * seconds) resolve(undefined);
        const positions = environment.state.readings.map((value) => value.toFixed(1)).join('  ');
        progress.update(`torque ${heldJoints(arm)}; ${positions}`);
      }, SHOWN_MS);
    });
  } finally {
    clearInterval(timer);
    progress.done();
  }
}

function stoodStill(lostMs: number): string {
  return lostMs > 0 ? `, in which the arm stood still for ${(lostMs / 1000).toFixed(1)} s: the machine was busy` : '';
}

/** In words. */
function heldJoints({ torque }: SimulatedArm): string {
  const held = JOINTS.filter((_, joint) => torque[joint]);
  if (held.length === 0) return 'off';
  return held.length === JOINTS.length ? 'on' : `on in ${held.join(', ')}`;
}
