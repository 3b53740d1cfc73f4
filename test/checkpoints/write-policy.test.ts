import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { unetTensorShapes } from '../../src/checkpoints/lerobot/unet-tensors.js';
import {
  DEFAULT_NORMALIZATION,
  MODEL_FILE,
  MODEL_METADATA,
  policyFiles,
  type WrittenPolicy,
} from '../../src/checkpoints/lerobot/write-policy.js';
import { predictorTensorShapes } from '../../src/checkpoints/predictor/predictor-tensors.js';
import { loadPredictorCheckpoint } from '../../src/checkpoints/predictor/read-predictor.js';
import { positionTables, predictorConfig } from '../../src/checkpoints/predictor/write-predictor.js';
import { loadPolicyCheckpoint } from '../../src/checkpoints/read-policy.js';
import { encodeSafetensors, SafetensorsFile } from '../../src/checkpoints/safetensors/safetensors.js';
import { streamSafetensors } from '../../src/checkpoints/safetensors/stream.js';
import { type CheckpointSource, memorySource } from '../../src/checkpoints/source.js';
import { folderSource } from '../../src/platform/node/folder-source.js';
import { ROOT } from '../support/projects.js';

const BUNDLED = join(ROOT, 'checkpoints/pusht-state');
const PRE = 'policy_preprocessor_step_3_normalizer_processor.safetensors';
const POST = 'policy_postprocessor_step_0_unnormalizer_processor.safetensors';

/** What the bundled policy is, to be written again. */
async function bundled(): Promise<WrittenPolicy> {
  const checkpoint = await loadPolicyCheckpoint(await folderSource(`${BUNDLED}/policy`));
  const source = await folderSource(`${BUNDLED}/policy`);
  const file = await SafetensorsFile.open(await source.open(PRE));
  const feature = async (name: string, size: number): Promise<WrittenPolicy['action']> => ({
    name,
    shape: [size],
    statistics: Object.fromEntries(
      await Promise.all(
        ['min', 'max', 'mean', 'std'].map(
          async (statistic) => [statistic, (await file.readFloats(`${name}.${statistic}`)).slice()] as const,
        ),
      ),
    ),
  });
  const written: WrittenPolicy = {
    unet: checkpoint.unet,
    scheduler: checkpoint.scheduler,
    numInferenceSteps: 10,
    observationSteps: checkpoint.observationSteps,
    actionSteps: checkpoint.actionSteps,
    dropLastFrames: 7,
    maskPadding: false,
    inputs: [await feature('observation.state', 2), await feature('observation.environment_state', 16)],
    action: await feature('action', 2),
    optimizer: { learningRate: 1e-4, betas: [0.95, 0.999], epsilon: 1e-8, weightDecay: 1e-6, schedule: 'cosine', warmupSteps: 500 },
    crop: null,
    vision: { backbone: 'resnet18', norm: 'group', keypoints: 32, isSeparate: false, resize: null },
    normalization: DEFAULT_NORMALIZATION,
  };
  await source.close();
  await checkpoint.close();
  return written;
}

async function streamed(tensors: Parameters<typeof streamSafetensors>[0], metadata: Record<string, string>): Promise<Uint8Array> {
  const pieces: number[] = [];
  for await (const piece of streamSafetensors(tensors, metadata)) pieces.push(...piece);
  return Uint8Array.from(pieces);
}

describe('the files of a policy that was trained here', () => {
  it('have the keys, in the order and of the types, that LeRobot writes', async () => {
    const files = policyFiles(await bundled());
    expect([...files.keys()].sort()).toEqual(['config.json', 'policy_preprocessor.json', 'policy_postprocessor.json', PRE, POST].sort());
    const found = JSON.parse(files.get('config.json') as string) as Record<string, unknown>;
    const expected = JSON.parse(readFileSync(`${BUNDLED}/policy/config.json`, 'utf8')) as Record<string, unknown>;
    // LeRobot refuses fields that are younger than it: those since v0.4.0, all at the defaults that they have everywhere.
    for (const [key, value] of Object.entries({
      resize_shape: null,
      crop_ratio: 1,
      gradient_checkpointing: false,
      compile_model: false,
      compile_mode: 'reduce-overhead',
    })) {
      expect(expected[key], key).toEqual(value);
      delete expected[key];
    }
    expect(Object.keys(found)).toEqual(Object.keys(expected));
    // Three choices about images, which this policy has none of, are not those of the bundled one.
    expect({ ...found, use_group_norm: false, use_separate_rgb_encoder_per_camera: true }).toEqual(expected);
    // A whole number would be no float to LeRobot's parser.
    expect(files.get('config.json')).toMatch(/"clip_sample_range": 1\.0,/);
    for (const name of ['policy_preprocessor.json', 'policy_postprocessor.json']) {
      expect(JSON.parse(files.get(name) as string)).toEqual(JSON.parse(readFileSync(`${BUNDLED}/policy/${name}`, 'utf8')));
    }
  });

  it('have the statistics under the names, and with the values, of the bundled policy', async () => {
    const files = policyFiles(await bundled());
    for (const name of [PRE, POST]) {
      const [found, expected] = await Promise.all(
        [files.get(name) as Uint8Array, new Uint8Array(readFileSync(`${BUNDLED}/policy/${name}`))].map(async (bytes) =>
          SafetensorsFile.open(await memorySource('m', { f: bytes }).open('f')),
        ),
      );
      expect([...(found as SafetensorsFile).tensors.keys()].sort()).toEqual([...(expected as SafetensorsFile).tensors.keys()].sort());
      for (const tensor of (expected as SafetensorsFile).tensors.keys()) {
        expect((await found?.readFloats(tensor))?.slice()).toEqual((await expected?.readFloats(tensor))?.slice());
      }
    }
  });

  it('are what this engine reads the same policy from', async () => {
    const written = await bundled();
    const shapes = unetTensorShapes(written.unet);
    const tensors = [...shapes].map(([name, shape]) => ({
      name: `diffusion.unet.${name}`,
      shape,
      values: async () => new Float32Array(shape.reduce((all, size) => all * size, 1)),
    }));
    // Zeros in a file of 18 MB would be written value by value above: the header is what matters, the rest is empty.
    const header = await streamed([], { ...MODEL_METADATA });
    expect(header.byteLength % 8).toBe(0);
    const model = encodeSafetensors(
      await Promise.all(tensors.map(async ({ name, shape, values }) => ({ name, dtype: 'F32' as const, shape, data: await values() }))),
      { ...MODEL_METADATA },
    );
    const source: CheckpointSource = memorySource('written', { ...Object.fromEntries(policyFiles(written)), [MODEL_FILE]: model });
    const [found, expected] = [await loadPolicyCheckpoint(source), await loadPolicyCheckpoint(await folderSource(`${BUNDLED}/policy`))];
    for (const key of [
      'dialect',
      'unet',
      'scheduler',
      'observationSteps',
      'actionSteps',
      'observations',
      'action',
      'parameters',
    ] as const) {
      expect(found[key], key).toEqual(expected[key]);
    }
    expect(found.warnings).toEqual([]);
    await expected.close();
  });
});

describe('the files of a predictor that was trained here', () => {
  it('are those of the bundled one: configuration, and position tables up to the rounding of f16', async () => {
    const expected = await loadPredictorCheckpoint(await folderSource(`${BUNDLED}/predictor`));
    expect(JSON.parse(predictorConfig(expected.config))).toEqual(JSON.parse(readFileSync(`${BUNDLED}/predictor/config.json`, 'utf8')));
    for (const [name, table] of positionTables(expected.config)) {
      const stored = (await expected.weights.readFloats(name)).slice();
      expect(table.length).toBe(stored.length);
      expect(Math.max(...table.map((value, i) => Math.abs(value - (stored[i] as number))))).toBeLessThan(2 ** -11);
    }
    const shapes = predictorTensorShapes(expected.config);
    expect([...shapes.values()].reduce((sum, shape) => sum + shape.reduce((all, size) => all * size, 1), 0)).toBe(expected.parameters);
    await expected.close();
  });
});

describe('a streamed safetensors file', () => {
  const tensors = [
    { name: 'b', shape: [2, 2], values: async () => Float32Array.of(1, 2, 3, 4) },
    { name: 'a', shape: [], values: async () => Float32Array.of(5) },
    { name: 'none', shape: [0, 3], values: async () => new Float32Array(0) },
  ];

  it('holds what a file in one piece holds', async () => {
    const file = await SafetensorsFile.open(await memorySource('m', { f: await streamed(tensors, { format: 'pt' }) }).open('f'));
    expect(file.metadata.get('format')).toBe('pt');
    expect([...(await file.readFloats('b'))]).toEqual([1, 2, 3, 4]);
    expect([...(await file.readFloats('a'))]).toEqual([5]);
    expect(file.tensors.get('none')?.elements).toBe(0);
  });

  it('refuses values that are not as many as its shape, and a name used twice', async () => {
    await expect(streamed([{ name: 'c', shape: [3], values: async () => Float32Array.of(1) }], {})).rejects.toThrow(
      /"c": expected 3 .* found 1/,
    );
    await expect(streamed([tensors[0], tensors[0]] as never, {})).rejects.toThrow('used twice');
  });
});
