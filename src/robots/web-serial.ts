import { checkMethods } from '../foundation/options.js';
import { BAUD_RATE, type SerialLine } from './port.js';

/** What is used of a `SerialPort` of WebSerial. */
export interface WebSerialPort {
  open(options: { readonly baudRate: number }): Promise<void>;
  close(): Promise<void>;
  readonly readable: { getReader(): WebSerialReader } | null;
  readonly writable: { getWriter(): WebSerialWriter } | null;
}

interface WebSerialReader {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
  cancel(): Promise<void>;
  releaseLock(): void;
}

interface WebSerialWriter {
  write(bytes: Uint8Array): Promise<void>;
  releaseLock(): void;
}

/**
 * Opens a port that somebody chose (`navigator.serial.requestPort()`).
 * @throws OptionError for what is no port; what `open` throws where it is in use.
 */
export async function openWebSerial(port: WebSerialPort): Promise<SerialLine> {
  checkMethods('openWebSerial', 'port', port, 'a SerialPort of WebSerial', ['open', 'close']);
  await port.open({ baudRate: BAUD_RATE });
  return new WebSerialLine(port);
}

class WebSerialLine implements SerialLine {
  readonly #port: WebSerialPort;
  readonly #writer: WebSerialWriter;
  readonly #data: ((bytes: Uint8Array) => void)[] = [];
  readonly #closed: ((why: string) => void)[] = [];
  #reader: WebSerialReader | undefined;
  readonly #reading: Promise<void>;

  constructor(port: WebSerialPort) {
    this.#port = port;
    this.#writer = (port.writable as NonNullable<WebSerialPort['writable']>).getWriter();
    this.#reading = this.#read();
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#writer.write(bytes);
  }

  onData(listener: (bytes: Uint8Array) => void): void {
    this.#data.push(listener);
  }

  onClose(listener: (why: string) => void): void {
    this.#closed.push(listener);
  }

  async close(): Promise<void> {
    await this.#reader?.cancel().catch(() => {});
    await this.#reading;
    this.#writer.releaseLock();
    await this.#port.close();
  }

  /** A port has a new stream after an error of the line (a framing error, a full buffer), and none when it is unplugged. */
  async #read(): Promise<void> {
    let why = 'it was closed';
    while (this.#port.readable) {
      const reader = this.#port.readable.getReader();
      this.#reader = reader;
      try {
        for (;;) {
          const { done, value } = await reader.read();
          if (done) {
            for (const listener of this.#closed) listener(why);
            return;
          }
          if (value) for (const listener of this.#data) listener(value);
        }
      } catch (error) {
        why = (error as Error).message;
      } finally {
        reader.releaseLock();
      }
    }
    for (const listener of this.#closed) listener(why);
  }
}
