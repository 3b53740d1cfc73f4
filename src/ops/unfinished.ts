import { PROLOGUE_VEC4S, type PrologueParameters } from '../../kernels/conv/conv-prologue.wgsl.js';
import type { PrologueSizes } from '../../kernels/conv/conv1d-shape.js';
import { finishNormKernel, finishNormShape } from '../../kernels/norm/finish-norm.wgsl.js';
import type { Binding, BufferHandle, PlanBuilder } from '../runtime/plan-builder.js';
import { probeTensor, type Tensor } from '../runtime/tensor.js';
import { EPSILON, type FilmBinding, filmBindings, filmParameters, type SumParameters } from './norm.js';
import { isPartial, type PartialSums, partLayout } from './partial-sums.js';

/**
 * A value that its reader finishes: partial sums of a convolution, and the group norm, Mish, FiLM and residual that are
 * still to be applied to them.
 */
export interface Unfinished {
  readonly sums: PartialSums;
  readonly parameters: SumParameters;
  /** Of the group norm; undefined: there is no norm, and the value is the sums with their bias. */
  readonly groups: number | undefined;
  readonly film?: FilmBinding | undefined;
  readonly residual?: Tensor | PartialSums | undefined;
  /** Where the finished value is written for other readers, and the names it is probed under. */
  readonly stored?: Tensor | undefined;
  /** A tensor that begins with `stored`, and whose other channels are there already: the reader reads all of it. */
  readonly joined?: Tensor | undefined;
  readonly storedProbes?: readonly string[] | undefined;
  /** Names of the sums with bias, and of the value before FiLM and residual, for probes. */
  readonly sumsProbe?: string | undefined;
  readonly normProbe?: string | undefined;
  /** Name of a residual of partial sums, with its bias. */
  readonly residualProbe?: string | undefined;
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
  const { sums, parameters, film, residual, stored, joined } = input;
  const { batch, channels, length } = sums;
  const { layout, stride } = partLayout(sums);
  const groups = input.groups ?? sumGroups(channels, length) ?? 0;
  const skip = residual && isPartial(residual) ? undefined : residual;
  const skipSums = residual && isPartial(residual) ? residual : undefined;
  const aligned = [stored, skip].every((tensor) => tensor === undefined || isRowAligned(tensor));
  const isSameShape = !skipSums || (skipSums.batch === batch && skipSums.channels === channels && skipSums.length === length);
  const begins = !joined || (stored && joined.buffer === stored.buffer && joined.layout.offset === stored.layout.offset);
  if (parameters.channels !== channels || channels % groups !== 0 || length % 4 !== 0 || !aligned || !isSameShape || !begins) {
    throw new TypeError(
      `unfinished input: ${channels} channels of ${length} in ${groups} groups, parameters of ${parameters.channels} channels; rows begin at ` +
        'multiples of 4, the residual has the same shape, and a joined tensor begins with what is stored',
    );
  }
  const probe = (name: string | undefined): BufferHandle | undefined =>
    name !== undefined && builder.wantsProbe(name) ? builder.buffer(name, batch * channels * length * 4) : undefined;
  const probeSums = probe(input.sumsProbe);
  const probeNormalized = probe(input.normProbe);
  const probeResidual = skipSums && probe(input.residualProbe);
  const whole = (buffer: BufferHandle | undefined): Binding[] => (buffer ? [{ buffer }] : []);
  return {
    parameters: {
      epsilon: EPSILON,
      length,
      norm: input.groups === undefined ? 'none' : 'group',
      ...filmParameters(film),
      residual: residual !== undefined,
      residualParts: skipSums !== undefined,
      joined: joined !== undefined,
      stored: stored !== undefined,
      probeSums: probeSums !== undefined,
      probeNormalized: probeNormalized !== undefined,
      probeResidual: probeResidual !== undefined,
    },
    sizes: {
      partials: sums.splits,
      partialStride: stride / 4,
      normChannels: channels / groups,
      filmOffset: film?.offset ?? 0,
      filmRowLength: film?.rowLength ?? 0,
      stagedChannels: channels,
      skipPartials: skipSums?.splits ?? 0,
      stored: (stored ?? { layout }).layout,
      skip: (skip ?? { layout }).layout,
    },
    bindings: [
      { buffer: sums.buffer },
      { buffer: builder.existing(parameters.parameters) },
      ...filmBindings(film),
      ...whole(residual?.buffer),
      ...whole(stored?.buffer),
      ...whole(probeSums),
      ...whole(probeNormalized),
      ...whole(probeResidual),
    ],
    recordProbes: () => {
      const shape = { layout, batch, channels, length };
      if (probeSums && input.sumsProbe) probeTensor(builder, input.sumsProbe, { ...shape, buffer: probeSums });
      if (probeNormalized && input.normProbe) probeTensor(builder, input.normProbe, { ...shape, buffer: probeNormalized });
      if (probeResidual && input.residualProbe) probeTensor(builder, input.residualProbe, { ...shape, buffer: probeResidual });
      if (stored) for (const name of input.storedProbes ?? []) probeTensor(builder, name, stored);
    },
  };
}

/** Records the stage alone: the value is in `stored` afterwards. */
export function recordFinish(builder: PlanBuilder, input: Unfinished & { readonly stored: Tensor }): void {
  const stage = prologueOf(builder, { ...input, joined: undefined });
  const { batch, channels } = input.sums;
  builder.dispatch(
    finishNormKernel(stage.parameters, FINISH_INVOCATIONS),
    [builder.shape(finishNormShape(stage.parameters, channels, stage.sizes)), ...stage.bindings],
    [channels / stage.sizes.normChannels, 1, batch],
  );
  stage.recordProbes();
}

const FINISH_INVOCATIONS = 256;

/** How many workgroups finish sums without a norm: the fewest whose share of the channels fits; undefined where none does. */
export function sumGroups(channels: number, length: number): number | undefined {
  for (let groups = 1; groups <= channels; groups++) {
    if (channels % groups === 0 && ((channels / groups) * length) / 4 <= PROLOGUE_VEC4S) return groups;
  }
  return undefined;
}

/** Whether four columns of every row can be read and written at once. */
function isRowAligned({ layout }: Tensor): boolean {
  return layout.timeStride === 1 && [layout.offset, layout.batchStride, layout.channelStride].every((value) => value % 4 === 0);
}
