import { joinedFloats } from '../../foundation/joined.js';
import { createStrategy } from '../../strategies/index.js';
import type { Strategy } from '../../strategies/strategy.js';
import { strategyContextOf } from './context.js';
import type { Computed, MethodCaseKind, MethodRun } from './define.js';
import { actionsOf, EpisodeBatch, innerValue, parts, rowsBySample, type SampleNoise } from './episode-batch.js';
import { activations, chunksOf, samplesOf } from './one-batch.js';

const STRATEGY = { name: 'SDP' } as const;

/** What the network is called with, and what it leaves: exact where it is a number of calls or a level. */
const EXACT = /^(init\.levels|next_levels\.\d+|levels|calls)$/;

/** Cases of SDP: an episode of every sample, all as one batch, from the buffer that it begins with. */
export const STREAMING_CASE: MethodCaseKind = {
  strategy: () => STRATEGY,
  probes: ['start', 'model_output', 'sample'],
  tolerance: 1e-4,
  isExact: (name) => EXACT.test(name),
  compute: computeEpisode,
};

async function computeEpisode(run: MethodRun): Promise<Computed> {
  const { golden } = run;
  const { schedules, usual } = createStrategy(STRATEGY, strategyContextOf(run));
  const whole = golden.has('expected.init_buffer') ? schedules.at(-1) : undefined;
  const round = whole ? schedules.slice(0, -1) : schedules;
  const scheduleOf = (decision: number): typeof usual => round[decision % round.length] as typeof usual;
  const [decisions = 0] = golden.shape('expected.calls');
  const { batch, noiseOf } = await recordedNoise(run, whole !== undefined);
  const episodes = new EpisodeBatch(run, batch);
  const computed: Computed = new Map();
  const outputs: Float32Array[] = [];
  const buffers: Float32Array[] = [];
  const levels: number[] = [];
  const calls: number[] = [];
  for (let d = 0; d < decisions; d++) {
    const { steps } = scheduleOf(d);
    const first = calls.reduce((sum, count) => sum + count, 0);
    const made = await episodes.decide(await golden.values(`input.global_cond.${d}`), (b) => noiseOf(d, b, first, steps));
    const before = whole && d === 0 ? whole.steps.length : 0;
    calls.push((made[0]?.evaluations ?? 0) - before);
    const start = innerValue(made, 'start');
    const startLevels = steps[0]?.levels ?? [];
    if (d === 0) {
      computed.set('init.buffer', start).set('init.levels', startLevels);
      for (const [name, values] of activations(run, made)) computed.set(name, values);
      if (whole) computed.set('init_buffer', joinedFloats(whole.steps.map((_, i) => innerValue(made, `run.0.sample.${i}`))));
    } else {
      computed.set(`next_buffer.${d - 1}`, start).set(`next_levels.${d - 1}`, startLevels);
    }
    steps.forEach((step, i) => {
      outputs.push(innerValue(made, `model_output.${i}`));
      buffers.push(innerValue(made, `sample.${i}`));
      levels.push(...(step.levels ?? []));
    });
    computed.set(`chunk.${d}`, chunksOf(made)).set(`action.${d}`, actionsOf(made));
  }
  // What the last decision left is what a further one begins with.
  const further = await episodes.decide(await golden.values(`input.global_cond.${decisions - 1}`));
  computed.set(`next_buffer.${decisions - 1}`, innerValue(further, 'start'));
  computed.set(`next_levels.${decisions - 1}`, scheduleOf(decisions).steps[0]?.levels ?? []);
  computed.set('model_output', joinedFloats(outputs)).set('buffer', joinedFloats(buffers));
  return computed.set('levels', levels).set('calls', calls);
}

/** The noise of decision d of sample b, whose calls begin with number `first`: what SDP draws, and what its noisy steps take. */
async function recordedNoise({ golden, config }: MethodRun, isWhole: boolean) {
  const [batch = 1] = golden.shape('input.init_noise');
  const initial = await samplesOf(golden, 'input.init_noise');
  const again = isWhole ? await samplesOf(golden, 'input.renoise') : [];
  const stepNoise = await rowsBySample(golden, 'input.step_noise');
  // The last step of a whole denoising, at level 0, takes none.
  const wholeNoise = isWhole ? (await rowsBySample(golden, 'input.init_step_noise')).slice(0, -1) : [];
  const appended: Float32Array[][] = [];
  for (let d = 0; golden.has(`input.append_noise.${d}`); d++) appended.push(parts(await golden.values(`input.append_noise.${d}`), batch));
  // Rows of the past are drawn, and left as they are.
  const past = new Float32Array((config.observationSteps - 1) * config.unet.actionDim);
  const noiseOf = (d: number, b: number, first: number, steps: Strategy['usual']['steps']): SampleNoise => {
    const own = appended[d]?.[b] as Float32Array;
    const beginning = d === 0 ? [initial[b] as Float32Array, padded(again[b], (initial[b] as Float32Array).length)] : [];
    const taken = steps.flatMap(({ slots = [] }, i) =>
      slots.some(({ fromNoise }) => fromNoise !== 0) ? [stepNoise[first + i]?.[b] as Float32Array] : [],
    );
    const before = d === 0 ? wholeNoise.map((row) => row[b] as Float32Array) : [];
    return { normals: joinedFloats([own, past, ...beginning]), stepNoise: [...before, ...taken] };
  };
  return { batch, noiseOf };
}

function padded(values: Float32Array | undefined, length: number): Float32Array {
  const all = new Float32Array(length);
  all.set(values ?? []);
  return all;
}
