/** What names of LeRobot's processor files end with. */
export const PRE = 'preprocessor.json';
export const POST = 'postprocessor.json';

/** Whether a folder is of dialect C. */
export function hasProcessors(files: readonly string[]): boolean {
  return files.some((file) => file.endsWith(PRE) || file.endsWith(POST));
}
