/**
 * Draws what the cameras of all simulated tasks see in moments of an expert's episode, as one picture for the docs:
 * `node dist/tools/pictures/task-cameras.js docs/images/task-cameras.png`.
 */
import { writeFileSync } from 'node:fs';
import { encodePng } from '../../src/datasets/pictures/png.js';
import { recordDemonstration } from '../../src/envs/mujoco/demonstration.js';
import { type MujocoModule, startMujoco } from '../../src/envs/mujoco/module.js';
import { pictureOf, SightReader } from '../../src/envs/mujoco/sight.js';
import { parseSimulatedTask, SIMULATED_TASKS } from '../../src/envs/simulated-tasks.js';
import { print } from '../../src/terminal/output.js';

/** Of a picture, each of its pixels that many times, and the gap between pictures. */
const SIZE = 96;
const SCALE = 2;
const GAP = 4;
const TILE = SIZE * SCALE + GAP;

/** Where in an episode: shares of its ticks. */
const MOMENTS = [0.15, 0.4, 0.65, 0.92];
const SEED = 2;

/** Two of a task's cameras stand side by side; those of two hands have a row of their own. */
function rowsOf(cameras: readonly string[]): (readonly [string, string])[] {
  const rows: (readonly [string, string])[] = [['top', cameras.includes('wrist') ? 'wrist' : 'overhead']];
  if (cameras.includes('other_wrist')) rows.push(['overhead', 'other_wrist']);
  return rows;
}

/** Pictures of a row, from left to right: the moments through one camera, then the same through the other. [SIZE][SIZE][3] each */
function rowsOfTask(mujoco: MujocoModule, name: string): Uint8Array[][] {
  const task = parseSimulatedTask(name);
  if (!task) throw new Error(`expected a simulated task, found ${name}`);
  const { demonstrations, cameras, maxTicks } = task;
  const { success, positions, mocap } = recordDemonstration(demonstrations.create(mujoco), SEED, false, maxTicks);
  if (!success) throw new Error(`${name}: the expert failed with seed ${SEED}: draw another`);
  const reader = new SightReader(mujoco, demonstrations.model, cameras);
  const names = cameras.map((camera) => camera.name);
  print(`${name.padEnd(18)} ${rowsOf(names).flat().join(', ')}`);
  return rowsOf(names).map((row) =>
    row.flatMap((camera) =>
      MOMENTS.map((share) => {
        const at = positions[Math.floor(share * (positions.length - 1))] ?? [];
        return pictureOf(reader.at(at, mocap), names.indexOf(camera), SIZE, SIZE).bytes;
      }),
    ),
  );
}

const mujoco = await startMujoco('task-cameras', () => import('@mujoco/mujoco'));
const rows = SIMULATED_TASKS.flatMap((name) => rowsOfTask(mujoco, name));
const width = 2 * MOMENTS.length * TILE - GAP;
const height = rows.length * TILE - GAP;
const data = new Uint8Array(width * height * 3).fill(255);
rows.forEach((row, down) =>
  row.forEach((picture, across) => {
    for (let y = 0; y < SIZE * SCALE; y++) {
      for (let x = 0; x < SIZE * SCALE; x++) {
        const from = 3 * (Math.floor(y / SCALE) * SIZE + Math.floor(x / SCALE));
        data.set(picture.subarray(from, from + 3), 3 * ((down * TILE + y) * width + across * TILE + x));
      }
    }
  }),
);
const output = process.argv[2] ?? 'task-cameras.png';
writeFileSync(output, await encodePng({ data, height, width }));
print(output);
