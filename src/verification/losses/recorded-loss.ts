import { type JsonObject, readJsonObject } from '../../checkpoints/json-object.js';
import type { CheckpointSource } from '../../checkpoints/source.js';
import { CheckpointError } from '../../foundation/errors.js';
import { LOSSES_FILE } from './loss-files.js';

/** A loss as the official code computed it. */
export interface RecordedLoss {
  readonly name: string;
  /** The loss and its parts, by their names in the file. */
  readonly values: ReadonlyMap<string, number>;
  /** Of several networks that are trained together: undefined, there is a group for each. */
  readonly total: number | undefined;
  /** Norms of the gradients by top-level module, and by tensor. */
  readonly groups: ReadonlyMap<string, number>;
  readonly tensors: ReadonlyMap<string, number>;
  /** Tensors that have no gradient at all; undefined where nothing was recorded by tensor. */
  readonly withoutGradient: readonly string[] | undefined;
}

const GRADIENTS = 'grad_norm';

/** @throws CheckpointError that names what is wrong in the file. */
export async function recordedLosses(source: CheckpointSource): Promise<RecordedLoss[]> {
  const losses = (await readJsonObject(await source.open(LOSSES_FILE))).object('losses');
  return losses.keys().map((name) => {
    const loss = losses.object(name);
    const gradients = loss.object(GRADIENTS);
    const values = numbers(loss, (key) => key !== GRADIENTS);
    return { name, values, ...(gradients.has('total') ? ofNetwork(gradients) : ofNetworks(gradients)) };
  });
}

type Gradients = Omit<RecordedLoss, 'name' | 'values'>;

function ofNetwork(gradients: JsonObject): Gradients {
  return {
    total: numbers(gradients, (key) => key === 'total').get('total') ?? gradients.fail('total', 'a number'),
    groups: numbers(gradients.object('groups')),
    tensors: numbers(gradients.object('tensors')),
    withoutGradient: gradients.has('no_gradient') ? gradients.strings('no_gradient') : undefined,
  };
}

/** Networks that are trained together, by their names: what the names of their tensors begin with. */
function ofNetworks(gradients: JsonObject): Gradients {
  const networks = gradients.keys().map((network) => ({ network, ...ofNetwork(gradients.object(network)) }));
  if (networks.length === 0) gradients.fail('total', 'a number');
  const joined = (of: (network: Gradients) => ReadonlyMap<string, number>): Map<string, number> =>
    new Map(networks.flatMap((found) => [...of(found)].map(([name, value]) => [`${found.network}.${name}`, value] as const)));
  const totals = networks.flatMap(({ network, total }): [string, number][] => (total === undefined ? [] : [[network, total]]));
  const isPartial = networks.some(({ withoutGradient }) => withoutGradient === undefined);
  return {
    total: undefined,
    groups: new Map([...totals, ...joined(({ groups }) => groups)]),
    tensors: joined(({ tensors }) => tensors),
    withoutGradient: isPartial
      ? undefined
      : networks.flatMap(({ network, withoutGradient = [] }) => withoutGradient.map((name) => `${network}.${name}`)),
  };
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
