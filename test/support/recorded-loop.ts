import type { NoiseSeed } from '../../src/decision/noise.js';
import {
  type LoopRecording,
  type RecordingSummary,
  type RecordLoopOptions,
  readLoopRecording,
  recordLoop,
} from '../../src/entries/recording.js';
import type { Observation } from '../../src/observations/frame.js';
import { Picture } from '../../src/observations/picture.js';
import type { DecideOptions, Decision } from '../../src/policy/decision-result.js';
import type { PastChunk } from '../../src/strategies/strategy.js';
import { Simulation, type SimulationOptions } from './simulated.js';

/** Keeps what is written, as a file would. */
export class MemoryFile {
  readonly pieces: Uint8Array[] = [];
  isClosed = false;

  write(bytes: Uint8Array): void {
    this.pieces.push(bytes.slice());
  }

  close(): void {
    this.isClosed = true;
  }

  get bytes(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.pieces));
  }
}

/**
 * Decides like a policy whose chunk is a function of everything that a decision depends on: window, previous chunks and key of the noise. −0 is
 * among its values.
 */
export function decided(window: Observation, previous: readonly PastChunk[], noiseKey: NoiseSeed): Decision {
  const sum = Object.values(window)
    .flatMap((value) => [value].flat())
    .reduce((all: number, one) => all + sumOf(one), 0);
  const past = previous.reduce(
    (all, { chunk, normalizedChunk }, i) => all + (i + 1) * ((chunk[3] as number) + (normalizedChunk[5] as number)),
    0,
  );
  const base = Math.sin(sum) + Math.sin(past) + Math.sin(1 + noiseKey.seed + 10 * noiseKey.episode + 100 * noiseKey.decision);
  const chunk = Float32Array.from({ length: 32 }, (_, i) => (i === 7 ? -0 : Math.fround(base * (i + 1))));
  return {
    chunk,
    normalizedChunk: chunk.map((value) => value / 7),
    actions: chunk.slice(2, 18),
    firstRow: 1,
    timesteps: [40, 20],
    evaluations: 2,
    screening: 0,
    warm: noiseKey.decision > 0,
    stalled: noiseKey.decision === 3,
    noiseKey,
    latencyMs: 1,
    probes: new Map(),
  };
}

function sumOf(value: unknown): number {
  if (value instanceof Picture) return value.bytes.reduce((all, byte, i) => (all + byte * ((i % 251) + 1)) % 1e6, 0);
  if (typeof value === 'number') return value;
  const array = 'data' in (value as object) ? (value as { data: Uint8Array | Float32Array }).data : (value as Float32Array);
  if (array instanceof Uint8Array) return array.reduce((all, byte, i) => (all + byte * ((i % 251) + 1)) % 1e6, 0);
  if ('data' in (value as object)) return sumOf(new Uint8Array(array.buffer));
  return Array.from(array, (one, i) => one * (i + 1)).reduce((all, one) => all + one, 0);
}

/** The same as what repeats decisions. */
export const repeater = (info: Simulation['loop']['info']) => ({
  info,
  decide: async (window: Observation, { previous = [], noiseKey }: DecideOptions) => decided(window, previous, noiseKey as NoiseSeed),
});

export interface RecordedLoop {
  readonly simulation: Simulation;
  readonly file: MemoryFile;
  readonly summary: RecordingSummary;
}

/** Runs a loop in simulated time around such a policy, and records it. */
export async function recordedLoop(
  ticks: number,
  {
    observe,
    record = {},
    beforeStop,
    ...options
  }: SimulationOptions & {
    readonly observe?: (tick: number) => Observation;
    readonly record?: RecordLoopOptions;
    readonly beforeStop?: (simulation: Simulation) => void | Promise<void>;
  } = {},
): Promise<RecordedLoop> {
  const simulation = new Simulation(options);
  let episode = -1;
  let past: Decision[] = [];
  simulation.source.reset = () => {
    episode++;
    past = [];
  };
  const decide = simulation.source.decide.bind(simulation.source);
  simulation.source.decide = async (window) => {
    const decision = decided(window, past.slice(0, 2), { seed: 5, episode, decision: past.length, sample: 0 });
    past.unshift(decision);
    await decide(window);
    return decision;
  };
  const file = new MemoryFile();
  const recording = await recordLoop(simulation.loop, file, record);
  const observed = observe ?? ((tick: number) => ({ state: [tick / 3] }));
  simulation.loop.observe(observed(0));
  simulation.loop.start();
  await simulation.run(ticks, (tick) => simulation.loop.observe(observed(tick)));
  await beforeStop?.(simulation);
  const stopped = simulation.loop.stop();
  // A decision that is under way ends first.
  await simulation.clock.advance(1000);
  await stopped;
  return { simulation, file, summary: await recording.closed };
}

export function read(bytes: Uint8Array): Promise<LoopRecording> {
  return readLoopRecording([bytes]);
}
