import { CheckpointError } from '../../foundation/errors.js';
import { joinedFloats } from '../../foundation/joined.js';
import type { StrategyOptions } from '../../strategies/strategy-options.js';
import type { GoldenCase } from '../golden-case.js';
import type { Computed, MethodCaseKind, MethodRun } from './define.js';
import { actionsOf, EpisodeBatch, innerValue, rowsBySample, type SampleNoise } from './episode-batch.js';
import { activations, samplesOf } from './one-batch.js';

/** Cases of RNR-DP: an episode of every sample, all as one batch. A row of a recorded tensor is a pass, those of the ladder first. */
export const LADDER_CASE: MethodCaseKind = {
  strategy: strategyOf,
  probes: ['global_cond', 'start', 'model_output', 'sample'],
  tolerance: 2e-5,
  moduleName,
  compute: computeEpisode,
};

function strategyOf({ name, description }: GoldenCase): StrategyOptions {
  const { observe_every: observeEvery = 1, start = 'laddering' } = description;
  if (start !== 'laddering') {
    throw new CheckpointError(`case "${name}": case.json: start must be "laddering", found ${JSON.stringify(start)}.`);
  }
  return { name: 'RNR-DP', observeEvery };
}

/** The middle blocks lie in a list of their own. */
function moduleName(module: string): string {
  return module.replace(/^mid_modules\.0\.([01])/, 'mid_modules.$1');
}

async function computeEpisode(run: MethodRun): Promise<Computed> {
  const { golden, config } = run;
  const slots = config.unet.horizon;
  const [decisions = 0, batch = 1] = golden.shape('input.observation');
  const observations = await rowsBySample(golden, 'input.observation');
  const noiseOf = await recordedNoise(golden, slots);
  const episodes = new EpisodeBatch(run, batch);
  const passes: { readonly [name: string]: Float32Array }[] = [];
  const actions: Float32Array[] = [];
  const computed: Computed = new Map();
  for (let d = 0; d < decisions; d++) {
    const made = await episodes.decide(joinedFloats(observations[d] as readonly Float32Array[]), (b) => noiseOf(d, b));
    const before = d === 0 ? slots - 1 : 0;
    for (let pass = 0; pass <= before; pass++) {
      const value = (name: string): Float32Array => innerValue(made, pass < before ? `run.${pass}.${name}` : name);
      const [conditioning, start] = [value('global_cond'), value('start')];
      passes.push({ global_cond: conditioning, start, model_output: value('model_output.0'), denoised: value('sample.0') });
    }
    if (d === 0)
      for (const [name, values] of activations(run, made, { run: before > 0 ? 'run.0.' : '', moduleName })) computed.set(name, values);
    actions.push(actionsOf(made));
  }
  // What the last decision left is what a further one begins with.
  const further = await episodes.decide(joinedFloats(observations[decisions - 1] as readonly Float32Array[]));
  const all = (name: string): Float32Array => joinedFloats(passes.map((pass) => pass[name] as Float32Array));
  for (const name of ['global_cond', 'model_output', 'denoised']) computed.set(name, all(name));
  computed.set('buffer', joinedFloats([...passes.slice(1).map(({ start }) => start as Float32Array), innerValue(further, 'start')]));
  return computed.set('action', joinedFloats(actions));
}

/** The noise of decision d of sample b: what RNR-DP draws, and what its passes take. */
async function recordedNoise(golden: GoldenCase, slots: number): Promise<(d: number, b: number) => SampleNoise> {
  const buffers = await samplesOf(golden, 'input.buffer');
  const stepNoise = await rowsBySample(golden, 'input.step_noise');
  const appended = await rowsBySample(golden, 'input.append_noise');
  const ladder = slots - 1;
  return (d, b) => {
    const of = (rows: typeof stepNoise, first: number, end: number): Float32Array[] =>
      rows.slice(first, end).map((row) => row[b] as Float32Array);
    const pass = ladder + d;
    const beginning = d === 0 ? [buffers[b] as Float32Array, ...of(appended, 0, ladder)] : [];
    return {
      normals: joinedFloats([...of(appended, pass, pass + 1), ...beginning]),
      stepNoise: of(stepNoise, d === 0 ? 0 : pass, pass + 1),
    };
  };
}
