import type { Observation, ObservationValue } from '../observations/frame.js';
import { Picture } from '../observations/picture.js';

/** A picture as it travels: whole the first time, its number after that. */
export interface PostedPicture {
  readonly picture: number;
  readonly content?: Pick<Picture, 'format' | 'height' | 'width' | 'fit' | 'bytes'>;
}

type PostedValue = ObservationValue | PostedPicture | readonly (ObservationValue | PostedPicture)[];

/** An observation as it travels. Images that are no `Picture` travel as they are. */
export type PostedObservation = Readonly<Record<string, PostedValue>>;

/**
 * Sends every picture once: windows hold the pictures of earlier ticks again, and a worker finds their features beside them as a policy does.
 * The receiver is told when a picture is gone here.
 */
export class PictureSender {
  readonly #numbers = new WeakMap<Picture, number>();
  readonly #gone: FinalizationRegistry<number>;
  #next = 0;
  /** Numbered for a message that is not on its way yet. */
  #unsent: Picture[] = [];

  constructor(forget: (picture: number) => void) {
    this.#gone = new FinalizationRegistry(forget);
  }

  observation(observation: Observation): PostedObservation {
    // What is no observation is refused over there, in the words that it is refused in everywhere.
    if (typeof observation !== 'object' || observation === null) return observation;
    return Object.fromEntries(
      Object.entries(observation).map(([name, value]) => [
        name,
        Array.isArray(value) ? value.map((one) => this.#value(one)) : this.#value(value),
      ]),
    );
  }

  /** To be called when the message with the latest observation went, or could not go: then its pictures travel whole again. */
  settle(isSent: boolean): void {
    if (!isSent) for (const picture of this.#unsent) this.#numbers.delete(picture);
    this.#unsent = [];
  }

  #value(value: ObservationValue): ObservationValue | PostedPicture {
    if (!(value instanceof Picture)) return value;
    const known = this.#numbers.get(value);
    if (known !== undefined) return { picture: known };
    const picture = this.#next++;
    this.#numbers.set(value, picture);
    this.#unsent.push(value);
    this.#gone.register(value, picture);
    const { format, height, width, fit, bytes } = value;
    // A view takes all of its memory along: of a picture that is part of a message, only itself.
    const own = bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
    return { picture, content: { format, height, width, fit, bytes: own } };
  }
}

/** Keeps the pictures that came, until their sender has none of them any more. */
export class PictureReceiver {
  readonly #pictures = new Map<number, Picture>();

  observation(posted: PostedObservation): Observation {
    if (typeof posted !== 'object' || posted === null) return posted;
    return Object.fromEntries(
      Object.entries(posted).map(([name, value]) => [
        name,
        Array.isArray(value) ? value.map((one) => this.#value(one)) : this.#value(value),
      ]),
    ) as Observation;
  }

  forget(picture: number): void {
    this.#pictures.delete(picture);
  }

  #value(value: unknown): unknown {
    if (typeof value !== 'object' || value === null || !('picture' in value)) return value;
    const { picture, content } = value as PostedPicture;
    if (content) {
      const { format, height, width, fit, bytes } = content;
      this.#pictures.set(picture, new Picture(format, height, width, bytes, fit, true));
    }
    return this.#pictures.get(picture);
  }
}
