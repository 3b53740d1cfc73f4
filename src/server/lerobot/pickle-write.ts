import { joined } from '../../foundation/joined.js';

/** An action with the moment that it is for. */
export interface TimedAction {
  /** Seconds on the client's clock. */
  readonly timestamp: number;
  readonly timestep: number;
  /** In the units of the robot. */
  readonly action: ArrayLike<number>;
}

/**
 * Actions as a pickle of protocol 4 that LeRobot's client unpickles: a list of `TimedAction`s of `module`, the path that the client used itself,
 * each with `torch.tensor(list of floats)`, so that no storage of PyTorch has to be imitated.
 */
export function writeActions(module: string, actions: readonly TimedAction[]): Uint8Array {
  const parts: Uint8Array[] = [Uint8Array.of(0x80, 4, 0x5d, 0x28)]; // PROTO 4, EMPTY_LIST, MARK
  for (const { timestamp, timestep, action } of actions) {
    // STACK_GLOBAL, EMPTY_TUPLE, NEWOBJ, EMPTY_DICT, MARK
    parts.push(text(module), text('TimedAction'), Uint8Array.of(0x93, 0x29, 0x81, 0x7d, 0x28));
    parts.push(text('timestamp'), float(timestamp), text('timestep'), integer(timestep), text('action'));
    parts.push(text('torch'), text('tensor'), Uint8Array.of(0x93, 0x5d, 0x28)); // STACK_GLOBAL, EMPTY_LIST, MARK
    parts.push(...Array.from(action, float), Uint8Array.of(0x65, 0x85, 0x52, 0x75, 0x62)); // APPENDS, TUPLE1, REDUCE, SETITEMS, BUILD
  }
  parts.push(Uint8Array.of(0x65, 0x2e)); // APPENDS, STOP
  return joined(parts);
}

/** SHORT_BINUNICODE: at most 255 ASCII characters. */
function text(value: string): Uint8Array {
  return Uint8Array.of(0x8c, value.length, ...Array.from(value, (letter) => letter.charCodeAt(0)));
}

/** BINFLOAT. */
function float(value: number): Uint8Array {
  const bytes = new Uint8Array(9);
  bytes[0] = 0x47;
  new DataView(bytes.buffer).setFloat64(1, value);
  return bytes;
}

/** BININT1, BININT2 or BININT. */
function integer(value: number): Uint8Array {
  if (value < 0x100) return Uint8Array.of(0x4b, value);
  if (value < 0x10000) return Uint8Array.of(0x4d, value & 0xff, value >> 8);
  const bytes = new Uint8Array(5);
  bytes[0] = 0x4a;
  new DataView(bytes.buffer).setInt32(1, value, true);
  return bytes;
}
