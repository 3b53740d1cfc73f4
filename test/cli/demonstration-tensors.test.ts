import { describe, expect, it } from 'vitest';
import { SafetensorsFile } from '../../src/checkpoints/safetensors/safetensors.js';
import { memorySource } from '../../src/checkpoints/source.js';
import { demonstrationsReadme } from '../../src/cli/demonstrations/readme.js';
import { demonstrationTensors } from '../../src/cli/demonstrations/tensors.js';
import { recordDemonstration } from '../../src/envs/mujoco/demonstration.js';
import { SightReader } from '../../src/envs/mujoco/sight.js';
import type { SimulatedTask } from '../../src/envs/mujoco/task.js';
import { parseSimulatedTask } from '../../src/envs/simulated-tasks.js';
import { mujoco } from '../support/mujoco.js';

const TICKS = 5;
const PROVENANCE = { pauses: false, version: '0' };

/** Values of a float64 tensor and its shape. */
async function float64(bytes: Uint8Array, name: string): Promise<{ shape: readonly number[]; values: number[] }> {
  const source = await memorySource('memory', { 'file.safetensors': bytes }).open('file.safetensors');
  const { tensors } = await SafetensorsFile.open(source);
  const { dtype, shape, begin, end } = tensors.get(name) as NonNullable<ReturnType<typeof tensors.get>>;
  expect(dtype).toBe('F64');
  return { shape, values: [...new Float64Array(bytes.slice(begin, end).buffer)] };
}

describe('saved demonstrations', () => {
  it.each([
    ['turn-faucet', 3],
    ['so101-pick-place', 1],
    ['lift', 0],
  ])('of %s can be drawn again: %i bodies that an episode puts somewhere', async (name, bodies) => {
    const task = parseSimulatedTask(name) as SimulatedTask;
    const module = await mujoco();
    const demonstrator = task.demonstrations.create(module);
    const reader = new SightReader(module, task.demonstrations.model, task.cameras);
    try {
      const seen: Float64Array[] = [];
      const { simulation } = demonstrator.environment.body;
      const looking = {
        ...demonstrator,
        positions: () => {
          seen.push(reader.at(simulation.views.qpos, simulation.mocapPoses()).solids);
          return demonstrator.positions();
        },
      };
      const episodes = [1, 2].map((seed) => recordDemonstration(looking, seed, false, TICKS));
      const file = demonstrationTensors(task, episodes, PROVENANCE);
      const [qpos, positions, rotations] = [
        await float64(file, 'qpos'),
        await float64(file, 'mocap_pos'),
        await float64(file, 'mocap_quat'),
      ];
      expect([positions.shape, rotations.shape]).toEqual([
        [2, bodies, 3],
        [2, bodies, 4],
      ]);
      const width = qpos.shape[1] as number;
      const again = seen.map((_, row) => {
        const episode = Math.floor(row / TICKS);
        const mocap = Array.from({ length: bodies }, (_, body) => {
          const at = episode * bodies + body;
          return [...positions.values.slice(3 * at, 3 * at + 3), ...rotations.values.slice(4 * at, 4 * at + 4)];
        });
        return reader.at(qpos.values.slice(row * width, (row + 1) * width), mocap.flat()).solids;
      });
      expect(again).toHaveLength(2 * TICKS);
      expect(again).toEqual(seen);
      // Both episodes are told apart.
      expect(again[0]).not.toEqual(again[TICKS]);
      const readme = demonstrationsReadme(task, episodes, [], PROVENANCE);
      expect(readme).toContain(`| \`mocap_pos\` | f64 [2, ${bodies}, 3] |`);
      expect(readme).toContain(`| \`mocap_quat\` | f64 [2, ${bodies}, 4] |`);
    } finally {
      reader.close();
      demonstrator.environment.close();
    }
  });
});
