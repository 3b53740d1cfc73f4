import type { Observation } from '../../observations/frame.js';
import type { Policy } from '../../policy/policy.js';
import { ArmDrive, type ArmDriveEnd } from '../../robots/arm-drive.js';
import type { SoFollower } from '../../robots/so-follower.js';
import { Progress } from '../../terminal/progress.js';

/** How long, how fast, and whether at all. */
export interface SessionOptions {
  readonly fps: number;
  readonly moves: boolean;
  readonly atEnd: 'relax' | 'hold';
  /** Infinity: until it is stopped. */
  readonly seconds: number;
  readonly pictures: () => Observation;
}

/** What came of a session. */
export interface SessionResult {
  readonly end: ArmDriveEnd;
  /** Whether it ended by its time or by its user. */
  readonly isDone: boolean;
  readonly latencies: readonly number[];
  /** Of each joint, the least and the most that was sent, or in a dry run would have been. */
  readonly goals: readonly { low: number; high: number }[];
  /** Largest change from one action to the next, by joint. */
  readonly steps: readonly number[];
  /** First action. */
  readonly first: readonly number[] | undefined;
  readonly actions: number;
  readonly lateTicks: number;
  readonly failures: number;
}

/** Drives, or pretends to, until the time is over, the signal says so, or something fails. */
export async function runSession(policy: Policy, arm: SoFollower, options: SessionOptions, signal: AbortSignal): Promise<SessionResult> {
  const { fps, moves, atEnd, seconds, pictures } = options;
  const hasPictures = policy.info.observations.some((one) => one.kind === 'image');
  const drive = new ArmDrive(policy, arm, { tickMs: 1000 / fps, moves, atEnd, ...(hasPictures ? { pictures } : {}) });
  const progress = new Progress();
  const latencies: number[] = [];
  const goals = arm.joints.map(() => ({ low: Infinity, high: -Infinity }));
  const steps = arm.joints.map(() => 0);
  let first: number[] | undefined;
  let last: Float64Array | undefined;
  drive.loop.on('decision', ({ latencyMs }) => latencies.push(latencyMs));
  drive.loop.on('action', ({ action, tick }) => {
    first ??= [...action];
    for (const [i, value] of action.entries()) {
      const range = goals[i] as { low: number; high: number };
      range.low = Math.min(range.low, value);
      range.high = Math.max(range.high, value);
      if (last) steps[i] = Math.max(steps[i] as number, Math.abs(value - (last[i] as number)));
    }
    last = action;
    progress.update(`${moves ? 'driving' : 'dry run'}, tick ${tick}: ${[...action].map((value) => value.toFixed(1)).join('  ')}`);
  });
  let isDone = false;
  const finish = (why: string): void => {
    // Who says it twice does not make it undone.
    isDone ||= drive.loop.state !== 'stopped';
    void drive.stop(why);
  };
  const onAbort = (): void => finish('it was stopped');
  signal.addEventListener('abort', onAbort);
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    await drive.start();
    if (signal.aborted) onAbort();
    if (seconds !== Infinity) timer = setTimeout(() => finish('its time is over'), 1000 * seconds);
    const end = await drive.ended;
    const { sent, deadlineMisses } = drive.loop.metrics;
    return { end, isDone, latencies, goals, steps, first, actions: sent, lateTicks: deadlineMisses, failures: drive.failures };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    progress.done();
  }
}
