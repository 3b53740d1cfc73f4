import { describe, expect, it } from 'vitest';
import { memorySource } from '../../../src/checkpoints/source.js';
import { openTorchvisionBackbone } from '../../../src/checkpoints/torchvision/backbone.js';
import type { Backbone } from '../../../src/spec/network-shapes.js';
import { describePolicy, type TrainPolicyOptions } from '../../../src/training/loop/policy-description.js';
import { PRESETS } from '../../../src/training/loop/presets.js';
import { backboneIdentity, backboneTensors } from '../../../src/training/loop/pretrained-backbone.js';
import type { CheckedTrainOptions } from '../../../src/training/loop/train-options.js';
import { CAMERAS } from '../../support/image-policy.js';
import { pictureDataset } from '../../support/picture-dataset.js';
import { madeUpFile, torchvisionShapes } from '../../support/torchvision.js';

const CHECKED = { plan: { optimizer: PRESETS.lerobot } } as CheckedTrainOptions;
const FILE = 'resnet.safetensors';

/** The tensors of a ResNet-18 with a change. */
function changed(change: (shapes: Map<string, readonly number[]>) => void): ReturnType<typeof openTorchvisionBackbone> {
  const shapes = torchvisionShapes('resnet18');
  change(shapes);
  return openTorchvisionBackbone(madeUpFile(FILE, shapes));
}

describe("the weights of a torchvision ResNet, an encoder's first", () => {
  it.each(['resnet18', 'resnet34', 'resnet50', 'resnet101', 'resnet152'] as const)('are known as %s by their tensors', async (name) => {
    expect((await openTorchvisionBackbone(madeUpFile(FILE, torchvisionShapes(name)))).backbone).toBe(name);
  });

  it('are read by the names that LeRobot has for them, for every encoder the same', async () => {
    const backbone = await openTorchvisionBackbone(madeUpFile(FILE, torchvisionShapes('resnet18'), (i) => i % 1000));
    const tensor = (name: string, count: number) => ({ name: `diffusion.rgb_encoder.${name}`, shape: [count] });
    const wanted = ['0.', '1.', ''].flatMap((prefix) => [
      tensor(`${prefix}backbone.0.weight`, 9408),
      tensor(`${prefix}backbone.1.running_var`, 64),
      tensor(`${prefix}backbone.5.0.downsample.1.bias`, 128),
      tensor(`${prefix}pool.nets.bias`, 32),
    ]);
    const found = await backboneTensors(backbone, [...wanted, { name: 'diffusion.unet.final_conv.1.bias', shape: [2] }]);
    expect(found.size).toBe(9);
    const first = found.get('diffusion.rgb_encoder.0.backbone.0.weight') as Float32Array;
    expect([first.length, first[0], first[9407]]).toEqual([9408, 0, 407]);
    // Behind conv1, bn1's weight, bias and mean.
    expect(found.get('diffusion.rgb_encoder.1.backbone.1.running_var')?.[0]).toBe((9408 + 3 * 64) % 1000);
    expect(found.get('diffusion.rgb_encoder.backbone.5.0.downsample.1.bias')).toEqual(
      found.get('diffusion.rgb_encoder.0.backbone.5.0.downsample.1.bias'),
    );
  });

  it('are told from others wherever they differ, whichever layers were left as they were', async () => {
    const opened = await openTorchvisionBackbone(madeUpFile(FILE, torchvisionShapes('resnet18')));
    // What identities are made of: every tensor of the 20 convolutions and their norms.
    expect(opened.names).toHaveLength(20 * 5);
    const names = ['backbone.0.weight', 'backbone.5.0.conv2.weight', 'backbone.7.1.bn2.bias'];
    const identity = (changed?: string, backbone: Backbone = 'resnet18'): Promise<string> =>
      backboneIdentity({ backbone, names, readFloats: async (name) => Float32Array.of(0, name === changed ? 1 : 0) });
    const found = await Promise.all([identity(), ...names.map((name) => identity(name)), identity(undefined, 'resnet34')]);
    expect(new Set(found).size).toBe(5);
    expect(await identity()).toBe(found[0]);
  });

  it.each(['bn1.running_var', 'layer4.1.bn2.running_var'])('are refused with a variance below 0, by name: %s', async (name) => {
    const shapes = new Map([[name, torchvisionShapes('resnet18').get(name) as readonly number[]], ...torchvisionShapes('resnet18')]);
    const open = (value: number): ReturnType<typeof openTorchvisionBackbone> =>
      openTorchvisionBackbone(madeUpFile(FILE, shapes, (i) => (i === 3 ? value : 0)));
    await expect(open(-1e-3)).rejects.toThrow(
      `resnet.safetensors, tensor "${name}": expected variances of a batch norm, numbers of at least 0`,
    );
    await expect(open(-1e-3)).rejects.toThrow(/found -0\.001\d* at 3\./);
    expect((await open(-0)).backbone).toBe('resnet18');
  });

  it.each<[string, Parameters<typeof changed>[0], string]>([
    ['no ResNet', (shapes) => shapes.delete('layer1.0.conv1.weight'), 'expected torchvision\'s names of a ResNet ("conv1.weight", '],
    [
      'a missing tensor',
      (shapes) => shapes.delete('layer2.0.downsample.1.running_mean'),
      '"layer2.0.downsample.1.running_mean" of shape [128]',
    ],
    [
      'another shape',
      (shapes) => shapes.set('layer3.1.conv2.weight', [256, 128, 3, 3]),
      'tensor "layer3.1.conv2.weight": expected shape [256,256,3,3]',
    ],
    ['grey pictures', (shapes) => shapes.set('conv1.weight', [64, 1, 7, 7]), 'tensor "conv1.weight": expected shape [64,3,7,7]'],
    ['more blocks', (shapes) => shapes.set('layer3.2.conv1.weight', [256, 256, 3, 3]), 'found 2, 2, 3, 2 blocks in layer1 to layer4'],
    ['what no plain ResNet has', (shapes) => shapes.set('layer1.0.se.fc.weight', [4, 64]), 'found "layer1.0.se.fc.weight" beside them'],
    [
      'counters in place of weights',
      (shapes) => shapes.set('layer4.0.bn1.weight', []),
      'tensor "layer4.0.bn1.weight": expected shape [512]',
    ],
  ])('are refused with what was expected: %s', async (_what, change, message) => {
    await expect(changed(change)).rejects.toThrow(message);
  });

  it('are refused with group norms, as LeRobot refuses them, and as a pickle, with how to convert it', async () => {
    await expect(openTorchvisionBackbone(madeUpFile(FILE, torchvisionShapes('resnet18', 'group')))).rejects.toThrow(
      'expected batch norms with running statistics ("bn1.running_mean"), found none',
    );
    for (const opening of [
      Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0, 0, 8, 8, 0),
      Uint8Array.of(0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20),
      Uint8Array.of(0x80, 2),
    ]) {
      const pickle = await memorySource('hub', { 'resnet18-f37072fd.pth': opening }).open('resnet18-f37072fd.pth');
      await expect(openTorchvisionBackbone(pickle)).rejects.toThrow('resnet18-f37072fd.pth: expected safetensors, found a PyTorch pickle');
    }
    await expect(openTorchvisionBackbone(madeUpFile(FILE, new Map([['conv1.weight', [64, 3, 7, 7]]])))).rejects.toThrow(
      'found no "layer1.0.conv1.weight"',
    );
  });

  it('make a policy with batch norms and an encoder for each camera', async () => {
    const backbone = await openTorchvisionBackbone(madeUpFile(FILE, torchvisionShapes('resnet34')));
    const described = (more: Partial<TrainPolicyOptions>): ReturnType<typeof describePolicy> =>
      describePolicy(
        { dataset: pictureDataset([]), sizes: { downDims: [8, 16] }, ...more } as TrainPolicyOptions,
        CHECKED,
        undefined,
        backbone,
      );
    const cameras = { observations: [...CAMERAS] };
    expect(described({ ...cameras, batchNorm: 'running' }).vision).toEqual({
      backbone: 'resnet34',
      norm: 'batch',
      keypoints: 32,
      isSeparate: true,
      resize: null,
    });
    expect(() => described({})).toThrow('backbone is for cameras, and none is among the observations');
  });
});
