/** What to do about a missing adapter, on this operating system. */
export function remedy(platform: NodeJS.Platform = process.platform): string {
  switch (platform) {
    case 'linux':
      return (
        "On Linux: install the GPU vendor's Vulkan driver and the loader (Debian and Ubuntu: apt install libvulkan1 " +
        'mesa-vulkan-drivers; NVIDIA: its driver with Vulkan support). Without a GPU, on Linux x64: npm install --save-dev ' +
        '@sparticuz/chromium, and WARMSTEP_ADAPTER=swiftshader; elsewhere: Mesa 24 or newer, and WARMSTEP_ADAPTER=lavapipe.'
      );
    case 'darwin':
      return "On macOS: WebGPU needs Metal, macOS 13 or newer on real hardware, and webgpu's install script must have run (npm rebuild webgpu).";
    case 'win32':
      return 'On Windows: update the graphics driver (Direct3D 12); Windows 10 or newer is needed.';
    default:
      return `The WebGPU package "webgpu" has no build for ${platform}: use Linux, macOS or Windows.`;
  }
}
