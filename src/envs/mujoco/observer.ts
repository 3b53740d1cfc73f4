import { OptionError } from '../../foundation/errors.js';
import { shownValue } from '../../foundation/shown.js';
import type { ObservationValue } from '../../observations/frame.js';
import type { ImageObservation, ObservationInfo } from '../../spec/policy-spec.js';
import type { TaskCamera } from './cameras.js';
import { pictureOf, type Sight } from './sight.js';

/** How a task's name says that it is observed in pictures. */
export const SEEN = 'observations=image';

/** What there is to be observed of a task. */
export interface Observable {
  /** As records name it, options included. */
  readonly name: string;
  /** Of the robot or the task, for errors: "the SO-101". */
  readonly subject: string;
  /** What is observed, in numbers; sizes differ, and a policy's features are told by them. */
  readonly observations: readonly { readonly name: string; readonly size: number; readonly what: string }[];
  /** What can be seen besides; see `seenTask`. */
  readonly cameras: readonly TaskCamera[];
  /** Whether its policies look through cameras. Default: no, and those that do are refused. */
  readonly isSeen?: boolean;
}

/** Makes one of a policy's observations of what a task tells, in numbers and, where it is seen, in sight. */
export type Observer = (numbers: Readonly<Record<string, readonly number[]>>, sight: Sight | undefined) => ObservationValue;

/** What a task has for an observation: numbers by their count, pictures by the camera's name. @throws OptionError where it has none. */
export function observerOf(task: Observable, policy: string, observation: ObservationInfo): Observer {
  if (observation.kind === 'image') return lookingThrough(task, policy, observation);
  const { name, size } = observation;
  const found = task.observations.find((one) => one.size === size);
  if (found) return (numbers) => numbers[found.name] as readonly number[];
  throw new OptionError(
    `policy "${policy}" reads "${shownValue(name)}" of ${shownValue(size)} values; ${task.name} has ${numbersOf(task)}: ` +
      `give a policy of ${task.subject}.`,
  );
}

/** The last part of a feature's name is the camera's; a picture without such a name is that of the first camera. */
function lookingThrough(task: Observable, policy: string, { name, height, width }: ImageObservation): Observer {
  if (!task.isSeen) {
    throw new OptionError(
      `policy "${policy}" reads "${shownValue(name)}", a picture; ${task.name} is observed in numbers: ${numbersOf(task)}. ` +
        `For pictures its name is ${task.name}/${SEEN}.`,
    );
  }
  const last = name.split('.').at(-1);
  const camera = UNNAMED.test(name) ? 0 : task.cameras.findIndex((one) => one.name === last);
  if (camera < 0) {
    const there = task.cameras.map((one) => `observation.images.${one.name}`).join(', ');
    throw new OptionError(`policy "${policy}" reads "${shownValue(name)}"; ${task.name} has pictures ${there}: name its cameras so.`);
  }
  return (_, sight) => {
    if (!sight) throw new OptionError(`${task.name} is seen, and its simulation has no sight(): give it one.`);
    return pictureOf(sight, camera, height, width);
  };
}

/** Names of a picture that is the only one. */
const UNNAMED = /^(observation\.)?image$/;

function numbersOf({ observations }: Observable): string {
  return observations.map(({ size, what }) => `${what} (${size})`).join(', ');
}
