import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ControlLoop } from '../../src/control/control-loop.js';
import type { DecisionSource } from '../../src/control/decision-source.js';
import type { ActionInfo } from '../../src/control/events.js';
import type { ControlLoopOptions, LateRule } from '../../src/control/options.js';
import { loadPolicy } from '../../src/platform/node/load-policy.js';
import type { Policy } from '../../src/policy/policy.js';
import { openTestDevice } from '../support/device.js';

const BUNDLED = fileURLToPath(new URL('../../checkpoints/pusht-state', import.meta.url));
const VERTICES = [197, 283, 282, 198, 303, 219, 218, 304, 232, 247, 254, 227, 321, 294, 300, 315];
const TICK_MS = 20;

interface Run {
  readonly loop: ControlLoop;
  readonly sent: readonly (ActionInfo & { readonly action: readonly number[]; readonly atMs: number })[];
}

/** Runs a loop around a robot that moves to where it is told, until a while after its first action. */
async function runFor(
  ms: number,
  source: DecisionSource,
  options: Pick<ControlLoopOptions, 'late'> & Partial<ControlLoopOptions>,
): Promise<Run> {
  const sent: (ActionInfo & { action: readonly number[]; atMs: number })[] = [];
  let agent: readonly number[] = [200, 300];
  let begin = (): void => {};
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const loop = new ControlLoop(source, {
    tickMs: TICK_MS,
    send: (action, info) => {
      agent = [...action];
      sent.push({ ...info, action: agent, atMs: performance.now() });
      begin();
    },
    onStop: () => {},
    ...options,
  });
  const observe = (): void => loop.observe({ 'observation.state': agent, 'observation.environment_state': VERTICES });
  // A sensor that knows nothing of ticks.
  const sensor = setInterval(observe, 7);
  loop.start();
  await Promise.race([begun.then(() => new Promise((resolve) => setTimeout(resolve, ms))), loop.stopped]);
  clearInterval(sensor);
  await loop.stop();
  return { loop, sent };
}

describe('50 Hz with the bundled policy', () => {
  let policy: Policy;
  beforeAll(async () => {
    const device = await openTestDevice();
    policy = await loadPolicy(`${BUNDLED}/policy`, {
      device,
      networks: { predictor: `${BUNDLED}/predictor` },
      strategy: { name: 'STEP', budget: 2 },
      onDispose: () => device.dispose(),
    });
  });
  afterAll(() => policy.dispose());

  /** The policy, each of whose later decisions takes longer by a time. */
  function slower(ms: number): DecisionSource {
    let plans = 0;
    return {
      info: policy.info,
      decide: async (window) => {
        const result = await policy.decide(window);
        if (plans++ > 0) await new Promise((resolve) => setTimeout(resolve, ms));
        return result;
      },
      reset: () => policy.reset(),
    };
  }

  it('keeps ticking for three seconds, deciding ahead', async () => {
    // Bounds are loose: machines are shared, and a software adapter takes the cores that the loop runs on.
    const { loop, sent } = await runFor(3000, policy, { late: 'repeat', maxMisses: Infinity });
    const { metrics } = loop;
    expect(loop.stopReason).toMatchObject({ kind: 'requested' });
    const due = metrics.ticks + metrics.skippedTicks;
    expect(due - metrics.waitingTicks).toBeGreaterThanOrEqual(2800 / TICK_MS);
    expect(metrics.ticks).toBeGreaterThanOrEqual(0.5 * due);
    expect(sent.length).toBeGreaterThanOrEqual(0.8 * (metrics.ticks - metrics.waitingTicks));
    expect(sent.every(({ action }) => action.length === 2 && action.every(Number.isFinite))).toBe(true);
    const span = (sent.at(-1)?.atMs ?? 0) - (sent[0]?.atMs ?? 0);
    const ticks = (sent.at(-1)?.tick ?? 0) - (sent[0]?.tick ?? 0);
    expect(Math.abs(span / ticks - TICK_MS)).toBeLessThan(1);
    // Deciding ahead: at some ticks one chunk takes over from another without a late tick between them.
    const takeovers = sent.filter(({ source, tick, row }, i) => {
      const before = sent[i - 1];
      if (source !== 'decided' || before?.source !== 'decided') return false;
      return (row ?? 0) - (before.row ?? 0) !== tick - before.tick;
    });
    // A machine that is too busy for that says so in its count of late ticks.
    const isAhead = (metrics.decisionLatencyMs?.p50 ?? 0) < 7 * TICK_MS;
    expect(isAhead ? takeovers.length : metrics.deadlineMisses).toBeGreaterThan(0);
  });

  it.each<LateRule>(['hold', 'repeat', 'stop'])('%s: a source that is too slow is handled by the rule', async (late) => {
    const { loop, sent } = await runFor(2000, slower(400), { late });
    const { metrics } = loop;
    expect(metrics.deadlineMisses).toBeGreaterThan(0);
    switch (late) {
      case 'hold':
        expect(sent.every(({ source }) => source === 'decided')).toBe(true);
        expect(metrics.expiredChunks).toBe(0);
        expect(metrics.decisions).toBeGreaterThan(1);
        break;
      case 'repeat': {
        const first = sent.findIndex(({ source }) => source === 'repeat');
        expect(first).toBeGreaterThan(0);
        expect(sent[first]?.action).toEqual(sent[first - 1]?.action);
        break;
      }
      case 'stop':
        expect(loop.stopReason).toMatchObject({ kind: 'deadline' });
        expect(metrics.deadlineMisses).toBe(1);
        expect(sent.every(({ source }) => source === 'decided')).toBe(true);
        break;
      default:
        throw new Error(`no expectation for the rule ${String(late satisfies never)}`);
    }
  });
});
