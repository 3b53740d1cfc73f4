import type { PrologueParameters } from '../../kernels/conv/conv-prologue.wgsl.js';
import type { PrologueSizes } from '../../kernels/conv/conv1d-shape.js';
import { finishNormKernel, finishNormShape } from '../../kernels/norm/finish-norm.wgsl.js';
import type { Binding, BufferHandle, PlanBuilder } from '../runtime/plan-builder.js';
import { probeTensor, type Tensor } from '../runtime/tensor.js';
import { EPSILON, type FilmBinding, type FoldedNorm } from './norm.js';
import { type PartialSums, partLayout } from './partial-sums.js';

/**
 * A value that its reader finishes: partial sums of a convolution, and the group norm, Mish, FiLM and residual that are
 * still to be applied to them.
 */
export interface Unfinished {
  readonly sums: PartialSums;
  readonly norm: FoldedNorm;
  readonly groups: number;
  readonly film?: FilmBinding | undefined;
  readonly residual?: Tensor | undefined;
  /** Where the finished value is written for other readers, and the names it is probed under. */
  readonly stored?: Tensor | undefined;
  readonly storedProbes?: readonly string[] | undefined;
  /** Names of the sums with bias, and of the value before FiLM and residual, for probes. */
  readonly sumsProbe?: string | undefined;
  readonly normProbe?: string | undefined;
}

export function isUnfinished(value: Tensor | Unfinished): value is Unfinished {
  return 'sums' in value;
}

/** What a kernel with a stage needs for an unfinished input. */
export interface Prologue {
  readonly parameters: PrologueParameters;
  readonly sizes: PrologueSizes;
  readonly bindings: readonly Binding[];
  /** To be called after the dispatch. */
  recordProbes(): void;
}

export function prologueOf(builder: PlanBuilder, input: Unfinished): Prologue {
  const { sums, norm, groups, film, residual, stored } = input;
  const { batch, channels, length } = sums;
  const { layout, stride } = partLayout(sums);
  const aligned = [stored, residual].every((tensor) => tensor === undefined || isRowAligned(tensor));
  if (norm.channels !== channels || channels % groups !== 0 || length % 4 !== 0 || !aligned) {
    throw new TypeError(`unfinished input: ${channels} channels of ${length} in ${groups} groups, norm of ${norm.channels} channels`);
  }
  const probe = (name: string | undefined): BufferHandle | undefined =>
    name !== undefined && builder.wantsProbe(name) ? builder.buffer(name, batch * channels * length * 4) : undefined;
  const probeSums = probe(input.sumsProbe);
  const probeNormalized = probe(input.normProbe);
  const whole = (buffer: BufferHandle | undefined): Binding[] => (buffer ? [{ buffer }] : []);
  return {
    parameters: {
      epsilon: EPSILON,
      length,
      film: film ? (film.scale ? 'scale-bias' : 'bias') : 'none',
      residual: residual !== undefined,
      stored: stored !== undefined,
      probeSums: probeSums !== undefined,
      probeNormalized: probeNormalized !== undefined,
    },
    sizes: {
      partials: sums.splits,
      partialStride: stride / 4,
      normChannels: channels / groups,
      filmOffset: film?.offset ?? 0,
      filmRowLength: film?.rowLength ?? 0,
      stored: (stored ?? { layout }).layout,
      skip: (residual ?? { layout }).layout,
    },
    bindings: [
      { buffer: sums.buffer },
      { buffer: builder.existing(norm.parameters) },
      ...(film
        ? [{ buffer: film.timestepRows, bytes: film.rowBytes, stepOffset: film.timestepRow }, { buffer: film.observationRows }]
        : []),
      ...whole(residual?.buffer),
      ...whole(stored?.buffer),
      ...whole(probeSums),
      ...whole(probeNormalized),
    ],
    recordProbes: () => {
      const shape = { layout, batch, channels, length };
      if (probeSums && input.sumsProbe) probeTensor(builder, input.sumsProbe, { ...shape, buffer: probeSums });
      if (probeNormalized && input.normProbe) probeTensor(builder, input.normProbe, { ...shape, buffer: probeNormalized });
      if (stored) for (const name of input.storedProbes ?? []) probeTensor(builder, name, stored);
    },
  };
}

/** Records the stage alone: the value is in `stored` afterwards. */
export function recordFinish(builder: PlanBuilder, input: Unfinished & { readonly stored: Tensor }): void {
  const stage = prologueOf(builder, input);
  const { batch, channels } = input.sums;
  builder.dispatch(
    finishNormKernel(stage.parameters, FINISH_INVOCATIONS),
    [builder.shape(finishNormShape(channels, stage.sizes)), ...stage.bindings],
    [input.groups, 1, batch],
  );
  stage.recordProbes();
}

const FINISH_INVOCATIONS = 256;

/** Whether four columns of every row can be read and written at once. */
function isRowAligned({ layout }: Tensor): boolean {
  return layout.timeStride === 1 && [layout.offset, layout.batchStride, layout.channelStride].every((value) => value % 4 === 0);
}
