/** The go.mod of a throwaway module that builds one program out of somebody else's module. */

/** What `go mod edit -json` prints, as far as it is read here. */
export interface GoMod {
  Module: { Path: string };
  Go?: string;
  Godebug?: { Key: string; Value: string }[] | null;
  Require?: { Path: string; Version: string }[] | null;
  Exclude?: { Path: string; Version: string }[] | null;
  Replace?: { Old: { Path: string; Version?: string }; New: { Path: string; Version?: string } }[] | null;
}

export interface Choices {
  /** The version of the module itself. */
  version: string;
  /** The version of what lies in its own repository and bears none: Kubernetes' `staging/`. */
  staging?: string;
  /** Other versions (module → version) than the module's go.mod has, in its `require` and `replace` lines. */
  instead?: Record<string, string>;
}

/**
 * A go.mod that requires a module, and all that this one requires, by the same versions. Only a main module's
 * `replace` lines count, so they are said again here: where they lead into the module's own repository, the
 * published module of that name takes their place.
 */
export function wrap(upstream: GoMod, choices: Choices): string {
  const { version, staging, instead = {} } = choices;
  const replaces = upstream.Replace ?? [];
  const required = new Map((upstream.Require ?? []).map(({ Path, Version }) => [Path, Version]));
  for (const [path, wanted] of Object.entries(instead)) required.set(path, wanted);
  required.set(upstream.Module.Path, version);

  const lines = ['module programs', `go ${upstream.Go ?? '1.17'}`];
  for (const { Key, Value } of upstream.Godebug ?? []) lines.push(`godebug ${Key}=${Value}`);
  for (const [path, wanted] of required) lines.push(`require ${path} ${wanted}`);
  for (const { Path, Version } of upstream.Exclude ?? []) lines.push(`exclude ${Path} ${Version}`);
  for (const { Old, New } of replaces) {
    const from = [Old.Path, Old.Version].filter(Boolean).join(' ');
    if (New.Version !== undefined) {
      lines.push(`replace ${from} => ${New.Path} ${instead[Old.Path] ?? New.Version}`);
    } else if (staging !== undefined) {
      lines.push(`replace ${from} => ${Old.Path} ${staging}`);
    }
  }
  return `${lines.join('\n')}\n`;
}
