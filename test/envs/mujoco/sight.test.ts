import { describe, expect, it } from 'vitest';
import { type Demonstrator, recordDemonstration } from '../../../src/envs/mujoco/demonstration.js';
import { localSimulations } from '../../../src/envs/mujoco/local.js';
import { pictureOf, type Sight, SightReader } from '../../../src/envs/mujoco/sight.js';
import { SimulationError } from '../../../src/envs/mujoco/simulation.js';
import { type SimulatedTask, seenTask, simulatedTaskKind } from '../../../src/envs/mujoco/task.js';
import { parseSimulatedTask, SIMULATED_TASKS } from '../../../src/envs/simulated-tasks.js';
import { OptionError } from '../../../src/foundation/errors.js';
import { Picture } from '../../../src/observations/picture.js';
import { SOLID_NUMBERS } from '../../../src/rendering/scene.js';
import type { ObservationInfo } from '../../../src/spec/policy-spec.js';
import { importMujoco, mujoco } from '../../support/mujoco.js';

const taskOf = (name: string): SimulatedTask => parseSimulatedTask(name) as SimulatedTask;
const image = (name: string, height = 24, width = 32): ObservationInfo => {
  return { kind: 'image', name, feature: name, height, width, channels: 3, features: 4 } as ObservationInfo;
};
const vector = (size: number): ObservationInfo =>
  ({ kind: 'vector', name: 'state', feature: 'observation.state', size }) as ObservationInfo;

const mocapOf = ({ environment }: Demonstrator): number[] => environment.body.simulation.mocapPoses();

/** Position (3) and rotation, row-major (9), of each solid that is drawn. */
function placesOf({ solids }: Sight): number[][] {
  return Array.from({ length: solids.length / SOLID_NUMBERS }, (_, solid) => {
    const rows = [8, 12, 16].map((row) => [...solids.subarray(solid * SOLID_NUMBERS + row, solid * SOLID_NUMBERS + row + 4)]);
    return [...rows.map((row) => row[3] as number), ...rows.flatMap((row) => row.slice(0, 3))];
  });
}

/** The same as the physics has it, of its present positions. */
function placesInPhysics({ environment }: Demonstrator): number[][] {
  const { simulation } = environment.body;
  simulation.forward();
  const { geomPositions, geomRotations } = simulation.views;
  const seen = simulation.geoms().filter(({ alpha }) => alpha > 0);
  return seen.map(({ id }) => [...geomPositions.subarray(3 * id, 3 * id + 3), ...geomRotations.subarray(9 * id, 9 * id + 9)]);
}

async function usingReader<T>(task: SimulatedTask, work: (reader: SightReader) => T): Promise<T> {
  const reader = new SightReader(await mujoco(), task.demonstrations.model, task.cameras);
  try {
    return work(reader);
  } finally {
    reader.close();
  }
}

/** Where a point of the world is in a picture of 96 × 96 pixels. */
function pixelOf({ cameras }: Sight, camera: number, point: readonly number[]): [row: number, column: number] {
  const { eye, axes, fovy } = cameras[camera] as Sight['cameras'][0];
  const [right, up, back] = [0, 3, 6].map((row) =>
    point.reduce((sum, value, i) => sum + (value - (eye[i] as number)) * (axes[row + i] as number), 0),
  ) as [number, number, number];
  const focal = 48 / Math.tan((fovy * Math.PI) / 360);
  return [Math.floor(48 + (focal * up) / back), Math.floor(48 - (focal * right) / back)];
}

describe('what cameras of tasks in MuJoCo see', () => {
  it.each(SIMULATED_TASKS)('%s: its geoms, and what moves from a camera that does', async (name) => {
    const task = taskOf(name);
    const demonstrator = task.demonstrations.create(await mujoco());
    try {
      await usingReader(task, (reader) => {
        demonstrator.environment.reset(1);
        const sight = reader.at(demonstrator.positions(), mocapOf(demonstrator));
        const geoms = demonstrator.environment.body.simulation.geoms();
        expect(sight.solids).toHaveLength(geoms.length * SOLID_NUMBERS);
        expect(sight.cameras).toHaveLength(task.cameras.length);
        for (let camera = 0; camera < task.cameras.length; camera++) {
          // Table, shadows, robot and things: many levels of many colours.
          expect(new Set(pictureOf(sight, camera, 24, 24).bytes).size).toBeGreaterThan(25);
        }
      });
    } finally {
      demonstrator.environment.close();
    }
  });

  it.each(SIMULATED_TASKS)('%s: solids are where the physics has them, live and from what was demonstrated', async (name) => {
    const task = taskOf(name);
    const demonstrator = task.demonstrations.create(await mujoco());
    const { environment } = demonstrator;
    const open = localSimulations('test', importMujoco);
    const simulation = await open(seenTask(task));
    try {
      await usingReader(task, (reader) => {
        const { mocap, actions } = recordDemonstration(demonstrator, 2, false, 12);
        environment.reset(2);
        void simulation.reset(2);
        for (const action of actions.map((values) => Float32Array.from(values))) {
          environment.step(action);
          void simulation.step(action);
        }
        const expected = placesInPhysics(demonstrator);
        for (const sight of [simulation.sight?.() as Sight, reader.at(demonstrator.positions(), mocap)]) {
          expect(placesOf(sight)).toEqual(expected);
        }
      });
    } finally {
      simulation.close();
      environment.close();
    }
  });

  it('is the cube where the cube is, and nothing of it elsewhere', async () => {
    const task = taskOf('so101-stack-cube');
    const demonstrator = task.demonstrations.create(await mujoco());
    try {
      await usingReader(task, (reader) => {
        for (const seed of [1, 2, 3]) {
          demonstrator.environment.reset(seed);
          const sight = reader.at(demonstrator.positions(), mocapOf(demonstrator));
          const cube = demonstrator.environment.observe()['observation.environment_state']?.slice(0, 3) as number[];
          const { bytes } = pictureOf(sight, 0, 96, 96);
          const isBlue = (row: number, column: number): boolean => {
            const [red, green, blue] = bytes.subarray(3 * (96 * row + column)) as unknown as [number, number, number];
            return blue > 1.6 * red && blue > 1.3 * green;
          };
          const [row, column] = pixelOf(sight, 0, cube);
          expect(isBlue(row, column)).toBe(true);
          const blue = Array.from({ length: 96 * 96 }, (_, i) => i).filter((i) => isBlue(Math.floor(i / 96), i % 96));
          expect(blue.length).toBeGreaterThan(30);
          for (const i of blue) expect(Math.hypot(Math.floor(i / 96) - row, (i % 96) - column)).toBeLessThan(12);
        }
      });
    } finally {
      demonstrator.environment.close();
    }
  });

  it('is the same when it is drawn again from what was demonstrated, and looking changes nothing of the physics', async () => {
    const task = taskOf('so101-pick-place');
    const module = await mujoco();
    const [blind, seeing] = [task.demonstrations.create(module), task.demonstrations.create(module)];
    try {
      await usingReader(task, (reader) => {
        const unseen = recordDemonstration(blind, 4, false, 40);
        const live: number[] = [];
        const looking = {
          ...seeing,
          positions: () => {
            live.push(...reader.at(seeing.positions(), mocapOf(seeing)).solids);
            return seeing.positions();
          },
        };
        expect(recordDemonstration(looking, 4, false, 40)).toEqual(unseen);
        const again = unseen.positions.flatMap((positions) => [...reader.at(positions, unseen.mocap).solids]);
        expect(again).toHaveLength(40 * 16 * SOLID_NUMBERS);
        expect(again).toEqual(live);
      });
    } finally {
      blind.environment.close();
      seeing.environment.close();
    }
  });

  it('hangs in the hand, for a camera of the wrist', async () => {
    const task = taskOf('lift');
    const wrist = task.cameras.findIndex(({ body }) => body === 'hand');
    const demonstrator = task.demonstrations.create(await mujoco());
    try {
      await usingReader(task, (reader) => {
        const held = [1, 2].map((seed) => {
          demonstrator.environment.reset(seed);
          const state = demonstrator.environment.observe()['observation.state'] as readonly number[];
          const { eye } = reader.at(demonstrator.positions(), []).cameras[wrist] as Sight['cameras'][0];
          const [r1, r2] = [state.slice(3, 6), state.slice(6, 9)] as [number[], number[]];
          const r3 = [0, 1, 2].map((i) => r1[(i + 1) % 3]! * r2[(i + 2) % 3]! - r1[(i + 2) % 3]! * r2[(i + 1) % 3]!);
          const from = eye.map((value, i) => value - (state[i] as number));
          // In the frame of the hand: back by its rotation.
          return [0, 1, 2].map((i) => from[0]! * r1[i]! + from[1]! * r2[i]! + from[2]! * r3[i]!);
        });
        for (const eye of held) eye.forEach((value, i) => void expect(value).toBeCloseTo(task.cameras[wrist]?.eye[i] as number, 6));
      });
    } finally {
      demonstrator.environment.close();
    }
  });

  it('refuses models with shapes that are not drawn, and positions of another one', async () => {
    const module = await mujoco();
    const model = '<mujoco><worldbody><geom type="ellipsoid" size=".1 .2 .3"/></worldbody></mujoco>';
    expect(() => new SightReader(module, model, [])).toThrow(SimulationError);
    expect(() => new SightReader(module, model.replace('/>', ' rgba="1 0 0 0"/>'), []).close()).not.toThrow();
    expect(() => new SightReader(module, model, taskOf('lift').cameras)).toThrow(/no body "hand"/);
    await usingReader(taskOf('lift'), (reader) => void expect(() => reader.at([1, 2], [])).toThrow(/positions, found 2/));
    await usingReader(taskOf('turn-faucet'), (reader) => {
      const positions = new Float64Array(11);
      expect(() => reader.at(positions, new Float64Array(9))).toThrow(/3 bodies that are only placed, of which 21 numbers tell, found 9/);
      expect(() => reader.at(positions, new Float64Array(21))).not.toThrow();
    });
  });
});

describe('a task that is seen', () => {
  const kindOf = (name: string) => simulatedTaskKind(taskOf(name), localSimulations('test', importMujoco));
  const policy = (...observations: ObservationInfo[]) => ({ name: 'p', observations, actionDim: 6 });

  it('is found by its name, options before or behind, and is another one than the same in numbers', () => {
    for (const name of ['so101-pick-place/observations=image/p=32', 'so101-pick-place/p=32/observations=image']) {
      expect(taskOf(name)).toMatchObject({ name: 'so101-pick-place/p=32/observations=image', isSeen: true });
    }
    const task = taskOf('lift/observations=image');
    expect(task.name).toBe('lift/observations=image');
    expect(seenTask(task)).toBe(task);
    expect(taskOf('lift').isSeen).toBeUndefined();
    expect(() => parseSimulatedTask('lift/observations=video')).toThrow(OptionError);
  });

  it('observes pictures of the size that a policy reads, drawn by whoever needs them, and numbers beside them', async () => {
    const observations = [vector(6), image('observation.images.overhead'), image('observation.image', 40, 30)];
    const task = kindOf('so101-stack-cube/observations=image').forPolicy(policy(...observations));
    const environment = await task.create();
    await environment.reset(3);
    const observed = environment.observe();
    expect(Object.keys(observed)).toEqual(['state', 'observation.images.overhead', 'observation.image']);
    expect(observed['state']).toHaveLength(6);
    const [overhead, first] = Object.values(observed).slice(1) as [Picture, Picture];
    expect(overhead).toBeInstanceOf(Picture);
    expect([overhead.height, overhead.width, first.height, first.width]).toEqual([24, 32, 40, 30]);
    expect(overhead.scene).toHaveLength(24 + 16 * SOLID_NUMBERS);
    expect(overhead.bytes).toHaveLength(24 * 32 * 3);
    // Drawn once.
    expect(overhead.bytes).toBe(overhead.bytes);
    environment.close?.();
  });

  it('refuses policies that read none, cameras that it does not have, and is named where pictures are read', () => {
    expect(() => kindOf('so101-stack-cube/observations=image').forPolicy(policy(vector(6)))).toThrow(
      /reads no image.*leave observations=image out/,
    );
    expect(() => kindOf('so101-stack-cube/observations=image').forPolicy(policy(image('observation.images.front')))).toThrow(
      /has pictures observation\.images\.top, observation\.images\.overhead: name its cameras so/,
    );
    expect(() => kindOf('so101-stack-cube').forPolicy(policy(image('observation.images.top')))).toThrow(
      /observed in numbers: joint positions \(6\), poses of cube and goal \(10\)\. For pictures its name is so101-stack-cube\/observations=image/,
    );
  });
});
