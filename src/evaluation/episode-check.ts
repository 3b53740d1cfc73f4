import { visible } from '../foundation/visible.js';
import type { EpisodeRecord, Replay } from './record.js';

interface Kind {
  readonly wanted: string;
  accepts(value: unknown): boolean;
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const listOf =
  (accepts: (value: unknown) => boolean) =>
  (value: unknown): boolean =>
    Array.isArray(value) && value.every(accepts);

const COUNT: Kind = { wanted: 'a whole number of at least 0', accepts: isCount };
const COUNTS: Kind = { wanted: 'a list of whole numbers of at least 0', accepts: listOf(isCount) };
const NUMBERS: Kind = { wanted: 'a list of finite numbers', accepts: listOf(Number.isFinite) };
const SCORE: Kind = { wanted: 'a number from 0 to 1', accepts: isScore };
const SCORES: Kind = { wanted: 'a list of numbers from 0 to 1', accepts: listOf(isScore) };
const ANSWER: Kind = { wanted: 'true or false', accepts: (value) => typeof value === 'boolean' };
const TEXT: Kind = { wanted: 'a text', accepts: (value) => typeof value === 'string' };
const REPLAY: Kind = { wanted: 'an object', accepts: isObject };

const EPISODE: Readonly<Record<keyof EpisodeRecord, Kind>> = {
  seed: COUNT,
  score: SCORE,
  success: ANSWER,
  ticks: COUNT,
  decisions: COUNT,
  evaluations: COUNT,
  screening: COUNT,
  stalls: COUNT,
  jumps: NUMBERS,
  rewards: SCORES,
  failure: TEXT,
  replay: REPLAY,
};
const OPTIONAL: readonly string[] = ['failure', 'replay'] satisfies (keyof EpisodeRecord)[];
const REPLAY_FIELDS: Readonly<Record<keyof Replay, Kind>> = {
  states: NUMBERS,
  targets: NUMBERS,
  decisionTicks: COUNTS,
  stalledDecisions: COUNTS,
};

/** What is wrong with a value that should be the record of an episode: "score must be a number from 0 to 1, found 1e+308". */
export function episodeProblem(value: unknown): string | undefined {
  if (!isObject(value)) return `an episode must be an object, found ${shown(value)}`;
  const problem = problemOf(value, EPISODE, '');
  if (problem !== undefined) return problem;
  const { ticks, rewards, replay } = value as unknown as EpisodeRecord;
  if (rewards.length !== ticks) return `rewards must be one for each of ${ticks} ticks, found ${rewards.length}`;
  return replay === undefined ? undefined : problemOf(replay as unknown as Record<string, unknown>, REPLAY_FIELDS, 'replay.');
}

function problemOf(value: Readonly<Record<string, unknown>>, fields: Readonly<Record<string, Kind>>, within: string): string | undefined {
  for (const [name, { wanted, accepts }] of Object.entries(fields)) {
    const found = Object.hasOwn(value, name) ? value[name] : undefined;
    if (found === undefined && OPTIONAL.includes(name)) continue;
    if (!accepts(found)) return `${within}${name} must be ${wanted}, found ${shown(found)}`;
  }
  return undefined;
}

/** Scores, and the rewards that they are the largest of. */
export function isScore(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 1;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value for a message, cut to a readable length. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  const text = visible(JSON.stringify(value) ?? 'nothing');
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
