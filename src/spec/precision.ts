/** Storage of a network's weights on the device; all arithmetic is f32. */
export const PRECISIONS = ['f32', 'f16', 'int8'] as const;
export type Precision = (typeof PRECISIONS)[number];
