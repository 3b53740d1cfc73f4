import { encodeSafetensors, type WritableTensor } from '../checkpoints/safetensors/safetensors.js';
import { CheckpointError } from '../foundation/errors.js';
import type { PolicyInfo } from '../policy/info.js';
import { loadPolicy } from '../policy/load-policy.js';
import type { OnLoadProgress } from '../policy/load-progress.js';
import type { Decision } from '../policy/policy.js';
import type { PrecisionChoice } from '../policy/precision.js';
import type { ComputeDevice } from '../runtime/device.js';
import type { CaseReport, CaseSources } from './case-report.js';
import { compareTensor, type TensorReport } from './compare.js';
import { caseStrategy, checkKind, GoldenCase, isWarm, windowStrategy } from './golden-case.js';
import { caseLosses } from './losses/verify-losses.js';
import { methodCaseOf, verifyMethodCase } from './methods/verify-method.js';
import { isPredictorCase, verifyPredictorCase } from './predictor-case.js';
import { isRtiDpCase, verifyRtiDpCase } from './rti-dp-case.js';
import { storageTolerance } from './tolerance.js';
import { isTrainingCase, verifyTrainingCase } from './training/verify-training.js';
import { computeTicks } from './verify-ticks.js';
import { computeWindow, probesOf } from './verify-window.js';

/** Largest error over the largest expected value; in a STEP episode each decision starts from the last one's rounding. */
const TOLERANCE = 5e-5;
const EPISODE_TOLERANCE = 1e-4;
/** Where f16 storage rounds the weights of policies with images, whose encoders are a dozen layers before the U-Net. */
const ROUNDED_IMAGE_TOLERANCE = 2e-3;
/** For int8 of a single decision, about twice the worst case too. */
const INT8_TOLERANCE = 0.1;
/** Maps of image encoders were rounded when they were recorded. */
const HALF_TOLERANCE = 1e-3;
const EXACT = ['expected.timesteps', 'expected.stalled'];

/**
 * Runs a case and compares every expected tensor. Inner values are probed from the plan that act() replays. Closes the
 * sources.
 * @throws what loading and planning throw: a case that is refused is a failed case.
 */
export async function verifyCase(
  sources: CaseSources,
  device: ComputeDevice,
  precision: PrecisionChoice = 'f32',
  onProgress?: OnLoadProgress,
): Promise<CaseReport> {
  try {
    return await verifyOpened(await GoldenCase.open(sources.golden), sources, device, precision, onProgress);
  } finally {
    await sources.golden.close();
  }
}

async function verifyOpened(
  golden: GoldenCase,
  sources: CaseSources,
  device: ComputeDevice,
  precision: PrecisionChoice,
  onProgress: OnLoadProgress | undefined,
): Promise<CaseReport> {
  if (isTrainingCase(golden)) return verifyTrainingCase(golden, sources, device);
  const method = methodCaseOf(golden);
  if (method) return verifyMethodCase(method, golden, sources, device, precision, onProgress);
  if (isRtiDpCase(golden)) return verifyRtiDpCase(golden, sources, { device, precision, ...(onProgress ? { onProgress } : {}) });
  if (isPredictorCase(golden)) return verifyPredictorCase(golden, sources, device);
  checkKind(golden.description);
  if (!sources.policy) throw new CheckpointError(`case "${golden.name}": expected a folder policy/, found none.`);
  const decisions: Decision[] = [];
  const strategy = caseStrategy(golden.description);
  const policy = await loadPolicy(sources.policy, {
    device,
    precision,
    probes: probesOf(golden),
    onDecision: (result) => decisions.push(result),
    ...(strategy ? { strategy } : {}),
    ...(onProgress ? { onProgress } : {}),
    ...(sources.predictor ? { networks: { predictor: sources.predictor } } : {}),
  });
  try {
    const computed = new Map<string, ArrayLike<number>>();
    const merge = (values: ReadonlyMap<string, ArrayLike<number>>): void => values.forEach((value, name) => computed.set(name, value));
    if (golden.has('input.noise')) {
      // Cold decisions, also where the case's episode is of warm ones.
      const cold = isWarm(golden.description) ? windowStrategy(golden.description) : undefined;
      if (cold) policy.useStrategy(cold);
      merge(await computeWindow(golden, policy));
      if (cold && strategy) policy.useStrategy(strategy);
    }
    if (golden.has('ticks.input.noise')) merge(await computeTicks(golden, policy, decisions));
    if (computed.size === 0)
      throw new CheckpointError(`case "${golden.name}" has neither input.noise nor ticks.input.noise: nothing to verify.`);

    const tensors: TensorReport[] = [];
    for (const [name, values] of computed) {
      const tolerance = toleranceOf(name, golden, policy.info);
      tensors.push(compareTensor(name, golden.shape(name), await golden.values(name), values, tolerance));
    }
    const losses = await caseLosses(sources.golden, device);
    tensors.push(...losses.tensors);
    const pass = tensors.every((tensor) => tensor.pass);
    return { name: golden.name, precision: policy.info.precision, tensors, pass, dump: encodeDump(golden, computed, losses.dump) };
  } finally {
    await policy.dispose();
  }
}

function toleranceOf(name: string, golden: GoldenCase, info: PolicyInfo): number {
  if (EXACT.includes(name)) return 0;
  const tolerance = storageTolerance(info, {
    ...(isWarm(golden.description) ? { exact: EPISODE_TOLERANCE } : { exact: TOLERANCE, int8: INT8_TOLERANCE }),
    ...(info.images ? { rounded: ROUNDED_IMAGE_TOLERANCE } : {}),
  });
  return golden.isHalf(name) ? Math.max(HALF_TOLERANCE, tolerance) : tolerance;
}

function encodeDump(golden: GoldenCase, computed: ReadonlyMap<string, ArrayLike<number>>, losses: readonly WritableTensor[]): Uint8Array {
  const tensors = [...computed].map(([name, values]): WritableTensor => {
    const integers = EXACT.includes(name);
    return {
      name: name.replace('expected.', ''),
      dtype: integers ? 'I64' : 'F32',
      shape: golden.shape(name),
      data: integers ? Array.from(values) : Float32Array.from(values),
    };
  });
  return encodeSafetensors([...tensors, ...losses]);
}
