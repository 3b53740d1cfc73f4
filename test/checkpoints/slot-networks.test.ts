import { describe, expect, it } from 'vitest';
import { loadMethodCheckpoint } from '../../src/checkpoints/methods/read-method.js';
import { encodeSafetensors, type WritableTensor } from '../../src/checkpoints/safetensors/safetensors.js';
import { memorySource } from '../../src/checkpoints/source.js';
import type { MethodCheckpoint } from '../../src/checkpoints/types.js';
import { CheckpointError, UnsupportedCheckpointError } from '../../src/foundation/errors.js';
import { methodsByType } from '../../src/spec/method-networks.js';
import { createStrategy } from '../../src/strategies/index.js';
import { parseStrategy } from '../../src/strategies/parse.js';
import type { StrategyContext } from '../../src/strategies/strategy.js';
import { f32, tensorsOf } from '../support/changed-checkpoint.js';
import { goldenFiles, jsonOf } from '../support/folders.js';

interface Change {
  readonly config?: Record<string, unknown>;
  readonly tensors?: (tensors: WritableTensor[]) => WritableTensor[];
}

async function load(name: string, { config = {}, tensors = (same) => same }: Change = {}): Promise<MethodCheckpoint> {
  const files = goldenFiles(`methods/${name}/network`);
  files['config.json'] = JSON.stringify({ ...(jsonOf(files, 'config.json') as object), ...config });
  files['model.safetensors'] = encodeSafetensors(tensors(await tensorsOf(files, 'model.safetensors')));
  return loadMethodCheckpoint(memorySource('network', files));
}

const without =
  (name: string) =>
  (tensors: WritableTensor[]): WritableTensor[] =>
    tensors.filter((tensor) => tensor.name !== name);

/** Of a policy of another horizon. */
const CONTEXT: StrategyContext = {
  scheduler: {
    type: 'DDPM',
    numTrainTimesteps: 50,
    betaSchedule: 'squaredcos_cap_v2',
    betaStart: 1e-4,
    betaEnd: 0.02,
    predictionType: 'sample',
    clipSample: false,
    clipSampleRange: 3,
    numInferenceSteps: 10,
  },
  horizon: 32,
  actionDim: 2,
  observationSteps: 2,
  actionSteps: 8,
};

describe('folders of networks whose rows have a level each', () => {
  it('say what they are, and have tensors under one kind of name', async () => {
    const streaming = await load('sdp-denoise');
    expect(streaming.config).toMatchObject({
      type: 'streaming_diffusion',
      actionSteps: 8,
      predictionType: 'sample',
      varianceType: 'fixed_small',
      clip: 1,
      bufferInit: 'denoise',
    });
    expect(streaming.config.unet).toMatchObject({ horizon: 20, levels: { embeddings: 1, joined: 20, layers: [3, 5] } });
    expect(streaming.weights.shape('diffusion_step_encoder.3.weight')).toEqual([64, 320]);
    expect(streaming.warnings).toEqual([]);
    const ladder = await load('rnr-dp');
    expect(ladder.config).toMatchObject({ type: 'rnr_policy', actionSteps: 1, noiseSchedule: { numTrainTimesteps: 8 } });
    expect(ladder.weights.shape('mid_modules.1.conv2.block.0.weight')).toEqual([56, 56, 5]);
    expect(ladder.weights.shape('down_modules.1.3.weight')).toEqual([50, 50, 3]);
    expect(ladder.weights.shape('up_modules.0.3.weight')).toEqual([50, 50, 4]);
    // Nobody reads what the last one makes: it is no reason for a warning, nor missed.
    expect(ladder.warnings).toEqual([]);
    const bare = await load('rnr-dp', { tensors: (all) => all.filter(({ name }) => !name.startsWith('up_modules.1.3.')) });
    expect(bare.parameters).toBe(ladder.parameters);
    const more = await load('rnr-dp', { tensors: (all) => [...all, f32('up_modules.2.3.conv.bias', [50])] });
    expect(more.warnings).toEqual(['model.safetensors: 1 tensors are not used: "up_modules.2.3.conv.bias".']);
    expect((await load('sdp', { config: { buffer_init: 'constant', clip_sample: false } })).config).toMatchObject({
      bufferInit: 'zero',
      clip: null,
    });
  });

  it.each<[string, string, Change, string]>([
    ['embeddings of one level', 'sdp', { config: { time_embeddings: 'per_slot' } }, '"time_embeddings" "per_slot" is not supported'],
    ['another beginning', 'sdp', { config: { buffer_init: 'noise' } }, '"buffer_init" "noise" is not supported'],
    ['no complete chunk', 'sdp', { config: { n_action_steps: 16 } }, '"n_action_steps" must be from 1 to 15, horizon − (n_obs_steps − 1)'],
    [
      'another horizon',
      'sdp',
      { config: { horizon: 20 } },
      'tensor "diffusion_step_encoder.3.weight" in model.safetensors: expected shape [128,640]',
    ],
    [
      'a noise schedule of another length',
      'rnr-dp',
      { config: { num_train_timesteps: 100 } },
      '"num_train_timesteps" must be 8, the horizon',
    ],
    ['more than one action', 'rnr-dp', { config: { n_action_steps: 2 } }, '"n_action_steps" must be 1: a decision is one action'],
    ['another observation', 'rnr-dp', { config: { obs_dim: 10 } }, 'tensor "down_modules.0.0.cond_encoder.1.weight" in model.safetensors'],
    [
      'a missing middle block, by the name that the file would have',
      'rnr-dp',
      { tensors: without('mid_modules.0.1.blocks.0.block.0.bias') },
      'tensor "mid_modules.0.1.blocks.0.block.0.bias" in model.safetensors: expected shape [56]',
    ],
    [
      'a missing resampling of the conditioning',
      'rnr-dp',
      { tensors: without('down_modules.0.3.conv.weight') },
      'tensor "down_modules.0.3.conv.weight" in model.safetensors: expected shape [50,50,3] (from diffusion_step_embed_dim, n_obs_steps and obs_dim',
    ],
    [
      'conditioning that is not resampled, as in a policy',
      'rnr-dp',
      { tensors: (all) => all.filter(({ name }) => !/\.3\.conv\./.test(name)) },
      'found no such tensor',
    ],
  ])('are refused: %s', async (_, name, change, message) => {
    const refused = await load(name, change).catch((error: unknown) => error);
    expect(refused).toSatisfy((error) => error instanceof CheckpointError || error instanceof UnsupportedCheckpointError);
    expect((refused as Error).message).toContain(message);
  });
});

describe('their strategies', () => {
  const made = async (name: string, text: string) => {
    const { config } = await load(name);
    return createStrategy(parseStrategy(text).options, { ...CONTEXT, methods: methodsByType([config]) });
  };

  it('take levels, clamp and executed rows from the network, not from the policy', async () => {
    const sdp = await made('sdp', 'sdp');
    expect(sdp.description).toBe('SDP (3 chunks of 4, 33, 33, 34 evaluations)');
    expect(sdp).toMatchObject({ horizon: 16, actionSteps: 4, denoiser: 'streaming_diffusion', needsOnlyChunks: false });
    expect(sdp.firstRow).toBeUndefined();
    expect(sdp.usual.steps[0]?.slots?.[0]?.clip).toBe(1);
    expect(sdp.schedules.map(({ steps }) => steps.length)).toEqual([33, 33, 34]);
    expect((await made('sdp', 'sdp/init=denoise')).schedules.map(({ steps }) => steps.length)).toEqual([33, 33, 34, 100]);
    expect((await made('sdp-denoise', 'sdp')).schedules.map(({ steps }) => steps.length)).toEqual([50, 100]);
    expect((await made('sdp-denoise', 'sdp/init=zero')).schedules).toHaveLength(1);
    expect((await made('sdp', 'sdp/clip=none')).usual.steps[0]?.slots?.[0]?.clip).toBeNull();
    const rnr = await made('rnr-dp', 'rnr-dp:3');
    expect(rnr).toMatchObject({ horizon: 8, actionSteps: 1, firstRow: 0, needsOnlyChunks: false });
    expect(rnr.description).toContain('an observation every 3');
    expect(rnr.usual.steps.map(({ levels }) => levels)).toEqual([[0, 1, 2, 3, 4, 5, 6, 7]]);
    // The row at level 0 becomes clean, and takes no noise.
    expect(rnr.usual.steps[0]?.slots?.map(({ fromNoise }) => fromNoise > 0)).toEqual([false, ...Array(7).fill(true)]);
  });

  it('say which network they need', () => {
    expect(() => createStrategy({ name: 'SDP' }, CONTEXT)).toThrow(/strategy SDP needs a network of type "streaming_diffusion"/);
    expect(() => createStrategy({ name: 'RNR-DP' }, CONTEXT)).toThrow(/strategy RNR-DP needs a network of type "rnr_policy"/);
  });
});
