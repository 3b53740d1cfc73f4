import { alignUp, OFFSET_ALIGNMENT } from './buffers.js';
import type { ProbePoint } from './plan-builder.js';
import { copyBytes } from './texture-rows.js';

/** Where a probe's copy lies in the probe buffer, for one step. */
interface ProbeCopy {
  readonly name: string;
  readonly step: number | undefined;
  readonly offset: number;
  readonly bytes: number;
}

/** Bytes that the copy of a probe takes in a probe buffer. */
export function probeBytes({ ranges }: ProbePoint): number {
  return alignUp(
    ranges.reduce((sum, range) => sum + range.bytes, 0),
    OFFSET_ALIGNMENT,
  );
}

/** Receives copies of inner values while a plan is encoded; read back with the result. @internal */
export class ProbeBuffer {
  readonly buffer: GPUBuffer;
  readonly #copies: ProbeCopy[] = [];
  #end = 0;

  constructor(buffer: GPUBuffer) {
    this.buffer = buffer;
  }

  copy(encoder: GPUCommandEncoder, probe: ProbePoint, step: number | undefined, source: GPUBuffer | GPUTexture, base: number): void {
    const offset = this.#end;
    let end = offset;
    for (const range of probe.ranges) {
      copyBytes(encoder, { source, offset: base + range.offset, bytes: range.bytes }, { buffer: this.buffer, offset: end });
      end += range.bytes;
    }
    this.#copies.push({ name: probe.name, step, offset, bytes: end - offset });
    this.#end = alignUp(end, OFFSET_ALIGNMENT);
  }

  /** Values by name, or by `name.step` where the probe belongs to a step. */
  read(mapped: ArrayBuffer): Map<string, Float32Array> {
    return new Map(
      this.#copies.map(({ name, step, offset, bytes }) => [
        step === undefined ? name : `${name}.${step}`,
        new Float32Array(mapped.slice(offset, offset + bytes)),
      ]),
    );
  }
}
