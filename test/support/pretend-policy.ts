import { DeviceLostError } from '../../src/foundation/errors.js';
import { checkWindow } from '../../src/observations/check.js';
import type { DecideRequest, Decision, EpisodeRequest } from '../../src/policy/decision-result.js';
import type { Episode } from '../../src/policy/episode.js';
import type { PolicyInfo } from '../../src/policy/info.js';
import type { ServedPolicy } from '../../src/server/served-policy.js';
import type { ObservationInfo } from '../../src/spec/policy-spec.js';

export const STATE: ObservationInfo = { kind: 'vector', name: 'observation.state', feature: 'observation.state', size: 2 };
export const CAMERA: ObservationInfo = {
  kind: 'image',
  name: 'observation.images.front',
  feature: 'observation.images.front',
  height: 4,
  width: 6,
  channels: 3,
  features: 8,
};

export interface PretendOptions {
  readonly observations?: readonly ObservationInfo[];
  readonly observationSteps?: number;
  readonly actionSteps?: number;
}

/**
 * A policy without a device, whose actions tell what it was asked: row r is `newest + 10 · (newest − oldest) + r + 1000 · decisions of the episode
 * before`, of the first feature.
 */
export class PretendPolicy implements ServedPolicy {
  readonly info: PolicyInfo;
  /** Sizes of the batches that were decided. */
  readonly batches: number[] = [];
  readonly warmed: number[] = [];
  begun = 0;
  reloads = 0;
  /** Awaited by every batch before it is decided. */
  gate: Promise<void> = Promise.resolve();
  isLost = false;
  /** What the coming reloads fail with. */
  reloadFailures: unknown[] = [];
  readonly windows: Record<string, unknown>[] = [];
  readonly #counts = new WeakMap<object, number>();

  constructor({ observations = [STATE], observationSteps = 2, actionSteps = 3 }: PretendOptions = {}) {
    this.info = {
      name: 'pretend',
      dialect: 'C',
      observations,
      images: undefined,
      methods: [],
      observationSteps,
      horizon: 8,
      actionSteps,
      actionDim: 2,
      decidesAhead: true,
      parameters: 1,
      precision: 'f32',
      fileDtypes: ['F32'],
      strategy: 'none',
      strategyOptions: { name: 'DDIM' },
      seed: 0,
      fingerprint: '',
      predictor: 'none',
      deviceBytes: 0,
      adapter: { description: 'no adapter' } as PolicyInfo['adapter'],
      dispatches: undefined,
      warnings: [],
    };
  }

  beginEpisode(): Episode {
    this.begun++;
    return {} as Episode;
  }

  async warmup(batch = 1): Promise<void> {
    this.warmed.push(batch);
  }

  async reload(): Promise<void> {
    this.reloads++;
    if (this.reloadFailures.length > 0) throw this.reloadFailures.shift();
    this.isLost = false;
  }

  async decideAllSettled(requests: readonly DecideRequest[]): Promise<PromiseSettledResult<Decision>[]> {
    this.batches.push(requests.length);
    await this.gate;
    if (this.isLost) throw new DeviceLostError('the device was lost on purpose.');
    return requests.map((request) => {
      try {
        return { status: 'fulfilled', value: this.#decide(request as EpisodeRequest) };
      } catch (reason) {
        return { status: 'rejected', reason };
      }
    });
  }

  #decide({ episode, window }: EpisodeRequest): Decision {
    const { observations, observationSteps, actionSteps, actionDim } = this.info;
    const frames = checkWindow(observations, window, observationSteps, 'decide');
    this.windows.push(window);
    const decisions = this.#counts.get(episode) ?? 0;
    this.#counts.set(episode, decisions + 1);
    const [oldest, newest] = [frames[0], frames.at(-1)].map((frame) => frame?.values as Float32Array) as [Float32Array, Float32Array];
    const actions = Float32Array.from({ length: actionSteps * actionDim }, (_, i) => {
      const column = i % actionDim;
      const now = newest[column] as number;
      return now + 10 * (now - (oldest[column] as number)) + Math.floor(i / actionDim) + 1000 * decisions;
    });
    return { actions, chunk: actions, normalizedChunk: actions, latencyMs: 1.5 } as Partial<Decision> as Decision;
  }
}
