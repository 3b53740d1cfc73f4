import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import type { CheckpointSource } from '../../src/checkpoints/source.js';
import * as errors from '../../src/foundation/errors.js';
import { checkWindow } from '../../src/observations/check.js';
import { type Observation, observationOf } from '../../src/observations/frame.js';
import { Picture } from '../../src/observations/picture.js';
import type { Decision } from '../../src/policy/decision-result.js';
import type { Policy } from '../../src/policy/policy.js';
import type { ObservationInfo } from '../../src/spec/policy-spec.js';
import { type LoadInWorker, runPolicyWorker } from '../../src/worker/guest.js';
import { openPolicyWorker } from '../../src/worker/host.js';
import { ERROR_CLASSES, fromPosted, toPosted } from '../../src/worker/posted-error.js';

const OBSERVATIONS = [
  { kind: 'vector', name: 'observation.state', feature: 'observation.state', size: 2 },
  { kind: 'image', name: 'observation.image', feature: 'observation.image', height: 2, width: 2, channels: 3, features: 4 },
] as unknown as readonly ObservationInfo[];

/** A policy that says what reached it. */
class Recorder {
  readonly info = { name: 'recorder', observations: OBSERVATIONS, observationSteps: 2 };
  readonly pictures: Picture[] = [];
  readonly calls: string[] = [];
  strategy: unknown;

  async act(observation: Observation): Promise<Float32Array> {
    this.calls.push('act');
    if (this.strategy === 'broken') throw new errors.NonFiniteError('the network returned NaN.');
    const [frame] = checkWindow(OBSERVATIONS, observation, 1, 'act');
    this.pictures.push(...(frame?.pictures ?? []));
    return Float32Array.from(frame?.values.subarray(0, 2) ?? []);
  }

  async decide(window: Observation): Promise<Decision> {
    const frames = checkWindow(OBSERVATIONS, window, 2, 'decide');
    this.pictures.push(...frames.flatMap(({ pictures }) => pictures));
    const values = Float32Array.from(frames.flatMap((frame) => [...frame.values.subarray(0, 2)]));
    return {
      chunk: values,
      normalizedChunk: values.slice(),
      actions: values.slice(),
      probes: new Map([['inner', values.slice()]]),
    } as unknown as Decision;
  }

  async observe(observation: Observation): Promise<Observation> {
    const [frame] = checkWindow(OBSERVATIONS, observation, 1, 'observe');
    this.pictures.push(...(frame?.pictures ?? []));
    return observation;
  }

  useStrategy(strategy: { readonly name: string }): void {
    this.strategy = strategy.name;
  }

  prepare(): void {
    this.calls.push('prepare');
  }

  async warmup(batch: number): Promise<void> {
    this.calls.push(`warmup ${batch}`);
  }

  reset(): void {
    this.calls.push('reset');
  }

  async dispose(): Promise<void> {
    this.calls.push('dispose');
  }
}

const ports: MessagePort[] = [];
afterEach(() => {
  for (const port of ports.splice(0)) port.close();
});

/** Both halves, with a message channel between them: what travels is cloned as between threads. */
function pair(load: LoadInWorker): MessagePort {
  const { port1, port2 } = new MessageChannel();
  ports.push(port1, port2);
  runPolicyWorker(port2, load);
  return port1;
}

function recorder(): { readonly policy: Recorder; readonly port: MessagePort } {
  const policy = new Recorder();
  return { policy, port: pair(async () => policy as unknown as Policy) };
}

const IMAGE = Uint8Array.from({ length: 12 }, (_, i) => i);
const TICK = { 'observation.state': [1, 2], 'observation.image': IMAGE };

describe('a policy in a worker', () => {
  it('acts and decides as the policy does', async () => {
    const { policy, port } = recorder();
    const worker = await openPolicyWorker(port, 'hf:someone/policy');
    expect(worker.info).toEqual(policy.info);
    expect(await worker.act(TICK)).toEqual(Float32Array.of(1, 2));
    const decision = await worker.decide({ 'observation.state': [1, 2, 3, 4], 'observation.image': [IMAGE, IMAGE] });
    expect(decision.chunk).toEqual(Float32Array.of(1, 2, 3, 4));
    expect(decision.probes).toEqual(new Map([['inner', Float32Array.of(1, 2, 3, 4)]]));
    await worker.warmup(3);
    worker.reset();
    worker.prepare();
    await worker.act(TICK);
    expect(policy.calls).toEqual(['act', 'warmup 3', 'reset', 'prepare', 'act']);
    expect(policy.pictures.map(({ bytes }) => [...bytes])).toEqual(Array(4).fill([...IMAGE]));
  });

  it('sends a picture once: what is decided later reads the same one', async () => {
    const { policy, port } = recorder();
    const worker = await openPolicyWorker(port, 'hf:someone/policy');
    const first = await worker.observe(TICK);
    const second = await worker.observe(TICK);
    const image = (observation: Observation): Picture => observation['observation.image'] as Picture;
    await worker.decide({ 'observation.state': [1, 2, 3, 4], 'observation.image': [image(first), image(second)] });
    const [a, b, c, d] = policy.pictures;
    expect(a).not.toBe(b);
    expect([c, d]).toEqual([a, b]);
    expect(c).toBe(a);
    expect(d).toBe(b);
    expect(observationOf(OBSERVATIONS, { values: Float32Array.of(1, 2, 0, 0, 0, 0), pictures: [image(first)] })).toEqual(first);
  });

  it('sends how a picture of another size is to be fitted', async () => {
    const { policy, port } = recorder();
    const worker = await openPolicyWorker(port, 'hf:someone/policy');
    const wide = { data: new Uint8Array(30), height: 2, width: 5, fit: 'pad' } as const;
    const image = (await worker.observe({ ...TICK, 'observation.image': wide }))['observation.image'] as Picture;
    await worker.decide({ 'observation.state': [1, 2, 3, 4], 'observation.image': [image, image] });
    expect(policy.pictures.map(({ width, fit }) => [width, fit])).toEqual(Array(3).fill([5, 'pad']));
  });

  it('sends of a picture that is part of a message itself alone', async () => {
    const { policy, port } = recorder();
    const worker = await openPolicyWorker(port, 'hf:someone/policy');
    const message = Uint8Array.of(1, ...IMAGE, 2);
    const picture = new Picture('u8-hwc3', 2, 2, message.subarray(1, 13), undefined, true);
    expect(picture.bytes.buffer).toBe(message.buffer);
    await worker.decide({ 'observation.state': [1, 2, 3, 4], 'observation.image': [picture, picture] });
    expect(policy.pictures.map(({ bytes }) => [bytes.buffer.byteLength, ...bytes])).toEqual(Array(2).fill([12, ...IMAGE]));
  });

  it('sends a picture whole again where a message could not go', async () => {
    const { policy, port } = recorder();
    const worker = await openPolicyWorker(port, 'hf:someone/policy');
    const picture = new Picture('u8-hwc3', 2, 2, IMAGE);
    const window = { 'observation.state': [1, 2, 3, 4], 'observation.image': [picture, picture] };
    await expect(worker.decide(window, { seed: (() => 1) as never })).rejects.toThrow(/cannot go to a worker/);
    await worker.decide(window);
    expect(policy.pictures.map(({ bytes }) => [...bytes])).toEqual(Array(2).fill([...IMAGE]));
  });

  it('is loaded with the options, tells progress, and refuses what cannot travel', async () => {
    let given: Parameters<LoadInWorker> | undefined;
    const port = pair(async (source, options) => {
      given = [source, options];
      options.onProgress(0.5, { stage: 'weights', done: 1, total: 2 });
      return new Recorder() as unknown as Policy;
    });
    const told: unknown[] = [];
    const files = { 'config.json': '{}' };
    const options = { seed: 3, networks: { predictor: { name: 'predictor', files } }, onProgress: (...args: unknown[]) => told.push(args) };
    const worker = await openPolicyWorker(port, { name: 'policy', files }, options);
    expect(told).toEqual([[0.5, { stage: 'weights', done: 1, total: 2 }]]);
    expect(given?.[1]).toMatchObject({ seed: 3, networks: { predictor: { name: 'predictor' } } });
    expect(await (given?.[0] as CheckpointSource).list()).toEqual(['config.json']);
    await expect(worker.act({ state: (() => 1) as never })).rejects.toThrow(/act: its arguments cannot go to a worker/);
    await expect(openPolicyWorker(port, { list: () => [] } as never)).rejects.toThrow(/Sources of your own cannot go to a worker/);
    await expect(openPolicyWorker(port, 'hf:a/b')).rejects.toThrow(/this worker has a policy/);
  });

  it('throws the errors of the policy, by their classes', async () => {
    const { port } = recorder();
    const worker = await openPolicyWorker(port, 'hf:someone/policy');
    await expect(worker.act({ 'observation.state': [1] })).rejects.toThrow(errors.ObservationError);
    await worker.useStrategy({ name: 'broken' } as never);
    await expect(worker.act(TICK)).rejects.toThrow(new errors.NonFiniteError('the network returned NaN.'));
  });

  it('tells errors by their classes, whatever a minifier calls them', () => {
    const error = Object.assign(new errors.NonFiniteError('NaN.'), { name: 'q' });
    expect(toPosted(error)).toEqual({ name: 'NonFiniteError', message: 'NaN.' });
    expect(fromPosted(toPosted(error))).toBeInstanceOf(errors.NonFiniteError);
  });

  it('knows every class of errors', () => {
    const classes = Object.values(errors).filter((value) => value.prototype instanceof Error);
    expect([...ERROR_CLASSES.values()].sort()).toEqual(classes.sort());
  });

  it('stops a load with the reason of the signal', async () => {
    const port = pair((_, { signal }) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))));
    const controller = new AbortController();
    const reason = new Error('enough');
    const opening = openPolicyWorker(port, 'hf:someone/policy', { signal: controller.signal });
    setTimeout(() => controller.abort(reason), 20);
    await expect(opening).rejects.toBe(reason);
  });

  it('fails all calls when the worker ends, and after it was disposed of', async () => {
    const handlers = new Map<string, (value: unknown) => void>();
    const dying = { postMessage: () => {}, on: (type: string, handler: (value: unknown) => void) => handlers.set(type, handler) };
    const opening = openPolicyWorker(dying, 'hf:someone/policy');
    handlers.get('exit')?.(1);
    await expect(opening).rejects.toThrow(/the worker of the policy failed: it ended with code 1/);

    const { policy, port } = recorder();
    const worker = await openPolicyWorker(port, 'hf:someone/policy');
    await Promise.all([worker.dispose(), worker.dispose()]);
    await worker.dispose();
    expect(policy.calls).toEqual(['dispose']);
    await expect(worker.act(TICK)).rejects.toThrow(errors.DisposedError);
  });
});
