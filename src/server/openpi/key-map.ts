import { OptionError } from '../../foundation/errors.js';
import { shownValue } from '../../foundation/shown.js';
import type { ObservationInfo } from '../../spec/policy-spec.js';

/** Names of clients, and the features of the policy that they stand for. */
export type KeyMap = Readonly<Record<string, string>>;

const PREFIX = 'observation.';

/** `observation/image`, `images/cam_high` and LeRobot's names in one spelling: dots, without the prefix. */
function plain(key: string): string {
  const dotted = key.replaceAll('/', '.');
  return dotted.startsWith(PREFIX) ? dotted.slice(PREFIX.length) : dotted;
}

/** Finds the feature that a client's key stands for. */
export class KeyFinder {
  readonly #given: ReadonlyMap<string, string>;
  readonly #known = new Map<string, string>();

  /** @throws OptionError where a key is mapped to what the policy does not read. */
  constructor(features: readonly ObservationInfo[], keyMap: KeyMap) {
    const names = new Map(features.flatMap(({ name, feature }) => [[name, name] as const, [feature, name] as const]));
    this.#given = new Map(
      Object.entries(keyMap).map(([key, target]) => {
        const name = names.get(target);
        if (name === undefined) {
          throw new OptionError(
            `keyMap: "${shownValue(key)}" stands for "${shownValue(target)}", which this policy does not read. ` +
              `It reads: ${features.map((feature) => feature.name).join(', ')}.`,
          );
        }
        return [key, name];
      }),
    );
    for (const [spelled, name] of names) {
      this.#known.set(spelled, name);
      // Where two features have one plain spelling, it is nobody's.
      const key = plain(spelled);
      if (key !== spelled) this.#known.set(key, this.#known.has(key) && this.#known.get(key) !== name ? '' : name);
    }
  }

  /** The name that `decide()` takes; undefined where the policy does not read it. A key with a map of its own has no other meaning. */
  featureOf(key: string): string | undefined {
    const name = this.#given.get(key) ?? this.#known.get(key) ?? this.#known.get(plain(key));
    return name === '' ? undefined : name;
  }
}
