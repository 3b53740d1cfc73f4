/**
 * Six simulated STS3215 behind a pseudo-terminal, in a process of its own: `fork(…, [LINK])`. Written apart from the engine, from Feetech's table.
 * Messages to it: `{ faults: [...] }` for the answers to come, `{ error: [id, bits] }`, `{ silent: bool }`, `{ unplug: true }`, `{ ask: true }`.
 * From it: `{ ready: true }`, and the answer to `ask`, `{ torque, positions, goals, writes }`.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';

const link = process.argv[2];
const socat = spawn('socat', [`PTY,raw,echo=0,link=${link}`, '-'], { stdio: ['pipe', 'pipe', 'inherit'] });
const tables = new Map();
for (let id = 1; id <= 6; id++) {
  const table = Buffer.alloc(128);
  table.writeUInt16LE(777, 3);
  table.writeUInt16LE(id === 2 ? 100 | 0x800 : 10 * id, 31);
  table.writeUInt16LE(1000, 9);
  table.writeUInt16LE(3000 + id, 11);
  table.writeUInt16LE(2000 + id, 56);
  table.writeUInt16LE(2000 + id, 42);
  table[62] = 74;
  table[63] = 30 + id;
  tables.set(id, table);
}
const faults = [];
const errors = new Map();
let isSilent = false;
let writes = 0;

/** With torque, a servo goes to its goal, some steps between two questions. */
function move() {
  for (const table of tables.values()) {
    if (table[40] !== 1) continue;
    const [at, goal] = [table.readUInt16LE(56), table.readUInt16LE(42)];
    table.writeUInt16LE(at + Math.max(-80, Math.min(80, goal - at)), 56);
  }
}

function answer(id, parameters) {
  const body = [id, parameters.length + 2, errors.get(id) ?? 0, ...parameters];
  const packet = Buffer.from([0xff, 0xff, ...body, ~body.reduce((a, b) => a + b, 0) & 0xff]);
  const fault = isSilent ? 'drop' : faults.shift();
  if (fault === 'drop') return;
  if (fault === 'corrupt') packet[packet.length - 2] ^= 0x21;
  if (fault === 'late') setTimeout(() => socat.stdin.write(packet), 160);
  else if (fault === 'pieces') for (const byte of packet) socat.stdin.write(Buffer.of(byte));
  else socat.stdin.write(packet);
}

function take([id, , code, address, ...rest]) {
  move();
  if (code === 0x83) {
    const [size, ...pairs] = rest;
    for (let at = 0; at < pairs.length; at += size + 1) tables.get(pairs[at])?.set(pairs.slice(at + 1, at + 1 + size), address);
    writes++;
  } else if (code === 0x82) {
    const [size, ...ids] = rest;
    for (const one of ids) if (tables.has(one)) answer(one, tables.get(one).subarray(address, address + size));
  } else if (tables.has(id)) {
    if (code === 3) {
      tables.get(id).set(rest, address);
      writes++;
    }
    answer(id, code === 2 ? tables.get(id).subarray(address, address + rest[0]) : []);
  }
}

let bytes = Buffer.alloc(0);
socat.stdout.on('data', (part) => {
  bytes = Buffer.concat([bytes, part]);
  while (bytes.length >= 4 && bytes.length >= 4 + bytes[3]) {
    take([...bytes.subarray(2, 3 + bytes[3])]);
    bytes = bytes.subarray(4 + bytes[3]);
  }
});
socat.stdin.on('error', () => {});
process.on('disconnect', () => {
  socat.kill('SIGKILL');
  process.exit();
});
process.on('message', (message) => {
  if (message.faults) faults.push(...message.faults);
  if (message.error) errors.set(...message.error);
  if (message.silent !== undefined) isSilent = message.silent;
  if (message.unplug) socat.kill('SIGKILL');
  if (message.ask) {
    const all = [...tables.values()];
    process.send({
      torque: all.map((table) => table[40]),
      positions: all.map((table) => table.readUInt16LE(56)),
      goals: all.map((table) => table.readUInt16LE(42)),
      writes,
    });
  }
});
const waiting = setInterval(() => {
  if (!existsSync(link)) return;
  clearInterval(waiting);
  process.send({ ready: true });
}, 5);
