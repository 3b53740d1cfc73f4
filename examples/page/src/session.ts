import { type OnLoadProgress, parseStrategy } from 'warmstep';
import { openPolicyWorker, type PolicyWorker, type PostableSource } from 'warmstep/worker';

/** What is loaded. */
export interface Wanted {
  readonly policy: PostableSource;
  readonly predictor: PostableSource | undefined;
  /** As a command line spells it, e.g. "step:2". */
  readonly strategy: string;
  readonly seed: number;
}

/** Loads a policy in a worker of its own, with the inner values that the page draws. @throws as loadPolicy. */
export async function openSession(wanted: Wanted, signal: AbortSignal, onProgress: OnLoadProgress): Promise<PolicyWorker> {
  const worker = new Worker('worker.js', { type: 'module' });
  const { policy, predictor, strategy, seed } = wanted;
  try {
    return await openPolicyWorker(worker, policy, {
      seed,
      strategy: parseStrategy(strategy).options,
      probes: ['start', 'sample', ...(predictor === undefined ? [] : ['prediction'])],
      ...(predictor === undefined ? {} : { networks: { predictor } }),
      signal,
      onProgress,
    });
  } catch (error) {
    worker.terminate();
    throw error;
  }
}

/** Strategies of the menu, without a predictor those that need none. */
export function strategiesFor(hasPredictor: boolean): readonly (readonly [string, string])[] {
  return [
    ...(hasPredictor
      ? ([
          ['step:2', 'STEP, 2 evaluations'],
          ['step:1', 'STEP, 1 evaluation'],
          ['step:4', 'STEP, 4 evaluations'],
        ] as const)
      : []),
    ['ddim:2', 'DDIM, 2 evaluations'],
    ['ddim:10', 'DDIM, 10 evaluations'],
    ['dpm-solver++:4', 'DPM-Solver++, 4 evaluations'],
    ['ddpm:100', 'DDPM, 100 evaluations'],
  ];
}

/** How a load is told to people. */
export function stageText(...[fraction, at]: Parameters<OnLoadProgress>): string {
  const percent = `${Math.floor(fraction * 100)} %`;
  switch (at.stage) {
    case 'download':
      return `${percent}: ${(at.done / 1e6).toFixed(1)} of ${(at.total / 1e6).toFixed(1)} MB fetched`;
    case 'weights':
      return `${percent}: weights, block ${at.done} of ${at.total}`;
    default:
      return `${percent}: ${at.stage === 'kernels' ? 'compiled' : 'ran for the first time'} ${at.done} of ${at.total} kernels`;
  }
}
