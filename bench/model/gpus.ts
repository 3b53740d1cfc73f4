/** What vendors publish of a GPU, and what is assumed of it. */
export interface Gpu {
  readonly title: string;
  /** Of its memory, GB/s. */
  readonly gigabytesPerSecond: number;
  /** f32, a multiply-add being two operations. */
  readonly teraflops: number;
  /** Streaming multiprocessors, compute units, cores. */
  readonly units: number;
  /** What a unit holds at a time. */
  readonly invocations: number;
  readonly sharedBytes: number;
  /** Of 32 bits. */
  readonly registers: number;
  readonly clockGigahertz: number;
  /** Where an assumption of its own is better than the common one. */
  readonly assumed?: Partial<Assumptions>;
}

/** What nobody publishes, and a GPU at hand has to settle. */
export interface Assumptions {
  /** From the end of a dispatch until the next one, which waits for it, begins: drain, barrier, launch. Microseconds. */
  readonly launchUs: number;
  /** A load from memory, and one from the cache that all units share. Nanoseconds. */
  readonly memoryNs: number;
  readonly cacheNs: number;
  /** A barrier of a workgroup. Nanoseconds. */
  readonly barrierNs: number;
  /** Share of the published bandwidth that streaming reaches, and of the published arithmetic that a convolution's inner loop does. */
  readonly streamed: number;
  readonly computed: number;
  /** Bytes that one unit loads per clock from the cache that all units share. */
  readonly unitBytes: number;
}

const ASSUMPTIONS: Assumptions = {
  launchUs: 2.5,
  memoryNs: 600,
  cacheNs: 250,
  barrierNs: 25,
  streamed: 0.85,
  computed: 0.4,
  unitBytes: 32,
};

const KIB = 1024;

/** By the name that `--predict` takes. */
export const GPUS = {
  h200: {
    title: 'NVIDIA H200',
    gigabytesPerSecond: 4800,
    teraflops: 67,
    units: 132,
    invocations: 2048,
    sharedBytes: 228 * KIB,
    registers: 65_536,
    clockGigahertz: 1.98,
  },
  rtx4090: {
    title: 'NVIDIA GeForce RTX 4090',
    gigabytesPerSecond: 1008,
    teraflops: 82.6,
    units: 128,
    invocations: 1536,
    sharedBytes: 100 * KIB,
    registers: 65_536,
    clockGigahertz: 2.52,
  },
  rtx2050: {
    title: 'NVIDIA GeForce RTX 2050 Laptop',
    gigabytesPerSecond: 112,
    teraflops: 6,
    units: 16,
    invocations: 1536,
    sharedBytes: 100 * KIB,
    registers: 65_536,
    clockGigahertz: 1.48,
  },
  rx7900xtx: {
    title: 'AMD Radeon RX 7900 XTX',
    gigabytesPerSecond: 960,
    teraflops: 61.4,
    units: 96,
    invocations: 1024,
    sharedBytes: 64 * KIB,
    registers: 98_304,
    clockGigahertz: 2.5,
    // The published figure counts two instructions at once, which compilers seldom pair.
    assumed: { launchUs: 3, computed: 0.25 },
  },
  m2: {
    title: 'Apple M2, 10 cores',
    gigabytesPerSecond: 100,
    teraflops: 3.6,
    units: 10,
    invocations: 1024,
    sharedBytes: 60 * KIB,
    registers: 53_248,
    clockGigahertz: 1.4,
    assumed: { launchUs: 4 },
  },
  m4max: {
    title: 'Apple M4 Max, 40 cores',
    gigabytesPerSecond: 546,
    teraflops: 18.4,
    units: 40,
    invocations: 1024,
    sharedBytes: 60 * KIB,
    registers: 53_248,
    clockGigahertz: 1.8,
    assumed: { launchUs: 4 },
  },
} as const satisfies Readonly<Record<string, Gpu>>;

export type GpuName = keyof typeof GPUS;
export const GPU_NAMES = Object.keys(GPUS) as GpuName[];

/** The assumptions that hold for a GPU. */
export function assumptionsOf({ assumed }: Gpu): Assumptions {
  return { ...ASSUMPTIONS, ...assumed };
}
