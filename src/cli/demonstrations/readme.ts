import type { Demonstration } from '../../envs/mujoco/demonstration.js';
import { POSE } from '../../envs/mujoco/simulation.js';
import type { SimulatedTask } from '../../envs/mujoco/task.js';
import { count } from '../../terminal/format.js';
import type { PictureChoice } from './pictures.js';
import { modelHash, type Provenance } from './tensors.js';

/** What lies beside the files, for whoever finds them. */
export function demonstrationsReadme(
  task: SimulatedTask,
  episodes: readonly Demonstration[],
  failed: readonly number[],
  { pauses, version }: Provenance,
  pictures?: PictureChoice,
): string {
  const { words, tickRate, units, stateNames, environmentNames, phases, facts } = task.demonstrations;
  const frames = episodes.reduce((sum, { ticks }) => sum + ticks, 0);
  const [first] = episodes as [Demonstration];
  const bodies = first.mocap.length / POSE;
  const rows: readonly (readonly [string, string, string])[] = [
    ['`observation.state`', `f32 [${frames}, ${stateNames.length}]`, stateNames.join(', ')],
    ['`observation.environment_state`', `f32 [${frames}, ${environmentNames.length}]`, environmentNames.join(', ')],
    ['`action`', `f32 [${frames}, ${first.actions[0]?.length}]`, 'what was commanded'],
    [
      '`qpos`',
      `f64 [${frames}, ${first.positions[0]?.length}]`,
      'positions in MuJoCo: with `mocap_pos` and `mocap_quat` enough to draw a frame again',
    ],
    ['`goal`', `i32 [${frames}, ${first.goals[0]?.length}]`, 'what the action became in the motors, whole numbers'],
    ['`phase`', `u8 [${frames}]`, phases.map((phase, number) => `${number} ${phase}`).join(', ')],
    ['`paused`', `u8 [${frames}]`, 'whether the expert only waited'],
    ['`episode_ends`', `i64 [${episodes.length}]`, 'exclusive ends'],
    ['`seed`, `success`', `i64, u8 [${episodes.length}]`, 'of the environment; all that is kept is a success'],
    [
      '`mocap_pos`',
      `f64 [${episodes.length}, ${bodies}, 3]`,
      'of each body that an episode puts somewhere and that then stands still, by its `mocapid`',
    ],
    ['`mocap_quat`', `f64 [${episodes.length}, ${bodies}, 4]`, 'how each is turned: w, x, y, z'],
  ];
  return `# Demonstrations of ${task.name}

"${words}" ${episodes.length} episodes, ${count(frames)} frames at ${tickRate} Hz, by the scripted expert of warmstep ${version}, ${pauses ? 'with the pauses that people make' : 'without pauses'}.
Seeds ${first.seed} to ${episodes.at(-1)?.seed}; left out, because they failed: ${failed.join(', ') || 'none'}. In \`lerobot/\` the same as a LeRobot v3.0 data set${pictures === undefined ? '' : inPictures(pictures)}.

\`demonstrations.safetensors\`:

| tensor | type, shape | content |
|---|---|---|
${rows.map((row) => `| ${row.join(' | ')} |`).join('\n')}

\`action[k]\` is sent after \`observation[k]\`; the next row of the episode is a tick later. Units: ${units}.
There are no pictures in this file: they can be drawn from \`qpos\`, \`mocap_pos\` and \`mocap_quat\`. SHA-256 of the model: \`${modelHash(task)}\`. Made with

\`\`\`json
${JSON.stringify(facts)}
\`\`\`
`;
}

function inPictures({ cameras, height, width }: PictureChoice): string {
  const names = cameras.map(({ name }) => `\`observation.images.${name}\``).join(' and ');
  return `, with pictures ${names} of ${height}×${width} pixels in place of \`observation.environment_state\``;
}
