import { copyFile, mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ExpectedGraph, expectedGraph, openWeights, type PeerNetwork } from './networks.js';

/** Environment variable with the folder of the graphs. */
export const GRAPHS_VARIABLE = 'WARMSTEP_PEERS';

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
export async function writeGraph(graphs: string, network: PeerNetwork, folder: string): Promise<Graph> {
  const expected = expectedGraph(network);
  const { file } = expected;
  const layoutFile = join(graphs, `${file}.json`);
  const layout = await readLayout(layoutFile, file);
  checkLayout(layout, expected, layoutFile);
  await mkdir(folder, { recursive: true });
  const graph = {
    model: join(folder, `${file}.onnx`),
    layout: join(folder, `${file}.json`),
    weights: join(folder, layout.weights_file),
  };
  await copyFile(join(graphs, `${file}.onnx`), graph.model);
  await copyFile(layoutFile, graph.layout);
  await writeWeights(layout, network, graph.weights);
  return graph;
}

async function readLayout(file: string, name: string): Promise<WeightLayout> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as WeightLayout;
  } catch (cause) {
    throw new Error(
      `${file} cannot be read. The peers need ${name}.onnx, LeRobot's network exported from PyTorch with external weights, and ` +
        `${name}.json with the name, shape, offset and bytes of every tensor in them. Give their folder with --graphs DIR or ` +
        `${GRAPHS_VARIABLE}.`,
      { cause },
    );
  }
}

/** @throws Error where the graph is of another network than ours: nothing could be compared then. */
export function checkLayout(layout: WeightLayout, { inputs, tensors }: ExpectedGraph, file: string): void {
  const expected = new Map(tensors);
  const fail = (what: string): never => {
    throw new Error(`${file}: ${what}. Export the graph of the network that warmstep's synthetic policy has.`);
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

async function writeWeights(layout: WeightLayout, network: PeerNetwork, path: string): Promise<void> {
  const weights = await openWeights(network);
  const file = await open(path, 'w');
  try {
    for (const { name } of layout.tensors) {
      const values = await weights.readFloats(name);
      await file.writeFile(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    }
  } finally {
    await file.close();
  }
}
