import { OptionError } from '../../foundation/errors.js';
import type { ObservationFeature } from '../../spec/policy-spec.js';
import { type BatchCounts, checkCount, checkPart } from '../plan/batch-checks.js';
import { type PictureLayout, PicturePacker } from '../plan/picture-packer.js';
import type { UNetBatch } from '../training-step.js';

/** A batch of a policy with images, rows as in `UNetBatch`. */
export interface ImagePolicyBatch extends Omit<UNetBatch, 'conditioning'> {
  /** B × To × V: vectors of every frame, normalised, in the order of the policy's observations without its images. */
  readonly vectors: Float32Array;
  /** By camera, in the order of the policy's observations: B × To pictures of height × width × 3 bytes. */
  readonly pictures: readonly Uint8Array[];
  /** By camera: B × To pairs (top, left) of the first row and column that is kept; null: the middle. */
  readonly crops: readonly Int32Array[] | null;
}

/** Sizes that the parts of a batch follow from. */
export interface ImageBatchShape {
  readonly batchSize: number;
  readonly observationSteps: number;
  readonly observations: readonly ObservationFeature[];
  /** Of a picture as it arrives, and of what is kept of it. */
  readonly frame: readonly [number, number];
  readonly kept: readonly [number, number];
  readonly layout: PictureLayout;
}

/** Values of a frame in the conditioning vector, and where each feature begins. */
export function frameOffsets(observations: readonly ObservationFeature[]): { readonly offsets: readonly number[]; readonly width: number } {
  let width = 0;
  const offsets = observations.map(({ size }) => {
    width += size;
    return width - size;
  });
  return { offsets, width };
}

/** What a step uploads beside the U-Net's part. Good until the next batch is packed. */
export interface PackedImages {
  /** Of the U-Net's batch, zeros where features of images will be. */
  readonly conditioning: Float32Array;
  readonly frames: Uint8Array<ArrayBuffer>;
  /** (top, left) of every picture. */
  readonly offsets: Uint32Array<ArrayBuffer>;
}

/** Packs the observations of batches: pictures of the first camera first, each at a multiple of four bytes. */
export class ImageBatchPacker {
  readonly #shape: ImageBatchShape;
  readonly #cameras: readonly string[];
  readonly #pictures: PicturePacker;
  readonly #packed: Omit<PackedImages, 'frames'>;

  constructor(shape: ImageBatchShape) {
    this.#shape = shape;
    this.#cameras = shape.observations.flatMap(({ kind, name }) => (kind === 'image' ? [name] : []));
    const windows = shape.batchSize * shape.observationSteps;
    this.#pictures = new PicturePacker({ cameras: this.#cameras, windows, frame: shape.frame, layout: shape.layout });
    this.#packed = {
      conditioning: new Float32Array(windows * frameOffsets(shape.observations).width),
      offsets: new Uint32Array(2 * windows * this.#cameras.length),
    };
  }

  /** Of all pictures in what goes up. */
  get bytes(): number {
    return this.#pictures.bytes;
  }

  /** @throws OptionError for parts that do not fit. */
  pack(batch: ImagePolicyBatch): PackedImages {
    const { batchSize, observationSteps } = this.#shape;
    const { count } = batch;
    checkCount(count, batchSize);
    const windows = count * observationSteps;
    this.#packVectors(batch.vectors, windows);
    const frames = this.#pictures.pack(batch.pictures, windows);
    this.#packCrops(batch, windows);
    return { ...this.#packed, frames };
  }

  #packVectors(vectors: Float32Array, windows: number): void {
    const { observations } = this.#shape;
    const { offsets, width } = frameOffsets(observations);
    const own = observations.reduce((sum, { kind, size }) => (kind === 'vector' ? sum + size : sum), 0);
    checkPart('vectors', vectors, Float32Array, own, this.#counts(windows));
    const { conditioning } = this.#packed;
    conditioning.fill(0);
    let first = 0;
    observations.forEach(({ kind, size }, index) => {
      if (kind !== 'vector') return;
      for (let frame = 0; frame < windows; frame++) {
        const from = frame * own + first;
        conditioning.set(vectors.subarray(from, from + size), frame * width + (offsets[index] as number));
      }
      first += size;
    });
  }

  #packCrops({ crops }: ImagePolicyBatch, windows: number): void {
    const { batchSize, observationSteps, frame, kept } = this.#shape;
    const all = batchSize * observationSteps;
    const { offsets } = this.#packed;
    if (crops !== null && crops?.length !== this.#cameras.length) {
      throw new OptionError(
        `batch.crops: expected one for each of ${this.#cameras.length} cameras, in the order of the policy's observations.`,
      );
    }
    this.#cameras.forEach((name, camera) => {
      const crop = crops?.[camera];
      if (crop) checkPart(`crops of ${name}`, crop, Int32Array, 2, this.#counts(windows));
      for (let index = 0; index < 2 * windows; index++) {
        const side = index % 2;
        const most = (frame[side] as number) - (kept[side] as number);
        const value = crop ? (crop[index] as number) : middle(most);
        if (value < 0 || value > most) {
          throw new OptionError(
            `batch.crops of ${name}: expected ${side === 0 ? 'top' : 'left'} from 0 to ${most} for picture ${index >> 1}, found ${value}.`,
          );
        }
        offsets[2 * camera * all + index] = value;
      }
    });
  }

  /** Windows of a whole batch, and those that count. */
  #counts(windows: number): BatchCounts {
    const { batchSize, observationSteps } = this.#shape;
    return { whole: batchSize * observationSteps, counted: windows };
  }
}

/** Python's round(most / 2), as the centre crop of the reference. */
function middle(most: number): number {
  const half = Math.floor(most / 2);
  return most % 2 === 1 && half % 2 === 1 ? half + 1 : half;
}
