/** LeRobot's name of a U-Net tensor, without prefix, as the original Diffusion Policy code has it. */
export function originalName(name: string): string {
  return name
    .replace('.conv1.', '.blocks.0.')
    .replace('.conv2.', '.blocks.1.')
    .replace(/^((?:down|up)_modules\.\d\.2)\./, '$1.conv.');
}
