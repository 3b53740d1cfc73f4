/** What is read of package.json. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

/** `jsr.json`. */
export interface JsrManifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  /** Sources by entry. */
  readonly exports: Readonly<Record<string, string>>;
  readonly imports: Readonly<Record<string, string>>;
}

/** JSR has names within scopes alone. */
const SCOPE = '@warmstep';

/** Entries of the package and their sources, but for those that are for Node alone. */
export function jsrExports({ exports }: Manifest): JsrManifest['exports'] {
  const sources = Object.entries(exports).flatMap(([entry, target]) => {
    const built = typeof target === 'string' ? undefined : (target['deno'] ?? target['default']);
    return built === undefined ? [] : [[entry, built.replace('./dist/', './').replace(/\.js$/, '.ts')] as const];
  });
  return Object.fromEntries(sources);
}

/** `packages`: those that the sources import, in the versions that package.json names. */
export function jsrManifest(manifest: Manifest, packages: ReadonlySet<string>): JsrManifest {
  const { name, version, license, dependencies, peerDependencies } = manifest;
  const used = Object.entries({ ...dependencies, ...peerDependencies }).filter(([one]) => packages.has(one));
  return {
    name: `${SCOPE}/${name}`,
    version,
    license,
    exports: jsrExports(manifest),
    imports: Object.fromEntries(
      used.flatMap(([one, range]) => [
        [one, `npm:${one}@${range}`],
        [`${one}/`, `npm:/${one}@${range}/`],
      ]),
    ),
  };
}
