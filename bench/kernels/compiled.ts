import { table } from '../../src/terminal/table.js';

/** What a driver says of a kernel that it compiled; what it does not say is undefined. */
export interface CompiledKernel {
  /** Kernel and shape. */
  readonly label: string;
  /** Dispatches of it in a decision. */
  readonly dispatches: number;
  readonly registers: number | undefined;
  readonly spilledRegisters: number | undefined;
  readonly spilledScalars: number | undefined;
  /** Bytes of workgroup memory. */
  readonly sharedBytes: number | undefined;
  readonly wavesPerSimd: number | undefined;
  readonly codeBytes: number | undefined;
  /** Loads and stores, through the vector and the scalar unit. */
  readonly vectorLoads: number | undefined;
  readonly scalarLoads: number | undefined;
}

/** Everything that was compiled for a decision. */
export interface CompiledRecord {
  readonly adapter: string;
  readonly decision: string;
  readonly kernels: readonly CompiledKernel[];
}

/** What stands before the statistics of a kernel in what `compile-kernels.js` writes. */
export const KERNEL_MARK = 'KERNEL|';
const STATISTICS_MARK = 'STAT|';

/** Waves per SIMD that hide the latency of memory. */
const ENOUGH_WAVES = 8;
/** Registers may grow by this share before it counts: compilers change from version to version. */
const TOLERANCE = 0.1;

/** Reads what the compiling process wrote on standard error. Kernels whose statistics are missing have none. */
export function parseCompiled(text: string): CompiledKernel[] {
  const found: CompiledKernel[] = [];
  let current: { readonly label: string; readonly dispatches: number } | undefined;
  for (const line of text.split('\n')) {
    if (line.startsWith(KERNEL_MARK)) {
      if (current) found.push(compiled(current, new Map()));
      current = JSON.parse(line.slice(KERNEL_MARK.length)) as typeof current;
    }
    if (!line.startsWith(STATISTICS_MARK) || !current) continue;
    found.push(compiled(current, new Map(line.split('|').map((part) => part.split('=') as [string, string]))));
    current = undefined;
  }
  if (current) found.push(compiled(current, new Map()));
  return found;
}

function compiled(
  kernel: { readonly label: string; readonly dispatches: number },
  statistics: ReadonlyMap<string, string>,
): CompiledKernel {
  const read = (name: string): number | undefined => {
    const value = Number(statistics.get(name));
    return Number.isFinite(value) ? value : undefined;
  };
  return {
    ...kernel,
    registers: read('VGPRs'),
    spilledRegisters: read('Spilled VGPRs'),
    spilledScalars: read('Spilled SGPRs'),
    sharedBytes: read('LDS size'),
    wavesPerSimd: read('Subgroups per SIMD'),
    codeBytes: read('Code size'),
    vectorLoads: read('VMEM'),
    scalarLoads: read('SMEM'),
  };
}

/** What became worse since an older record: spills, registers beyond the tolerance, too few waves. One line each. */
export function worseThan(before: CompiledRecord, after: CompiledRecord): string[] {
  const old = new Map(before.kernels.map((kernel) => [kernel.label, kernel]));
  return after.kernels.flatMap((kernel) => {
    const { label, registers = 0, wavesPerSimd = Infinity } = kernel;
    const was = old.get(label);
    const spills = spilled(kernel);
    const wasSpilled = was ? spilled(was) : 0;
    const wasRegisters = was?.registers ?? Infinity;
    const wasWaves = was?.wavesPerSimd ?? ENOUGH_WAVES;
    return [
      ...(spills > wasSpilled ? [`${label}: spills ${spills} registers, ${wasSpilled} before`] : []),
      ...(registers > wasRegisters * (1 + TOLERANCE) ? [`${label}: ${registers} registers, ${wasRegisters} before`] : []),
      ...(wavesPerSimd < Math.min(ENOUGH_WAVES, wasWaves) ? [`${label}: ${wavesPerSimd} waves per SIMD, ${wasWaves} before`] : []),
    ];
  });
}

function spilled({ spilledRegisters = 0, spilledScalars = 0 }: CompiledKernel): number {
  return spilledRegisters + spilledScalars;
}

/** The record for people. */
export function compiledTable({ adapter, decision, kernels }: CompiledRecord): string {
  const cell = (value: number | undefined): string => (value === undefined ? '–' : String(value));
  return [
    `${adapter}\n${decision}`,
    table(
      ['kernel', 'dispatches', 'registers', 'spilled', 'shared', 'waves', 'code', 'vector loads', 'scalar loads'],
      kernels.map((kernel) => [
        kernel.label,
        String(kernel.dispatches),
        cell(kernel.registers),
        cell(kernel.registers === undefined ? undefined : spilled(kernel)),
        ...[kernel.sharedBytes, kernel.wavesPerSimd, kernel.codeBytes, kernel.vectorLoads, kernel.scalarLoads].map(cell),
      ]),
    ),
  ].join('\n\n');
}
