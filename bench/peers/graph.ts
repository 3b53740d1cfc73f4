import { copyFile, mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unetTensorShapes } from '../../src/checkpoints/lerobot/unet-tensors.js';
import { loadPolicyCheckpoint } from '../../src/checkpoints/read-policy.js';
import type { UnetShape } from '../../src/spec/network-shapes.js';
import { syntheticPolicy, syntheticUnet } from '../../src/synthetic/checkpoint.js';
import type { PeerSize } from './work.js';

/** Environment variable with the folder of the graphs. */
export const GRAPHS_VARIABLE = 'WARMSTEP_PEERS';
/** What LeRobot's tensor names begin with. */
const PREFIX = 'diffusion.unet.';

/** Where each tensor lies in the file of the weights: the JSON beside a graph. */
export interface WeightLayout {
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly weights_file: string;
  readonly bytes: number;
  readonly tensors: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly offset: number;
    readonly bytes: number;
  }[];
}

/** An exported graph with its weights beside it. */
export interface Graph {
  readonly model: string;
  readonly layout: string;
  readonly weights: string;
}

/** Copies a graph to a folder, and writes the weights of the synthetic policy beside it. */
export async function writeGraph(graphs: string, size: PeerSize, folder: string): Promise<Graph> {
  const layoutFile = join(graphs, `unet-${size}.json`);
  const layout = await readLayout(layoutFile, size);
  checkLayout(layout, syntheticUnet(size), layoutFile);
  await mkdir(folder, { recursive: true });
  const graph = {
    model: join(folder, `unet-${size}.onnx`),
    layout: join(folder, `unet-${size}.json`),
    weights: join(folder, layout.weights_file),
  };
  await copyFile(join(graphs, `unet-${size}.onnx`), graph.model);
  await copyFile(layoutFile, graph.layout);
  await writeWeights(layout, size, graph.weights);
  return graph;
}

async function readLayout(file: string, size: PeerSize): Promise<WeightLayout> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as WeightLayout;
  } catch (cause) {
    throw new Error(
      `${file} cannot be read. The peers need unet-${size}.onnx, LeRobot's U-Net exported from PyTorch with external weights, and ` +
        `unet-${size}.json with the name, shape, offset and bytes of every tensor in them. Give their folder with --graphs DIR or ` +
        `${GRAPHS_VARIABLE}.`,
      { cause },
    );
  }
}

/** @throws Error where the graph is of another network than ours: nothing could be compared then. */
export function checkLayout(layout: WeightLayout, unet: UnetShape, file: string): void {
  const expected = new Map([...unetTensorShapes(unet)].map(([name, shape]) => [PREFIX + name, shape]));
  const fail = (what: string): never => {
    throw new Error(`${file}: ${what}. Export the graph of the network that warmstep's synthetic policy has.`);
  };
  const inputs = {
    sample: [1, unet.horizon, unet.actionDim],
    timestep: [1],
    global_cond: [1, unet.conditioningDim],
  };
  for (const [name, shape] of Object.entries(inputs)) {
    const found = layout.inputs[name];
    if (found?.join() !== shape.join())
      fail(`input "${name}" must have shape [${shape.join(', ')}], found [${found?.join(', ') ?? 'nothing'}]`);
  }
  let end = 0;
  for (const { name, shape, offset, bytes } of layout.tensors) {
    const wanted = expected.get(name) ?? fail(`tensor "${name}" is not of this network, or is there twice`);
    expected.delete(name);
    if (wanted.join() !== shape.join()) fail(`tensor "${name}" must have shape [${wanted.join(', ')}], found [${shape.join(', ')}]`);
    const size = wanted.reduce((product, dim) => product * dim, 4);
    if (bytes !== size || offset !== end) fail(`tensor "${name}" must have ${size} bytes at ${end}, found ${bytes} at ${offset}`);
    end += bytes;
  }
  const [missing] = expected.keys();
  if (missing !== undefined) fail(`tensor "${missing}" is missing`);
  if (layout.bytes !== end) fail(`the weights must have ${end} bytes, found ${layout.bytes}`);
}

async function writeWeights(layout: WeightLayout, size: PeerSize, path: string): Promise<void> {
  const checkpoint = await loadPolicyCheckpoint(syntheticPolicy(size));
  const file = await open(path, 'w');
  try {
    for (const { name } of layout.tensors) {
      const values = await checkpoint.weights.readFloats(name.slice(PREFIX.length));
      await file.writeFile(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    }
  } finally {
    await file.close();
    await checkpoint.close();
  }
}
