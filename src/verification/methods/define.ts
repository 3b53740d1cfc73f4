import type { Policy } from '../../policy/policy.js';
import type { MethodConfig } from '../../spec/method-networks.js';
import type { StrategyOptions } from '../../strategies/strategy-options.js';
import type { GoldenCase } from '../golden-case.js';

/** Expected tensors as the engine computes them, by their names without `expected.`. */
export type Computed = Map<string, ArrayLike<number>>;

/** A case whose policy is loaded with the network of its method. */
export interface MethodRun {
  readonly golden: GoldenCase;
  readonly policy: Policy;
  readonly config: MethodConfig;
}

/** How the cases of a method are repeated; one for each `kind` of case.json. */
export interface MethodCaseKind {
  readonly strategy: (golden: GoldenCase) => StrategyOptions;
  /** Inner values that `compute` reads. */
  readonly probes: readonly string[];
  /** What the names of the modules of its first U-Net begin with, in activations. Default: nothing. */
  readonly activationPrefix?: string;
  /** What the engine calls a module of the U-Net, beyond LeRobot's names of its parts. Default: the same. */
  readonly moduleName?: (module: string) => string;
  /** Largest error over the largest expected value, in f32. */
  readonly tolerance: number;
  /** Whether a tensor must agree in every bit, by its name without `expected.`. */
  readonly isExact?: (name: string) => boolean;
  readonly compute: (run: MethodRun) => Promise<Computed>;
}
