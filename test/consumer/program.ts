/** What a program writes that uses the package; compiled in projects of every kind by test/support/consumer.ts. */

import {
  type AbortSignalLike,
  blobSource,
  type ComputeDevice,
  createGpu,
  type DispatchTiming,
  folderSource,
  type LoadPolicyOptions,
  loadPolicy,
  memorySource,
  openDevice,
  Policy,
  type StrategyOptions,
} from 'warmstep';
import { SafetensorsFile } from 'warmstep/checkpoints';
import { ControlLoop } from 'warmstep/control';
import { loadPolicy as loadFromSource } from 'warmstep/core';
import { ddimSchedule } from 'warmstep/diffusion';
import { evaluate, TASKS } from 'warmstep/evaluation';
import { serveLeRobot } from 'warmstep/lerobot-server';
import { PushT } from 'warmstep/push-t';
import { type PolicyServer, servePolicy } from 'warmstep/server';

export async function main(signal: AbortSignalLike): Promise<Float32Array> {
  const gpu = await createGpu('auto', { profile: 'safe' });
  const device: ComputeDevice = await openDevice({ gpu, adapter: 'auto', variants: 'shipped', powerPreference: 'low-power' });
  const onProgress = (fraction: number): string => fraction.toFixed(2);
  const options: LoadPolicyOptions = { device, networks: { predictor: 'predictor' }, signal, onProgress };
  const policy: Policy = await loadPolicy('policy', options);
  await loadPolicy(await folderSource('policy'), { adapter: 'hardware', networks: { predictor: 'shift' } });
  const blob = { size: 2, arrayBuffer: async () => new ArrayBuffer(2) };
  await loadPolicy(blobSource('policy', [{ name: 'config.json', size: 2, slice: () => blob }]));
  const other: Policy = await loadFromSource(memorySource('policy', { 'config.json': '{}' }), { device });
  const strategy: StrategyOptions = { name: 'DDIM', steps: 10 };
  other.useStrategy(strategy);
  const timings: readonly DispatchTiming[] = (await policy.timeDecision({})).dispatches;
  await policy.warmup(timings.length, signal);
  const loop = new ControlLoop(policy, { tickMs: 20, send: () => {}, onStop: () => {}, late: 'hold' });
  void [loop, evaluate, TASKS, PushT, ddimSchedule, SafetensorsFile, device.adapter.description];
  const server: PolicyServer = await servePolicy(policy, { port: 0, keyMap: { state: 'observation.state' } });
  await serveLeRobot(policy, { fps: 30, onEvent: ({ message }) => void message });
  await server.close();
  // @ts-expect-error Policies are loaded, not made.
  void new Policy({});
  // @ts-expect-error There is no such option.
  await loadPolicy('policy', { adaptor: 'auto' });
  return policy.act({ 'observation.state': [1, 2] });
}
