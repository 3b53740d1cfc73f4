import { describe, expect, it } from 'vitest';
import { busyMs, DeviceClock } from '../../src/cli/bench/device-clock.js';
import { createBuffer, USAGE } from '../../src/runtime/buffers.js';
import { useTestDevice } from '../support/device.js';

describe('the clock of a device', () => {
  const device = useTestDevice();

  it('notes calls with their bytes, and asynchronous ones when they settle', async () => {
    const { gpuDevice } = device();
    const source = await createBuffer(device(), 'source', 64, USAGE.copySource | USAGE.copyDestination);
    const target = await createBuffer(device(), 'target', 64, USAGE.mapRead | USAGE.copyDestination);
    const clock = new DeviceClock(gpuDevice);
    gpuDevice.queue.writeBuffer(source, 0, new Float32Array(8), 2, 4);
    gpuDevice.queue.writeBuffer(source, 0, new ArrayBuffer(48), 16);
    const encoder = gpuDevice.createCommandEncoder();
    encoder.copyBufferToBuffer(source, 0, target, 0, 64);
    gpuDevice.queue.submit([encoder.finish()]);
    await target.mapAsync(1);
    const spans = clock.take();
    expect(spans.map(({ name, bytes }) => [name, bytes])).toEqual([
      ['writeBuffer', 16],
      ['writeBuffer', 32],
      ['encode', 0],
      ['submit', 0],
      ['mapAsync', 64],
    ]);
    for (const { begin, end } of spans) expect(end).toBeGreaterThanOrEqual(begin);
    clock.stop();
    gpuDevice.queue.submit([]);
    expect(clock.take()).toEqual([]);
    source.destroy();
    target.destroy();
  });

  it('counts time once where calls overlap', () => {
    const span = (begin: number, end: number) => ({ begin, end });
    expect(busyMs([])).toBe(0);
    expect(busyMs([span(20, 25), span(0, 10), span(5, 12), span(6, 7)])).toBe(17);
  });
});
