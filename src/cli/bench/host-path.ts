import { setTimeout as sleep } from 'node:timers/promises';
import type { Policy } from '../../policy/policy.js';
import type { ComputeDevice } from '../../runtime/device.js';
import { summarizeLatencies } from '../latency.js';
import { DeviceClock, type Span } from './device-clock.js';
import { frames } from './observations.js';

/** What a decision costs the host: medians over the decisions, in milliseconds. */
export interface HostPath {
  readonly decisions: number;
  /** From the call to the upload: observations gathered, noise drawn, commands encoded where none were ready. */
  readonly prepareMs: number;
  readonly uploadMs: number;
  /** Dawn turns recorded commands into the driver's here. */
  readonly submitMs: number;
  /** The next decision's commands, encoded after the result was handed out: no part of the decision. */
  readonly encodeAheadMs: number;
  /** From the submit to the news that the result is mapped. */
  readonly waitMs: number;
  /** From there to the actions: copies out of the mapped buffer, checks, and the promises in between. */
  readonly readBackMs: number;
  readonly uploadBytes: number;
  readonly readBackBytes: number;
  /** Bytes that one decision allocates on JavaScript's heap. Commands and buffers of Dawn are not in it. */
  readonly garbageBytes: number;
}

/** Time between decisions, as a control loop leaves it. */
const IDLE_MS = 5;

/** Follows decisions of the running episode through the host. The clock costs a few microseconds per decision. */
export async function measureHostPath(device: ComputeDevice, policy: Policy, decisions: number, signal: AbortSignal): Promise<HostPath> {
  const garbage: number[] = [];
  for (let i = 0; i < decisions; i++) {
    signal.throwIfAborted();
    garbage.push(await allocated(policy, i));
  }
  const clock = new DeviceClock(device.gpuDevice);
  const parts: Omit<HostPath, 'decisions' | 'garbageBytes'>[] = [];
  try {
    for (let i = 0; i < decisions; i++) {
      signal.throwIfAborted();
      const window = frames(i, policy.info.observationSteps);
      clock.take();
      const started = performance.now();
      await policy.decide(window);
      const ended = performance.now();
      await sleep(IDLE_MS);
      parts.push(split(clock.take(), started, ended));
    }
  } finally {
    clock.stop();
  }
  const middle = (pick: (part: (typeof parts)[number]) => number): number => median(parts.map(pick));
  return {
    decisions,
    prepareMs: middle(({ prepareMs }) => prepareMs),
    uploadMs: middle(({ uploadMs }) => uploadMs),
    submitMs: middle(({ submitMs }) => submitMs),
    encodeAheadMs: middle(({ encodeAheadMs }) => encodeAheadMs),
    waitMs: middle(({ waitMs }) => waitMs),
    readBackMs: middle(({ readBackMs }) => readBackMs),
    uploadBytes: middle(({ uploadBytes }) => uploadBytes),
    readBackBytes: middle(({ readBackBytes }) => readBackBytes),
    garbageBytes: Math.max(0, median(garbage.filter((bytes) => bytes >= 0))),
  };
}

/** Growth of the heap in one decision, without what the question itself allocates; negative where it was collected. */
async function allocated(policy: Policy, seed: number): Promise<number> {
  const window = frames(seed, policy.info.observationSteps);
  const first = process.memoryUsage().heapUsed;
  const before = process.memoryUsage().heapUsed;
  await policy.decide(window);
  return process.memoryUsage().heapUsed - before - (before - first);
}

function split(spans: readonly Span[], started: number, ended: number): Omit<HostPath, 'decisions' | 'garbageBytes'> {
  const find = (name: Span['name'], after = 0): Span | undefined => spans.find((span) => span.name === name && span.begin >= after);
  const upload = required(find('writeBuffer'));
  const submit = required(find('submit'));
  const map = required(find('mapAsync'));
  const ahead = find('encode', submit.end);
  return {
    prepareMs: upload.begin - started,
    uploadMs: upload.end - upload.begin,
    submitMs: submit.end - submit.begin,
    encodeAheadMs: ahead ? ahead.end - ahead.begin : 0,
    waitMs: map.end - submit.end,
    readBackMs: ended - map.end,
    uploadBytes: upload.bytes,
    readBackBytes: map.bytes,
  };
}

function required(span: Span | undefined): Span {
  if (!span) throw new TypeError('a decision makes one write, one submit and one read-back');
  return span;
}

function median(values: readonly number[]): number {
  return summarizeLatencies(values)?.p50 ?? 0;
}
