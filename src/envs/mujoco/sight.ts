import { Picture } from '../../observations/picture.js';
import { castPicture } from '../../rendering/cast-picture.js';
import { type CameraPose, packSolids, placeSolid, type Solid, sceneNumbers } from '../../rendering/scene.js';
import { cameraPose, type TaskCamera } from './cameras.js';
import type { MujocoModule } from './module.js';
import { IDENTITY } from './rotations.js';
import { Simulation, SimulationError, type SolidGeom } from './simulation.js';

/** What there is to be seen at a moment, and from where: plain data, which threads hand to each other. */
export interface Sight {
  /** As `packSolids` lays them out. */
  readonly solids: Float64Array;
  /** In the order of the task's cameras. */
  readonly cameras: readonly CameraPose[];
}

/** What is drawn of a geom, by MuJoCo's number of its shape; undefined for shapes that are not. */
function shapeOf({ type, size: [a, b, c] }: SolidGeom): Pick<Solid, 'kind' | 'half'> | undefined {
  switch (type) {
    case 0:
      return { kind: 'plane', half: [a, b, 0] };
    case 2:
      return { kind: 'capsule', half: [a, 0, 0] };
    case 3:
      return { kind: 'capsule', half: [a, b, 0] };
    case 5:
      return { kind: 'cylinder', half: [a, b, 0] };
    case 6:
      return { kind: 'box', half: [a, b, c] };
    default:
      return undefined;
  }
}

/**
 * What the cameras of a task see where its bodies have given positions. It has a state of its own beside that of the physics, which it never
 * touches: the same positions look the same, in an episode and when they are drawn again later.
 */
export class SightReader {
  readonly #simulation: Simulation;
  readonly #cameras: readonly { readonly camera: TaskCamera; readonly body: number }[];
  /** Numbers of the geoms that are drawn, and their solids at the origin. */
  readonly #geoms: readonly number[];
  readonly #unplaced: Float64Array;

  /**
   * `model`: as XML.
   * @throws SimulationError for one that MuJoCo does not take, or with shapes that are not drawn; EnvironmentLostError where it has no memory for it.
   */
  constructor(mujoco: MujocoModule, model: string, cameras: readonly TaskCamera[]) {
    const simulation = new Simulation(mujoco, model, 1);
    this.#simulation = simulation;
    try {
      this.#cameras = cameras.map((camera) => ({ camera, body: camera.body === undefined ? -1 : simulation.id('body', camera.body) }));
      const seen = simulation.geoms().filter(({ alpha }) => alpha > 0);
      this.#geoms = seen.map(({ id }) => id);
      this.#unplaced = packSolids(
        seen.map((geom): Solid => {
          const shape = shapeOf(geom);
          if (shape) return { ...shape, colour: geom.colour, position: [0, 0, 0], rotation: IDENTITY };
          throw new SimulationError(
            `geom ${geom.id} of the model has MuJoCo's type ${geom.type}: planes, spheres, capsules, cylinders and boxes are drawn. Leave it out, or make it of these.`,
          );
        }),
      );
    } catch (error) {
      simulation.delete();
      throw error;
    }
  }

  /**
   * `positions`: MuJoCo's qpos, [nq]; `mocap`: position and quaternion of each body that is only placed, [7 × bodies] (`Simulation.mocapPoses`).
   * @throws OptionError for another number of either.
   */
  at(positions: ArrayLike<number>, mocap: ArrayLike<number>): Sight {
    const { xpos, xmat, geomPositions, geomRotations } = this.#simulation.placed(positions, mocap);
    const solids = this.#unplaced.slice();
    for (let i = 0; i < this.#geoms.length; i++) {
      const geom = this.#geoms[i] as number;
      placeSolid(solids, i, geomPositions, 3 * geom, geomRotations, 9 * geom);
    }
    const cameras = this.#cameras.map(({ camera, body }) => {
      if (body < 0) return cameraPose(camera);
      return cameraPose(camera, {
        position: [...xpos.subarray(3 * body, 3 * body + 3)],
        rotation: [...xmat.subarray(9 * body, 9 * body + 9)],
      });
    });
    return { solids, cameras };
  }

  /** Gives MuJoCo's memory back. */
  close(): void {
    this.#simulation.delete();
  }
}

/** What a camera of a sight sees, RGB: drawn by the device that reads the picture, or on the host where its bytes are asked for. */
export function pictureOf({ solids, cameras }: Sight, camera: number, height: number, width: number): Picture {
  const scene = sceneNumbers(solids, cameras[camera] as CameraPose, height, width);
  return Picture.drawn(height, width, { numbers: Float32Array.from(scene), draw: () => castPicture(scene, height, width) });
}
