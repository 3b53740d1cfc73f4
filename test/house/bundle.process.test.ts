import { gzipSync } from 'node:zlib';
import { build, type Plugin } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../support/projects.js';

/** What is imported by `import()` is left to be fetched when it is asked for. */
const asked: string[] = [];
const LATER: Plugin = {
  name: 'later',
  setup: ({ onResolve }) =>
    onResolve({ filter: /./ }, ({ kind, path }) => {
      if (kind !== 'dynamic-import') return undefined;
      asked.push(path);
      return { path, external: true };
    }),
};

/** Bytes, gzipped, of a program that loads policies, and the modules in it. */
async function bundled(plugins: Plugin[]): Promise<{ readonly bytes: number; readonly modules: readonly string[] }> {
  const contents = "import { loadPolicy } from './dist/src/platform/web/index.js'; globalThis.load = loadPolicy;";
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: ROOT },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    metafile: true,
    outdir: 'out',
    logLevel: 'silent',
    plugins,
  });
  const [output] = Object.values(metafile.outputs);
  return { bytes: gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).length, modules: Object.keys(output?.inputs ?? {}) };
}

const KIB = 1024;
/**
 * In: reading checkpoints, the U-Net, the policy. Asked for: strategies beside the weights of any policy; where there are some, images, networks of
 * starts and of methods, with their strategies, the dialect of statistics, the Hub, addresses.
 */
const CORE_KIB = 63;
const WHOLE_KIB = 140;

describe('what a page downloads before it knows its policy', () => {
  it(`is at most ${CORE_KIB} KiB, without images, predictors and the Hub`, async () => {
    const { bytes, modules } = await bundled([LATER]);
    console.log(`loadPolicy in a browser: ${(bytes / KIB).toFixed(1)} KiB, gzipped`);
    expect(bytes / KIB).toBeLessThanOrEqual(CORE_KIB);
    expect(
      modules.filter((name) =>
        /image-encoder|encoder-tensors|kernels\/image|conv2d-|kernels\/transformer|networks\/predictor|remote\/hub\/client|strategies\/(?!strategy\.|create\.|network-needs\.)|interpolant|streaming|ddim|ddpm|dpm-solver|warm-start/.test(
          name,
        ),
      ),
    ).toEqual([]);
    for (const part of ['load-images', 'load-start', 'load-method', 'read-predictor', 'strategies/own', 'strategies/index', 'url-source'])
      expect(asked.some((path) => path.includes(part))).toBe(true);
  });

  it(`is at most ${WHOLE_KIB} KiB with all of that, for bundlers that make one file`, async () => {
    expect((await bundled([])).bytes / KIB).toBeLessThanOrEqual(WHOLE_KIB);
  });
});
