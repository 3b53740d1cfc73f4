import { encodeSafetensors, type WritableTensor } from '../../checkpoints/safetensors/safetensors.js';
import { type CheckpointSource, memorySource } from '../../checkpoints/source.js';
import { CheckpointError } from '../../foundation/errors.js';
import { keypointGrid } from '../../training/image-encoder/parameters.js';
import type { GoldenCase } from '../golden-case.js';
import type { TrainingDescription } from './description.js';

const MODEL = 'model.safetensors';
/** Positions of the keypoints: a buffer of the reference, which no formula makes. */
const GRID = 'diffusion.rgb_encoder.pool.pos_grid';

/** A tensor whose values come from a formula, and what they must be. */
interface FormulaWeights {
  readonly tensor: string;
  readonly number: number;
  readonly offset: number;
  readonly scale: number;
  readonly sum: number;
}

interface WeightsFormula {
  readonly seed: number;
  readonly keypoint_map?: readonly [number, number];
  readonly tensors: readonly FormulaWeights[];
}

/** Element `i` of a tensor: a hash of its index, in 32-bit integers, scaled in float64 and rounded once. */
function formulaValue(i: number, { number, offset, scale }: FormulaWeights, seed: number): number {
  let x = (Math.imul(i, 0x9e3779b1) + Math.imul(number, 0x85ebca77) + Math.imul(seed, 0xc2b2ae3d)) | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  x ^= x >>> 16;
  return Math.fround(offset + (((x >>> 0) / 2 ** 32) * 2 - 1) * scale);
}

/** Whether the start weights of a case are made by a formula. */
export function hasFormula(golden: GoldenCase): boolean {
  return 'weights_formula' in golden.description;
}

/**
 * Start weights that `case.json` describes, parameters and statistics.
 * @throws CheckpointError where the formula is incomplete or makes other weights than recorded.
 */
function formulaTensors(golden: GoldenCase, description: TrainingDescription): WritableTensor[] {
  const where = `case "${golden.name}": case.json: weights_formula`;
  const formula = formulaOf(golden);
  const byName = new Map(formula.tensors.map((tensor) => [tensor.tensor, tensor]));
  return [...description.parameters, ...description.statistics].map(({ name, shape }): WritableTensor => {
    const recipe = byName.get(name);
    if (!recipe) throw new CheckpointError(`${where} has no tensor "${name}".`);
    const count = shape.reduce((product, size) => product * size, 1);
    const data = Float32Array.from({ length: count }, (_, i) => formulaValue(i, recipe, formula.seed));
    const sum = data.reduce((total, value) => total + value, 0);
    if (!(Math.abs(sum - recipe.sum) <= 1e-6 * Math.max(1, Math.abs(recipe.sum)))) {
      throw new CheckpointError(`${where}: expected the sum ${recipe.sum} of "${name}", found ${sum}.`);
    }
    return { name, dtype: 'F32', shape, data };
  });
}

function formulaOf(golden: GoldenCase): WeightsFormula {
  const { weights_formula: formula } = golden.description as { readonly weights_formula?: WeightsFormula };
  if (typeof formula?.seed !== 'number' || !Array.isArray(formula.tensors)) {
    throw new CheckpointError(`case "${golden.name}": case.json: weights_formula must have a seed and tensors.`);
  }
  return formula;
}

/** A folder, and a model file of these tensors. Takes ownership of the folder. */
async function withModel(folder: CheckpointSource, tensors: readonly WritableTensor[]): Promise<CheckpointSource> {
  const files: Record<string, Uint8Array | string> = {};
  for (const name of await folder.list()) {
    const file = await folder.open(name);
    const bytes = new Uint8Array(file.size);
    await file.read(0, bytes);
    files[name] = bytes;
  }
  const { name } = folder;
  await folder.close();
  files[MODEL] = encodeSafetensors(tensors);
  return memorySource(name, files);
}

/**
 * A folder of a case whose start weights a formula makes: `more` are tensors that are not trained. Takes ownership of the folder.
 * @throws CheckpointError where the formula is incomplete or makes other weights than recorded.
 */
export function formulaFolder(
  golden: GoldenCase,
  description: TrainingDescription,
  folder: CheckpointSource,
  more: readonly WritableTensor[],
): Promise<CheckpointSource> {
  return withModel(folder, [...formulaTensors(golden, description), ...more]);
}

/**
 * The policy of a case whose start weights `case.json` describes instead of keeping them: its folder, and a model file made of the formula.
 * Takes ownership of the folder. @throws CheckpointError where the formula is incomplete or makes other weights than recorded.
 */
export function formulaPolicy(golden: GoldenCase, description: TrainingDescription, folder: CheckpointSource): Promise<CheckpointSource> {
  const [rows, columns] = gridSize(golden, formulaOf(golden));
  const grid = { name: GRID, dtype: 'F32' as const, shape: [rows * columns, 2], data: keypointGrid(rows, columns) };
  return formulaFolder(golden, description, folder, [grid]);
}

/** Sides of the keypoint maps: as the formula says, or as the case recorded them. */
function gridSize(golden: GoldenCase, { keypoint_map: said }: WeightsFormula): readonly [number, number] {
  if (said) return said;
  const [rows = 1, columns = 1] = golden.shape('expected.activation.rgb_encoder.pool.nets').slice(-2);
  return [rows, columns];
}
