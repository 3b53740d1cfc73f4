/** A name that no adapter has: asking for it makes Dawn list what there is. */
const NOBODY = 'no adapter has this name';

/** Adapters of this system as Dawn names them; nothing else of Dawn's interface lists them. */
export async function listAdapters(): Promise<string[]> {
  const { create } = await import('webgpu');
  try {
    const gpu = create([`adapter=${NOBODY}`]);
    const adapter = await gpu.requestAdapter();
    return adapter ? [adapter.info.description] : [];
  } catch (error) {
    return [...String(error).matchAll(/^ \* backend: '([^']*)', name: '([^']*)'/gm)].map(([, backend, name]) => `${name} (${backend})`);
  }
}
