/** How kernels are cut for a device: variants are chosen by shape and by this. */
export type DeviceClass = 'gpu' | 'software';
