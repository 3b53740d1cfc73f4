import type { UnetShape } from '../../spec/network-shapes.js';
import type { FilmBlock } from '../unet/film.js';
import { filmBlocks } from '../unet/unet.js';

/** What makes the conditioning of a stage out of that of the stage before. */
export interface SlotResample {
  /** Name of the convolution. */
  readonly name: string;
  readonly kernelSize: 3 | 4;
  readonly transposed: boolean;
}

/** Residual blocks of a U-Net that read one sequence of conditioning: their samples are as long. */
export interface SlotStage {
  readonly blocks: readonly FilmBlock[];
  /** How often the horizon was halved. */
  readonly halvings: number;
  /** Undefined for the first stage. */
  readonly resample: SlotResample | undefined;
}

/**
 * The stages in the order of execution: down to the bottom, where the middle blocks and the first ones of the way up belong too, and up
 * again. Conditioning is resampled behind every module that resamples the sample, by a convolution of its own (RNR-DP, conditional_unet1d.py);
 * what the last one would make of it nobody reads.
 */
export function slotStages(shape: UnetShape): SlotStage[] {
  const last = shape.downDims.length - 1;
  const all = filmBlocks(shape);
  const blocks = (...modules: readonly string[]): FilmBlock[] =>
    all.filter(({ name }) => modules.some((module) => name.startsWith(`${module}.`)));
  const down = (level: number): SlotResample => ({ name: `down_modules.${level}.3`, kernelSize: 3, transposed: false });
  const up = (module: number): SlotResample => ({ name: `up_modules.${module}.3`, kernelSize: 4, transposed: true });
  return [
    ...Array.from({ length: last }, (_, level) => ({
      blocks: blocks(`down_modules.${level}`),
      halvings: level,
      resample: level === 0 ? undefined : down(level - 1),
    })),
    {
      blocks: blocks(`down_modules.${last}`, 'mid_modules', 'up_modules.0'),
      halvings: last,
      resample: last === 0 ? undefined : down(last - 1),
    },
    ...Array.from({ length: Math.max(0, last - 1) }, (_, j) => ({
      blocks: blocks(`up_modules.${j + 1}`),
      halvings: last - 1 - j,
      resample: up(j),
    })),
  ];
}
