/**
 * How pictures of another size than a policy reads become ones of that size. `stretch`: both sides for themselves. `pad`: as large as
 * fits, in the middle of black. `crop`: as small as covers, of which the middle is kept.
 */
export const FITS = ['stretch', 'pad', 'crop'] as const;
export type Fit = (typeof FITS)[number];
