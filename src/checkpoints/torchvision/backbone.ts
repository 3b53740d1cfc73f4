import { CheckpointError, UnsupportedCheckpointError } from '../../foundation/errors.js';
import { shown } from '../../foundation/shown.js';
import { BACKBONES, type Backbone } from '../../spec/network-shapes.js';
import { encoderTensorShapes } from '../lerobot/encoder-tensors.js';
import { checkVariances } from '../running-variances.js';
import { isFloatDtype } from '../safetensors/dtypes.js';
import { SafetensorsFile } from '../safetensors/safetensors.js';
import { type ByteSource, listed } from '../source.js';

/** A ResNet with batch norms as torchvision's state dict has it. */
export interface TorchvisionBackbone {
  readonly backbone: Backbone;
  /** All of its tensors, as `readFloats` takes them. */
  readonly names: readonly string[];
  /** A tensor by LeRobot's name without the encoder's prefix, such as `backbone.0.weight`. A view that the next read overwrites. */
  readFloats(name: string): Promise<Float32Array>;
}

/** Whatever the shapes of an encoder want beyond its backbone, whose tensors do not depend on it. */
const ANY = { norm: 'batch', keypoints: 32, encoders: 1, height: 32, width: 32 } as const;
/** What a classifier has beyond a backbone, and what nobody reads. */
const LEFT_OUT = /^fc\.(weight|bias)$|num_batches_tracked$/;
const EXAMPLES = '"conv1.weight", "bn1.running_mean", "layer1.0.conv1.weight"';
const CONVERT =
  'Write it as safetensors in Python: safetensors.torch.save_file(torch.load("resnet18.pth"), "resnet18.safetensors"), with the names as torchvision has them.';

/**
 * Opens the weights of a torchvision ResNet, and checks every name and shape, and all variances: which one it is follows from the tensors.
 * @throws CheckpointError for tensors of another network, and variances below 0; UnsupportedCheckpointError for a pickle, and for norms without running statistics.
 */
export async function openTorchvisionBackbone(source: ByteSource): Promise<TorchvisionBackbone> {
  await refusePickles(source);
  const file = await SafetensorsFile.open(source);
  const backbone = backboneOf(file);
  const shapes = new Map([...encoderTensorShapes({ ...ANY, backbone })].filter(([name]) => name.startsWith('backbone.')));
  const names = new Map([...shapes.keys()].map((name) => [name, torchvisionName(name)]));
  for (const [name, shape] of shapes) checkTensor(file, names.get(name) as string, shape, backbone);
  const known = new Set(names.values());
  const others = [...file.tensors.keys()].filter((name) => !known.has(name) && !LEFT_OUT.test(name));
  if (others.length > 0) {
    throw new CheckpointError(
      `${file.name}: expected the tensors of torchvision's ${backbone} and no others, found ${listed(others, 4)} beside them: it is another network, ` +
        'whose numbers would mean something else here. Give the weights of a plain ResNet.',
    );
  }
  for (const stored of names.values()) {
    if (stored.endsWith('running_var')) checkVariances(`${file.name}, tensor "${stored}"`, stored, await file.readFloats(stored));
  }
  return { backbone, names: [...names.keys()], readFloats: (name) => file.readFloats(names.get(name) ?? name) };
}

/** torchvision's name of a tensor: LeRobot's backbone is `nn.Sequential` of its children. */
function torchvisionName(name: string): string {
  return name
    .replace(/^backbone\.0\./, 'conv1.')
    .replace(/^backbone\.1\./, 'bn1.')
    .replace(/^backbone\.([4-7])\./, (_, stage: string) => `layer${Number(stage) - 3}.`);
}

/** Zip archives, which torch.save writes, and bare pickles. A safetensors file begins with any eight bytes, and then has an opening brace. */
async function refusePickles(source: ByteSource): Promise<void> {
  const opening = new Uint8Array(Math.min(9, source.size));
  await source.read(0, opening);
  const [first, second] = opening;
  const isPickle = (first === 0x50 && second === 0x4b) || first === 0x80;
  if (!isPickle || opening[8] === 0x7b) return;
  throw new UnsupportedCheckpointError(
    `${source.name}: expected safetensors, found a PyTorch pickle, which can run code when it is opened and is not read. ${CONVERT}`,
  );
}

/** Which ResNet the tensors are of, by its blocks. */
function backboneOf(file: SafetensorsFile): Backbone {
  const names = [...file.tensors.keys()];
  const missing = ['conv1.weight', 'layer1.0.conv1.weight'].find((name) => !file.tensors.has(name));
  if (missing !== undefined) {
    throw new CheckpointError(
      `${file.name}: expected torchvision's names of a ResNet (${EXAMPLES}, …), found no "${missing}", but ${listed(names, 4)}. Give a state dict as ` +
        'torchvision.models.resnet18(weights=…).state_dict() is; a LeRobot checkpoint is what `initial` is for.',
    );
  }
  if (!file.tensors.has('bn1.running_mean')) {
    throw new UnsupportedCheckpointError(
      `${file.name}: expected batch norms with running statistics ("bn1.running_mean"), found none: a ResNet with group norms, or one whose norms were ` +
        'folded, is no backbone for LeRobot, which refuses use_group_norm beside pretrained weights too. Give one with batch norms.',
    );
  }
  const counts = [1, 2, 3, 4].map(
    (stage) => new Set(names.flatMap((name) => new RegExp(`^layer${stage}\\.(\\d+)\\.`).exec(name)?.[1] ?? [])).size,
  );
  const isBottleneck = file.tensors.has('layer1.0.conv3.weight');
  const found = (Object.keys(BACKBONES) as Backbone[]).find(
    (name) => BACKBONES[name].join() === counts.join() && isBottleneck === !['resnet18', 'resnet34'].includes(name),
  );
  if (found) return found;
  throw new CheckpointError(
    `${file.name}: expected the blocks of ${Object.keys(BACKBONES).join(', ')}, found ${counts.join(', ')} ${isBottleneck ? 'bottlenecks' : 'blocks'} in ` +
      'layer1 to layer4. Give the weights of one of these.',
  );
}

function checkTensor(file: SafetensorsFile, name: string, shape: readonly number[], backbone: Backbone): void {
  const found = file.tensors.get(name);
  if (!found) {
    throw new CheckpointError(
      `${file.name}: expected a tensor "${name}" of shape ${shown(shape)}, as torchvision's ${backbone} has, found none. Export the weights again.`,
    );
  }
  if (found.shape.join() !== shape.join()) {
    throw new CheckpointError(
      `${file.name}, tensor "${name}": expected shape ${shown(shape)}, as torchvision's ${backbone} has, found ${shown(found.shape)}: a wide or grouped ` +
        'ResNet, or one for other pictures, is another network. Give the weights of a plain one.',
    );
  }
  if (!isFloatDtype(found.dtype)) {
    throw new CheckpointError(
      `${file.name}, tensor "${name}": expected F64, F32, F16 or BF16, found ${found.dtype}. Export the weights as floats.`,
    );
  }
}
