import { loadMethodCheckpoint } from '../../checkpoints/methods/read-method.js';
import { encodeSafetensors, type WritableTensor } from '../../checkpoints/safetensors/safetensors.js';
import { CheckpointError } from '../../foundation/errors.js';
import { loadPolicy } from '../../policy/load-policy.js';
import type { OnLoadProgress } from '../../policy/load-progress.js';
import type { PrecisionChoice } from '../../policy/precision.js';
import type { ComputeDevice } from '../../runtime/device.js';
import type { CaseReport, CaseSources } from '../case-report.js';
import { compareTensor, type TensorReport } from '../compare.js';
import type { GoldenCase } from '../golden-case.js';
import { caseLosses } from '../losses/verify-losses.js';
import { storageTolerance } from '../tolerance.js';
import type { MethodCaseKind } from './define.js';
import { METHOD_CASES } from './kinds.js';
import { activationProbes } from './one-batch.js';
import { standInPolicy } from './stand-in-policy.js';

/** Weights that f16 keeps, and those of the stand-in policy, of which nothing is evaluated. */
const NOT_ROUNDED = ['F16', 'F32'];

/** How a case of a method with a network of its own is repeated; undefined for other cases. */
export function methodCaseOf({ description: { kind } }: GoldenCase): MethodCaseKind | undefined {
  return kind !== undefined && Object.hasOwn(METHOD_CASES, kind) ? METHOD_CASES[kind] : undefined;
}

/**
 * Runs a case of a method: its network beside a policy that hands the recorded conditioning on as it is, through the plan that `decideAll()`
 * replays. `sources.prior`: what predicts its starts, where it has one.
 * @throws what loading and planning throw.
 */
export async function verifyMethodCase(
  kind: MethodCaseKind,
  golden: GoldenCase,
  sources: CaseSources,
  device: ComputeDevice,
  precision: PrecisionChoice,
  onProgress: OnLoadProgress | undefined,
): Promise<CaseReport> {
  const { network, prior } = sources;
  if (!network) throw new CheckpointError(`case "${golden.name}": expected a folder network/, found none.`);
  const checkpoint = await loadMethodCheckpoint(await network());
  const { config } = checkpoint;
  await checkpoint.close();
  const policy = await loadPolicy(standInPolicy(config), {
    device,
    precision,
    strategy: kind.strategy(golden),
    probes: [...kind.probes, ...activationProbes(golden, { prefix: kind.activationPrefix, moduleName: kind.moduleName })],
    networks: { methods: await network(), ...(prior ? { predictor: prior } : {}) },
    ...(onProgress ? { onProgress } : {}),
  });
  try {
    const computed = await kind.compute({ golden, policy, config });
    const tolerance = storageTolerance(policy.info, { exact: kind.tolerance }, NOT_ROUNDED);
    const tensors: TensorReport[] = [];
    for (const name of golden.names('expected.')) {
      const values = computed.get(name);
      if (!values) throw new CheckpointError(`case "${golden.name}" expects "expected.${name}", which is not known.`);
      const full = `expected.${name}`;
      tensors.push(compareTensor(full, golden.shape(full), await golden.values(full), values, kind.isExact?.(name) ? 0 : tolerance));
    }
    const losses = await caseLosses(sources.golden, device);
    tensors.push(...losses.tensors);
    const dump = encodeDump(golden, computed, losses.dump);
    return { name: golden.name, precision: policy.info.precision, tensors, pass: tensors.every(({ pass }) => pass), dump };
  } finally {
    await policy.dispose();
  }
}

function encodeDump(golden: GoldenCase, computed: ReadonlyMap<string, ArrayLike<number>>, losses: readonly WritableTensor[]): Uint8Array {
  const tensors = golden.names('expected.').map((name): WritableTensor => {
    const full = `expected.${name}`;
    const values = computed.get(name) ?? [];
    const integers = golden.isInteger(full);
    const data = integers ? Array.from(values) : Float32Array.from(values);
    return { name, dtype: integers ? 'I64' : 'F32', shape: golden.shape(full), data };
  });
  return encodeSafetensors([...tensors, ...losses]);
}
