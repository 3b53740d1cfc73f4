import { FeetechArm } from './feetech-arm.js';

/** For a page under test: a simulated arm behind a fake `SerialPort`, made of two streams, in the place of the browser's WebSerial. */
const simulated = new FeetechArm();
const port = {
  readable: null as ReadableStream<Uint8Array> | null,
  writable: null as WritableStream<Uint8Array> | null,
  async open({ baudRate }: { readonly baudRate: number }): Promise<void> {
    if (baudRate !== 1_000_000) throw new Error(`no servo hears ${baudRate} baud`);
    port.readable = new ReadableStream({
      start: (controller) => {
        simulated.onData((bytes) => controller.enqueue(bytes));
        simulated.onClose((why) => {
          port.readable = null;
          controller.error(new Error(why));
        });
      },
    });
    port.writable = new WritableStream({ write: (bytes) => simulated.write(bytes) });
  },
  close: async (): Promise<void> => {},
};
Object.defineProperty(Reflect.get(globalThis, 'navigator'), 'serial', { value: { requestPort: async () => port } });
Object.assign(globalThis, { simulated });
