import {
  LATENT_SAMPLES,
  LATENT_SIZES,
  LATENT_WORKGROUP,
  type LatentDeviation,
  latentBackwardKernel,
  latentForwardKernel,
} from '../../../kernels/backward/latent-rows.wgsl.js';
import type { Binding, BufferHandle, PlanBuilder } from '../../runtime/plan-builder.js';
import type { Rows } from '../../runtime/rows.js';
import { lineOf } from '../grid.js';

/** A latent that is drawn from a posterior, see latent-rows.wgsl.ts. */
export interface LatentCall {
  readonly deviation: LatentDeviation;
  /** Rows whose first `condition` channels are the condition. */
  readonly source: Rows;
  readonly condition: number;
  /** [mean ; raw deviation], a row for each sample. */
  readonly heads: Rows;
  /** Standard normal f32 [b][L]. */
  readonly drawn: Binding;
  /** [condition ; latent]. */
  readonly joined: Rows;
}

/** Records joined = [condition ; mean + σ(raw) ε]. */
export function recordLatentForward(builder: PlanBuilder, call: LatentCall): void {
  const { deviation, source, heads, drawn, joined } = call;
  builder.dispatch(
    latentForwardKernel(deviation),
    [latentShape(builder, call), { buffer: source.buffer }, { buffer: heads.buffer }, drawn, { buffer: joined.buffer }],
    lineOf(joined.batch * joined.stride, LATENT_WORKGROUP),
  );
}

export interface LatentBackwardCall extends LatentCall {
  /** f32 [b]: weight of the divergence from N(0, I) of each sample. */
  readonly weights: Binding;
  readonly djoined: Rows;
  readonly dheads: Rows;
  /** f32, of which those from `firstLoss` on are written, one for each sample: the weighted divergence. */
  readonly losses: BufferHandle;
  readonly firstLoss: number;
  /** Uniform of step scalars. */
  readonly step: BufferHandle;
}

/** Records the gradient of the heads from that of `joined`, and the divergence. */
export function recordLatentBackward(builder: PlanBuilder, call: LatentBackwardCall): void {
  const { deviation, heads, drawn, weights, joined, djoined, dheads, losses, step } = call;
  if (djoined.stride !== joined.stride || dheads.stride !== heads.stride || djoined.offset + dheads.offset !== 0) {
    throw new TypeError('latent_backward: gradients lie as their values do, in buffers of their own');
  }
  builder.dispatch(
    latentBackwardKernel(deviation),
    [
      latentShape(builder, call, call.firstLoss),
      { buffer: step },
      { buffer: heads.buffer },
      drawn,
      weights,
      { buffer: djoined.buffer },
      { buffer: dheads.buffer },
      { buffer: losses },
    ],
    [Math.ceil(heads.batch / LATENT_SAMPLES), 1, 1],
  );
}

function latentShape(builder: PlanBuilder, { source, condition, heads, joined }: LatentCall, firstLoss = 0): Binding {
  const latents = joined.channels - condition;
  if (
    heads.channels !== 2 * latents ||
    heads.length * joined.length !== 1 ||
    source.channels < condition ||
    heads.offset + joined.offset !== 0
  ) {
    throw new TypeError(
      `latents: a row of ${joined.channels} for a condition of ${condition} has ${latents} latents, the heads have ${heads.channels} values, the ` +
        `source ${source.channels}`,
    );
  }
  const sizes: Record<(typeof LATENT_SIZES)[number], number> = {
    samples: joined.batch,
    condition,
    latents,
    from_offset: source.offset,
    from_row: source.stride,
    heads_row: heads.stride,
    joined_row: joined.stride,
    first_loss: firstLoss,
  };
  return builder.shape(LATENT_SIZES.map((name) => sizes[name]));
}
