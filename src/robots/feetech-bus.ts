import { OptionError, WarmstepError } from '../foundation/errors.js';
import { checkInteger, checkKeys, checkMethods, keysOf } from '../foundation/options.js';
import { BROADCAST, encodePacket, INSTRUCTIONS, PacketReader, type StatusPacket, servoProblem } from './packets.js';
import type { SerialLine } from './port.js';
import { decodeValue, encodeValue, type Register } from './registers.js';

/** A servo did not answer, or the line is gone: look at cable, power and id. */
export class BusError extends WarmstepError {}

/** A servo answers that something is wrong with it: overload, heat, voltage. */
export class ServoError extends BusError {}

export interface FeetechBusOptions {
  /**
   * Milliseconds that the line may take for a packet, and that an answer may take before it is asked for again. A loaded host wants more than the
   * wire does. Default 100.
   */
  readonly timeoutMs?: number;
  /** How often a question is asked again. Default 2, as LeRobot. */
  readonly retries?: number;
}

const KEYS = keysOf<FeetechBusOptions>({ timeoutMs: true, retries: true });

interface Expected {
  readonly ids: Set<number>;
  /** Of data in an answer. */
  readonly bytes: number;
  readonly packets: Map<number, StatusPacket>;
  /** Of servos whose answers had other data. */
  readonly unfit: Map<number, StatusPacket>;
  resolve(): void;
}

/**
 * Feetech's half-duplex bus, protocol 0 (STS and SMS series): one question at a time, whoever asks. Answers with a wrong sum, and those
 * whose data do not fit the question, count as none: an answer to the question before that comes late has other data more often than not.
 */
export class FeetechBus {
  readonly #line: SerialLine;
  readonly #timeoutMs: number;
  readonly #retries: number;
  readonly #reader = new PacketReader();
  #expected: Expected | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #gone: string | undefined;
  #repeated = 0;

  /** @throws OptionError */
  constructor(line: SerialLine, options: FeetechBusOptions = {}) {
    checkMethods('FeetechBus', 'line', line, 'a serial line', ['write', 'onData', 'onClose', 'close']);
    checkKeys('FeetechBus', options, KEYS);
    const { timeoutMs = 100, retries = 2 } = options;
    this.#line = line;
    this.#timeoutMs = checkInteger('FeetechBus', 'timeoutMs', timeoutMs, 1, 60_000);
    this.#retries = checkInteger('FeetechBus', 'retries', retries, 0, 100);
    line.onData((bytes) => this.#take(bytes));
    line.onClose((why) => {
      this.#gone ??= why;
      this.#expected?.resolve();
    });
  }

  /** Questions that had to be asked again, and packets that arrived damaged: what a worn cable looks like. */
  get quality(): { readonly repeated: number; readonly damaged: number } {
    return { repeated: this.#repeated, damaged: this.#reader.damaged };
  }

  /** Whether a servo answers. @throws BusError where the line is gone. */
  async ping(id: number): Promise<boolean> {
    const answers = await this.#ask([checkId(id)], encodePacket(id, INSTRUCTIONS.ping), 0, true);
    return answers.has(id);
  }

  /** One value of one servo. @throws BusError, ServoError. */
  async read(id: number, register: Register): Promise<number> {
    const answers = await this.#ask([checkId(id)], encodePacket(id, INSTRUCTIONS.read, [register.address, register.bytes]), register.bytes);
    return this.#value(answers, id, register);
  }

  /** Writes one value and waits until the servo has it. @throws BusError, ServoError, OptionError for a value that does not fit. */
  async write(id: number, register: Register, value: number): Promise<void> {
    const packet = encodePacket(checkId(id), INSTRUCTIONS.write, [register.address, ...encoded(register, value)]);
    const answers = await this.#ask([id], packet, 0);
    this.#answerOf(answers, id, `to "${register.name}"`);
  }

  /** The same value of several servos in one question, in the order of the ids. @throws BusError naming all that are silent; ServoError. */
  async readAll(ids: readonly number[], register: Register): Promise<number[]> {
    const packet = encodePacket(BROADCAST, INSTRUCTIONS.syncRead, [register.address, register.bytes, ...ids.map(checkId)]);
    const answers = await this.#ask(ids, packet, register.bytes);
    const silent = ids.filter((id) => !answers.has(id));
    if (silent.length > 0) throw this.#silence(silent, `"${register.name}"`);
    return ids.map((id) => this.#value(answers, id, register));
  }

  /** A value for each of several servos at once. Nobody answers: whether they have it shows in what they do. @throws BusError, OptionError. */
  async writeAll(register: Register, values: ReadonlyMap<number, number>): Promise<void> {
    const parameters = [...values].flatMap(([id, value]) => [checkId(id), ...encoded(register, value)]);
    const packet = encodePacket(BROADCAST, INSTRUCTIONS.syncWrite, [register.address, register.bytes, ...parameters]);
    await this.#inTurn(() => this.#write(packet));
  }

  /** Lets go of the line. Servos go on holding their last goal. */
  async close(): Promise<void> {
    this.#gone ??= 'it was closed';
    await this.#line.close();
  }

  #value(answers: ReadonlyMap<number, StatusPacket>, id: number, register: Register): number {
    const { parameters } = this.#answerOf(answers, id, `"${register.name}"`);
    return decodeValue(register, parameters);
  }

  #answerOf(answers: ReadonlyMap<number, StatusPacket>, id: number, what: string): StatusPacket {
    const answer = answers.get(id);
    if (!answer) throw this.#silence([id], what);
    const problem = servoProblem(answer.error);
    if (problem !== undefined)
      throw new ServoError(`servo ${id} says that ${problem}. Take the load off, let it cool, look at the supply.`);
    return answer;
  }

  #silence(ids: readonly number[], what: string): BusError {
    const names = ids.length === 1 ? `servo ${ids[0]}` : `servos ${ids.join(', ')}`;
    return new BusError(
      `${names} did not answer ${what}, asked ${this.#retries + 1} times within ${this.#timeoutMs} ms each. Look at power, cable and ids.`,
    );
  }

  /** Sends a question, again for those that are silent, and returns the answers that came. */
  #ask(ids: readonly number[], packet: Uint8Array, bytes: number, isPing = false): Promise<ReadonlyMap<number, StatusPacket>> {
    return this.#inTurn(async () => {
      let answers: ReadonlyMap<number, StatusPacket> = new Map();
      let unfit = answers;
      for (let attempt = 0; attempt <= this.#retries && answers.size < ids.length; attempt++) {
        if (attempt > 0) this.#repeated++;
        ({ packets: answers, unfit } = await this.#once(ids, packet, bytes));
      }
      const [wrong] = [...unfit.values()].filter(({ id }) => !answers.has(id));
      if (wrong && !isPing) throw this.#misfit(wrong, bytes);
      return answers;
    });
  }

  #misfit({ id, parameters }: StatusPacket, bytes: number): BusError {
    const found = `expected an answer with ${bytes} bytes of data, found ${parameters.length}, asked ${this.#retries + 1} times`;
    return new BusError(
      `servo ${id}: ${found}. Is it an STS or SMS servo? Where the host is loaded, raise timeoutMs (${this.#timeoutMs}).`,
    );
  }

  async #once(ids: readonly number[], packet: Uint8Array, bytes: number): Promise<Pick<Expected, 'packets' | 'unfit'>> {
    const packets = new Map<number, StatusPacket>();
    const unfit = new Map<number, StatusPacket>();
    // What is left of an answer that came too late is none to this question.
    this.#reader.clear();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const answered = new Promise<void>((resolve) => {
      this.#expected = { ids: new Set(ids), bytes, packets, unfit, resolve };
      timer = setTimeout(resolve, this.#timeoutMs);
    });
    try {
      await this.#write(packet);
      await answered;
    } finally {
      clearTimeout(timer);
      this.#expected = undefined;
    }
    this.#assertThere();
    return { packets, unfit };
  }

  #take(bytes: Uint8Array): void {
    for (const packet of this.#reader.push(bytes)) {
      if (!this.#expected?.ids.has(packet.id)) continue;
      const { ids, bytes, packets, unfit, resolve } = this.#expected;
      // One that says that something is wrong may leave its data out.
      if (packet.error === 0 && packet.parameters.length !== bytes) {
        unfit.set(packet.id, packet);
        continue;
      }
      ids.delete(packet.id);
      packets.set(packet.id, packet);
      if (ids.size === 0) resolve();
    }
  }

  async #write(packet: Uint8Array): Promise<void> {
    this.#assertThere();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stuck = new Promise<never>((_, reject) => {
      const late = (): void => reject(new Error(`it did not take ${packet.length} bytes within ${this.#timeoutMs} ms`));
      timer = setTimeout(() => {
        // A host that was busy hears its timers before its lines.
        timer = setTimeout(late);
      }, this.#timeoutMs);
    });
    try {
      await Promise.race([this.#line.write(packet), stuck]);
    } catch (cause) {
      throw new BusError(`the serial line cannot be written to: ${(cause as Error).message}. Is it unplugged?`, { cause });
    } finally {
      clearTimeout(timer);
    }
  }

  #assertThere(): void {
    if (this.#gone !== undefined) throw new BusError(`the serial line is gone: ${this.#gone}. Plug it in, and connect again.`);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work, work);
    this.#turn = done.catch(() => {});
    return done;
  }
}

function checkId(id: number): number {
  return checkInteger('FeetechBus', 'a servo id', id, 0, 253);
}

function encoded(register: Register, value: number): number[] {
  try {
    return encodeValue(register, value);
  } catch (error) {
    throw new OptionError(`FeetechBus: ${(error as Error).message}.`, { cause: error });
  }
}
