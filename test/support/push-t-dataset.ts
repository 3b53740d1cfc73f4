import type { Dataset } from '../../src/datasets/dataset.js';
import { observeVertices } from '../../src/envs/push-t/observations.js';
import { readFloat32, readInt32 } from './data.js';
import { memoryDataset } from './memory-dataset.js';

/** The Push-T demonstrations of data/pusht, with the observations of the bundled policy: agent and vertices of the block. */
export function pushTDataset(folder: string): Dataset {
  const [states, actions, ends] = [
    readFloat32(`${folder}/state.f32`),
    readFloat32(`${folder}/action.f32`),
    readInt32(`${folder}/episode_ends.i32`),
  ];
  const vertices = Float32Array.from({ length: (states.length / 5) * 16 });
  for (let row = 0; row < states.length / 5; row++) {
    const [agentX, agentY, blockX, blockY, angle] = states.subarray(5 * row, 5 * row + 5) as unknown as [
      number,
      number,
      number,
      number,
      number,
    ];
    vertices.set(observeVertices({ agentX, agentY, blockX, blockY, angle }), 16 * row);
  }
  return memoryDataset(
    [...ends].map((end, i) => end - (ends[i - 1] ?? 0)),
    [
      { name: 'observation.state', size: 2, value: (row, channel) => states[5 * row + channel] as number },
      { name: 'observation.environment_state', size: 16, value: (row, channel) => vertices[16 * row + channel] as number },
      { name: 'action', size: 2, value: (row, channel) => actions[2 * row + channel] as number },
    ],
  );
}
