import { rehearsedAt } from '../decision/decision-input.js';
import type { Denoiser } from '../decision/denoiser.js';
import type { FrameEncoding } from '../decision/frame-windows.js';
import type { AbortSignalLike } from '../foundation/abort-signal.js';
import { NonFiniteError } from '../foundation/errors.js';
import { type Frame, type Observation, observationOf } from '../observations/frame.js';
import type { FrameWindow } from '../observations/window.js';
import type { ObservationInfo } from '../spec/policy-spec.js';
import { type PastChunk, type Strategy, type StrategyContext, singleRuns } from '../strategies/strategy.js';
import { Actor } from './actor.js';
import { firstRuns, type PendingDecision } from './decide.js';
import { Decider, type Given, nextTurn, statelessTurn } from './decider.js';
import { Episode } from './episode.js';
import { SerialQueue } from './queue.js';
import { RequestChecks } from './request-checks.js';

/** Decisions that are tried at most, and the time after which no further one begins: on slow devices one is all. */
const MOST = 8;
const LONGEST_MS = 20;

export interface RehearsalParts {
  readonly denoiser: Denoiser;
  readonly encoder: FrameEncoding;
  readonly context: StrategyContext;
  /** Whether the policy has a predictor. */
  readonly predicted: boolean;
  readonly newWindow: () => FrameWindow;
  readonly observations: readonly ObservationInfo[];
}

/**
 * Makes decisions on zeros that nobody sees, of one evaluation each, so that no later decision is the first of anything:
 * some drivers compile a kernel when it first runs, and JavaScript's engine a function when it is first called. Then encodes
 * what the first decisions of the strategy will submit. `given`: zeros as a caller brings them.
 * @throws DeviceLostError, DeviceLimitError, ShaderError, and the reason of `signal` when it is aborted.
 */
export async function rehearse(
  { denoiser, encoder, context, predicted, newWindow, observations }: RehearsalParts,
  strategy: Strategy,
  batch: number,
  given: Given,
  signal: AbortSignalLike | undefined,
): Promise<void> {
  const decider = new Decider(denoiser, encoder, context, undefined);
  const tried = oneEvaluation(strategy, predicted, context.actionDim);
  const checks = new RequestChecks({ name: 'rehearsal', observations, context, seed: 0, hasBegun: () => true });
  const queue = new SerialQueue();
  const actor = new Actor({ checks, decider, context, seed: 0, newWindow, run: (task) => queue.run(task) }, tried);
  const episodes = Array.from({ length: batch }, (_, sample) => new Episode(tried, { seed: 0, episode: 0, sample }, newWindow()));
  const begun = performance.now();
  for (let i = 0; i < MOST && (i === 0 || performance.now() - begun < LONGEST_MS); i++) {
    signal?.throwIfAborted();
    // What comes of zeros says nothing of the policy.
    await callOnce(i).catch((error: unknown) => {
      if (!(error instanceof NonFiniteError)) throw error;
    });
  }

  /** As callers do, by turns: whatever is on the way is called before it counts. Features that stand for images are no pictures to check. */
  function callOnce(turn: number): Promise<unknown> {
    if (observations.some(({ kind }) => kind === 'image')) return decider.decide(episodes.map((episode) => nextTurn(episode, given)));
    const frame = observationOf(observations, given.frames[0] as Frame);
    const window = windowOf(frame, context.observationSteps);
    if (batch === 1) return turn % 4 === 3 ? actor.act(frame) : actor.decide(window);
    if (turn % 2 === 0) return actor.decideAll(episodes.map((episode) => ({ episode, window })));
    return actor.decideAll(episodes.map(() => ({ window, previous: [] })));
  }
  const size = context.horizon * context.actionDim;
  const still = { normalizedChunk: new Float32Array(size), chunk: new Float32Array(size) };
  // The first decision of an episode, one of a robot that stands still, and a usual one, which is the most recent. A strategy
  // that remembers more than chunks cannot be asked for the later ones.
  const pasts: readonly (readonly PastChunk[])[] = strategy.needsOnlyChunks ? [[], [still, still], [still]] : [[]];
  const window = encoder.assemble(given.frames);
  const pending = (past: readonly PastChunk[]): PendingDecision[] =>
    Array.from({ length: batch }, (_, sample) => ({
      ...statelessTurn(strategy, given, past, { seed: 0, episode: 0, decision: 0, sample }).pending,
      ...window,
    }));
  await denoiser.expect(pasts.map((past) => firstRuns(pending(past), size, denoiser.latents)));
}

/** A window whose frames are all alike. */
function windowOf(frame: Observation, steps: number): Observation {
  return Object.fromEntries(
    Object.entries(frame).map(([name, values]) => [name, Array.from({ length: steps }, () => Array.from(values as Float32Array)).flat()]),
  );
}

/** Runs every segment of a plan once: an evaluation by each network that a usual decision asks. */
export function oneEvaluation({ actionSteps, denoiser, usual, horizon }: Strategy, predicted: boolean, actionDim: number): Strategy {
  const schedule = rehearsedAt(usual.steps[0], [...new Set(usual.steps.map(({ network }) => network))]);
  const through = denoiser === undefined ? {} : { denoiser };
  const sample = horizon === undefined ? {} : { prediction: new Float32Array(horizon * actionDim) };
  const start = { predictionScale: predicted ? 1 : 0, noiseScale: 0, schedule, ...through, ...sample, warm: false, stalled: false };
  return {
    description: 'rehearsal',
    schedules: [schedule],
    usual: schedule,
    needs: [],
    actionSteps,
    ...(horizon === undefined ? {} : { horizon, firstRow: 0 }),
    needsOnlyChunks: true,
    begin: singleRuns(() => start),
  };
}
