import type { Kernel } from '../../kernels/lib/kernel.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import type { DeviceClass } from '../../src/runtime/device-class.js';
import { useOwnTestDevice } from './device.js';

/** A way to break kernels on purpose. */
export interface Mutation {
  /** Labels of the kernels that are broken. */
  readonly kernel: RegExp;
  readonly mutate: (code: string) => string;
}

/** A device whose kernels can be broken for a while. */
export interface MutantDevice {
  device(): ComputeDevice;
  /** Runs `work` with broken kernels. `mutants`: how many texts the mutation changed. */
  mutated<T>(mutation: Mutation, work: () => Promise<T>): Promise<{ readonly result: T; readonly mutants: number }>;
}

/**
 * One device for all mutations of a file or `describe`: its cache of pipelines is keyed by the text, so only what a
 * mutation touches is compiled again.
 */
export function useMutantDevice(deviceClass: DeviceClass): MutantDevice {
  let current: Mutation | undefined;
  let mutants = new Set<string>();
  const transformShader = ({ label, code }: Kernel): string => {
    const text = current?.kernel.test(label) ? current.mutate(code) : code;
    if (text !== code) mutants.add(text);
    return text;
  };
  const device = useOwnTestDevice({ deviceClass, transformShader });
  return {
    device,
    mutated: async (mutation, work) => {
      current = mutation;
      mutants = new Set();
      try {
        return { result: await work(), mutants: mutants.size };
      } finally {
        current = undefined;
      }
    },
  };
}

export function replace(found: string | RegExp, by: string): (code: string) => string {
  return (code) => code.replace(found, by);
}

/** Exchanges two fragments wherever they occur. */
export function swap(a: string, b: string): (code: string) => string {
  return (code) =>
    code
      .split(a)
      .map((part) => part.replaceAll(b, a))
      .join(b);
}

/** Removes one of the barriers, counted from 0 in the order of the text. */
export function dropBarrier(number: number): (code: string) => string {
  return (code) => {
    let index = 0;
    return code.replace(/workgroupBarrier\(\);/g, (barrier) => (index++ === number ? '' : barrier));
  };
}
