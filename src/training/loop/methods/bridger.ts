import { loadStartCheckpoint } from '../../../checkpoints/predictor/read-predictor.js';
import { OptionError } from '../../../foundation/errors.js';
import { checkChoice } from '../../../foundation/options.js';
import type { ComputeDevice } from '../../../runtime/device.js';
import { BRIDGE_NETWORKS, INTERPOLANTS } from '../../../spec/method-networks.js';
import type { UnetShape } from '../../../spec/network-shapes.js';
import { type BridgerBatch, bridger } from '../../methods/bridger.js';
import { type CvaeDecoder, cvaeDecoder } from '../cvae-forward.js';
import { beginFresh } from './begin.js';
import type { MethodContext, MethodDraws, TrainableMethod } from './define.js';

/** d, and how near the ends times come: the release's. */
const NOISE_SCALE = 0.03;
const TIME_MIN = 0.001;
/** Largest 1 / γ of its sampler. */
const GAMMA_INVERSE_MAX = 200;

/** What draws the prior chunks of a batch, f32 [batch][H][D], from its conditioning. */
interface Prior {
  readonly name: 'normal' | 'cvae';
  draw(conditioning: Float32Array, draws: MethodDraws): Promise<Float32Array> | Float32Array;
  destroy(): void;
}

/** BRIDGER's drift, velocity and score, together, from noise or from what a CVAE decodes; a prior chunk is drawn anew for every batch. */
export const BRIDGER: TrainableMethod = {
  preset: 'bridger',
  steps: 100_000,
  title: 'BRIDGER',
  accepts: ['sizes', 'horizon', 'actionSteps', 'prior', 'interpolant'],
  rateEpochs: 1000,
  open: async (context) => {
    const { shape, options, batchSize } = context;
    const { interpolant: asked = 'power3' } = options;
    const interpolant = checkChoice('trainMethod', 'interpolant', asked, INTERPOLANTS);
    const prior = await openPrior(context);
    try {
      const own = { shape, batchSize, interpolant, noiseScale: NOISE_SCALE, timeMin: TIME_MIN };
      const step = await beginFresh(context, bridger(own));
      return {
        step,
        // From a CVAE, decisions would need its folder too.
        ...(prior.name === 'normal' ? { strategy: { name: 'BRIDGER' } as const } : {}),
        batch: async ({ count, conditioning, actions }, draws): Promise<BridgerBatch> => ({
          count,
          conditioning,
          actions,
          prior: await prior.draw(conditioning, draws),
          noise: draws.normals('methodNoise', actions.length),
          times: draws.uniforms('methodLevels', batchSize),
        }),
        config: {
          type: 'bridger',
          networks: BRIDGE_NETWORKS,
          interpolant,
          gamma: 'sqrt(2t(1-t))',
          epsilon: '1-t',
          noise_scale: NOISE_SCALE,
          time_min: TIME_MIN,
          gamma_inverse_max: GAMMA_INVERSE_MAX,
          sde: 'vs',
          prior: prior.name,
        },
        destroy: () => prior.destroy(),
      };
    } catch (error) {
      prior.destroy();
      throw error;
    }
  },
};

async function openPrior({ device, options, shape, batchSize, checkpoint }: MethodContext): Promise<Prior> {
  const size = batchSize * shape.horizon * shape.actionDim;
  if (!options.prior) return { name: 'normal', draw: (_, draws) => draws.normals('methodSecondNoise', size), destroy: () => {} };
  const prior = await loadStartCheckpoint(options.prior);
  try {
    if (prior.kind !== 'cvae' || prior.observation.kind !== 'conditioning') {
      throw new OptionError(
        `trainMethod: prior must be the folder of a CVAE over the policy's conditioning, found "${prior.name}", which is another network.`,
      );
    }
    const { config } = prior;
    assertFits(prior.name, config, shape, checkpoint.observationSteps);
    const tensors = new Map<string, Float32Array>();
    for (const name of prior.weights.names()) tensors.set(name, (await prior.weights.readFloats(name)).slice());
    const decoder: CvaeDecoder = await cvaeDecoder(device as ComputeDevice, config, tensors, batchSize);
    return {
      name: 'cvae',
      draw: (conditioning, draws) => {
        const latent = draws.normals('methodSecondNoise', batchSize * config.latentDim).map((value) => value * config.latentStd);
        return decoder.decode(conditioning, latent);
      },
      destroy: () => decoder.destroy(),
    };
  } finally {
    await prior.close();
  }
}

function assertFits(
  name: string,
  config: { readonly actionDim: number; readonly horizon: number; readonly observationSteps: number; readonly observationDim: number },
  { actionDim, horizon, conditioningDim }: UnetShape,
  observationSteps: number,
): void {
  const pairs: [string, number, number][] = [
    ['action_dim', actionDim, config.actionDim],
    ['horizon', horizon, config.horizon],
    ['n_obs_steps', observationSteps, config.observationSteps],
    ['obs_dim', conditioningDim / observationSteps, config.observationDim],
  ];
  const wrong = pairs.find(([, expected, found]) => expected !== found);
  if (!wrong) return;
  const [key, expected, found] = wrong;
  throw new OptionError(`trainMethod: prior "${name}" is of another policy: its ${key} is ${found}, the network's is ${expected}.`);
}
