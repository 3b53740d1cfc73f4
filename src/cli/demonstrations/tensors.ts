import { createHash } from 'node:crypto';
import { encodeSafetensors, type WritableTensor } from '../../checkpoints/safetensors/safetensors.js';
import type { Demonstration } from '../../envs/mujoco/demonstration.js';
import { POSE } from '../../envs/mujoco/simulation.js';
import type { SimulatedTask } from '../../envs/mujoco/task.js';

/** Whether the expert paused, and of which version of the package it is. */
export interface Provenance {
  readonly pauses: boolean;
  readonly version: string;
}

/** SHA-256 of a model's XML: whoever draws the episodes again can see that it is the same. */
export function modelHash({ demonstrations: { model } }: SimulatedTask): string {
  return createHash('sha256').update(model).digest('hex');
}

/** All episodes in one safetensors file: rows of all of them, one after the other, and where they end. */
export function demonstrationTensors(task: SimulatedTask, episodes: readonly Demonstration[], { pauses, version }: Provenance): Uint8Array {
  const { words, robot, tickRate, units, stateNames, actionNames, environmentNames, phases, facts } = task.demonstrations;
  const rows = (
    name: string,
    dtype: 'F32' | 'F64' | 'I32',
    of: (episode: Demonstration) => readonly (readonly number[])[],
  ): WritableTensor => {
    const all = episodes.flatMap(of);
    return { name, dtype, shape: [all.length, all[0]?.length ?? 0], data: all.flat() };
  };
  const flags = (name: string, of: (episode: Demonstration) => readonly number[]): WritableTensor => {
    const all = episodes.flatMap(of);
    return { name, dtype: 'U8', shape: [all.length], data: all };
  };
  const perEpisode = (name: string, values: readonly number[]): WritableTensor => {
    return { name, dtype: 'I64', shape: [values.length], data: values };
  };
  const mocap = (name: string, from: number, to: number): WritableTensor => {
    const bodies = (episodes[0]?.mocap.length ?? 0) / POSE;
    const data = episodes.flatMap(({ mocap }) =>
      Array.from({ length: bodies }, (_, body) => mocap.slice(POSE * body + from, POSE * body + to)).flat(),
    );
    return { name, dtype: 'F64', shape: [episodes.length, bodies, to - from], data };
  };
  let end = 0;
  const tensors: WritableTensor[] = [
    rows('observation.state', 'F32', ({ states }) => states),
    rows('observation.environment_state', 'F32', ({ environmentStates }) => environmentStates),
    rows('action', 'F32', ({ actions }) => actions),
    rows('qpos', 'F64', ({ positions }) => positions),
    rows('goal', 'I32', ({ goals }) => goals),
    flags('phase', (episode) => episode.phases),
    flags('paused', ({ paused }) => paused.map(Number)),
    mocap('mocap_pos', 0, 3),
    mocap('mocap_quat', 3, POSE),
    perEpisode(
      'episode_ends',
      episodes.map(({ ticks }) => {
        end += ticks;
        return end;
      }),
    ),
    perEpisode(
      'seed',
      episodes.map(({ seed }) => seed),
    ),
    flags('success', ({ success }) => [Number(success)]),
  ];
  return encodeSafetensors(tensors, {
    task: task.name,
    words,
    robot,
    fps: String(tickRate),
    units,
    state_names: JSON.stringify(stateNames),
    action_names: JSON.stringify(actionNames),
    environment_state_names: JSON.stringify(environmentNames),
    phases: JSON.stringify(phases),
    pauses: String(pauses),
    facts: JSON.stringify(facts),
    cameras: JSON.stringify(task.cameras),
    mjcf_sha256: modelHash(task),
    warmstep: version,
  });
}
