import { FITS } from '../spec/fit.js';
import type { ObservationInfo } from '../spec/policy-spec.js';
import type { Json } from './json.js';

/** A topic of a recording: JSON messages, whose JSON Schema lets Foxglove offer their fields for plots. */
export interface ChannelKind {
  readonly topic: string;
  /** Foxglove knows the schemas named `foxglove.…`, and shows them as what they are. */
  readonly schemaName: string;
  readonly schema: Json;
}

type Properties = { readonly [key: string]: Json };

const NUMBER = { type: 'number' };
const INTEGER = { type: 'integer' };
const FLAG = { type: 'boolean' };
const TEXT = { type: 'string' };
/** Of pictures of another size than the policy reads; others have none. */
const FIT = { type: 'string', enum: FITS };
const BYTES = { type: 'string', contentEncoding: 'base64' };
const NUMBERS = { type: 'array', items: NUMBER };
const INTEGERS = { type: 'array', items: INTEGER };
const TIME = { type: 'object', title: 'time', properties: { sec: INTEGER, nsec: INTEGER } };

function object(properties: Properties): Json {
  return { type: 'object', properties };
}

/** Fields of a message stand in paths such as `/observation.values.observation_state[0]`, where a dot has its own meaning. */
export function fieldNames(features: readonly ObservationInfo[]): ReadonlyMap<string, string> {
  const taken = new Set<string>();
  return new Map(
    features.map(({ name }): [string, string] => {
      const plain = name.replace(/\W/g, '_');
      let field = plain;
      for (let n = 2; taken.has(field); n++) field = `${plain}_${n}`;
      taken.add(field);
      return [name, field];
    }),
  );
}

export const OBSERVATION = '/observation';
export const ACTION = '/action';
export const DECISION = '/decision';
export const CHUNK = '/chunk';
export const LOG = '/log';
/** Before the field's name: pictures as bytes, or as a caller compressed them, and pictures as floats. */
export const IMAGE = '/image/';
export const FLOAT_IMAGE = '/float-image/';

/** Which schema a topic has; `isCompressed`: of images. */
export function channelOf(topic: string, features: readonly ObservationInfo[], isCompressed: boolean): ChannelKind {
  if (topic.startsWith(IMAGE)) return { topic, ...(isCompressed ? COMPRESSED_IMAGE : RAW_IMAGE) };
  if (topic.startsWith(FLOAT_IMAGE)) return { topic, ...PICTURE };
  switch (topic) {
    case OBSERVATION:
      return {
        topic,
        schemaName: 'warmstep.Observation',
        schema: object({ values: fields(features, 'vector', NUMBERS), pictures: fields(features, 'image', INTEGER) }),
      };
    case ACTION:
      return { topic, ...ACTIONS };
    case DECISION:
      return { topic, schemaName: 'warmstep.Decision', schema: object({ ...DECISION_FIELDS, window: windowSchema(features) }) };
    case CHUNK:
      return { topic, ...CHUNKS };
    default:
      return { topic, ...LOGS };
  }
}

function fields(features: readonly ObservationInfo[], kind: ObservationInfo['kind'], schema: Json): Json {
  const names = fieldNames(features);
  const ofKind = features.filter((feature) => feature.kind === kind);
  return object(Object.fromEntries(ofKind.map(({ name }) => [names.get(name) as string, schema])));
}

function windowSchema(features: readonly ObservationInfo[]): Json {
  return object({ values: fields(features, 'vector', NUMBERS), pictures: fields(features, 'image', INTEGERS) });
}

const ACTIONS = {
  schemaName: 'warmstep.Action',
  schema: object({
    tick: INTEGER,
    source: TEXT,
    late: FLAG,
    held: FLAG,
    sent: FLAG,
    action: NUMBERS,
    row: INTEGER,
    ageMs: NUMBER,
    latenessMs: NUMBER,
    skipped: INTEGER,
    rowsLeft: INTEGER,
  }),
};

const DECISION_FIELDS = {
  tick: INTEGER,
  latencyMs: NUMBER,
  expired: FLAG,
  steps: INTEGER,
  timesteps: INTEGERS,
  evaluations: INTEGER,
  screening: INTEGER,
  warm: FLAG,
  stalled: FLAG,
  noiseKey: object({ seed: INTEGER, episode: INTEGER, decision: INTEGER, sample: INTEGER }),
};

const CHUNKS = {
  schemaName: 'warmstep.Chunk',
  schema: object({ tick: INTEGER, rows: INTEGER, actionDim: INTEGER, firstRow: INTEGER, chunk: NUMBERS, normalizedChunk: NUMBERS }),
};

const LOGS = {
  schemaName: 'foxglove.Log',
  schema: object({ timestamp: TIME, level: INTEGER, message: TEXT, name: TEXT, file: TEXT, line: INTEGER }),
};

const RAW_IMAGE = {
  schemaName: 'foxglove.RawImage',
  schema: object({
    timestamp: TIME,
    frame_id: TEXT,
    width: INTEGER,
    height: INTEGER,
    encoding: TEXT,
    step: INTEGER,
    fit: FIT,
    data: BYTES,
    picture: INTEGER,
  }),
};

const COMPRESSED_IMAGE = {
  schemaName: 'foxglove.CompressedImage',
  schema: object({ timestamp: TIME, frame_id: TEXT, data: BYTES, format: TEXT, picture: INTEGER }),
};

const PICTURE = {
  schemaName: 'warmstep.FloatImage',
  schema: object({ timestamp: TIME, width: INTEGER, height: INTEGER, fit: FIT, data: BYTES, picture: INTEGER }),
};
