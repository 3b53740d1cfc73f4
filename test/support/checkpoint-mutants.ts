import { seeded } from './bounded-source.js';
import type { Files } from './folders.js';

type Random = (limit: number) => number;

/** A folder with changes, and in words which. */
export interface Mutant {
  readonly files: Files;
  readonly what: string;
}

const encoder = new TextEncoder();

function pick<T>(random: Random, list: readonly T[]): T {
  return list[random(list.length)]!;
}

/** Texts of JSON values: of every kind, near the limits of what is read, and beyond any sense. */
const VALUES = [
  ...[
    'null',
    'true',
    'false',
    '0',
    '-0',
    '1',
    '2',
    '3',
    '4',
    '7',
    '8',
    '16',
    '32',
    '64',
    '-1',
    '0.5',
    '1.5',
    '1e3',
    '1e308',
    '1e999',
    '-1e-300',
  ],
  ...['100', '255', '256', '1024', '4096', '4097', '65536', '65537', '2147483648', '4294967296', '9007199254740991', '9007199254740993'],
  ...['NaN', 'Infinity', '-Infinity', '18446744073709551615', '0.999999', '0.00005'],
  ...['""', '"x"', '"action"', '"observation.state"', '"observation.environment_state"', '"joints"', '"../x"', '"MIN_MAX"', '"mean_std"'],
  ...[
    '"MEAN_STD"',
    '"IDENTITY"',
    '"QUANTILES"',
    '"STATE"',
    '"ENV"',
    '"VISUAL"',
    '"DDPM"',
    '"DDIM"',
    '"linear"',
    '"sample"',
    '"v_prediction"',
  ],
  ...[
    '"diffusion"',
    '"step_predictor"',
    '"F16"',
    '"F32"',
    '"U32"',
    '"F8_E4M3"',
    '"BOOL"',
    '"I64"',
    '"float16"',
    '"\\u0000\\u001b[31m"',
    '"\\ud800"',
  ],
  ...['[]', '[1]', '[2]', '[3]', '[0]', '[2,2]', '[8,16]', '[8,16,32]', '[1099511627776]', '["x"]', '[null]', '[0,4]', '[4,0]', '[0,24]'],
  ...['{}', '{"a":{"b":[]}}', '{"__proto__":{"shape":[1]}}', '{"min":0}', '{"type":"STATE","shape":[2]}', '{"enabled":false}'],
  `[${Array<number>(1000).fill(2).join()}]`,
  `"${'x'.repeat(5000)}"`,
  `${'['.repeat(40)}${']'.repeat(40)}`,
  `${'{"a":'.repeat(20)}0${'}'.repeat(20)}`,
];

/** Keys that mean something to the loader somewhere, and some that mean something to JavaScript. */
const KEYS = [
  ...['__proto__', 'constructor', 'toString', '', 'type', 'shape', 'dtype', 'data_offsets', '__metadata__', 'enabled', 'eps', 'class'],
  ...['registry_name', 'state_file', 'rename_map', 'norm_map', 'features', 'normalize_observation_keys', 'action', 'observation.state'],
  ...[
    'action.min',
    'observation.state.max',
    'observation.state.mean',
    'STATE',
    'ENV',
    'gradient_checkpointing',
    'input_shapes',
    'float_dtype',
  ],
  'x'.repeat(1025),
];

/** Where a value begins and ends in a JSON text, with the key before it if it has one: found by its tokens. */
interface Place {
  readonly keyStart: number | undefined;
  readonly start: number;
  readonly end: number;
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;
const places = new Map<string, readonly Place[]>();

function placesOf(text: string): readonly Place[] {
  let found = places.get(text);
  if (!found) places.set(text, (found = findPlaces(text)));
  return found;
}

function findPlaces(text: string): Place[] {
  const found: Place[] = [];
  const open: { readonly start: number; readonly keyStart: number | undefined }[] = [];
  let keyStart: number | undefined;
  let previous: { readonly token: string; readonly index: number } | undefined;
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (token === ':') keyStart = previous?.index;
    else if (token === '{' || token === '[') {
      open.push({ start: index, keyStart });
      keyStart = undefined;
    } else if (token === '}' || token === ']') {
      const opened = open.pop();
      if (opened && open.length > 0) found.push({ ...opened, end: index + 1 });
      keyStart = undefined;
    } else if (token !== ',') {
      const isKey = text.slice(index + token.length).trimStart()[0] === ':' && token.startsWith('"');
      if (!isKey) {
        found.push({ keyStart, start: index, end: index + token.length });
        keyStart = undefined;
      }
    }
    previous = { token, index };
  }
  return found;
}

/** One change of a JSON text: mostly of its structure, now and then of its characters. */
function changeJson(text: string, random: Random): { readonly text: string; readonly what: string } {
  const change = (start: number, end: number, by: string, what: string): { text: string; what: string } => ({
    text: text.slice(0, start) + by + text.slice(end),
    what: `${what} "${text.slice(start, Math.min(end, start + 40))}" at ${start} → "${by.slice(0, 40)}"`,
  });
  const place = pick(random, placesOf(text));
  const { start, end, keyStart } = place;
  const value = text.slice(start, end);
  switch (random(12)) {
    case 0:
    case 1:
    case 2:
      return change(start, end, pick(random, VALUES), 'value');
    case 3: {
      const number = Number(value);
      const near = [number + 1, number - 1, number * 2, number / 2, -number, number + 4, number * 1e9];
      return change(start, end, String(Number.isNaN(number) ? pick(random, VALUES) : pick(random, near)), 'number');
    }
    case 4: {
      const other = pick(random, placesOf(text));
      return change(start, end, text.slice(other.start, other.end), 'the value of another key for');
    }
    case 5: {
      // With the comma behind it, or the one before it.
      const from = keyStart ?? start;
      const behind = /^\s*,/.exec(text.slice(end))?.[0].length;
      const before = behind === undefined ? (/,\s*$/.exec(text.slice(0, from))?.[0].length ?? 0) : 0;
      return change(from - before, end + (behind ?? 0), '', 'without');
    }
    case 6:
      return change(
        keyStart ?? start,
        keyStart ?? start,
        keyStart === undefined ? `${pick(random, VALUES)},` : `"${pick(random, KEYS)}": ${pick(random, VALUES)},`,
        'new before',
      );
    case 7:
      return keyStart === undefined
        ? change(start, end, `${value},${value}`, 'twice')
        : change(keyStart, text.indexOf('"', keyStart + 1) + 1, `"${pick(random, KEYS)}"`, 'key');
    case 8: {
      const at = random(text.length);
      return change(
        at,
        at + random(3),
        pick(random, ['', '"', '\\', ',', ':', '{', '}', '[', ']', '0', '-', 'e', ' ', '\u0000', '\ufeff', 'é']),
        'characters',
      );
    }
    case 9:
      return change(0, 0, pick(random, ['\ufeff', ' ', '[', '\n'.repeat(100)]), 'first');
    case 10:
      return random(4) === 0 ? change(random(text.length), text.length, '', 'cut off') : change(start, end, pick(random, VALUES), 'value');
    default:
      return value.startsWith('"')
        ? change(
            start + 1,
            end - 1,
            pick(random, [
              value.slice(1, -2),
              `${value.slice(1, -1)}2`,
              value.slice(1, -1).toUpperCase(),
              value.slice(1, -1).toLowerCase(),
            ]),
            'text',
          )
        : change(start, end, pick(random, VALUES), 'value');
  }
}

/** One change of a safetensors file: of its header as text, of its length, of its data, of its end. */
function changeTensors(bytes: Uint8Array, random: Random): { readonly bytes: Uint8Array; readonly what: string } {
  const length = bytes.byteLength < 8 ? 0 : Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const end = Math.min(8 + length, bytes.byteLength);
  const withHeader = (header: Uint8Array): Uint8Array => {
    const changed = new Uint8Array(8 + header.length + bytes.length - end);
    new DataView(changed.buffer).setBigUint64(0, BigInt(header.length), true);
    changed.set(header, 8);
    changed.set(bytes.subarray(end), 8 + header.length);
    return changed;
  };
  switch (random(10)) {
    case 0: {
      const changed = bytes.slice();
      const bit = random(Math.min(end, bytes.length) * 8);
      if (changed.length > 0) changed[bit >> 3]! ^= 1 << (bit & 7);
      return { bytes: changed, what: `bit ${bit} of the header` };
    }
    case 1: {
      const changed = bytes.slice();
      const given = pick(random, [length - 1, length + 1, length + 8, 0, 1, 2, 2 ** 32, 2 ** 53, bytes.length, bytes.length - 8]);
      if (changed.length >= 8) new DataView(changed.buffer).setBigUint64(0, BigInt.asUintN(64, BigInt(given)), true);
      return { bytes: changed, what: `header length ${given}` };
    }
    case 2: {
      const cut = random(bytes.length + 1);
      return { bytes: bytes.slice(0, cut), what: `cut off at ${cut}` };
    }
    case 3: {
      const longer = new Uint8Array(bytes.length + 1 + random(16));
      longer.set(bytes);
      return { bytes: longer, what: `${longer.length - bytes.length} bytes more` };
    }
    case 4: {
      const changed = bytes.slice();
      const at = end + random(Math.max(1, bytes.length - end));
      if (at < changed.length) changed.set([0xff, 0xff, 0xff, 0x7f].slice(0, changed.length - at), at);
      return { bytes: changed, what: `NaN at ${at}` };
    }
    default: {
      const text = new TextDecoder().decode(bytes.subarray(8, end));
      if (placesOf(text).length === 0) return { bytes, what: 'nothing' };
      const changed = changeJson(text, random);
      return { bytes: withHeader(encoder.encode(changed.text)), what: `header: ${changed.what}` };
    }
  }
}

/** One change of a folder. Changes are made in place, of files that are new arrays or texts. */
function changeFolder(files: Files, random: Random): string {
  const names = Object.keys(files);
  // JSON files are where mistakes are made: they get most of the changes.
  const texts = names.filter((name) => name.endsWith('.json'));
  const name = texts.length > 0 && random(3) > 0 ? pick(random, texts) : pick(random, names);
  const content = files[name]!;
  switch (names.length > 1 ? random(60) : 5) {
    case 0:
      delete files[name];
      return `${name} is not there`;
    case 1: {
      const other = pick(random, names);
      [files[name], files[other]] = [files[other]!, content];
      return `${name} and ${other} change places`;
    }
    case 2: {
      const other = pick(random, [
        'robot_preprocessor.json',
        'x_postprocessor.json',
        'README.md',
        'model.safetensors.index.json',
        'last.ckpt',
      ]);
      files[other] = content;
      delete files[name];
      return `${name} is called ${other}`;
    }
    case 3:
      files[name] = '';
      return `${name} is empty`;
    default:
  }
  if (name.endsWith('.json')) {
    const text = typeof content === 'string' ? content : new TextDecoder().decode(content);
    if (placesOf(text).length === 0) return `${name} is left alone`;
    const changed = changeJson(text, random);
    files[name] = changed.text;
    return `${name}: ${changed.what}`;
  }
  const bytes = typeof content === 'string' ? encoder.encode(content) : content;
  const changed = changeTensors(bytes, random);
  files[name] = changed.bytes;
  return `${name}: ${changed.what}`;
}

/**
 * Mutant number `index` of a valid folder, the same for the same index. Every other one has one change; the rest have up to
 * six.
 */
export function mutantOf(valid: Files, index: number): Mutant {
  const random = seeded(index);
  const files = { ...valid };
  const changes = Array.from({ length: index % 2 === 0 ? 1 : 2 + random(5) }, () => changeFolder(files, random));
  if (places.size > 1000) places.clear();
  return { files, what: changes.join('; ') };
}
