import { ArmDrive, FeetechBus, openWebSerial, readCalibration, SoFollower, type WebSerialPort } from 'warmstep/robots';
import type { PolicyWorker } from 'warmstep/worker';
import { Cameras } from './cameras.js';
import { part } from './dom.js';
import { openSession, stageText } from './session.js';

interface Serial {
  requestPort(): Promise<WebSerialPort>;
}

const decimals = (value: number): string => value.toFixed(1);
const number = (name: string): number => Number(part<HTMLInputElement>(name).value);
const mayMove = (): boolean => part<HTMLInputElement>('moves').checked;

let arm: SoFollower | undefined;
let bus: FeetechBus | undefined;
let policy: PolicyWorker | undefined;
let cameras: Cameras | undefined;
let drive: ArmDrive | undefined;

function say(name: string, text: string): void {
  part(name).textContent = text;
}

/** A word about what went wrong, where everybody sees it. */
function fail(error: unknown): void {
  const notice = part('notice');
  notice.textContent = error instanceof Error ? error.message : String(error);
  notice.hidden = false;
}

/** What the page does for a button. */
type Work = () => Promise<void>;
const underWay = new Set<Work>();

/** Why work has to wait; undefined where it need not. A drive has arm and policy for itself; those two come independently of each other. */
function obstacle(work: Work): string | undefined {
  if (underWay.has(run)) return 'The arm is being driven: stop it first.';
  if (underWay.has(work) || (work === run && underWay.size > 0)) return 'This waits for what was begun before.';
  return undefined;
}

/** Does it, and tells its failure. A form can be sent without its button, too. */
async function attempt(work: Work): Promise<void> {
  const reason = obstacle(work);
  if (reason !== undefined) return fail(new Error(reason));
  part('notice').hidden = true;
  underWay.add(work);
  showButtons();
  await work().catch(fail);
  underWay.delete(work);
  showButtons();
}

function showButtons(): void {
  part<HTMLButtonElement>('connect').disabled = obstacle(connect) !== undefined;
  part<HTMLButtonElement>('load').disabled = obstacle(load) !== undefined;
  part<HTMLButtonElement>('start').disabled = obstacle(run) !== undefined || !arm || !policy;
  part<HTMLButtonElement>('stop').disabled = drive === undefined;
  say('start', mayMove() ? 'Move the arm' : 'Dry run');
}

/** Finds the arm and reads it; nothing is written to it. */
async function connect(): Promise<void> {
  const { serial } = navigator as { serial?: Serial };
  if (!serial) throw new Error('This browser has no WebSerial: Chrome and Edge have it, on https pages and on localhost.');
  const [file] = part<HTMLInputElement>('calibration').files ?? [];
  if (!file) throw new Error('Choose the calibration file first.');
  const calibration = readCalibration(JSON.parse(await file.text()), file.name);
  const units = part<HTMLSelectElement>('units').value as 'degrees' | 'range';
  await bus?.close();
  [arm, bus] = [undefined, undefined];
  bus = new FeetechBus(await openWebSerial(await serial.requestPort()), { timeoutMs: 200 });
  const found = new SoFollower(bus, { calibration, units, maxRelativeTarget: number('most') });
  const { servos, differences } = await found.inspect();
  part('joints').hidden = false;
  part('joints')
    .querySelector('tbody')
    ?.replaceChildren(
      ...servos.map(({ joint, position, voltage, temperature }) => {
        const row = document.createElement('tr');
        row.append(
          ...[joint, decimals(position), '', `${decimals(voltage)} V`, `${temperature} °C`].map((text) => {
            const cell = document.createElement('td');
            cell.textContent = text;
            return cell;
          }),
        );
        return row;
      }),
    );
  say('arm-status', 'The arm was read; nothing was written to it.');
  if (differences.length > 0) throw new Error(`The calibration is not this arm's: ${differences.join('; ')}.`);
  arm = found;
}

async function load(): Promise<void> {
  const address = part<HTMLInputElement>('address').value.trim();
  await policy?.dispose();
  policy = undefined;
  const wanted = { policy: address, predictor: undefined, strategy: 'ddim:10', seed: 0 };
  const loaded = await openSession(wanted, new AbortController().signal, (fraction, at) => say('policy-status', stageText(fraction, at)));
  cameras?.stop();
  cameras = new Cameras(
    part('cameras'),
    loaded.info.observations.filter((one) => one.kind === 'image'),
  );
  policy = loaded;
  const { observations, horizon, actionSteps } = loaded.info;
  say('policy-status', `Reads ${observations.map(({ name }) => name).join(', ')}; ${horizon} actions a decision, ${actionSteps} executed.`);
}

/** Shows goals beside positions. */
function showGoals(column: number, values: ArrayLike<number>): void {
  for (const [i, row] of [...part('joints').querySelectorAll('tbody tr')].entries()) {
    const cell = row.children[column];
    if (cell) cell.textContent = decimals(values[i] as number);
  }
}

async function run(): Promise<void> {
  if (!arm || !policy) return;
  const moves = mayMove();
  const seen = cameras;
  const running = new ArmDrive(policy, arm, {
    ...{ tickMs: 1000 / number('fps'), moves, atEnd: 'relax' },
    ...(seen ? { pictures: () => seen.observe(performance.now()) } : {}),
  });
  const latencies: number[] = [];
  running.loop.on('decision', ({ latencyMs }) => latencies.push(latencyMs));
  running.loop.on('observation', ({ observation }) => {
    const joints = Object.values(observation).find((value) => value instanceof Float32Array);
    if (joints) showGoals(1, joints as Float32Array);
  });
  running.loop.on('action', ({ action, tick }) => {
    showGoals(2, action);
    say('drive-status', `${moves ? 'Driving' : 'Dry run'}, tick ${tick}; the newest decision took ${decimals(latencies.at(-1) ?? 0)} ms.`);
  });
  drive = running;
  showButtons();
  const isStopped = (): boolean => running.loop.state === 'stopped';
  try {
    if (moves) {
      // What stands there, that nothing was written, ends here.
      say('arm-status', 'The servos are set up for the drive.');
      await arm.connect();
      if (!isStopped()) await arm.enableTorque();
    }
    await running.start();
  } catch (error) {
    if (moves) await arm.relax().catch(() => fail(new Error('The torque may be on: switch the supply off.')));
    // What a stop interrupts is no failure: how it ended is told below.
    if (!isStopped()) {
      drive = undefined;
      throw error;
    }
  }
  try {
    const { reason, torque, relaxError } = await running.ended;
    const unknown = moves ? 'The torque may be on: switch the supply off.' : 'Whether the torque is on is not known: the arm did not say.';
    const off = { off: 'The torque is off.', on: 'The torque is on: the arm holds its pose.', unknown }[torque];
    const why = reason.message.replace(/\.$/, '');
    say('drive-status', `Ended: ${why}. ${latencies.length} decisions. ${off}`);
    if (reason.kind !== 'requested' || relaxError !== undefined || running.failures > 2) fail(new Error(`${why}. ${off}`));
  } finally {
    drive = undefined;
  }
}

function stop(why: string): void {
  void drive?.stop(why);
}

for (const [name, work] of [
  ['arm-form', connect],
  ['policy-form', load],
  ['drive-form', run],
] as const) {
  part(name).addEventListener('submit', (event) => {
    event.preventDefault();
    void attempt(work);
  });
}
part('moves').addEventListener('change', showButtons);
part('stop').addEventListener('click', () => stop('it was stopped'));
document.addEventListener('keydown', ({ key }) => {
  if (key === 'Escape') stop('it was stopped');
});
// Timers of a tab that nobody sees are slowed down to one a second.
document.addEventListener('visibilitychange', () => {
  if (document.hidden) stop('its tab was left');
});
// Of a page that is closed or reloaded nothing is written any more: the servos would hold their last goal.
addEventListener('beforeunload', (event) => {
  if (drive) event.preventDefault();
});
showButtons();
