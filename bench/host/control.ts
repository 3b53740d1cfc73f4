import { setTimeout as sleep } from 'node:timers/promises';
import { getHeapStatistics } from 'node:v8';
import { DeviceClock } from '../../src/cli/bench/device-clock.js';
import type { ControlLoop } from '../../src/control/control-loop.js';
import type { DecisionSource } from '../../src/control/decision-source.js';
import { median, type Summary, summarize } from '../../src/foundation/statistics.js';
import type { Observation } from '../../src/observations/frame.js';
import { valuesInFrame } from '../../src/spec/policy-spec.js';
import { type Engine, moduleOf } from './engine.js';
import { type Followed, split } from './split.js';

const TICK_MS = 20;
/** A sensor that knows nothing of ticks. */
const SENSOR_MS = 7;
const SLICE_SECONDS = 3;

type Distribution = Pick<Summary, 'count' | 'p50' | 'p95' | 'p99'>;

/** A control loop at 50 Hz, in milliseconds. */
export interface ControlRecord {
  /** Name of the build, or `nothing`: a loop whose decisions are there at once, for what the machine itself does. */
  readonly name: string;
  readonly skippedTicks: number;
  /** By how much ticks were late. */
  readonly jitterMs: Distribution;
  readonly decisionMs: Distribution;
  /** Where the time of a decision goes, medians; its noise and staging are part of `strategyMs`. Undefined where no device decides. */
  readonly split: Followed | undefined;
  /** What a tick leaves on JavaScript's heap, with its share of a decision, its sensor's observations and this measurement. */
  readonly bytesPerTick: number;
}

interface Loop {
  readonly name: string;
  readonly engine: Engine;
  readonly source: DecisionSource;
  readonly jitter: number[];
  readonly decisions: number[];
  /** Growth of the heap over as many ticks as a decision lasts, without those in which it was collected. */
  readonly growth: number[];
  readonly parts: Followed[];
  skipped: number;
}

/** Runs control loops in turns, for some seconds each. */
export async function measureControl(engines: readonly [Engine, ...Engine[]], seconds: number): Promise<ControlRecord[]> {
  const loop = (name: string, engine: Engine, source: DecisionSource): Loop => ({
    name,
    engine,
    source,
    jitter: [],
    decisions: [],
    growth: [],
    parts: [],
    skipped: 0,
  });
  const [first] = engines;
  const loops = [loop('nothing', first, instant(first)), ...engines.map((engine) => loop(engine.name, engine, engine.policy))];
  for (let done = 0; done < seconds; done += SLICE_SECONDS) {
    for (const one of loops) {
      await runSlice(one);
      if (one.source === one.engine.policy) await followSlice(one);
    }
  }
  return loops.map(({ name, skipped, jitter, decisions, growth, parts, source: { info } }) => ({
    name,
    skippedTicks: skipped,
    jitterMs: distribution(jitter),
    decisionMs: distribution(decisions),
    split: medians(parts),
    bytesPerTick: Math.round((summarize(growth, ['p50'])?.p50 ?? 0) / info.actionSteps),
  }));
}

async function runSlice(slice: Loop): Promise<void> {
  const { source } = slice;
  const { actionSteps } = source.info;
  let ticks = 0;
  let before = 0;
  await runLoop(slice, (loop) => {
    loop.on('tick', ({ latenessMs, skipped }) => {
      // In the middle between two decisions: looking at the heap takes a while, and the device's result would wait for it.
      if (ticks++ % actionSteps === actionSteps >> 1) {
        const used = getHeapStatistics().used_heap_size;
        if (before > 0 && used > before) slice.growth.push(used - before);
        before = used;
      }
      slice.jitter.push(latenessMs);
      slice.skipped += skipped;
    });
    loop.on('decision', ({ latencyMs }) => void slice.decisions.push(latencyMs));
  });
}

/** Another slice, whose decisions are followed through the host. The clock costs a few microseconds per decision. */
async function followSlice(slice: Loop): Promise<void> {
  const clock = new DeviceClock(slice.engine.device.gpuDevice);
  try {
    await runLoop(slice, (loop) => {
      loop.on('decision', ({ latencyMs }) => {
        const ended = performance.now();
        slice.parts.push(split(clock.take(), ended - latencyMs, ended, 0));
      });
    });
  } finally {
    clock.stop();
  }
}

async function runLoop({ engine, source }: Loop, listen: (loop: ControlLoop) => void): Promise<void> {
  const { ControlLoop } = await moduleOf<typeof import('../../src/control/control-loop.js')>(engine.root, 'control/control-loop.js');
  const loop = new ControlLoop(source, { tickMs: TICK_MS, late: 'repeat', maxMisses: Infinity, send: () => {}, onStop: () => {} });
  listen(loop);
  const frames = engine.windows.map((window) => frameOf(window, source));
  let index = 0;
  const observe = (): void => loop.observe(frames[index++ % frames.length] as Observation);
  observe();
  const sensor = setInterval(observe, SENSOR_MS);
  loop.start();
  await sleep(1000 * SLICE_SECONDS);
  clearInterval(sensor);
  await loop.stop();
}

function medians(parts: readonly Followed[]): Followed | undefined {
  const [first] = parts;
  if (!first) return undefined;
  const names = Object.keys(first) as (keyof Followed)[];
  return Object.fromEntries(names.map((name) => [name, median(parts.map((part) => part[name]))])) as unknown as Followed;
}

/** The oldest frame of a window. */
function frameOf(window: Observation, { info }: DecisionSource): Observation {
  return Object.fromEntries(
    info.observations.map((feature) => [
      feature.name,
      Array.from(window[feature.name] as ArrayLike<number>).slice(0, valuesInFrame(feature)),
    ]),
  );
}

function instant({ policy: { info } }: Engine): DecisionSource {
  const chunk = new Float32Array(info.horizon * info.actionDim);
  return { info, decide: () => Promise.resolve({ chunk }), reset: () => {} };
}

function distribution(values: readonly number[]): Distribution {
  const found = summarize(values, ['count', 'p50', 'p95', 'p99']);
  if (!found) throw new TypeError('a control loop ran without a tick or a decision');
  return found;
}
