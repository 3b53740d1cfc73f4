import { FeetechBus } from '../../robots/feetech-bus.js';
import { BAUD_RATE } from '../../robots/port.js';
import { openSerialPort } from '../../robots/serial-port.js';
import { SoFollower, type SoFollowerOptions } from '../../robots/so-follower.js';
import { optionalPeer } from '../../sockets/optional-peer.js';

/** Of setting up, what a loaded host may take for an answer; a tick is over long before that. */
const ANSWER_MS = 200;

/** An arm on a serial port for the time of a task; the port is closed however it ends. The package `serialport` is loaded here alone. */
export async function withArm<T>(
  path: string,
  options: SoFollowerOptions,
  task: (arm: SoFollower, bus: FeetechBus) => Promise<T>,
): Promise<T> {
  const { SerialPort } = await optionalPeer('serialport', 'an arm on a serial port', () => import('serialport'));
  const line = await openSerialPort(new SerialPort({ path, baudRate: BAUD_RATE, autoOpen: false }));
  const bus = new FeetechBus(line, { timeoutMs: ANSWER_MS });
  try {
    return await task(new SoFollower(bus, options), bus);
  } finally {
    await bus.close();
  }
}
