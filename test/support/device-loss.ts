import { expect } from 'vitest';
import { memorySource } from '../../src/checkpoints/source.js';
import { ControlLoop } from '../../src/control/control-loop.js';
import { evaluate } from '../../src/evaluation/evaluate.js';
import { DeviceLostError } from '../../src/foundation/errors.js';
import { loadPolicy } from '../../src/policy/load-policy.js';
import type { Policy } from '../../src/policy/policy.js';
import { USAGE } from '../../src/runtime/buffers.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import { parseStrategy } from '../../src/strategies/parse.js';
import { holdContest } from '../../src/tuning/contest.js';
import { loadTunableNetwork } from '../../src/tuning/record-network.js';
import { openTestDevice } from './device.js';
import { DeviceCalls } from './device-calls.js';
import { DDIM, FALCON, STEP } from './episode-members.js';
import { observation, window } from './golden-policy.js';
import { randomPolicy, SMALL_UNET } from './random-checkpoint.js';
import { smallPushTFiles } from './small-push-t.js';
import { toyTask } from './toy-task.js';

/** How long anything may take before it counts as a wait that never ends. */
const PATIENCE_MS = 60_000;

/** Something that is done with a device: what it needs, and the part during which the device is lost. */
interface Scenario<T> {
  prepare(device: ComputeDevice): Promise<T>;
  run(prepared: T, device: ComputeDevice): Promise<unknown>;
  /** Must work on a lost device. */
  end?(prepared: T): Promise<void>;
}

const small = (device: ComputeDevice): Promise<Policy> =>
  loadPolicy(randomPolicy(SMALL_UNET, 3).source, { device, networks: { predictor: 'shift' }, strategy: STEP });
const end = (policy: Policy): Promise<void> => policy.dispose();

async function control(policy: Policy): Promise<void> {
  const loop = new ControlLoop(policy, { tickMs: 2, late: 'hold', send: () => {}, onStop: () => {} });
  loop.observe(observation(policy));
  let decisions = 0;
  loop.on('decision', () => {
    if (++decisions === 3) void loop.stop();
  });
  loop.start();
  const { kind, error } = await loop.stopped;
  if (kind !== 'requested') throw error;
}

async function contest(device: ComputeDevice): Promise<void> {
  const network = await loadTunableNetwork(device, { size: 'tiny', precision: 'f32', horizon: 16 });
  try {
    const key = 'conv1d 128x128 k5 s1 8->8 f32';
    const variants = [8, 16].map((lanes) =>
      network
        .record({
          deviceClass: 'software',
          halfLoads: 'packed',
          variants: { version: 1, adapter: '', convolutions: { [key]: { lanes, slices: 1 } } },
        })
        .get(key),
    );
    await holdContest(
      device,
      variants.flatMap((variant) => variant ?? []),
      0.001,
    );
  } finally {
    network.destroy();
  }
}

const scenario = <T>(given: Scenario<T>): Scenario<unknown> => given as Scenario<unknown>;

export const LOSSES = {
  load: scenario({ prepare: async () => {}, run: async (_, device) => (await small(device)).dispose() }),
  act: scenario({
    prepare: small,
    run: async (policy) => {
      for (const tick of [0, 1]) await policy.act(observation(policy, tick));
    },
    end,
  }),
  decide: scenario({ prepare: small, run: (policy) => policy.decide(window(policy)), end }),
  decideAll: scenario({
    prepare: small,
    run: (policy) =>
      policy.decideAll([STEP, FALCON, DDIM].map((strategy) => ({ episode: policy.beginEpisode({ strategy }), window: window(policy) }))),
    end,
  }),
  decideAllSettled: scenario({
    prepare: small,
    run: (policy) => policy.decideAllSettled([0, 1].map((salt) => ({ previous: [], window: window(policy, salt) }))),
    end,
  }),
  warmup: scenario({ prepare: small, run: (policy) => policy.warmup(3), end }),
  eval: scenario({
    prepare: (device) => loadPolicy(memorySource('small policy', smallPushTFiles()), { device, networks: { predictor: 'shift' } }),
    run: (policy) => evaluate(policy, { task: toyTask(16), strategy: parseStrategy('step:1'), seeds: [1, 2], parallel: 2 }),
    end,
  }),
  ControlLoop: scenario({ prepare: small, run: control, end }),
  tune: scenario({ prepare: async () => {}, run: (_, device) => contest(device) }),
} as const satisfies Readonly<Record<string, Scenario<unknown>>>;

export type Loss = keyof typeof LOSSES;

/**
 * Does it on a device of its own. Where `at` is given the device is lost at that call of the GPU: just before it, or, where
 * `during`, while what it began is waited for. Returns the first call of every turn of the event loop that made any, and what
 * was thrown.
 */
async function attempt(name: Loss, at?: number, during = false): Promise<{ turns: readonly number[]; error: unknown }> {
  const { prepare, run, end: finish } = LOSSES[name] as Scenario<unknown>;
  const device = await openTestDevice();
  const { gpuDevice } = device;
  const prepared = await prepare(device);
  const buffer = gpuDevice.createBuffer({ size: 16, usage: USAGE.copyDestination });
  buffer.destroy();
  const turns: number[] = [];
  let isNewTurn = true;
  const calls = new DeviceCalls(gpuDevice, buffer, (before, made) => {
    if (before === at && made === during) gpuDevice.destroy();
    if (!isNewTurn) return;
    turns.push(before);
    isNewTurn = false;
    queueMicrotask(() => (isNewTurn = true));
  });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const never = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${name} still waits ${PATIENCE_MS} ms after the device was lost at call ${at}`)),
      PATIENCE_MS,
    );
  });
  try {
    const error = await Promise.race([run(prepared, device), never]).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    // Cleaning up works on a lost device as well, and what it calls does not count.
    const counted = [...turns];
    await Promise.race([finish?.(prepared), never]);
    return { turns: counted, error };
  } finally {
    clearTimeout(timer);
    calls.restore();
    device.dispose();
  }
}

/**
 * Loses a device at some turns of the event loop that call the GPU, evenly spread, or at all of them: before the first call of
 * the turn, or while what it began is waited for. Whatever is under way must end, and name the reason.
 */
export async function expectLossIsNamed(name: Loss, places: number | 'all'): Promise<void> {
  const { turns, error } = await attempt(name);
  expect(error).toBeUndefined();
  const count = places === 'all' ? turns.length : Math.min(places, turns.length);
  let named = 0;
  for (let i = 0; i < count; i++) {
    const turn = Math.floor((i * turns.length) / count);
    for (const during of places === 'all' ? [false, true] : [i % 2 === 1]) {
      const { error: thrown } = await attempt(name, turns[turn], during);
      // What was complete by then may be returned.
      if (thrown === undefined) continue;
      named++;
      const where = `${name}, lost ${during ? 'during' : 'before'} call ${turns[turn]}, turn ${turn} of ${turns.length}`;
      expect({ where, thrown }).toEqual({ where, thrown: expect.any(DeviceLostError) });
    }
  }
  expect(named).toBeGreaterThan(0);
}
