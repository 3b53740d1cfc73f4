/** What is used of the global `Deno`. A structure of our own: a project that compiles against this package need not have Deno's types. */
export interface DenoRuntime {
  readonly env: { get(name: string): string | undefined; set(name: string, value: string): void };
  readonly permissions: { querySync(permission: { readonly name: string; readonly variable?: string }): { readonly state: string } };
  dlopen(path: string, symbols: Readonly<Record<string, never>>): object;
}

export function denoRuntime(): DenoRuntime {
  return (globalThis as unknown as { readonly Deno: DenoRuntime }).Deno;
}

/** A variable of the environment where reading it is allowed: a library must not ask for permissions that its user did not plan to give. */
export function allowedVariable(name: string): string | undefined {
  const { permissions, env } = denoRuntime();
  return permissions.querySync({ name: 'env', variable: name }).state === 'granted' ? env.get(name) : undefined;
}
