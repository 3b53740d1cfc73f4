/** A serial line, 1,000,000 baud, 8N1, however it is opened: WebSerial, the package `serialport`, a simulated bus. */
export interface SerialLine {
  /** Resolves when the bytes are handed over. */
  write(bytes: Uint8Array): Promise<void>;
  /** Called with what arrives, in whatever pieces. */
  onData(listener: (bytes: Uint8Array) => void): void;
  /** Called once when the line is gone: unplugged, or closed. */
  onClose(listener: (why: string) => void): void;
  close(): Promise<void>;
}

export const BAUD_RATE = 1_000_000;
