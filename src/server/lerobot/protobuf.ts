import { MessageError } from '../errors.js';

/** Fields of a protobuf message that this service has: a varint or bytes, the last of each number. Others are passed over. */
export interface ProtoFields {
  readonly varints: ReadonlyMap<number, number>;
  readonly bytes: ReadonlyMap<number, Uint8Array>;
}

/** @throws MessageError where it is malformed. */
export function readProto(message: Uint8Array): ProtoFields {
  const varints = new Map<number, number>();
  const bytes = new Map<number, Uint8Array>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 10; shift++) {
      const byte = message[at++];
      if (byte === undefined) throw new MessageError(`protobuf: cut short at byte ${at - 1}.`);
      value += (byte & 0x7f) * 2 ** (7 * shift);
      if (byte < 0x80) return value;
    }
    throw new MessageError(`protobuf: an integer of more than ten bytes at byte ${at}.`);
  };
  const data = (length: number): Uint8Array => {
    if (length > message.length - at) throw new MessageError(`protobuf: cut short: ${length} bytes are needed at byte ${at}.`);
    return message.subarray(at, (at += length));
  };
  while (at < message.length) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        varints.set(field, varint());
        break;
      case 1:
        data(8);
        break;
      case 2:
        bytes.set(field, data(varint()));
        break;
      case 5:
        data(4);
        break;
      default:
        throw new MessageError(`protobuf: wire type ${tag % 8} at byte ${at} is none that this service has.`);
    }
  }
  return { varints, bytes };
}

/** A message of one field of bytes; nothing for no bytes, as protobuf has it. */
export function writeProtoBytes(field: number, bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0) return new Uint8Array(0);
  const head = [field * 8 + 2];
  for (let length = bytes.length; ; length = Math.floor(length / 128)) {
    if (length < 128) {
      head.push(length);
      break;
    }
    head.push((length % 128) + 128);
  }
  const message = new Uint8Array(head.length + bytes.length);
  message.set(head);
  message.set(bytes, head.length);
  return message;
}
