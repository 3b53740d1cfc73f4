import type { EpisodeRecord, EvaluationRecord, Replay, StrategyRecord } from '../../src/evaluation/record.js';

/** What a made-up strategy is like. */
interface Character {
  readonly name: string;
  readonly description: string;
  /** Share of episodes that reach the goal. */
  readonly skill: number;
  readonly evaluations: number;
  readonly jump: number;
  readonly milliseconds: number;
  readonly coldEvaluations?: number;
  readonly screening?: number;
  readonly stalls?: number;
  readonly failingEpisode?: number;
}

export const CHARACTERS: readonly Character[] = [
  { name: 'ddim:10', description: 'DDIM, 10 steps', skill: 0.86, evaluations: 10, jump: 0.16, milliseconds: 31 },
  { name: 'ddpm:100', description: 'DDPM, 100 steps', skill: 0.97, evaluations: 100, jump: 0.14, milliseconds: 305 },
  { name: 'ddim:2', description: 'DDIM, 2 steps', skill: 0.3, evaluations: 2, jump: 0.21, milliseconds: 7.1, failingEpisode: 4 },
  { name: 'dpm-solver++:4', description: 'DPM-Solver++, 4 steps', skill: 0.05, evaluations: 4, jump: 0.3, milliseconds: 13 },
  {
    name: 'step:1',
    description: 'STEP 1 (forward-noise, cold DDIM 16)',
    skill: 0.12,
    evaluations: 1,
    jump: 0.05,
    milliseconds: 4.6,
    coldEvaluations: 16,
  },
  {
    name: 'step:2',
    description: 'STEP 2 (forward-noise, cold DDIM 16)',
    skill: 0.8,
    evaluations: 2,
    jump: 0.06,
    milliseconds: 7.6,
    coldEvaluations: 16,
  },
  {
    name: 'step:4',
    description: 'STEP 4 (forward-noise, cold DDIM 16)',
    skill: 0.88,
    evaluations: 4,
    jump: 0.07,
    milliseconds: 13.4,
    coldEvaluations: 16,
  },
  {
    name: 'step:2/start=eq13',
    description: 'STEP 2 (eq13, cold DDIM 16, stall rule)',
    skill: 0.7,
    evaluations: 2,
    jump: 0.07,
    milliseconds: 7.7,
    coldEvaluations: 16,
    stalls: 2,
  },
  { name: 'falcon', description: 'Falcon (experimental)', skill: 0.75, evaluations: 12, jump: 0.08, milliseconds: 38, screening: 8 },
];

export interface RecordShape {
  readonly characters?: readonly Character[];
  readonly episodes?: number;
  /** Episodes of each strategy that have a replay. */
  readonly replays?: number;
  readonly latency?: boolean;
  readonly grids?: boolean;
  readonly isSoftware?: boolean;
}

const MAX_TICKS = 300;
const SEED = 100_000;
const CHUNK = 8;

/** A made-up evaluation that looks like a real one; the same at every call. */
export function evaluationRecord(shape: RecordShape = {}): EvaluationRecord {
  const { characters = CHARACTERS, episodes = 50, replays = 3, latency = true, grids = false, isSoftware = false } = shape;
  const gridCharacters = grids ? sigmaCharacters() : [];
  return {
    format: 'warmstep-evaluation',
    version: 1,
    task: 'push-t',
    maxTicks: MAX_TICKS,
    policy: { name: 'pusht-state', parameters: 263_394, predictor: 'pusht-state/predictor' },
    precision: 'f32',
    adapter: { description: isSoftware ? 'SwiftShader Device (LLVM 16)' : 'NVIDIA RTX A2000', isSoftware },
    seed: SEED,
    episodes,
    softwareVersion: '0.1.0',
    date: '2025-06-01T12:00:00.000Z',
    strategies: [...characters, ...gridCharacters].map((character, index) => strategyRecord(character, index, episodes, replays, latency)),
    grids: grids
      ? [
          {
            axes: [
              { option: 'sigmaScale', values: ['0.2', '0.4', '0.8'] },
              { option: 'sigmaStall', values: ['0.6', '1.2', '1.8'] },
            ],
            cells: gridCharacters.map(({ name }) => name),
          },
          { axes: [{ option: 'budget', values: ['1', '2', '4'] }], cells: ['step:1', 'step:2', 'step:4'] },
        ]
      : [],
  };
}

function sigmaCharacters(): Character[] {
  return ['0.2', '0.4', '0.8'].flatMap((scale, row) =>
    ['0.6', '1.2', '1.8'].map((stall, column) => ({
      name: `step:2/stall/sigma-scale=${scale}/sigma-stall=${stall}`,
      description: `STEP 2 (forward-noise, cold DDIM 16, stall σ ${scale} ${stall})`,
      skill: 0.85 - 0.25 * Math.abs(row - 1) - 0.15 * Math.abs(column - 1),
      evaluations: 2,
      jump: 0.07,
      milliseconds: 7.7 + 0.1 * row,
      stalls: 3,
    })),
  );
}

function strategyRecord(character: Character, index: number, episodes: number, replays: number, latency: boolean): StrategyRecord {
  const random = generator(index + 1);
  const samplesMs = (scale: number, count: number): number[] =>
    Array.from({ length: count }, () => scale * (1 + 0.05 * random() + 0.4 * random() ** 30));
  return {
    name: character.name,
    description: character.description,
    options: character.name.startsWith('step') ? { name: 'STEP' } : { name: 'DDIM' },
    episodes: Array.from({ length: episodes }, (_, episode) =>
      episodeRecord(character, SEED + episode, episode < replays, random, episode),
    ),
    ...(latency ? { latency: { samplesMs: samplesMs(character.milliseconds, 200) } } : {}),
    ...(latency && character.coldEvaluations ? { coldLatency: { samplesMs: samplesMs(48, 50) } } : {}),
  };
}

function episodeRecord(character: Character, seed: number, withReplay: boolean, random: () => number, episode: number): EpisodeRecord {
  // Hard seeds are hard for everybody, as in a real evaluation.
  const luck = 0.5 * generator(seed)() + 0.5 * random();
  const reach = luck < character.skill ? 1 - 0.03 * random() * (random() < 0.6 ? 1 : 0) : 0.05 + 0.75 * random() * random();
  const failed = episode === character.failingEpisode;
  const duration = 90 + 150 * random();
  const ticks = failed ? 41 : reach === 1 ? Math.ceil(duration) : MAX_TICKS;
  const rewards = Array.from({ length: ticks }, (_, tick) => {
    const progress = Math.min(1, (tick + 1) / duration);
    const wobble = tick < ticks - 1 && progress < 1 ? 0.85 + 0.15 * Math.sin(tick / 9 + luck * 20) : 1;
    return round(reach * Math.max(0, 1.25 * progress - 0.25) ** 1.5 * wobble, 4);
  });
  const decisions = Math.ceil(ticks / CHUNK);
  const cold = character.coldEvaluations ?? character.evaluations;
  const stalledDecisions = Array.from({ length: Math.min(character.stalls ?? 0, decisions) }, (_, stall) => 3 + 5 * stall).filter(
    (at) => at < decisions,
  );
  return {
    seed,
    score: Math.max(...rewards),
    success: reach === 1 && !failed,
    ticks,
    decisions,
    evaluations: cold + character.evaluations * (decisions - 1),
    screening: (character.screening ?? 0) * decisions,
    stalls: stalledDecisions.length,
    jumps: Array.from({ length: decisions - 1 }, () => character.jump * (0.5 + random())),
    rewards,
    ...(failed ? { failure: 'the network was not finite in denoising step 1 <of 2>' } : {}),
    ...(withReplay ? { replay: replayOf(seed, ticks, reach, rewards, stalledDecisions) } : {}),
  };
}

/** The block slides to the goal as far as the reward says, the agent runs around it. */
function replayOf(seed: number, ticks: number, reach: number, rewards: readonly number[], stalledDecisions: readonly number[]): Replay {
  const random = generator(seed + 7);
  const [fromX, fromY, fromAngle] = [100 + 300 * random(), 100 + 300 * random(), 4 * random() - 2];
  const states: number[] = [];
  const targets: number[] = [];
  for (let tick = 0; tick <= ticks; tick++) {
    const progress = tick === 0 ? 0 : reach * Math.min(1, (tick / ticks) * 1.1) ** 0.8;
    const x = fromX + (256 - fromX) * progress;
    const y = fromY + (256 - fromY) * progress;
    const angle = fromAngle + (Math.PI / 4 - fromAngle) * progress;
    const bearing = angle + 1.2 * Math.sin(tick / 11) - 0.5;
    const radius = 95 + 30 * Math.cos(tick / 17);
    const agent = [x + radius * Math.sin(bearing), y - radius * Math.cos(bearing)];
    states.push(...[...agent, x, y, angle].map((value) => round(value, 3)));
    if (tick < ticks) targets.push(...agent.map((value) => round(value + 12 * (rewards[tick] ?? 0) - 6, 2)));
  }
  return {
    states,
    targets,
    decisionTicks: Array.from({ length: Math.ceil(ticks / CHUNK) }, (_, index) => index * CHUNK),
    stalledDecisions,
  };
}

function round(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}

/** Park and Miller's generator: uniform in (0, 1). */
function generator(seed: number): () => number {
  let state = (seed * 7919) % 2147483647 || 1;
  for (let warmUp = 0; warmUp < 5; warmUp++) state = (state * 48271) % 2147483647;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}
