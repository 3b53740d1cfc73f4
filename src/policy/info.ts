import type { PolicyNetworks } from '../decision/networks.js';
import type { AdapterSummary } from '../runtime/device.js';
import { type Dialect, type ImageInputs, type ObservationInfo, observationInfo, type PolicySpec } from '../spec/policy-spec.js';
import type { Precision } from '../spec/precision.js';
import type { StrategyOptions } from '../strategies/strategy-options.js';

/** What a loaded policy is. */
export interface PolicyInfo {
  readonly name: string;
  readonly dialect: Dialect;
  /** Observations of one tick, by the names that act() takes. */
  readonly observations: readonly ObservationInfo[];
  /** How images become features; undefined for a policy without images. */
  readonly images: ImageInputs | undefined;
  readonly observationSteps: number;
  /** Rows of the policy's chunks; those of SDP and RNR-DP are as long as their networks say. */
  readonly horizon: number;
  readonly actionSteps: number;
  readonly actionDim: number;
  /**
   * Whether all of a chunk is decided, as a `ControlLoop` needs it. Of SDP and RNR-DP rows behind the executed ones are still noise: these
   * strategies are for `act()`.
   */
  readonly decidesAhead: boolean;
  /** Parameters of the U-Net and of image encoders. */
  readonly parameters: number;
  readonly precision: Precision;
  /** How the weights of policy and predictor are stored in their files, e.g. ['F16']. */
  readonly fileDtypes: readonly string[];
  readonly strategy: string;
  /** The same as it is given to `loadPolicy` and `useStrategy`. */
  readonly strategyOptions: StrategyOptions;
  /** Of the noise. */
  readonly seed: number;
  /**
   * What tells the files of policy and predictor from others: SHA-256 over what they declare, all tensors' shapes and the values of a few,
   * 64 hexadecimal digits.
   */
  readonly fingerprint: string;
  /** A STEP predictor, a CVAE, the shifted chunk, or none. */
  readonly predictor: 'network' | 'cvae' | 'shift' | 'none';
  /** Types of the methods' networks that it was loaded with, e.g. ['consistency_policy']. */
  readonly methods: readonly string[];
  /** Weights and tables on the device. */
  readonly deviceBytes: number;
  readonly adapter: AdapterSummary;
  /** Dispatches of a decision, once its plan is compiled. */
  readonly dispatches: number | undefined;
  readonly warnings: readonly string[];
}

/** @internal */
export function describePolicy(
  spec: PolicySpec,
  networks: PolicyNetworks,
): Omit<
  PolicyInfo,
  'precision' | 'fileDtypes' | 'decidesAhead' | 'strategy' | 'strategyOptions' | 'seed' | 'fingerprint' | 'dispatches' | 'warnings'
> {
  return {
    name: spec.name,
    dialect: spec.dialect,
    observations: observationInfo(spec.observations),
    images: spec.images,
    observationSteps: spec.observationSteps,
    horizon: spec.unet.horizon,
    actionSteps: spec.actionSteps,
    actionDim: spec.unet.actionDim,
    parameters: spec.parameters,
    predictor: networks.predictor?.kind ?? 'none',
    methods: [...(networks.denoisers?.keys() ?? [])],
    deviceBytes: networks.bytes,
    adapter: networks.device.adapter,
  };
}
