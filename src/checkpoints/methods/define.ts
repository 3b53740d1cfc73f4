import type { MethodNetworks, MethodType } from '../../spec/method-networks.js';
import type { UnetShape } from '../../spec/network-shapes.js';
import type { JsonObject } from '../json-object.js';
import { expectedUnetTensors } from '../lerobot/unet-tensors.js';
import type { ExpectedTensor } from '../named-tensors.js';

/** What the configurations of all methods have. */
export interface CommonConfig {
  readonly unet: UnetShape;
  readonly observationSteps: number;
  readonly actionSteps: number;
}

/** How the folder of a method's network is read: one for each `type`. */
export interface MethodFolder<T extends MethodType = MethodType> {
  readonly type: T;
  /** What config.json says beyond `common`. @throws CheckpointError. */
  read(json: JsonObject, common: CommonConfig): MethodNetworks[T];
  /** What the names of its U-Nets' tensors begin with in the file; '' for a U-Net that is alone. */
  unets(config: MethodNetworks[T]): readonly string[];
  /** Tensors beside the U-Nets, by their names in the file. Default: none. */
  others?(config: MethodNetworks[T]): ReadonlyMap<string, ExpectedTensor>;
  /** Tensors of one of its U-Nets by LeRobot's names. Default: those of a policy's, with the level encoding of `unet`. */
  unetTensors?(config: Pick<MethodNetworks[T], 'unet'>): ReadonlyMap<string, ExpectedTensor>;
  /** Names of its U-Nets' tensors where they differ from Diffusion Policy's by more than a prefix: to what LeRobot would say, and back. */
  readonly names?: { canonical(name: string): string; inFile(name: string): string };
  /** Whether a tensor, by LeRobot's name, is in every file and never read. Default: none is. */
  isUnread?(config: Pick<MethodNetworks[T], 'unet'>, name: string): boolean;
}

/** Every tensor that inference reads, by canonical names: LeRobot's for U-Nets, behind the prefix of each. */
export function methodTensors<T extends MethodType>(folder: MethodFolder<T>, config: MethodNetworks[T]): Map<string, ExpectedTensor> {
  const unet = folder.unetTensors?.(config) ?? expectedUnetTensors(config.unet);
  const all = new Map<string, ExpectedTensor>(folder.others?.(config) ?? []);
  for (const prefix of folder.unets(config)) for (const [name, tensor] of unet) all.set(prefix + name, tensor);
  return all;
}
