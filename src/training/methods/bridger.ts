import { boundedTime, gammaAt, gammaSlopeAt, interpolantWeights } from '../../diffusion/interpolant.js';
import { OptionError } from '../../foundation/errors.js';
import { sinusoids } from '../../networks/unet/timestep-table.js';
import { recordCombine } from '../../ops/backward/combine-rows.js';
import { recordRowLoss } from '../../ops/backward/row-loss.js';
import { newRows, probeRows, type Rows } from '../../runtime/rows.js';
import { BRIDGE_NETWORKS, type Interpolant } from '../../spec/method-networks.js';
import type { UnetShape } from '../../spec/network-shapes.js';
import { recordUnetBackward, recordUnetForward } from '../unet/record.js';
import { type ChunkBatch, checkChunks, counted } from './chunk-batch.js';
import type { Method, NetworkParameters } from './method.js';
import { methodUnet } from './unet-network.js';

/** A batch of BRIDGER's three networks. `noise`: standard normal, before the factor d. */
export interface BridgerBatch extends ChunkBatch {
  /** B × H × D: where the interpolant begins, drawn from the prior. */
  readonly prior: Float32Array;
  /** B times from 0 to 1, as drawn: they are kept in [timeMin, 1 − timeMin] here. */
  readonly times: Float64Array;
}

export interface BridgerTrainingOptions {
  readonly shape: UnetShape;
  readonly batchSize: number;
  readonly interpolant: Interpolant;
  /** d. */
  readonly noiseScale: number;
  readonly timeMin: number;
}

type Part = 'conditioning' | 'sinusoids' | 'actions' | 'prior' | 'noise' | 'sample' | 'b_net' | 'v_net' | 's_net' | 'weights';

/**
 * BRIDGER's drift, velocity and score together (StochasticInterpolants of the release). With z = d · noise, x_t = I(t) + γ z, I′ = slope (x₁ − x₀),
 * sums over rows and dimensions and means over samples:
 *
 *     v: ½‖v‖² − I′·v        s: ½‖s‖² + z·s        b: ½‖b‖² − (I′ + γ′ z)·b
 *
 * All three read the same sample at the same time. Losses: those of b, of v, then of s.
 */
export function bridger({ shape, batchSize, interpolant, noiseScale, timeMin }: BridgerTrainingOptions): Method<BridgerBatch, Part> {
  const { horizon, actionDim, conditioningDim, stepEmbedDim } = shape;
  const chunk = [batchSize, horizon, actionDim] as const;
  const size = horizon * actionDim;
  return {
    network: bridgerNetworks(shape),
    batchSize,
    lossCount: BRIDGE_NETWORKS.length * batchSize,
    parts: {
      conditioning: { rows: [batchSize, 1, conditioningDim] },
      sinusoids: { rows: [batchSize, 1, stepEmbedDim] },
      actions: { rows: chunk },
      prior: { rows: chunk },
      noise: { rows: chunk },
      // Of action, prior and noise, for the sample and for what each network is to say.
      sample: { values: 3 * batchSize },
      b_net: { values: 3 * batchSize },
      v_net: { values: 3 * batchSize },
      s_net: { values: 3 * batchSize },
      weights: { values: batchSize * horizon },
    },
    pack: (batch, parts) => {
      const { count } = batch;
      checkChunks(batch, shape, batchSize, ['actions', 'prior', 'noise']);
      checkTimes(batch.times, count, batchSize);
      parts.write('conditioning', counted(batch.conditioning, count, conditioningDim));
      for (const part of ['actions', 'prior', 'noise'] as const) parts.write(part, counted(batch[part], count, size));
      for (let b = 0; b < count; b++) {
        // As PyTorch has it, in f32.
        const t = Math.fround(boundedTime(batch.times[b] as number, timeMin));
        const { fromPrior, fromTarget, slope } = interpolantWeights(interpolant, t);
        parts.write('sinusoids', sinusoids([t], stepEmbedDim, true), b);
        parts.values('sample').set([fromTarget, fromPrior, gammaAt(t) * noiseScale], 3 * b);
        parts.values('b_net').set([slope, -slope, gammaSlopeAt(t) * noiseScale], 3 * b);
        parts.values('v_net').set([slope, -slope, 0], 3 * b);
        parts.values('s_net').set([0, 0, -noiseScale], 3 * b);
      }
      parts.values('weights').fill(1, 0, count * horizon);
      return 1 / count;
    },
    record: (recorder) => {
      const { builder, losses, step, parameters } = recorder;
      const rows = (label: string): Rows => newRows(builder, label, ...chunk);
      const operands = [recorder.rows('actions'), recorder.rows('prior'), recorder.rows('noise')];
      builder.segment('forward');
      const sample = rows('sample');
      recordCombine(builder, { operands, coefficients: recorder.values('sample'), y: sample });
      probeRows(builder, 'noisy', sample);
      const inputs = { sample, sinusoids: recorder.rows('sinusoids'), conditioning: recorder.rows('conditioning') };
      const networks = BRIDGE_NETWORKS.map((name) => {
        const own = { ...recorder, parameters: parameters.within(`${name}.`) };
        return { name, own, tape: recordUnetForward(own, shape, inputs) };
      });
      builder.segment('backward');
      const target = rows('what the network is to say');
      const dy = rows('output gradients');
      networks.forEach(({ name, own, tape }, index) => {
        recordCombine(builder, { operands, coefficients: recorder.values(name), y: target });
        const weights = recorder.values('weights');
        recordRowLoss(builder, { kind: 'energy', y: tape.output, target, weights, dy, losses, firstLoss: index * batchSize, step });
        recordUnetBackward(own, tape, dy);
      });
    },
  };
}

/** @throws OptionError for times that are none. */
function checkTimes(times: Float64Array, count: number, batchSize: number): void {
  const length = times instanceof Float64Array ? times.length : undefined;
  if (length !== batchSize && length !== count) {
    throw new OptionError(
      `batch.times: expected ${batchSize} values in a Float64Array (or ${count}, those that count), found ${length ?? 'none'}.`,
    );
  }
  const wrong = times.subarray(0, count).findIndex((time) => !(time >= 0 && time <= 1));
  if (wrong >= 0) throw new OptionError(`batch.times: expected times from 0 to 1, found ${times[wrong]} for sample ${wrong}.`);
}

/** Parameters of all three, in the order of the release's module. */
function bridgerNetworks(shape: UnetShape): NetworkParameters {
  const unets = BRIDGE_NETWORKS.map((name) => methodUnet(shape, `${name}.`, `${name}.`));
  return {
    requests: {
      matrices: unets.flatMap(({ requests }) => requests.matrices),
      vectors: unets.flatMap(({ requests }) => requests.vectors),
    },
    parameters: unets.flatMap(({ parameters }) => parameters),
  };
}
