import { OptionError } from '../foundation/errors.js';
import { checkMethods } from '../foundation/options.js';
import { SetupError } from '../foundation/setup-error.js';
import { BAUD_RATE, type SerialLine } from './port.js';

/** What is used of a `SerialPort` of the package `serialport`. */
export interface NodeSerialPort {
  readonly baudRate: number;
  open(opened: (error: Error | null) => void): void;
  write(bytes: Uint8Array, written: (error?: Error | null) => void): unknown;
  close(closed: (error: Error | null) => void): void;
  on(event: 'data', listener: (bytes: Uint8Array) => void): unknown;
  on(event: 'close', listener: (error?: Error | null) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/**
 * Opens a port of the package `serialport`: `new SerialPort({ path, baudRate: 1_000_000, autoOpen: false })`.
 * @throws OptionError for what is no such port, has another rate, or cannot be opened: taken, forbidden, not there.
 */
export async function openSerialPort(port: NodeSerialPort): Promise<SerialLine> {
  checkMethods('openSerialPort', 'port', port, 'a SerialPort of the package serialport', ['open', 'write', 'close', 'on']);
  if (port.baudRate !== BAUD_RATE)
    throw new OptionError(`openSerialPort: expected a baudRate of ${BAUD_RATE}, which the servos have, found ${String(port.baudRate)}.`);
  await new Promise<void>((resolve, reject) => {
    port.open((error) => {
      if (!error) resolve();
      else
        reject(
          new SetupError(`the serial port cannot be opened: ${error.message}. Is it plugged in, yours to use, and free?`, {
            cause: error,
          }),
        );
    });
  });
  return new NodeSerialLine(port);
}

class NodeSerialLine implements SerialLine {
  readonly #port: NodeSerialPort;
  readonly #closed: ((why: string) => void)[] = [];
  /** Whether the listeners were told that it is gone. */
  #isGone = false;
  /** Not the same: after an error a port may still be open, and nobody else's until it is closed. */
  #isClosed = false;

  constructor(port: NodeSerialPort) {
    this.#port = port;
    port.on('close', (error) => {
      this.#isClosed = true;
      this.#end(error ? error.message : 'it was closed');
    });
    // An error of a port that nobody listens to ends the process.
    port.on('error', (error) => this.#end(error.message));
  }

  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#port.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  }

  onData(listener: (bytes: Uint8Array) => void): void {
    this.#port.on('data', listener);
  }

  onClose(listener: (why: string) => void): void {
    this.#closed.push(listener);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    await new Promise<void>((resolve) => this.#port.close(() => resolve()));
  }

  #end(why: string): void {
    if (this.#isGone) return;
    this.#isGone = true;
    for (const listener of this.#closed) listener(why);
  }
}
