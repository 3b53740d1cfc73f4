import { type JsonObject, readJsonObject } from '../../checkpoints/json-object.js';
import type { CheckpointSource } from '../../checkpoints/source.js';
import { CheckpointError } from '../../foundation/errors.js';
import { LOSSES_FILE } from './loss-files.js';

/** A loss as the official code computed it. */
export interface RecordedLoss {
  readonly name: string;
  /** The loss and its parts, by their names in the file. */
  readonly values: ReadonlyMap<string, number>;
  readonly total: number;
  /** Norms of the gradients by top-level module, and by tensor. */
  readonly groups: ReadonlyMap<string, number>;
  readonly tensors: ReadonlyMap<string, number>;
  /** Tensors that have no gradient at all. */
  readonly withoutGradient: readonly string[];
}

const GRADIENTS = 'grad_norm';

/** @throws CheckpointError that names what is wrong in the file. */
export async function recordedLosses(source: CheckpointSource): Promise<RecordedLoss[]> {
  const losses = (await readJsonObject(await source.open(LOSSES_FILE))).object('losses');
  return losses.keys().map((name) => {
    const loss = losses.object(name);
    const gradients = loss.object(GRADIENTS);
    return {
      name,
      values: numbers(loss, (key) => key !== GRADIENTS),
      total: numbers(gradients, (key) => key === 'total').get('total') ?? gradients.fail('total', 'a number'),
      groups: numbers(gradients.object('groups')),
      tensors: numbers(gradients.object('tensors')),
      withoutGradient: gradients.strings('no_gradient'),
    };
  });
}

function numbers(json: JsonObject, isWanted: (key: string) => boolean = () => true): Map<string, number> {
  return new Map(
    json
      .entries()
      .filter(([key]) => isWanted(key))
      .map(([key, value]) => {
        if (typeof value === 'number') return [key, value];
        throw new CheckpointError(`${json.where}: "${key}" must be a number. Record the case again.`);
      }),
  );
}
