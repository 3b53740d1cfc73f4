import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { simulations } from '../../src/cli/simulation/threads.js';
import { EnvironmentLostError } from '../../src/envs/environment.js';
import type { OpenSimulation, SimulatedTask } from '../../src/envs/mujoco/task.js';
import { parseSimulatedTask } from '../../src/envs/simulated-tasks.js';

/** As it was compiled: threads of Node read no TypeScript. */
const COMPILED = new URL('../../dist/src/cli/simulation/thread.js', import.meta.url);
const TASK = parseSimulatedTask('so101-pick-place/flicker=0.05') as SimulatedTask;

/** Snapshots over some ticks of episodes that run side by side. */
async function snapshots(open: OpenSimulation, seeds: readonly number[], ticks: number): Promise<string[]> {
  return Promise.all(
    seeds.map(async (seed) => {
      const simulation = await open(TASK);
      await simulation.reset(seed);
      const texts = [simulation.snapshot().join()];
      for (let tick = 0; tick < ticks; tick++) {
        const state = simulation.observe()['observation.state'] as readonly number[];
        const { reward, success } = await simulation.step(Float32Array.from(state, (value) => value + 3));
        texts.push(`${simulation.snapshot().join()} ${reward} ${success}`);
      }
      simulation.close();
      return texts.join('\n');
    }),
  );
}

describe('simulations in threads', () => {
  it('have the same bits as those of this thread, whoever runs beside them, and after others', async () => {
    const seeds = [1, 2, 3];
    const here = await snapshots(simulations(0), seeds, 12);
    expect(new Set(here).size).toBe(3);
    const open = simulations(2, COMPILED);
    expect(await snapshots(open, seeds, 12)).toEqual(here);
    // Simulations that were closed serve again.
    expect(await snapshots(open, [...seeds].reverse(), 12)).toEqual([...here].reverse());
  });

  it('tell of an error as if it had happened here, and go on', async () => {
    const simulation = await simulations(2, COMPILED)(TASK);
    await expect(simulation.reset(-1)).rejects.toThrow(/seed must be an integer from 0/);
    await simulation.reset(1);
    await expect(simulation.step(Float32Array.of(1, 2))).rejects.toMatchObject({
      name: 'OptionError',
      message: expect.stringMatching(/expected 6 numbers/),
    });
    expect(await simulation.step(new Float32Array(6))).toMatchObject({ reward: 0, success: false });
    simulation.close();
    simulation.close();
    await expect(async () => simulation.step(new Float32Array(6))).rejects.toThrow(/is not open/);
  });

  it.each([
    [
      'has no room',
      "port.on('message', ({ id }) => port.postMessage({ id, error: { name: 'EnvironmentLostError', message: 'no room' } }))",
      'no room',
    ],
    [
      'is gone',
      "port.on('message', () => process.exit(1))",
      'a thread of simulations is gone: it ended. Run fewer side by side, or in fewer threads.',
    ],
  ])('are lost, which is no failure of an episode, where a thread %s', async (_, body, message) => {
    const folder = mkdtempSync(join(tmpdir(), 'warmstep-threads-'));
    try {
      const file = join(folder, 'thread.mjs');
      writeFileSync(file, `export function serveSimulations(port) { ${body}; }`);
      const opened = simulations(2, pathToFileURL(file))(TASK);
      await expect(opened).rejects.toThrow(EnvironmentLostError);
      await expect(opened).rejects.toThrow(message);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
