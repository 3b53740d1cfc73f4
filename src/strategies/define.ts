import { checkKeys } from '../foundation/options.js';
import type { OptionKind, Read } from './option-kinds.js';
import type { Strategy, StrategyContext } from './strategy.js';

/** Any kind of option: what it takes and gives is in the table that it stands in. */
interface AnyOption extends Pick<OptionKind<never, unknown>, 'help' | 'read' | 'check'> {
  fallback(context: StrategyContext): unknown;
}

export type OptionTable = Readonly<Record<string, AnyOption>>;
export type Values = Readonly<Record<string, unknown>>;

/** What a program writes: the name, and any of the options. */
export type GivenOptions<N extends string, O extends OptionTable> = { readonly name: N } & {
  readonly [K in keyof O]?: O[K] extends { fallback(context: StrategyContext): infer Given } ? Exclude<Given, undefined> : never;
};

/** What a strategy is made of: every option checked, or its default. */
export type CheckedOptions<O extends OptionTable> = {
  readonly [K in keyof O]: O[K] extends { check(...args: never[]): infer Checked } ? Checked : never;
};

/** How a command line spells the options of a strategy. */
export interface Spelling {
  readonly words: Readonly<Record<string, { readonly help: string; readonly read: Read }>>;
  /** The options of a program, of the values of the words. @throws OptionError. */
  readonly build: (values: Values, where: string) => Values;
  /** Pairs: how an error names a program's option, and the word that a command line has for it. Default: the same names. */
  readonly told?: readonly (readonly [said: RegExp, told: string])[];
}

/** A strategy as it is known by name; `defineStrategy` makes one. */
export interface StrategyDefinition<N extends string = string, O extends OptionTable = OptionTable> {
  readonly name: N;
  /** Its name on a command line. */
  readonly spelled: string;
  /** The word that stands behind the colon on a command line. */
  readonly count: string | undefined;
  readonly options: O;
  /** What `create` says of each option alone, whatever networks there are. @throws OptionError for unknown options, and values beyond their range. */
  readonly check: (options: object, context: StrategyContext) => CheckedOptions<O>;
  /** @throws OptionError as `check`, and where a network is missing. */
  readonly create: (options: object, context: StrategyContext) => Strategy;
}

/** The options that a program may give to a strategy. */
export type OptionsOf<D> = D extends { readonly name: infer N extends string; readonly options: infer O extends OptionTable }
  ? GivenOptions<N, O>
  : never;

/** A strategy from one table: types, checks, defaults, the spelling on a command line (`spellingOf`) and its help follow from it. */
export function defineStrategy<const N extends string, O extends OptionTable>(definition: {
  readonly name: N;
  readonly spelled: string;
  readonly count?: string;
  readonly options: O;
  readonly create: (options: CheckedOptions<O>, context: StrategyContext) => Strategy;
}): StrategyDefinition<N, O> {
  const { name, spelled, count, options: table } = definition;
  const where = `strategy ${name}`;
  const check = (options: object, context: StrategyContext): CheckedOptions<O> => {
    checkKeys(where, options, ['name', ...Object.keys(table)]);
    const given = options as Values;
    const checked = Object.entries(table).map(([key, kind]) => {
      const value = given[key] === undefined ? kind.fallback(context) : given[key];
      return [key, value === undefined ? undefined : kind.check(where, key, value as never, context)];
    });
    return Object.fromEntries(checked) as CheckedOptions<O>;
  };
  return { name, spelled, count, options: table, check, create: (options, context) => definition.create(check(options, context), context) };
}
