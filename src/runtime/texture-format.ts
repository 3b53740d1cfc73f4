/** The format of all textures here: words in fours. */
export const TEXTURE_FORMAT = 'rgba32uint';
