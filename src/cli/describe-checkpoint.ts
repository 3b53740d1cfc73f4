import { storedDtypes } from '../checkpoints/named-tensors.js';
import type { MethodCheckpoint, PolicyCheckpoint, StartCheckpoint } from '../checkpoints/types.js';
import { visible } from '../foundation/visible.js';
import type { CvaeShape, PredictorShape, RawRows, UnetShape } from '../spec/network-shapes.js';
import type { ImageInputs, SchedulerConfig } from '../spec/policy-spec.js';
import { PRECISIONS, type Precision } from '../spec/precision.js';
import { bytes, count } from '../terminal/format.js';
import { facts, table } from '../terminal/table.js';

const BYTES_PER_WEIGHT: Readonly<Record<Precision, number>> = { f32: 4, f16: 2, int8: 1 };

/** A checkpoint for programs and for people. */
export interface CheckpointDescription {
  readonly json: object;
  readonly text: string;
}

export function describePolicyCheckpoint(policy: PolicyCheckpoint): CheckpointDescription {
  const { name, dialect, unet, scheduler, observationSteps, actionSteps, parameters, weightBytes, warnings } = policy;
  const observations = policy.observations.map((feature) => ({
    name: feature.name,
    rawName: feature.rawName,
    ...(feature.kind === 'image' ? { channels: feature.channels, height: feature.height, width: feature.width } : {}),
    size: feature.size,
    normalization: feature.normalizer.mode,
  }));
  const action = { name: 'action', size: unet.actionDim, normalization: policy.action.mode };
  const { images, encoders } = policy;
  const dtypes = storedDtypes(policy.weights, ...(encoders ? [encoders.weights] : []));
  const json = {
    kind: 'policy',
    name,
    dialect,
    observations,
    action,
    horizon: unet.horizon,
    observationSteps,
    actionSteps,
    unet,
    ...(images ? { images } : {}),
    scheduler,
    parameters,
    weightBytes,
    dtypes,
    warnings,
  };
  const features = table(
    ['feature', 'delivered as', 'size', 'normalisation'],
    [...observations, { ...action, rawName: '(output)' }].map((row) => [row.name, row.rawName, sizeText(row), row.normalization]),
  );
  const text = [
    `policy ${visible(name)}`,
    '',
    features,
    '',
    facts([
      ['format', dialect === 'diffusion-policy' ? 'Diffusion Policy tensor names' : `LeRobot, dialect ${dialect}`],
      ['horizon', `${unet.horizon} rows: ${observationSteps} observation steps, ${actionSteps} executed per decision`],
      ['U-Net', unetText(unet)],
      ...(images ? [['image encoder', encoderText(images)] as const] : []),
      ['scheduler', schedulerText(scheduler)],
      ['parameters', count(parameters)],
      ['weights', `${bytes(weightBytes)} on disk (${dtypes.join(', ')})`],
      ['on the device', deviceSizes(parameters)],
    ]),
    ...warningLines(warnings),
  ].join('\n');
  return { json, text };
}

function sizeText({ size, height, width }: { readonly size: number; readonly height?: number; readonly width?: number }): string {
  return height === undefined ? String(size) : `${height}×${width} → ${size}`;
}

function encoderText({ encoder, isSeparate, resize, crop }: ImageInputs): string {
  return [
    `${encoder.backbone} with ${encoder.norm} norm`,
    isSeparate ? 'one per camera' : 'shared by all cameras',
    ...(resize ? [`resized to ${resize.join('×')}`] : []),
    ...(crop ? [`cropped to ${crop.join('×')}`] : []),
    `${encoder.keypoints} keypoints`,
  ].join(', ');
}

export function describePredictorCheckpoint(predictor: StartCheckpoint): CheckpointDescription {
  const { name, kind, config, observation, parameters, weightBytes, warnings } = predictor;
  const dtypes = storedDtypes(predictor.weights);
  const own = observation.kind === 'raw' ? { observation } : {};
  const json = { kind: kind === 'cvae' ? 'cvae' : 'predictor', name, config, ...own, parameters, weightBytes, dtypes, warnings };
  const text = [
    `${kind === 'cvae' ? 'CVAE' : 'STEP predictor'} ${visible(name)}`,
    '',
    facts([
      ['action size', String(config.actionDim)],
      [
        'observation',
        `${observation.kind === 'raw' ? observation.width : config.observationDim} values × ${config.observationSteps} steps`,
      ],
      ...(observation.kind === 'raw' ? [['reads', rowsText(observation)] as const] : []),
      ...(predictor.kind === 'cvae' ? cvaeFacts(predictor.config) : transformerFacts(predictor.config)),
      ['parameters', count(parameters)],
      ['weights', `${bytes(weightBytes)} on disk (${dtypes.join(', ')})`],
      ['on the device', deviceSizes(parameters)],
    ]),
    ...warningLines(warnings),
  ].join('\n');
  return { json, text };
}

export function describeMethodCheckpoint(method: MethodCheckpoint): CheckpointDescription {
  const { name, config, parameters, weightBytes, warnings } = method;
  const { unet, observationSteps, actionSteps, type, ...own } = config;
  const dtypes = storedDtypes(method.weights);
  const json = { kind: 'method', name, config, parameters, weightBytes, dtypes, warnings };
  const text = [
    `network of type ${type} ${visible(name)}`,
    '',
    facts([
      ['action size', String(unet.actionDim)],
      ['observation', `${unet.conditioningDim / observationSteps} values × ${observationSteps} steps`],
      ['chunk', `${unet.horizon} rows, ${actionSteps} executed per decision`],
      ['U-Net', unetText(unet)],
      ...Object.entries(own).map(([key, value]): [string, string] => [key, typeof value === 'string' ? value : JSON.stringify(value)]),
      ['parameters', count(parameters)],
      ['weights', `${bytes(weightBytes)} on disk (${dtypes.join(', ')})`],
      ['on the device', deviceSizes(parameters)],
    ]),
    ...warningLines(warnings),
  ].join('\n');
  return { json, text };
}

function unetText(unet: UnetShape): string {
  return (
    `channels ${unet.downDims.join('/')}, kernel ${unet.kernelSize}, ${unet.groups} groups, timestep embedding ` +
    `${unet.stepEmbedDim}, conditioning ${unet.conditioningDim}, FiLM ${unet.scaleModulation ? 'scale and bias' : 'bias'}`
  );
}

function transformerFacts(config: PredictorShape): [string, string][] {
  return [
    ['history', `the last ${config.historySteps} of ${config.horizon} rows`],
    [
      'transformer',
      `width ${config.modelDim}, ${config.heads} heads, ${config.encoderLayers} encoder layers, ` +
        `${config.decoderLayers} cross-attention blocks, feed-forward ${config.feedforwardDim}`,
    ],
  ];
}

function cvaeFacts({ horizon, conditionDim, latentDim, hiddenDim, hiddenLayers }: CvaeShape): [string, string][] {
  return [
    ['chunk', `${horizon} rows`],
    ['decoder', `condition ${conditionDim}, ${latentDim} latents, ${hiddenLayers} hidden layers of ${hiddenDim}`],
  ];
}

function rowsText({ cameras, vectors, encoder }: RawRows): string {
  const images = `${encoder.features} features of each image (${encoder.height}×${encoder.width}): ${cameras.map(visible).join(', ')}`;
  return vectors.length === 0 ? images : `${images}; in raw units: ${vectors.map(visible).join(', ')}`;
}

/** The scheduler, and of what diffusers leaves at a default what the checkpoint sets. */
function schedulerText(scheduler: SchedulerConfig): string {
  const { thresholding, timestepSpacing, stepsOffset, setAlphaToOne, varianceType } = scheduler;
  const clip = scheduler.clipSample ? `clip ±${scheduler.clipSampleRange}` : 'no clip';
  return [
    scheduler.type,
    `${scheduler.numInferenceSteps} of ${scheduler.numTrainTimesteps} timesteps`,
    scheduler.betaSchedule + (scheduler.rescaleBetasZeroSnr ? ' rescaled to pure noise' : ''),
    `${scheduler.predictionType === 'v_prediction' ? 'v' : scheduler.predictionType} prediction`,
    thresholding ? `thresholding at the ${thresholding.quantile} quantile up to ${thresholding.most}` : clip,
    ...(timestepSpacing === undefined ? [] : [`${timestepSpacing} spacing`]),
    ...(stepsOffset === undefined ? [] : [`offset ${stepsOffset}`]),
    ...(setAlphaToOne === false ? ['ends at timestep 0'] : []),
    ...(varianceType === undefined ? [] : [`variance ${varianceType}`]),
  ].join(', ');
}

/** What the weights take on a device in each precision; vectors and narrow matrices, which stay f32, are not worth a digit. */
function deviceSizes(parameters: number): string {
  return `about ${PRECISIONS.map((precision) => `${bytes(parameters * BYTES_PER_WEIGHT[precision])} as ${precision}`).join(', ')}`;
}

function warningLines(warnings: readonly string[]): string[] {
  return warnings.length === 0 ? [] : ['', ...warnings.map((warning) => `warning: ${visible(warning)}`)];
}
