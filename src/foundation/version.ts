/** Of the package: a test holds it to package.json, which not every runtime can read. */
export const VERSION = '0.2.0-dev';
