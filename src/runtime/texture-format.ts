/** The format of all textures here: words in fours. */
export const TEXTURE_FORMAT = 'rgba32uint';

/** Texels in a row of a plan's textures: what kernels count with (kernels/lib/kernel.ts), since the runtime knows none of them. */
export const TEXTURE_WIDTH = 8192;
