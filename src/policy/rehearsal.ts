import { REHEARSED } from '../decision/decision-input.js';
import type { Denoiser } from '../decision/denoiser.js';
import type { FrameEncoder } from '../decision/frame-encoder.js';
import type { AbortSignalLike } from '../foundation/abort-signal.js';
import { NonFiniteError } from '../foundation/errors.js';
import type { FrameWindow } from '../observations/window.js';
import { type PastChunk, type Strategy, type StrategyContext, singleRuns } from '../strategies/strategy.js';
import { firstRuns, type PendingDecision } from './decide.js';
import { Decider, type Given, nextTurn, statelessTurn } from './decider.js';
import { Episode } from './episode.js';

/** Decisions that are tried at most, and the time after which no further one begins: on slow devices one is all. */
const MOST = 8;
const LONGEST_MS = 20;

export interface RehearsalParts {
  readonly denoiser: Denoiser;
  readonly encoder: FrameEncoder;
  readonly context: StrategyContext;
  /** Whether the policy has a predictor. */
  readonly predicted: boolean;
  readonly newWindow: () => FrameWindow;
}

/**
 * Makes decisions on zeros that nobody sees, of one evaluation each, so that no later decision is the first of anything:
 * some drivers compile a kernel when it first runs, and JavaScript's engine a function when it is first called. Then encodes
 * what the first decisions of the strategy will submit. `given`: zeros as a caller brings them.
 * @throws DeviceLostError, DeviceLimitError, ShaderError, and the reason of `signal` when it is aborted.
 */
export async function rehearse(
  { denoiser, encoder, context, predicted, newWindow }: RehearsalParts,
  strategy: Strategy,
  batch: number,
  given: Given,
  signal: AbortSignalLike | undefined,
): Promise<void> {
  const decider = new Decider(denoiser, encoder, context, undefined);
  const tried = oneEvaluation(strategy, predicted);
  const episodes = Array.from({ length: batch }, (_, sample) => new Episode(tried, { seed: 0, episode: 0, sample }, newWindow()));
  const begun = performance.now();
  for (let i = 0; i < MOST && (i === 0 || performance.now() - begun < LONGEST_MS); i++) {
    signal?.throwIfAborted();
    // What comes of zeros says nothing of the policy.
    await decider.decide(episodes.map((episode) => nextTurn(episode, given))).catch((error: unknown) => {
      if (!(error instanceof NonFiniteError)) throw error;
    });
  }
  const size = context.horizon * context.actionDim;
  const still = { normalizedChunk: new Float32Array(size), chunk: new Float32Array(size) };
  // The first decision of an episode, one of a robot that stands still, and a usual one, which is the most recent. A strategy
  // that remembers more than chunks cannot be asked for the later ones.
  const pasts: readonly (readonly PastChunk[])[] = strategy.needsOnlyChunks ? [[], [still, still], [still]] : [[]];
  const window = encoder.assemble(given.frames);
  const pending = (past: readonly PastChunk[]): PendingDecision[] =>
    Array.from({ length: batch }, (_, sample) => ({ ...statelessTurn(strategy, given, past, 0, sample).pending, ...window }));
  await denoiser.expect(pasts.map((past) => firstRuns(pending(past), size, denoiser.latents)));
}

/** Runs every segment of a plan once. */
function oneEvaluation({ actionSteps }: Strategy, predicted: boolean): Strategy {
  const start = { predictionScale: predicted ? 1 : 0, noiseScale: 0, schedule: REHEARSED, warm: false, stalled: false };
  return {
    description: 'rehearsal',
    schedules: [REHEARSED],
    usual: REHEARSED,
    needs: [],
    actionSteps,
    needsOnlyChunks: true,
    begin: singleRuns(() => start),
  };
}
