import type { SerialLine } from '../../src/robots/port.js';

/** What happens to what passes: whole pieces are lost, a byte is, a byte is changed, or it arrives late. */
export type LineFault = 'lost' | 'short' | 'changed' | 'late' | 'none';

/** A line with a worn cable, in both directions. Faults are used up in their order. */
export class FaultyLine implements SerialLine {
  readonly there: LineFault[] = [];
  readonly back: LineFault[] = [];
  /** How many were put in. */
  faults = 0;
  readonly #line: SerialLine;

  constructor(line: SerialLine) {
    this.#line = line;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#pass(this.there.shift(), bytes, (passed) => void this.#line.write(passed).catch(() => {}));
  }

  onData(listener: (bytes: Uint8Array) => void): void {
    this.#line.onData((bytes) => void this.#pass(this.back.shift(), bytes, listener));
  }

  onClose(listener: (why: string) => void): void {
    this.#line.onClose(listener);
  }

  close(): Promise<void> {
    return this.#line.close();
  }

  async #pass(fault: LineFault | undefined, bytes: Uint8Array, on: (bytes: Uint8Array) => void): Promise<void> {
    if (fault !== undefined && fault !== 'none') this.faults++;
    const middle = bytes.length >> 1;
    if (fault === 'lost') return;
    if (fault === 'late') return void setTimeout(() => on(bytes), 60);
    if (fault === 'short') return on(Uint8Array.from([...bytes.subarray(0, middle), ...bytes.subarray(middle + 1)]));
    if (fault !== 'changed') return on(bytes);
    // The last byte before the sum: within a packet, which then has a wrong one.
    const changed = bytes.slice();
    changed[bytes.length - 2] = (changed[bytes.length - 2] as number) ^ 0x10;
    on(changed);
  }
}
