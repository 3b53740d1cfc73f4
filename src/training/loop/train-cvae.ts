import { cvaeConfig } from '../../checkpoints/predictor/write-predictor.js';
import { loadPolicyCheckpoint } from '../../checkpoints/read-policy.js';
import { checkSource } from '../../checkpoints/source.js';
import type { PolicyCheckpoint } from '../../checkpoints/types.js';
import { OptionError } from '../../foundation/errors.js';
import { checkChoice, checkInteger, checkKeys, checkNumber, checkObject } from '../../foundation/options.js';
import type { CvaeShape, RawRows } from '../../spec/network-shapes.js';
import { type CvaeBatch, CvaeTraining, imageCvaeNames } from '../cvae/cvae-training.js';
import { klWeight } from '../cvae/kl-weight.js';
import { callsBefore, cvaeBatches, cvaeWindows } from './cvae-batches.js';
import { cvaeForward } from './cvae-forward.js';
import type { RunHistory } from './history.js';
import { initialWeights, policyRule, writeInitial } from './initial-weights.js';
import { networkResult } from './network-result.js';
import { type BesidePolicyOptions, type OpenPairs, openPairs } from './open-pairs.js';
import { checkImageEncoder, type ImageEncoderOptions, ownRows } from './own-encoder.js';
import { policyIdentity } from './policy-identity.js';
import { evaluatePredictor } from './predictor-error.js';
import type { Preset } from './presets.js';
import { runTraining } from './run-training.js';
import { spread } from './split.js';
import { checkTrainOptions, commonIdentity } from './train-options.js';

/** Whose CVAE it is: STEP's warm start (ReLU, dropout, κ from 0.1 to 2), or BRIDGER's prior (ELU, 10 · MSE, κ from 0 to 0.1). */
export const CVAE_RELEASES = ['step', 'bridger'] as const;
export type CvaeRelease = (typeof CVAE_RELEASES)[number];

type OwnSizes = Pick<CvaeShape, 'latentDim' | 'hiddenDim' | 'hiddenLayers'>;

/** Sizes of a CVAE that its policy does not fix. */
export interface CvaeSizes extends OwnSizes {
  /**
   * Of release `step`: values that a projection of all frames makes for both halves, and learns (`obs_projection`); a
   * multiple of 4. Where all frames have as many values there is none, as in the release. Default: none; beside an image encoder of its own the
   * features of a picture times the frames, 256 in the release.
   */
  readonly projectionDim: number;
}

export interface TrainCvaeOptions extends BesidePolicyOptions {
  /** Default `step`. Fixes the preset as well, unless another is given. */
  readonly release?: CvaeRelease;
  /** Default: those of the release, latent 32 and 2 layers of 256 (`step`), or 64 and 3 layers of 512 (`bridger`). */
  readonly sizes?: Partial<CvaeSizes>;
  /** Probability of dropout inside the network. Default: the release's, 0.1 or none; of `bridger` it is none. */
  readonly dropout?: number;
  /**
   * Of release `step`, for a policy with pictures: an encoder of the CVAE's own, trained with it. Default: it reads the features of the policy's
   * encoder.
   */
  readonly imageEncoder?: ImageEncoderOptions;
}

const WHERE = 'trainCvae';
const OWN_KEYS = ['policy', 'release', 'sizes', 'dropout', 'imageEncoder'];

const RELEASES: Readonly<Record<CvaeRelease, { sizes: OwnSizes; activation: CvaeShape['activation']; dropout: number; preset: Preset }>> = {
  step: { sizes: { latentDim: 32, hiddenDim: 256, hiddenLayers: 2 }, activation: 'relu', dropout: 0.1, preset: 'step' },
  bridger: { sizes: { latentDim: 64, hiddenDim: 512, hiddenLayers: 3 }, activation: 'elu', dropout: 0, preset: 'bridger-cvae' },
};

/** Calls of the loss in an evaluation, and windows that it shows. */
const VALIDATION_CALLS = 4;
const SAMPLES = 6;

/**
 * Trains a CVAE for a policy on demonstrations, and writes its folder (docs/predictor-format.md) into the storage: after every `saveEvery`
 * steps as good as it is by then. It learns chunks given the observations, in the policy's own normalisation; of pictures it reads what the
 * policy's encoder makes of them, or what one of its own does, which learns with it. κ grows with every call of the loss, those of evaluations among them, as in the releases.
 * @throws OptionError, CheckpointError, DatasetError, NonFiniteError, DeviceLimitError, DeviceLostError, and the reason of `signal`.
 */
export async function trainCvae(options: TrainCvaeOptions): Promise<RunHistory> {
  checkObject(WHERE, 'options', options);
  const release = checkChoice(WHERE, 'release', options.release === undefined ? 'step' : options.release, CVAE_RELEASES);
  const checked = checkTrainOptions(WHERE, options, OWN_KEYS, presetsOf(release));
  const { sizes, dropout, imageEncoder } = checkedOwn(options, release);
  checkSource(WHERE, 'policy', options.policy);
  const { device, storage, signal } = options;
  const checkpoint = await loadPolicyCheckpoint(options.policy, signal ? { signal } : {});
  let pairs: OpenPairs | undefined;
  let step: CvaeTraining | undefined;
  try {
    const raw = imageEncoder && ownRows(WHERE, checkpoint, imageEncoder);
    const shape = cvaeShape(checkpoint, release, sizes, raw);
    pairs = await openPairs(WHERE, options, checked, checkpoint, raw);
    const { spec, rows, held, evaluated } = pairs;
    const { seed, batchSize, plan, precision } = checked;
    const hasEma = plan.optimizer.ema !== null;
    const trained = await CvaeTraining.create(device, { shape, rows: raw, batchSize, ema: hasEma, precision });
    step = trained;
    writeInitial(trained, initialWeights(trained.parameters, policyRule, seed), hasEma);
    const batchesPerEvaluation = plan.evaluateEvery * plan.accumulate;
    const source = { shape, anchors: rows, batchSize, seed, dropout, batchesPerEvaluation, callsPerEvaluation: VALIDATION_CALLS };
    const names = raw && imageCvaeNames(shape, raw);
    const result = networkResult('trained CVAE', cvaeConfig(shape, raw), trained.parameters);
    return await runTraining<CvaeBatch>(plan, {
      step: trained,
      batches: cvaeBatches(spec, source),
      storage,
      identity: {
        kind: 'cvae',
        release,
        ...commonIdentity(checked, options, rows.length),
        ...(await policyIdentity(checkpoint)),
        dropout,
        evaluateEvery: plan.evaluateEvery,
        shape: JSON.stringify(shape),
        ...(raw ? { rows: JSON.stringify(raw) } : {}),
      },
      resume: checked.resume,
      evaluate: async (at) => {
        // Of the batch before the evaluation; its own calls follow.
        const calls = callsBefore(at * plan.accumulate - 1, source) + 1;
        const chosen = spread(evaluated, VALIDATION_CALLS * batchSize);
        let loss = 0;
        for (let call = 0; call * batchSize < chosen.length; call++) {
          const windows = chosen.subarray(call * batchSize, (call + 1) * batchSize);
          const batch = await cvaeWindows(spec, windows, source, 'validationNoise', call);
          trained.run({ ...batch, klWeight: klWeight(shape, calls + call) }, null);
          loss += (await trained.metrics()).loss * (windows.length / chosen.length);
        }
        const weights = await trained.read(hasEma ? 'ema' : 'weights');
        const tensors = result.tensors(weights);
        const forward = await cvaeForward(device, shape, names?.alone(tensors) ?? tensors, Math.min(batchSize, 64), seed, raw);
        try {
          const { network, shift, samples } = await evaluatePredictor(forward, spec, evaluated, SAMPLES);
          const of = held ? 'validation' : 'training';
          const more = (await options.onEvaluate?.(result.source(weights), at)) ?? {};
          const figures = { [`${of} loss`]: loss, [`${of} error`]: network.all, [`${of} error of shift`]: shift.all, ...more };
          return { figures, samples };
        } finally {
          forward.destroy();
        }
      },
      publish: (weights) => result.publish(storage, weights),
      onEvent: options.onEvent,
      signal,
      now: () => performance.now(),
    });
  } finally {
    step?.dispose();
    pairs?.destroy();
    await checkpoint.close();
  }
}

/** The release's own settings first: they are the default. */
export function presetsOf(release: CvaeRelease): readonly Preset[] {
  const own = RELEASES[release].preset;
  return [own, ...(['lerobot', 'diffusion-policy', 'step', 'bridger-cvae'] as const).filter((name) => name !== own)];
}

function checkedOwn(
  options: TrainCvaeOptions,
  release: CvaeRelease,
): { readonly sizes: Partial<CvaeSizes>; readonly dropout: number; readonly imageEncoder: ImageEncoderOptions | undefined } {
  const { sizes = {}, dropout = RELEASES[release].dropout } = options;
  const imageEncoder = options.imageEncoder === undefined ? undefined : checkImageEncoder(WHERE, options.imageEncoder);
  if (imageEncoder && release !== 'step') {
    throw new OptionError(
      `${WHERE}: imageEncoder is of release step, whose CVAE for pictures has one; found release ${release}. Leave it out.`,
    );
  }
  checkObject(WHERE, 'sizes', sizes);
  const named = Object.keys(RELEASES[release].sizes);
  checkKeys(`${WHERE}: sizes`, sizes, release === 'step' ? [...named, 'projectionDim'] : named);
  for (const [name, size] of Object.entries(sizes)) {
    if (size !== undefined)
      checkInteger(`${WHERE}: sizes`, name, size, 1, name === 'hiddenLayers' ? 16 : name === 'latentDim' ? 4096 : 65_536);
  }
  checkNumber(WHERE, 'dropout', dropout, 'a number from 0 to below 1', (share) => share >= 0 && share < 1);
  if (release === 'bridger' && dropout !== 0) {
    throw new OptionError(`${WHERE}: dropout must be 0 for release bridger, whose CVAE drops nothing; found ${dropout}. Leave it out.`);
  }
  return { sizes, dropout, imageEncoder };
}

function cvaeShape(
  { unet, observations, observationSteps }: PolicyCheckpoint,
  release: CvaeRelease,
  sizes: Partial<CvaeSizes>,
  rows: RawRows | undefined,
): CvaeShape {
  const observationDim = rows?.width ?? observations.reduce((sum, { size }) => sum + size, 0);
  const { sizes: own, activation } = RELEASES[release];
  const { projectionDim, ...others } = sizes;
  const given = Object.fromEntries(Object.entries(others).filter(([, size]) => size !== undefined));
  return {
    actionDim: unet.actionDim,
    observationDim,
    horizon: unet.horizon,
    observationSteps,
    conditionDim: projectionDim ?? observationSteps * (rows?.encoder.features ?? observationDim),
    ...own,
    ...given,
    activation,
    latentStd: 1,
  };
}
