import { createHash, timingSafeEqual } from 'node:crypto';
import { OptionError } from '../foundation/errors.js';

/** Compares keys of clients with the server's, in a time that does not depend on what they have in common. */
export class ApiKey {
  readonly #digest: Buffer;

  /** @throws OptionError for a key that no header can carry. */
  constructor(key: string) {
    if (!/^[\x21-\x7e]{1,4096}$/.test(key)) {
      throw new OptionError('apiKey: must be visible ASCII without spaces, 1 to 4096 characters: a header carries it.');
    }
    this.#digest = digestOf(key);
  }

  /** Whether the header `Authorization` carries it: `Api-Key KEY`, as openpi's clients send it, or `Bearer KEY`. */
  allows(authorization: string | undefined): boolean {
    const [, key] = /^(?:api-key|bearer) +([\x21-\x7e]+) *$/i.exec(authorization ?? '') ?? [];
    return key !== undefined && timingSafeEqual(this.#digest, digestOf(key));
  }
}

/** Of one length, whatever the key's is. */
function digestOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
