/**
 * How kernels are cut for a device: variants are chosen by shape and by this.
 * `gpu`: hardware. `lavapipe`: Mesa's software driver. `software`: any other software driver, SwiftShader for one.
 */
export const DEVICE_CLASSES = ['gpu', 'lavapipe', 'software'] as const;
export type DeviceClass = (typeof DEVICE_CLASSES)[number];

/** The class of an adapter, by what it says of itself. */
export function classifyAdapter(adapter: { readonly isFallback: boolean; readonly description: string }): DeviceClass {
  if (!adapter.isFallback) return 'gpu';
  return /llvmpipe/i.test(adapter.description) ? 'lavapipe' : 'software';
}
