import { type ParseArgsConfig, parseArgs } from 'node:util';
import { OptionError } from '../foundation/errors.js';
import { SetupError } from '../foundation/setup-error.js';
import { visible } from '../foundation/visible.js';
import { UsageError } from './options.js';

type Options = NonNullable<ParseArgsConfig['options']>;

/** What a command line holds, by the names of its options. */
export type Parsed<O extends Options> = ReturnType<typeof parseArgs<{ options: O; allowPositionals: true }>>;

/** Options that say nothing alone: of each, those of which one must be there too. */
export type Needs<O> = { readonly [Name in keyof O]?: readonly (keyof O & string)[] };

/**
 * Reads a command line. An option that would have no effect, for want of the one that it belongs to, is refused: whoever gave it expects one.
 * @throws UsageError, and what `parseArgs` throws.
 */
export function parseCommandLine<const O extends Options>(args: readonly string[], options: O, needs: Needs<O> = {}): Parsed<O> {
  const parsed = parseArgs({ args: [...args], allowPositionals: true, options }) as Parsed<O>;
  checkNeeds(parsed.values, needs);
  return parsed;
}

/** The rule of `Needs`, where it depends on more than names. @throws UsageError. */
export function checkNeeds<O>(values: { readonly [Name in keyof O]?: unknown }, needs: Needs<O>): void {
  for (const name of Object.keys(needs) as (keyof O & string)[]) {
    const others = needs[name] ?? [];
    if (values[name] === undefined || others.some((other) => values[other] !== undefined)) continue;
    throw new UsageError(`--${name} needs ${others.map((other) => `--${other}`).join(' or ')}: give it as well, or leave --${name} out`);
  }
}

/** Refuses options that another one takes the effect of. `why` it does. @throws UsageError. */
export function checkWithout<O>(
  values: { readonly [Name in keyof O]?: unknown },
  others: readonly (keyof O & string)[],
  why: string,
): void {
  const other = others.find((name) => values[name] !== undefined);
  if (other !== undefined) throw new UsageError(`${why}: leave --${other} out`);
}

/**
 * What to print of an error that means that the command line is wrong: one line that says why, and one that says who explains it; undefined for
 * any other error. `help`: a command line.
 */
export function usageText(error: unknown, help: string): string | undefined {
  const problem = usageProblem(error);
  return problem === undefined ? undefined : `${visible(problem)}\n\`${help}\` explains the options.`;
}

/** Options that cannot be used with each other, or with what they name, are as wrong as those that are misspelt. */
function usageProblem(error: unknown): string | undefined {
  if (error instanceof UsageError || (error instanceof OptionError && !(error instanceof SetupError))) return error.message;
  if (!(error instanceof TypeError && String((error as { readonly code?: unknown }).code).startsWith('ERR_PARSE_ARGS'))) return undefined;
  // Of node:util, some in several lines.
  return error.message.replaceAll('\n', ' ');
}
