import type { CheckpointSource } from '../../checkpoints/source.js';
import { busyMs, type DeviceClock, type Span } from './device-clock.js';

/**
 * Where the time from `loadPolicy` to the first action goes, in milliseconds. Parts that overlap are counted in each:
 * only `otherMs` is what is left of the whole.
 */
export interface ColdStart {
  /** From the call of loadPolicy to a policy that is ready, and to its first action. The device was open. */
  readonly readyMs: number;
  readonly firstActionMs: number;
  /** Until the first buffer: config and statistics read, tensors checked. */
  readonly checkpointMs: number;
  /** In reads of the sources; weights of a synthetic policy are made there. */
  readonly readMs: number;
  /** Buffers created, and waits for the news that there was memory for them. */
  readonly buffersMs: number;
  /** In writeBuffer, and waits until the driver has taken what was written. */
  readonly uploadMs: number;
  /** Kernels compiled, several at a time. */
  readonly compileMs: number;
  /** Warm-up: decisions on zeros (some drivers compile a kernel only then), and commands for the first ones that count. */
  readonly rehearseMs: number;
  /** Packing of weights, and everything else. */
  readonly otherMs: number;
  readonly pipelines: number;
}

type Interval = Pick<Span, 'begin' | 'end'>;

/** A source whose reads are noted. */
export function clockedSource(source: CheckpointSource, reads: Interval[]): CheckpointSource {
  return {
    name: source.name,
    list: () => source.list(),
    close: () => source.close(),
    open: async (name) => {
      const file = await source.open(name);
      return {
        name: file.name,
        size: file.size,
        read: async (offset, into) => {
          const begin = performance.now();
          await file.read(offset, into);
          reads.push({ begin, end: performance.now() });
        },
      };
    },
  };
}

/** Sorts what the clocks noted while a policy was loaded. */
export function splitColdStart(
  clock: DeviceClock,
  reads: readonly Interval[],
  times: { readonly started: number; readonly ready: number; readonly firstAction: number },
  pipelines: number,
): ColdStart {
  const { started, ready, firstAction } = times;
  const spans = clock.take().filter(({ begin }) => begin < ready);
  const of = (...names: Span['name'][]): Span[] => spans.filter(({ name }) => names.includes(name));
  const firstBuffer = of('createBuffer')[0]?.begin ?? ready;
  const compile = of('createShaderModule', 'createComputePipelineAsync');
  // The last thing that loading does is the rehearsal, once everything is compiled: a submit per kernel, and the wait for them.
  const compiled = Math.max(started, ...compile.map(({ end }) => end));
  const rehearsal = { begin: of('submit').find(({ begin }) => begin >= compiled)?.begin ?? ready, end: ready };
  // A scope that is asked while kernels compile answers no sooner than the device: that is not the buffers' time.
  const buffers = of('createBuffer', 'popErrorScope').filter(
    ({ begin, end }) => !compile.some((other) => other.begin < end && begin < other.end),
  );
  const upload = of('writeBuffer', 'onSubmittedWorkDone').filter(({ begin }) => begin < rehearsal.begin);
  const checkpoint = { begin: started, end: firstBuffer };
  return {
    readyMs: ready - started,
    firstActionMs: firstAction - started,
    checkpointMs: firstBuffer - started,
    readMs: busyMs(reads.filter(({ begin }) => begin >= firstBuffer)),
    buffersMs: busyMs(buffers),
    uploadMs: busyMs(upload),
    compileMs: busyMs(compile),
    rehearseMs: rehearsal.end - rehearsal.begin,
    otherMs: ready - started - busyMs([checkpoint, ...reads, ...buffers, ...upload, ...compile, rehearsal]),
    pipelines,
  };
}
