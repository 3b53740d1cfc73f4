import { snakeCase } from '../lib/wgsl.js';
import type { TokenSizes } from './token-stages.wgsl.js';

/** Stages of the longest program: a decoder layer. */
const MAX_STAGES = 12;

/** Where the attention of a token finds keys and values: the rows of its own sequence, or those of the memory. */
export interface AttentionStage {
  readonly kind: 'attention';
  readonly memory: boolean;
  readonly keys: number;
  /** vec4s of a row, and where in it the keys and values begin. */
  readonly rowWidth: number;
  readonly firstKey: number;
  readonly firstValue: number;
}

export interface NormStage {
  readonly kind: 'norm';
  /** First vec4 of gamma in `floats`; beta follows. */
  readonly gamma: number;
  /** Whether the residual stream is normalised as well (post-norm). */
  readonly keep: boolean;
}

/**
 * What becomes of the outputs: the next stage's input, as they are or through GELU; a summand of the residual stream, which
 * is then the input as well; or what the next dispatch reads.
 */
export type LinearTarget = 'input' | 'gelu' | 'residual' | 'rows';

export interface LinearStage {
  readonly kind: 'linear';
  /** Narrow layers read f32 weights from `floats`, and their bias behind them. */
  readonly narrow: boolean;
  /** Chunk of the stack, or vec4 of `floats`. */
  readonly first: number;
  /** Groups of four outputs. */
  readonly groups: number;
  readonly inChannels: number;
  readonly slices: number;
  /** Of scales and biases in the stack. */
  readonly firstRowGroup: number;
  readonly target: LinearTarget;
}

export type TokenStage = AttentionStage | NormStage | LinearStage;

export interface TokenProgram {
  readonly tokens: number;
  /** Whether x and rows are the same for every sample. */
  readonly broadcast: boolean;
  /** f32 values in a row of `rows`, which begins with the first stage's input: a query. 0 where x is that input. */
  readonly rowChannels: number;
  /** f32 values of a row that the last stage writes. */
  readonly outChannels: number;
  readonly stages: readonly TokenStage[];
}

type StageKind = TokenStage['kind'];
type StageField<K extends StageKind> = Exclude<keyof Extract<TokenStage, { kind: K }>, 'kind'>;

/**
 * What the host writes and the kernel reads of a stage: the opcode is a kind's place in this table, the words behind it are
 * its fields in this order. A `flag` is a bool in the kernel, the others are u32.
 */
const STAGES: { readonly [K in StageKind]: Readonly<Record<StageField<K>, 'flag' | 'number' | 'target'>> } = {
  attention: { memory: 'flag', keys: 'number', rowWidth: 'number', firstKey: 'number', firstValue: 'number' },
  norm: { keep: 'flag', gamma: 'number' },
  linear: {
    narrow: 'flag',
    target: 'target',
    first: 'number',
    groups: 'number',
    inChannels: 'number',
    slices: 'number',
    firstRowGroup: 'number',
  },
};
const KINDS = Object.keys(STAGES) as readonly StageKind[];
const TARGETS = Object.keys({ input: true, gelu: true, residual: true, rows: true } satisfies Record<LinearTarget, true>);

/** Words in front of the stages, in their order, from a program and the sizes of its network. */
const HEADER = {
  tokens: (_, { tokens }) => tokens,
  /** From one sample of x and rows to the next. */
  inputTokens: (_, { tokens, broadcast }) => (broadcast ? 0 : tokens),
  outChannels: (_, { outChannels }) => outChannels,
  heads: ({ heads }) => heads,
  /** The model's and a head's, in vec4s. */
  width: ({ modelDim }) => modelDim / 4,
  headWidth: ({ modelDim, heads }) => modelDim / heads / 4,
  rowWidth: (_, { rowChannels }) => rowChannels / 4,
  stages: (_, { stages }) => stages.length,
} satisfies Record<string, (sizes: TokenSizes, program: TokenProgram) => number>;
const HEADER_FIELDS = Object.keys(HEADER) as readonly (keyof typeof HEADER)[];

/** vec4u of the header, and of a stage: the widest has seven fields behind its opcode. */
const HEADER_VECTORS = HEADER_FIELDS.length / 4;
const STAGE_VECTORS = 2;
const VECTORS = HEADER_VECTORS + STAGE_VECTORS * MAX_STAGES;

/** WGSL type of the uniform `program`. */
export const TOKEN_PROGRAM_TYPE = `array<vec4u, ${VECTORS}>`;

/** The words of the uniform `program`. @throws TypeError for a program that is longer than the uniform. */
export function tokenProgramWords(sizes: TokenSizes, program: TokenProgram): number[] {
  const { stages } = program;
  if (stages.length > MAX_STAGES) {
    throw new TypeError(`token_layer: a program has at most ${MAX_STAGES} stages, found ${stages.length}: record it as two.`);
  }
  const words = [...HEADER_FIELDS.map((field) => HEADER[field](sizes, program)), ...stages.flatMap(stageWords)];
  return padded(words, VECTORS);
}

function stageWords(stage: TokenStage): number[] {
  const values: Readonly<Record<string, number | boolean | string>> = { ...stage };
  const fields = Object.entries(STAGES[stage.kind]).map(([field, type]) =>
    type === 'target' ? TARGETS.indexOf(values[field] as LinearTarget) : Number(values[field]),
  );
  return padded([KINDS.indexOf(stage.kind), ...fields], STAGE_VECTORS);
}

function padded(words: readonly number[], vectors: number): number[] {
  return [...words, ...new Array<number>(4 * vectors - words.length).fill(0)];
}

/** Opcodes and targets as constants, STAGE_… and TARGET_…, and the place of the stages. */
export const declareTokenProgram = [
  ...KINDS.map((kind, opcode) => `const STAGE_${kind.toUpperCase()}: u32 = ${opcode}u;`),
  ...TARGETS.map((target, code) => `const TARGET_${target.toUpperCase()}: u32 = ${code}u;`),
  `const HEADER_VECTORS: u32 = ${HEADER_VECTORS}u;`,
  `const STAGE_VECTORS: u32 = ${STAGE_VECTORS}u;`,
].join('\n');

/** A word of the header, as an expression. */
export function headerWord(field: keyof typeof HEADER): string {
  const index = HEADER_FIELDS.indexOf(field);
  return `program[${Math.floor(index / 4)}]${component(index)}`;
}

/** Loads stage `index` of the program, in lines behind `indent`: `stage_kind` is its opcode. */
export function loadStage(index: string, indent: string): string {
  const vectors = Array.from(
    { length: STAGE_VECTORS },
    (_, v) => `let stage${v} = program[HEADER_VECTORS + STAGE_VECTORS * ${index} + ${v}u];`,
  );
  return [...vectors, `let stage_kind = ${stageWord(0)};`].map((line) => indent + line).join('\n');
}

/** Names the fields of a stage that `loadStage` loaded: firstKey of attention is attention_first_key. */
export function stageFields(kind: StageKind, indent: string): string {
  const fields = Object.entries(STAGES[kind]);
  return fields
    .map(([field, type], i) => `${indent}let ${kind}_${snakeCase(field)} = ${stageWord(i + 1)}${type === 'flag' ? ' == 1u' : ''};`)
    .join('\n');
}

function stageWord(index: number): string {
  return `stage${Math.floor(index / 4)}${component(index)}`;
}

function component(index: number): string {
  return `.${'xyzw'[index % 4]}`;
}
