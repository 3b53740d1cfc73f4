/** Instructions of Feetech's protocol 0. */
export const INSTRUCTIONS = { ping: 1, read: 2, write: 3, syncRead: 0x82, syncWrite: 0x83 } as const;
export const BROADCAST = 0xfe;

const HEADER = 0xff;
/** Header, header, id, length. */
const PREFIX = 4;
/** Length counts the code, the parameters and the sum. */
const LEAST_LENGTH = 2;
/** No answer that is asked for here is longer. */
const MOST_LENGTH = 64;

/** An answer of a servo. */
export interface StatusPacket {
  readonly id: number;
  /** Bits of what is wrong with the servo; 0: nothing. */
  readonly error: number;
  readonly parameters: Uint8Array;
}

/** `FF FF id length code parameters… sum`, the sum being the complement of all but the header. */
export function encodePacket(id: number, code: number, parameters: readonly number[] = []): Uint8Array {
  const body = [id, parameters.length + LEAST_LENGTH, code, ...parameters];
  return Uint8Array.of(HEADER, HEADER, ...body, checksum(body));
}

export function checksum(body: Iterable<number>): number {
  let sum = 0;
  for (const byte of body) sum += byte;
  return ~sum & 0xff;
}

/** Finds packets in what arrives, in whatever pieces; what is no packet, or has a wrong sum, is passed over and counted. */
export class PacketReader {
  #bytes: number[] = [];
  #damaged = 0;

  /** Packets whose sum was wrong, since the beginning. */
  get damaged(): number {
    return this.#damaged;
  }

  /** Forgets what arrived of a packet that is not complete. */
  clear(): void {
    this.#bytes = [];
  }

  push(arrived: Uint8Array): StatusPacket[] {
    this.#bytes.push(...arrived);
    const packets: StatusPacket[] = [];
    for (;;) {
      const start = this.#bytes.findIndex((byte, i) => byte === HEADER && this.#bytes[i + 1] === HEADER && this.#bytes[i + 2] !== HEADER);
      if (start < 0) {
        // A header may be on its way.
        this.#bytes = this.#bytes.slice(-2);
        return packets;
      }
      this.#bytes.splice(0, start);
      const [, , id, length] = this.#bytes;
      if (id === undefined || length === undefined) return packets;
      if (length < LEAST_LENGTH || length > MOST_LENGTH) {
        this.#damaged++;
        this.#bytes.splice(0, 2);
        continue;
      }
      if (this.#bytes.length < PREFIX + length) return packets;
      const body = this.#bytes.slice(2, PREFIX + length - 1);
      if (checksum(body) !== this.#bytes[PREFIX + length - 1]) {
        this.#damaged++;
        this.#bytes.splice(0, 2);
        continue;
      }
      const [, , error = 0, ...parameters] = body;
      packets.push({ id, error, parameters: Uint8Array.from(parameters) });
      this.#bytes.splice(0, PREFIX + length);
    }
  }
}

/** What the bits of an error byte mean, in words; undefined for none. */
export function servoProblem(error: number): string | undefined {
  const bits = [
    'its voltage is out of range',
    'its position sensor fails',
    'it is too hot',
    'its current is too high',
    undefined,
    'it is overloaded',
  ];
  const found = bits.filter((text, bit) => text !== undefined && (error & (1 << bit)) !== 0);
  if (error === 0) return undefined;
  return found.length > 0 ? found.join(', ') : `it reports the error ${error}`;
}
