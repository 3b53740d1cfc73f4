import type { WrittenVision } from '../../checkpoints/lerobot/write-policy.js';
import type { ByteSource } from '../../checkpoints/source.js';
import { openTorchvisionBackbone, type TorchvisionBackbone } from '../../checkpoints/torchvision/backbone.js';
import { OptionError } from '../../foundation/errors.js';
import { checkMethods } from '../../foundation/options.js';
import { fingerprintOf } from '../../policy/file-facts.js';
import { POLICY_PREFIX } from '../image-encoder/parameters.js';
import type { ParameterInfo } from '../training-step.js';

/** A policy's tensor of a backbone: its name behind the prefix of its encoder. */
const OF_BACKBONE = new RegExp(`^${POLICY_PREFIX.replace('.', '\\.')}rgb_encoder\\.(?:\\d+\\.)?(backbone\\..+)$`);

/** Opens the weights that encoders begin with. @throws OptionError for what is no file, CheckpointError for what is in it. */
export async function openBackbone(where: string, backbone: ByteSource): Promise<TorchvisionBackbone> {
  checkMethods(where, 'backbone', backbone, 'a file of a source (await source.open(name))', ['read']);
  return openTorchvisionBackbone(backbone);
}

/** Encoders that begin with pretrained weights, as LeRobot's defaults since May 2026: batch norms, one for each camera. */
export function pretrainedVision({ backbone }: TorchvisionBackbone, keypoints: number): WrittenVision {
  return { backbone, norm: 'batch', keypoints, isSeparate: true, resize: null };
}

/** @throws OptionError where a backbone is given and nothing looks at pictures. */
export function checkBackboneUse(where: string, hasCameras: boolean): void {
  if (!hasCameras)
    throw new OptionError(`${where}: backbone is for cameras, and none is among the observations: leave it out, or name one.`);
}

/** Those of the wanted tensors that a backbone has, for every encoder the same. */
export async function backboneTensors(backbone: TorchvisionBackbone, wanted: readonly ParameterInfo[]): Promise<Map<string, Float32Array>> {
  const tensors = new Map<string, Float32Array>();
  for (const { name } of wanted) {
    const [, own] = OF_BACKBONE.exec(name) ?? [];
    if (own !== undefined) tensors.set(name, (await backbone.readFloats(own)).slice());
  }
  return tensors;
}

/** What tells these weights from others, for runs that go on: all of them, since whoever tunes a backbone leaves some of its layers as they are. */
export async function backboneIdentity(backbone: TorchvisionBackbone): Promise<string> {
  const tensors: string[] = [];
  // A copy: a view's bytes may be of another buffer than the digest takes.
  for (const name of backbone.names) tensors.push(await fingerprintOf(new Float32Array(await backbone.readFloats(name))));
  return fingerprintOf(JSON.stringify([backbone.backbone, tensors]));
}
