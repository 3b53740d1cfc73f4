import { describe, expect, it, vi } from 'vitest';
import { RecordingError, type RecordingSink, type RecordLoopOptions, recordLoop } from '../../src/entries/recording.js';
import { MemoryFile, read } from '../support/recorded-loop.js';
import { Simulation } from '../support/simulated.js';

/** Runs a loop of ten ticks that is recorded to the sink, to its end. */
async function recorded(sink: RecordingSink, options: RecordLoopOptions = {}) {
  const simulation = new Simulation();
  const recording = await recordLoop(simulation.loop, sink, options);
  simulation.loop.observe({ state: [0] });
  simulation.loop.start();
  await simulation.run(10);
  const stopped = simulation.loop.stop();
  await simulation.clock.advance(1000);
  await stopped;
  return { recording, outcome: await recording.closed.catch((error: unknown) => error) };
}

/** Enough for what is written as a recording begins. */
const BEGINNING = 3000;

/** A disk that has so many bytes left. */
function diskOf(left: number): (bytes: Uint8Array) => void {
  return ({ length }) => {
    left -= length;
    if (left < 0) throw new Error('no space left on device');
  };
}

describe('a sink that fails', () => {
  // Few messages are written as the recording ends, which is when their chunk is; a line of 200 kB fills one in the middle.
  it.each([
    ['while the loop runs', 200_000],
    ['as the recording ends', 0],
  ])('%s is told of once, and closed once', async (_, extra) => {
    const onError = vi.fn();
    const close = vi.fn();
    const simulation = new Simulation();
    const recording = await recordLoop(simulation.loop, { write: diskOf(BEGINNING), close }, { onError });
    recording.log('info', 'x'.repeat(extra));
    if (extra > 0) await vi.waitFor(() => expect(onError).toHaveBeenCalledTimes(1));
    else expect(onError).not.toHaveBeenCalled();
    for (let i = 0; i < 100; i++) simulation.loop.observe({ state: [i] });
    await expect(recording.close()).rejects.toThrow(RecordingError);
    expect(onError).toHaveBeenCalledTimes(1);
    expect(onError.mock.calls[0]?.[0]).toBe(await recording.closed.catch((error: unknown) => error));
    expect(close).toHaveBeenCalledTimes(1);
    await simulation.loop.stop();
  });

  it('is closed where it refuses that as well: what failed first is told', async () => {
    const close = vi.fn(() => Promise.reject(new Error('bad descriptor')));
    const onError = vi.fn();
    const { outcome } = await recorded({ write: diskOf(BEGINNING), close }, { onError });
    expect(outcome).toMatchObject({ message: expect.stringMatching(/sink failed after \d+ bytes: no space left on device/) });
    expect(close).toHaveBeenCalledTimes(1);
    expect(onError).toHaveBeenCalledExactlyOnceWith(outcome);
  });

  it('only as it is closed has failed: bytes may be lost', async () => {
    const onError = vi.fn();
    const file = new MemoryFile();
    const close = () => {
      throw new Error('bad descriptor');
    };
    const { outcome } = await recorded({ write: (bytes) => file.write(bytes), close }, { onError });
    expect(outcome).toBeInstanceOf(RecordingError);
    expect(outcome).toMatchObject({ message: "the recording's sink failed as it was closed: bad descriptor" });
    expect(onError).toHaveBeenCalledExactlyOnceWith(outcome);
  });

  it('ends no process where onError throws', async () => {
    const onError = vi.fn(() => {
      throw new Error('of the caller');
    });
    const simulation = new Simulation();
    const recording = await recordLoop(simulation.loop, { write: diskOf(BEGINNING) }, { onError });
    recording.log('info', 'x'.repeat(200_000));
    // Nobody waits for the recording here: a rejection would be one that nothing handles.
    await vi.waitFor(() => expect(onError).toHaveBeenCalledTimes(1));
    await new Promise((resolve) => setTimeout(resolve, 20));
    await expect(recording.close()).rejects.toThrow(/no space left on device/);
    expect(onError).toHaveBeenCalledTimes(1);
    await simulation.loop.stop();
  });
});

describe('a line of log after the end', () => {
  // Fills a chunk by itself, so that it would be written at once.
  const line = 'late'.repeat(100_000);
  const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

  it('of the loop is not written, and not counted', async () => {
    const file = new MemoryFile();
    const { recording, outcome } = await recorded(file);
    const { length } = file.bytes;
    recording.log('info', line);
    await settle();
    expect(file.bytes.length).toBe(length);
    expect(recording.summary).toEqual(outcome);
    expect((await read(file.bytes)).log.map(({ message }) => message)).not.toContain(line);
  });

  it('that close() began is not either, though the sink is still open', async () => {
    const file = new MemoryFile();
    const simulation = new Simulation();
    const recording = await recordLoop(simulation.loop, file);
    recording.log('info', 'in time');
    const closed = recording.close();
    recording.log('info', line);
    expect(await closed).toEqual({ messages: 1, dropped: {} });
    await settle();
    expect((await read(file.bytes)).log.map(({ message }) => message)).toEqual(['in time']);
    expect(() => recording.log('loud' as 'info', 'x')).toThrow(/level/);
    await simulation.loop.stop();
  });
});
