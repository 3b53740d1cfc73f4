import { describe, expect, it } from 'vitest';
import { loadMethodCheckpoint } from '../../src/checkpoints/methods/read-method.js';
import { loadStartCheckpoint } from '../../src/checkpoints/predictor/read-predictor.js';
import { encodeSafetensors } from '../../src/checkpoints/safetensors/safetensors.js';
import { memorySource } from '../../src/checkpoints/source.js';
import { CheckpointError } from '../../src/foundation/errors.js';
import { tensorsOf } from '../support/changed-checkpoint.js';
import { type Files, goldenFiles, jsonOf } from '../support/folders.js';

const NETWORK = goldenFiles('methods/bridger-sde/network');
const PRIOR = goldenFiles('methods/bridger-sde-cvae/prior');

function withConfig(files: Files, config: object): Files {
  return { ...files, 'config.json': JSON.stringify({ ...(jsonOf(files, 'config.json') as object), ...config }) };
}

async function renamed(files: Files, rename: (name: string) => string | undefined): Promise<Files> {
  const tensors = (await tensorsOf({ model: files['model.safetensors'] as Uint8Array }, 'model')).flatMap((tensor) => {
    const name = rename(tensor.name);
    return name === undefined ? [] : [{ ...tensor, name }];
  });
  return { ...files, 'model.safetensors': encodeSafetensors(tensors) };
}

describe("the folder of BRIDGER's networks", () => {
  const load = (files: Files): ReturnType<typeof loadMethodCheckpoint> => loadMethodCheckpoint(memorySource('bridger', files));

  it('says what its config.json says, and counts three U-Nets', async () => {
    const checkpoint = await load(NETWORK);
    expect(checkpoint.config).toMatchObject({
      type: 'bridger',
      noiseScale: 0.03,
      timeMin: 0.001,
      gammaInverseMax: 200,
      interpolant: 'power3',
      sde: 'vs',
      prior: 'normal',
    });
    expect(checkpoint.warnings).toEqual([]);
    expect(checkpoint.parameters % 3).toBe(0);
    await checkpoint.close();
  });

  it.each<[object, RegExp]>([
    [{ gamma: 'sqrt(t)' }, /"gamma" "sqrt\(t\)" is not supported/],
    [{ epsilon: 't' }, /"epsilon" "t" is not supported/],
    [{ networks: ['v_net', 's_net'] }, /"networks" must be b_net, v_net, s_net, in any order/],
    [{ time_min: 0.7 }, /"time_min" must be a number above 0 and below 0\.5/],
    [{ sde: 'sv' }, /"sde" "sv" is not supported/],
    [{ prior: 'heuristic' }, /"prior" "heuristic" is not supported/],
    [{ interpolant: 5 }, /"interpolant" must be one of "linear"/],
  ])('refuses %j', async (config, message) => {
    const error: unknown = await load(withConfig(NETWORK, config)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CheckpointError);
    expect((error as Error).message).toMatch(message);
  });

  it('names a tensor that is missing as the file would call it', async () => {
    const missing = 's_net.mid_modules.1.blocks.0.block.0.weight';
    await expect(renamed(NETWORK, (name) => (name === missing ? undefined : name)).then(load)).rejects.toThrow(missing);
  });
});

describe('the folder of its prior', () => {
  const load = (files: Files): ReturnType<typeof loadStartCheckpoint> => loadStartCheckpoint(memorySource('prior', files));

  it('is a CVAE with ELU, whose encoder is there and not read', async () => {
    const checkpoint = await load(PRIOR);
    expect(checkpoint).toMatchObject({ kind: 'cvae', warnings: [], config: { activation: 'elu', hiddenLayers: 3, latentDim: 8 } });
    await checkpoint.close();
  });

  it('has the names of its activation, no others', async () => {
    await expect(load(withConfig(PRIOR, { activation: 'relu' }))).rejects.toThrow(/decoder_net\.0/);
    await expect(load(withConfig(PRIOR, { activation: 'tanh' }))).rejects.toThrow(/"activation" "tanh" is not supported/);
    await expect(renamed(PRIOR, (name) => name.replace('decoder.model.6', 'decoder.model.8')).then(load)).rejects.toThrow(
      'decoder.model.6',
    );
  });
});
