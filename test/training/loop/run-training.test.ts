import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { NonFiniteError } from '../../../src/foundation/errors.js';
import { normals } from '../../../src/training/loop/draws.js';
import type { TrainingEvent } from '../../../src/training/loop/events.js';
import { HistoryLog, type RunHistory } from '../../../src/training/loop/history.js';
import { PRESETS } from '../../../src/training/loop/presets.js';
import { STATE_FILE } from '../../../src/training/loop/run-state.js';
import { type MemoryStorage, memoryStorage, type RunStorage } from '../../../src/training/loop/run-storage.js';
import { type BatchRequest, type RunParts, type RunPlan, runTraining } from '../../../src/training/loop/run-training.js';
import { type HostBatch, HostTraining } from '../../support/host-training.js';

const PARAMETERS = [
  { name: 'layer.weight', shape: [3, 2] },
  { name: 'layer.bias', shape: [3] },
];
const OPTIMIZER = { ...PRESETS['diffusion-policy'], learningRate: 1e-2, warmupSteps: 3 };
const PLAN: RunPlan = { steps: 12, accumulate: 1, optimizer: OPTIMIZER, metricsEvery: 1, evaluateEvery: 5, saveEvery: 4 };

interface Trial {
  readonly step: HostTraining;
  readonly events: TrainingEvent[];
  readonly requests: BatchRequest[];
  readonly published: { readonly step: number; readonly bias: readonly number[] }[];
  readonly history: Promise<RunHistory>;
}

function start(plan: RunPlan, given: Partial<RunParts<HostBatch>> & { readonly prepare?: (step: HostTraining) => void } = {}): Trial {
  const step = new HostTraining(PARAMETERS, 4);
  const { prepare, ...parts } = given;
  prepare?.(step);
  const events: TrainingEvent[] = [];
  const requests: BatchRequest[] = [];
  const published: Trial['published'] = [];
  let now = 0;
  const history = runTraining<HostBatch>(plan, {
    step,
    batches: {
      rows: 10,
      batch: async (request) => {
        requests.push(request);
        return { count: request.count, goals: normals(9, { seed: 1, purpose: 'noise', step: request.batch }) };
      },
    },
    storage: undefined,
    identity: { seed: 1, what: 'test' },
    resume: false,
    evaluate: async (at) => ({ figures: { error: 1 / at }, samples: [] }),
    publish: async (weights, at) => void published.push({ step: at, bias: [...(weights.get('layer.bias') as Float32Array)] }),
    onEvent: (event) => void events.push(event),
    signal: undefined,
    now: () => (now += 500),
    ...parts,
  });
  return { step, events, requests, published, history };
}

const kinds = (events: readonly TrainingEvent[]): string[] => events.map(({ kind, step }) => `${kind} ${step}`);
const bits = async (step: HostTraining): Promise<unknown> =>
  Promise.all((['weights', 'firstMoment', 'secondMoment', 'ema'] as const).map((set) => step.read(set)));

describe('a training run', () => {
  it('does its steps, and evaluates and saves in between and at the end', async () => {
    const { events, published, history, step } = start(PLAN);
    await history;
    expect(kinds(events).filter((event) => !event.startsWith('step'))).toEqual([
      'checkpoint 4',
      'evaluation 5',
      'checkpoint 8',
      'evaluation 10',
      'evaluation 12',
      'checkpoint 12',
      'done 12',
    ]);
    expect(events.filter(({ kind }) => kind === 'step').map(({ step: at }) => at)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    // What is published is the EMA, where there is one.
    expect(published.map(({ step: at }) => at)).toEqual([4, 8, 12]);
    expect(published.at(-1)?.bias).toEqual([...((await step.read('ema')).get('layer.bias') as Float32Array)]);
  });

  it('takes batches in the order of epochs, the last one of each being smaller', async () => {
    const { requests, history, step } = start(PLAN);
    await history;
    expect(requests.slice(0, 7)).toEqual([
      { batch: 0, epoch: 0, first: 0, count: 4 },
      { batch: 1, epoch: 0, first: 4, count: 4 },
      { batch: 2, epoch: 0, first: 8, count: 2 },
      { batch: 3, epoch: 1, first: 0, count: 4 },
      { batch: 4, epoch: 1, first: 4, count: 4 },
      { batch: 5, epoch: 1, first: 8, count: 2 },
      { batch: 6, epoch: 2, first: 0, count: 4 },
    ]);
    expect(step.calls.filter((call) => call.startsWith('run')).slice(0, 3)).toEqual(['run 4', 'run 4', 'run 2']);
    // None that no step follows for.
    expect(requests.length).toBe(12);
  });

  it('tells loss, norm, rate and how long it will take', async () => {
    const { events, history } = start(PLAN);
    await history;
    const third = events.filter((event) => event.kind === 'step')[2];
    expect(third).toMatchObject({ step: 3, steps: 12, epoch: 1, learningRate: (OPTIMIZER.learningRate * 2) / 3 });
    expect(third?.loss).toBeGreaterThan(0);
    expect(third?.stepsPerSecond).toBeGreaterThan(0);
    expect(third?.secondsLeft).toBeCloseTo(9 / (third?.stepsPerSecond ?? NaN), 9);
  });

  it('reads metrics behind the next step, and never waits with nothing to do on the device', async () => {
    const events: TrainingEvent[] = [];
    const runsWhenTold: number[] = [];
    const { step, history } = start(
      { ...PLAN, steps: 4, evaluateEvery: 100, saveEvery: 100 },
      {
        onEvent: (event) => {
          events.push(event);
          if (event.kind === 'step') runsWhenTold.push(step.calls.filter((call) => call.startsWith('run')).length);
        },
      },
    );
    await history;
    // The read of a step may end when it likes: it is waited for after the next one was handed over.
    const told = events.map(({ kind, step: at }) => `${kind} ${at}`);
    expect(told).toEqual(['step 1', 'step 2', 'step 3', 'step 4', 'evaluation 4', 'checkpoint 4', 'done 4']);
    expect(runsWhenTold).toEqual([2, 3, 4, 4]);
  });

  it('reads metrics seldom where it is told to', async () => {
    const { events, history } = start({ ...PLAN, metricsEvery: 6 });
    await history;
    expect(events.filter(({ kind }) => kind === 'step').map(({ step }) => step)).toEqual([6, 12]);
  });

  it.each([
    { stepMs: 1000, most: 2 },
    { stepMs: 10, most: 60 },
  ])('hands a device that takes $stepMs ms no more than it does in a moment, where it is told nothing', async ({ stepMs, most }) => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
    let free = 0;
    let handed = 0;
    let done = 0;
    let waiting = 0;
    const told: number[] = [];
    const { history } = start(
      { ...PLAN, steps: 200, metricsEvery: undefined, evaluateEvery: 1000, saveEvery: 1000 },
      {
        now: () => Date.now(),
        // Preparing a batch takes the host a millisecond.
        batches: { rows: 10, batch: async ({ count }) => pause(1).then(() => ({ count, goals: new Float32Array(9) })) },
        prepare: (step) => {
          const run = step.run.bind(step);
          step.run = (...args) => {
            run(...args);
            free = Math.max(free, Date.now()) + stepMs;
            waiting = Math.max(waiting, ++handed - done);
          };
          const metrics = step.metrics.bind(step);
          // They are there when all that was handed over before is done.
          step.metrics = async () => {
            const [ms, count] = [free - Date.now(), handed];
            await pause(Math.max(0, ms));
            done = Math.max(done, count);
            return metrics();
          };
        },
        onEvent: (event) => {
          if (event.kind === 'step') told.push(event.step);
        },
      },
    );
    await vi.runAllTimersAsync();
    await history;
    expect(waiting).toBeLessThanOrEqual(most);
    // Seldom, where steps are short: about five times a second.
    expect(told.length).toBeLessThan(stepMs === 10 ? 30 : 201);
    expect(told.length).toBeGreaterThan(stepMs === 10 ? 5 : 190);
  });

  it('makes one step of the gradients of several batches', async () => {
    const { step, events, history } = start({ ...PLAN, steps: 2, accumulate: 3 });
    await history;
    expect(step.calls.filter((call) => call.startsWith('run'))).toEqual([
      'run 4 without update',
      'run 4 without update accumulated',
      'run 2 accumulated',
      'run 4 without update',
      'run 4 without update accumulated',
      'run 2 accumulated',
    ]);
    expect(step.updates.map(({ stepNumber }) => stepNumber)).toEqual([1, 2]);
    // The gradient is the mean of those of the batches, however many they are: here of the goals of batches 3, 4 and 5.
    const goals = [3, 4, 5].map((batch) => normals(9, { seed: 1, purpose: 'noise', step: batch }));
    const before = new Float32Array(9);
    const expected = before.map((_, i) => goals.reduce((sum, goal) => sum - (2 * (goal[i] as number)) / 9 / 3, 0));
    const found = [...(await step.read('gradients')).values()].flatMap((values) => [...values]);
    // The rate of the first step was 0: the weights were still at 0.
    found.forEach((value, i) => expect(value).toBeCloseTo(expected[i] as number, 6));
    expect(events.filter((event) => event.kind === 'step').map(({ epoch }) => epoch)).toEqual([1, 2]);
  });

  it('names a step that was refused between two readings, and saves nothing after it', async () => {
    const storage = memoryStorage('run folder');
    const { events, history, published } = start({ ...PLAN, metricsEvery: 4 }, { storage, prepare: (step) => (step.badRun = 6) });
    await expect(history).rejects.toThrow(
      /training step 6: .*a norm that is not.*changed no weight.*checkpoint of step 4 in run folder is whole/,
    );
    expect(kinds(events)).not.toContain('step 8');
    expect(published.map(({ step }) => step)).toEqual([4]);
  });

  it('refuses a step that is not finite, says which, and saves nothing of it', async () => {
    const storage = memoryStorage('run folder');
    const { events, history, published } = start(PLAN, { storage, prepare: (step) => (step.badRun = 6) });
    await expect(history).rejects.toThrow(
      /training step 6: .*norm NaN, at learning rate 0\.\d+\. .*changed no weight\. The checkpoint of step 4 in run folder is whole .*a learning rate below 0\.01 .*--clip/,
    );
    expect(kinds(events)).not.toContain('step 6');
    expect(published.map(({ step }) => step)).toEqual([4]);
  });

  it('looks at the newest step before it saves, whatever it read before', async () => {
    const storage = memoryStorage();
    const { history } = start({ ...PLAN, metricsEvery: 100 }, { storage, prepare: (step) => (step.badRun = 4) });
    await expect(history).rejects.toThrow(/training step 4: .* holds no checkpoint of the run yet\. /);
    expect(storage.files.has(STATE_FILE)).toBe(false);
  });

  it('looks at it before it evaluates, too: an evaluation may leave metrics of its own', async () => {
    const evaluate = vi.fn(async () => ({ figures: {}, samples: [] }));
    const { history } = start({ ...PLAN, metricsEvery: 100, saveEvery: 100 }, { evaluate, prepare: (step) => (step.badRun = 5) });
    await expect(history).rejects.toThrow('training step 5');
    expect(evaluate).not.toHaveBeenCalled();
  });

  it('says the same where an evaluation is not finite', async () => {
    const evaluate = async () => {
      throw new NonFiniteError('denoising step 3: found NaN.');
    };
    await expect(start(PLAN, { evaluate, storage: memoryStorage('run folder') }).history).rejects.toThrow(
      /^evaluation behind training step 5, at learning rate 0\.\d+: denoising step 3: found NaN\. The checkpoint of step 4 in run folder .*--learning-rate/,
    );
  });

  it('looks at it before it saves because it is ended', async () => {
    const storage = memoryStorage();
    const controller = new AbortController();
    const batch = async ({ batch: index, count }: BatchRequest): Promise<HostBatch> => {
      // Prepared behind step 3.
      if (index === 3) controller.abort(new Error('enough'));
      return { count, goals: new Float32Array(9) };
    };
    const parts = { storage, signal: controller.signal, batches: { rows: 10, batch } };
    await expect(start({ ...PLAN, metricsEvery: 100 }, { ...parts, prepare: (step) => (step.badRun = 3) }).history).rejects.toThrow(
      'training step 3',
    );
    expect(storage.files.has(STATE_FILE)).toBe(false);
  });

  it('is not over before the batch that it prepares is', async () => {
    let preparing = 0;
    const batch = async ({ count }: BatchRequest): Promise<HostBatch> => {
      preparing++;
      await new Promise((resolve) => setTimeout(resolve, 2));
      preparing--;
      return { count, goals: new Float32Array(9) };
    };
    const { history } = start(PLAN, { batches: { rows: 10, batch }, prepare: (step) => (step.badRun = 4) });
    await expect(history).rejects.toThrow('training step 4');
    expect(preparing).toBe(0);
  });

  it('fails with what a batch fails with', async () => {
    const batches = {
      rows: 10,
      batch: async ({ batch }: BatchRequest): Promise<HostBatch> => Promise.reject(new Error(`no batch ${batch}`)),
    };
    await expect(start(PLAN, { batches }).history).rejects.toThrow('no batch 0');
  });
});

/** A run that is ended before a step, saved, and gone on with. */
async function interrupted(plan: RunPlan, at: number, storage: MemoryStorage): Promise<Trial> {
  const controller = new AbortController();
  const first = start(plan, {
    storage,
    signal: controller.signal,
    onEvent: (event) => {
      if (event.kind === 'step' && event.step === at) controller.abort(new Error('enough'));
    },
  });
  await expect(first.history).rejects.toThrow('enough');
  return start(plan, { storage, resume: true });
}

/** A run that went on, and is over. */
async function started(storage: MemoryStorage): Promise<Trial> {
  const trial = start(PLAN, { storage, resume: true });
  await trial.history;
  return trial;
}

describe('a run that was interrupted', () => {
  it.each([
    ['in the middle of an epoch', 4],
    ['at the end of one', 6],
    ['after an evaluation', 5],
  ])('%s and goes on equals one that was not, bit by bit', async (_, at) => {
    const whole = start(PLAN, { storage: memoryStorage() });
    await whole.history;
    const second = await interrupted(PLAN, at, memoryStorage());
    await second.history;
    expect(second.requests[0]?.batch).toBeGreaterThan(at - 1);
    expect(await bits(second.step)).toEqual(await bits(whole.step));
    expect(second.published.at(-1)).toEqual(whole.published.at(-1));
  });

  it('has its history, up to where it was saved', async () => {
    const whole = await start(PLAN, { storage: memoryStorage() }).history;
    expect(await (await interrupted(PLAN, 7, memoryStorage())).history).toEqual(whole);
  });

  it('goes on with gradients of several batches as well', async () => {
    const plan = { ...PLAN, accumulate: 2, steps: 7 };
    const whole = start(plan, { storage: memoryStorage() });
    await whole.history;
    const second = await interrupted(plan, 3, memoryStorage());
    await second.history;
    expect(await bits(second.step)).toEqual(await bits(whole.step));
  });

  it('is saved when it ends during an evaluation', async () => {
    const controller = new AbortController();
    const storage = memoryStorage();
    const evaluate = async (): Promise<never> => {
      controller.abort(new Error('enough'));
      throw new Error('evaluation was ended');
    };
    await expect(start(PLAN, { storage, evaluate, signal: controller.signal }).history).rejects.toThrow('enough');
    const second = start(PLAN, { storage, resume: true });
    await second.history;
    expect(second.requests[0]).toMatchObject({ batch: 5 });
  });

  it('is saved when an evaluation fails, and goes on with that evaluation', async () => {
    const storage = memoryStorage();
    const evaluate = async (): Promise<never> => {
      throw new Error('the task fell over');
    };
    await expect(start(PLAN, { storage, evaluate }).history).rejects.toThrow('the task fell over');
    const second = start(PLAN, { storage, resume: true });
    await second.history;
    expect(second.requests[0]).toMatchObject({ batch: 5 });
    expect(kinds(second.events)).toContain('evaluation 5');
  });

  it.each([5, 12])('first makes the evaluation of step %d, which it was ended in', async (at) => {
    const whole = await start(PLAN, { storage: memoryStorage() }).history;
    const controller = new AbortController();
    const storage = memoryStorage();
    const evaluate = async (step: number): ReturnType<RunParts<HostBatch>['evaluate']> => {
      if (step === at) controller.abort(new Error('enough'));
      controller.signal.throwIfAborted();
      return { figures: { error: 1 / step }, samples: [] };
    };
    await expect(start(PLAN, { storage, evaluate, signal: controller.signal }).history).rejects.toThrow('enough');
    const second = start(PLAN, { storage, resume: true });
    expect(await second.history).toEqual(whole);
    expect(kinds(second.events)[0]).toBe(`evaluation ${at}`);
    expect(second.published.map(({ step }) => step)).toEqual(at === 5 ? [8, 12] : [12]);
  });

  it.each([4, 12])('first writes the result of step %d, which could not be written', async (at) => {
    const whole = start(PLAN, { storage: memoryStorage() });
    await whole.history;
    const storage = memoryStorage();
    const publish = async (_: unknown, step: number): Promise<void> => {
      if (step === at) throw new Error('ENOSPC');
    };
    await expect(start(PLAN, { storage, publish }).history).rejects.toThrow('ENOSPC');
    const second = start(PLAN, { storage, resume: true });
    expect(await second.history).toEqual(await whole.history);
    expect(kinds(second.events)[0]).toBe(`checkpoint ${at}`);
    expect(second.published).toEqual(whole.published.filter(({ step }) => step >= at));
  });

  it('does nothing twice where nothing was due', async () => {
    const controller = new AbortController();
    controller.abort(new Error('enough'));
    const storage = memoryStorage();
    await expect(start(PLAN, { storage, signal: controller.signal }).history).rejects.toThrow('enough');
    expect(kinds((await started(storage)).events)[0]).toBe('step 1');
    // The whole run: its result is written again, and that is all.
    expect(kinds((await started(storage)).events)).toEqual(['checkpoint 12', 'done 12']);
  });

  it('is not gone on with as another run, or where there is none', async () => {
    const storage = memoryStorage('runs');
    await start(PLAN, { storage }).history;
    const other = start(PLAN, { storage, resume: true, identity: { seed: 2, what: 'test', batch: 4 } });
    await expect(other.history).rejects.toThrow(/seed 2 \(the saved run has 1\), batch 4 \(the saved run has nothing\)/);
    await expect(start(PLAN, { storage: memoryStorage('empty'), resume: true }).history).rejects.toThrow(/empty: expected a saved run/);
  });

  it('goes on under the statistics that it was begun with, and one from before they were kept under those of its result', async () => {
    const of = (statistics: object, more: object): Trial =>
      start({ ...PLAN, steps: 4 }, { identity: { schedule: 'cosine', steps: 4, ...statistics }, ...more });
    const storage = memoryStorage();
    await of({ statistics: 'a' }, { storage }).history;
    await of({ statistics: 'a' }, { storage, resume: true }).history;
    await expect(of({ statistics: 'b' }, { storage, resume: true }).history).rejects.toThrow('statistics "b" (the saved run has "a")');
    const older = memoryStorage();
    await of({}, { storage: older }).history;
    await of({ statistics: 'a' }, { storage: older, resume: true, addedLater: { statistics: async () => 'a' } }).history;
    const again = memoryStorage();
    await of({}, { storage: again }).history;
    const under = (found: string | undefined): Promise<unknown> =>
      of({ statistics: 'a' }, { storage: again, resume: true, addedLater: { statistics: async () => found } }).history;
    await expect(under('b')).rejects.toThrow(
      /statistics "a" \(the saved run has "b"\).*give the data set as it was when the run was begun/,
    );
    await expect(under(undefined)).rejects.toThrow('statistics "a" (the saved run has nothing)');
  });

  it.each(['constant', 'step'] as const)(
    'of rates that do not depend on its length (%s) goes on beyond its end, bit by bit',
    async (schedule) => {
      const optimizer = { ...OPTIMIZER, schedule, decayEvery: 2, decayFactor: 0.5 };
      const of = (steps: number, more: object): Trial => start({ ...PLAN, steps, optimizer }, { identity: { schedule, steps }, ...more });
      const whole = of(12, { storage: memoryStorage() });
      await whole.history;
      const storage = memoryStorage();
      await of(7, { storage }).history;
      const longer = of(12, { storage, resume: true });
      await longer.history;
      expect(longer.requests[0]?.batch).toBe(7);
      expect(await bits(longer.step)).toEqual(await bits(whole.step));
      // It has become the longer run, which is beyond the end of the shorter one.
      await expect(of(7, { storage, resume: true }).history).rejects.toThrow(
        /found steps 7 \(the saved run has 12\)\. It is at step 12 already\. Resume with the options/,
      );
    },
  );

  it('of a cosine is another run with another length, and says what to do in place of it', async () => {
    const of = (kind: string, steps: number, more: object): Trial =>
      start({ ...PLAN, steps }, { identity: { kind, schedule: 'cosine', steps }, ...more });
    for (const [kind, advice] of [
      [
        'policy',
        /another run: begin one from its result \(`--initial FOLDER`, in a program `initial`\) or from scratch, in a folder of its own\. /,
      ],
      ['consistency', /another run: begin one from scratch, in a folder of its own\. /],
    ] as const) {
      const storage = memoryStorage();
      await of(kind, 7, { storage }).history;
      for (const steps of [12, 5]) await expect(of(kind, steps, { storage, resume: true }).history).rejects.toThrow(advice);
    }
  });

  it('is not gone on with from a damaged file', async () => {
    const storage = memoryStorage();
    await start(PLAN, { storage }).history;
    const state = storage.files.get(STATE_FILE) as Uint8Array;
    const holding = async (bytes: Uint8Array): Promise<RunStorage> => {
      const copy = memoryStorage();
      await copy.write(STATE_FILE, [bytes]);
      return copy;
    };
    await expect(start(PLAN, { storage: await holding(state.subarray(0, state.length - 5)), resume: true }).history).rejects.toThrow(
      /truncated|bytes/,
    );
    const text = new TextDecoder('latin1').decode(state);
    const renamed = Uint8Array.from(text.replaceAll('warmstep-training-run', 'warmstep-something-sa'), (c) => c.charCodeAt(0));
    await expect(start(PLAN, { storage: await holding(renamed), resume: true }).history).rejects.toThrow(
      'expected the state of a training run',
    );
  });

  it('keeps its last checkpoint where the disk is full', async () => {
    const storage = memoryStorage();
    const full: RunStorage = {
      ...storage,
      write: async (file, pieces) => {
        if (file === STATE_FILE && storage.files.has(STATE_FILE)) throw new Error('ENOSPC');
        await storage.write(file, pieces);
      },
    };
    const first = start(PLAN, { storage: full });
    await expect(first.history).rejects.toThrow('ENOSPC');
    expect(kinds(first.events)).toContain('checkpoint 4');
    const second = start(PLAN, { storage, resume: true });
    await second.history;
    const whole = start(PLAN);
    await whole.history;
    expect(await bits(second.step)).toEqual(await bits(whole.step));
  });
});

describe('the history of a run', () => {
  it('stays short however long the run is, and keeps its means', () => {
    const log = new HistoryLog();
    for (let step = 1; step <= 20_000; step++) {
      log.add({
        kind: 'step',
        step,
        steps: 20_000,
        epoch: 0,
        loss: step,
        gradientNorm: 1,
        learningRate: 1,
        stepsPerSecond: 1,
        secondsLeft: 1,
      });
    }
    const { steps } = log.history;
    expect(steps.length).toBeGreaterThan(1000);
    expect(steps.length).toBeLessThan(2100);
    expect(steps.at(-1)?.step).toBe(20_000);
    expect(steps.every(({ step }, i) => i === 0 || step > (steps[i - 1]?.step ?? 0))).toBe(true);
    const middle = steps[Math.floor(steps.length / 2)];
    expect(Math.abs((middle?.loss ?? NaN) - (middle?.step ?? NaN))).toBeLessThan(20);
  });
});
