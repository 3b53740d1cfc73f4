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
 * `during`, while what it began is waited for. Returns how many calls there were, and what was thrown.
 */
async function attempt(name: Loss, at?: number, during = false): Promise<{ calls: number; error: unknown }> {
  const { prepare, run, end: finish } = LOSSES[name] as Scenario<unknown>;
  const device = await openTestDevice();
  const { gpuDevice } = device;
  const prepared = await prepare(device);
  const buffer = gpuDevice.createBuffer({ size: 16, usage: USAGE.copyDestination });
  buffer.destroy();
  const calls = new DeviceCalls(gpuDevice, buffer, (before, made) => {
    if (before === at && made === during) gpuDevice.destroy();
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
    // Cleaning up does not count, and works on a lost device as well.
    const { total } = calls;
    await Promise.race([finish?.(prepared), never]);
    return { calls: total, error };
  } finally {
    clearTimeout(timer);
    calls.restore();
    device.dispose();
  }
}

/** Loses a device at some calls, evenly spread, or at all of them. Whatever is under way must end, and name the reason. */
export async function expectLossIsNamed(name: Loss, places: number | 'all'): Promise<void> {
  const { calls, error } = await attempt(name);
  expect(error).toBeUndefined();
  const count = places === 'all' ? calls : Math.min(places, calls);
  let named = 0;
  for (let i = 0; i < count; i++) {
    const at = Math.floor((i * calls) / count);
    for (const during of places === 'all' ? [false, true] : [i % 2 === 1]) {
      const found = await attempt(name, at, during);
      const where = `${name}, lost ${during ? 'during' : 'before'} call ${at} of ${calls}`;
      // What was complete by then may be returned.
      if (found.error !== undefined) expect({ where, thrown: found.error }).toEqual({ where, thrown: expect.any(DeviceLostError) });
      if (found.error !== undefined) named++;
    }
  }
  expect(named).toBeGreaterThan(0);
}
