import { loadStartCheckpoint } from '../checkpoints/predictor/read-predictor.js';
import { encodeSafetensors, type WritableTensor } from '../checkpoints/safetensors/safetensors.js';
import type { StartCheckpoint } from '../checkpoints/types.js';
import { encodePlans } from '../decision/encode-plan.js';
import { startEncoder } from '../decision/picture-networks.js';
import { cvaeStart } from '../decision/starts/cvae.js';
import { CheckpointError } from '../foundation/errors.js';
import { loadCvae } from '../networks/cvae/cvae.js';
import { Picture } from '../observations/picture.js';
import type { WeightLoader } from '../ops/weight-source.js';
import { createBuffer, MAP_READ, USAGE } from '../runtime/buffers.js';
import { compilePlan } from '../runtime/compile-plan.js';
import type { ComputeDevice } from '../runtime/device.js';
import { PlanBuilder } from '../runtime/plan-builder.js';
import { ProbeBuffer } from '../runtime/probes.js';
import { tokens } from '../runtime/tensor.js';
import { Uploader } from '../runtime/uploader.js';
import type { RawRows } from '../spec/network-shapes.js';
import type { CaseReport, CaseSources } from './case-report.js';
import { compareTensor } from './compare.js';
import type { GoldenCase } from './golden-case.js';

/** As the README of the cases has it. */
const TOLERANCE = 2e-5;
const IMAGES = 'images.';
const OBSERVATION = 'input.observation.';
const PROBES = ['features', 'cond', 'prediction'] as const;

/** Whether a case is of a predictor that reads pictures, alone. */
export function isPredictorCase({ description: { kind } }: GoldenCase): boolean {
  return kind === 'bridger_cvae_image';
}

/**
 * Runs a case of a CVAE with pictures, without a policy: its encoder and its decoder as decisions record them, over recorded windows. Always in
 * f32, as such networks are.
 */
export async function verifyPredictorCase(golden: GoldenCase, sources: CaseSources, device: ComputeDevice): Promise<CaseReport> {
  if (!sources.predictor) throw new CheckpointError(`case "${golden.name}": expected a folder predictor/, found none.`);
  const names = golden.names(OBSERVATION);
  const cameras = names.filter((name) => name.startsWith(IMAGES));
  const [height, width] = golden.shape(OBSERVATION + (cameras[0] ?? `${IMAGES}…`)).slice(-2);
  const vectors = names.filter((name) => !name.startsWith(IMAGES)).map((name) => `observation.${name}`);
  const checkpoint = await loadStartCheckpoint(sources.predictor, {}, { frame: [height ?? 0, width ?? 0], vectors });
  const uploader = new Uploader(device);
  try {
    const loader: WeightLoader = { source: checkpoint.weights, uploader, precision: 'f32' };
    const rows = await rowsOf(golden, checkpoint, device, loader);
    const found = await decode(checkpoint, rows, await golden.values('input.latent'), device, loader);
    const tensors = [];
    const dump: WritableTensor[] = [];
    for (const name of golden.names('expected.')) {
      const full = `expected.${name}`;
      const values = found.get(name);
      if (!values) throw new CheckpointError(`case "${golden.name}" expects "${full}", expected one of ${PROBES.join(', ')}.`);
      const shape = golden.shape(full);
      tensors.push(compareTensor(full, shape, await golden.values(full), values, TOLERANCE));
      dump.push({ name, dtype: 'F32', shape, data: values });
    }
    return { name: golden.name, precision: 'f32', tensors, pass: tensors.every(({ pass }) => pass), dump: encodeSafetensors(dump) };
  } finally {
    uploader.destroy();
    await checkpoint.close();
  }
}

/** Features of every camera, then raw vectors, f32 [b][To][width]. */
async function rowsOf(golden: GoldenCase, checkpoint: StartCheckpoint, device: ComputeDevice, loader: WeightLoader): Promise<Float32Array> {
  const observation = rawOf(golden, checkpoint);
  const { cameras, vectors, encoder: shape, width } = observation;
  const tensor = (name: string): string => OBSERVATION + name.replace(/^observation\./, '');
  const encoder = await startEncoder(checkpoint, cameras.length, 0, () => loader);
  const plans = encodePlans(device, { cameras: cameras.length, networks: encoder ? [encoder] : [] }, []);
  const [batch = 0, steps = 0] = golden.shape(tensor(cameras[0] as string));
  const frames = batch * steps;
  const pictures: Picture[] = [];
  for (const camera of cameras) {
    const bytes = await golden.bytes(tensor(camera));
    const size = bytes.length / frames;
    for (let i = 0; i < frames; i++) {
      pictures.push(new Picture('u8-chw', shape.height, shape.width, Uint8Array.from(bytes.subarray(i * size, (i + 1) * size))));
    }
  }
  const plan = await plans.compile({ cameras: cameras.map(() => ({ format: 'u8-chw' })), frames });
  try {
    const [features] = (await plan.run(pictures)).features as [Float32Array];
    const rows = new Float32Array(frames * width);
    const put = (values: Float32Array, first: number, size: number, column: number): void => {
      for (let i = 0; i < frames; i++) rows.set(values.subarray(first + i * size, first + (i + 1) * size), i * width + column);
    };
    cameras.forEach((_, camera) => put(features, camera * frames * shape.features, shape.features, camera * shape.features));
    let column = cameras.length * shape.features;
    for (const vector of vectors) {
      const values = await golden.values(tensor(vector));
      put(values, 0, values.length / frames, column);
      column += values.length / frames;
    }
    if (column !== width)
      throw new CheckpointError(`case "${golden.name}": rows have ${column} values, its predictor reads ${width} (obs_dim).`);
    return rows;
  } finally {
    plan.destroy();
  }
}

function rawOf({ name }: GoldenCase, { observation }: StartCheckpoint): RawRows {
  if (observation.kind === 'raw') return observation;
  throw new CheckpointError(`case "${name}": expected a predictor with cameras, found one that reads the policy's conditioning.`);
}

/** The start that decisions record, over rows and latents; every value by the names of the case. */
async function decode(
  checkpoint: StartCheckpoint,
  rows: Float32Array,
  latents: Float32Array,
  device: ComputeDevice,
  loader: WeightLoader,
): Promise<Map<string, Float32Array>> {
  if (checkpoint.kind !== 'cvae') throw new CheckpointError(`predictor "${checkpoint.name}": expected a CVAE, found another network.`);
  const { config } = checkpoint;
  const batch = latents.length / config.latentDim;
  const builder = new PlanBuilder(device, PROBES);
  const start = cvaeStart(await loadCvae(loader, config), rows.length / batch / config.observationSteps);
  const inputs = { rows: builder.buffer('rows', rows.byteLength), latent: builder.buffer('latent', latents.byteLength) };
  const nothing = { buffer: builder.buffer('nothing', 4), offset: 0, bytes: 4 };
  const prediction = tokens(builder, 'prediction', batch, config.horizon, config.actionDim);
  builder.segment('predict');
  const whole = (buffer: (typeof inputs)['rows']): { buffer: typeof buffer; offset: number; bytes: number } => ({
    buffer,
    offset: 0,
    bytes: buffer.bytes,
  });
  const frames = tokens(builder, 'frames that nobody reads', batch, 1, 1);
  start.record(builder, { history: nothing, noise: nothing, frames, rows: whole(inputs.rows), latent: whole(inputs.latent) }, prediction);
  builder.probe('prediction', prediction.buffer, [{ offset: 0, bytes: batch * config.horizon * config.actionDim * 4 }]);
  const plan = await compilePlan(device, builder);
  const runs = [{ segment: 'predict' }];
  const copies = await createBuffer(device, 'probes of a predictor', plan.probeBytes(runs), USAGE.mapRead | USAGE.copyDestination);
  try {
    const { queue } = device.gpuDevice;
    queue.writeBuffer(plan.gpuBuffer(inputs.rows), 0, Float32Array.from(rows));
    queue.writeBuffer(plan.gpuBuffer(inputs.latent), 0, Float32Array.from(latents));
    const probed = new ProbeBuffer(copies);
    const encoder = device.gpuDevice.createCommandEncoder({ label: 'predict' });
    plan.encode(encoder, runs, probed);
    queue.submit([encoder.finish()]);
    await device.settle(copies.mapAsync(MAP_READ));
    return probed.read(copies.getMappedRange());
  } finally {
    copies.destroy();
    plan.destroy();
  }
}
