/**
 * What has to be written so that a dispatcher works: the one value that an old configuration, the wizard's answers and
 * `cb dispatcher new` are all turned into, and that `cli/setup-files.ts` turns into files.
 */
import type { CommandName } from "../core/names.ts";
import type { EditableValue } from "../core/toml-edit.ts";
import type { Manifest } from "../exec/manifest.ts";
import type { Parameter } from "../exec/parameters.ts";

export type DispatcherSetup = {
  /** Keys of `dispatcher.toml`, undefined for one that must not be there; what is not named stays as it is. */
  readonly settings: ReadonlyMap<string, EditableValue | undefined>;
  readonly executors: readonly ExecutorSetup[];
  /** Of an agent that the server knows already. */
  readonly registration: Registration | undefined;
};

/** What the server said of this agent when it was registered. */
export type Registration = {
  readonly token: string;
  /** As `describeServer` has it: where the token was given. */
  readonly server: string;
  /** At the server; unknown where the token came from elsewhere. */
  readonly id?: number;
};

export type ExecutorSetup = {
  readonly name: CommandName;
  /** The text of the executable; undefined where the manifest names one of Faraday's own, or the executable is there. */
  readonly program: string | undefined;
  /** Undefined for an executor that is there with its own. */
  readonly manifest: ManifestSetup | undefined;
};

/** A variable's value as it may stand in the manifest, or one that gets a file of its own. */
export type VariableSetup = { readonly value: string } | { readonly secret: string };

/** A manifest before it is a file; as `exec/manifest.ts` reads it, but for its secrets. */
export type ManifestSetup = Omit<
  Manifest,
  "path" | "environment" | "parameters" | "longestLine" | "blankLine" | "station"
> & {
  /** First lines of the file, each a sentence or two, without `#`. */
  readonly comment: readonly string[];
  /** Bytes; undefined for the default. */
  readonly longestLine: number | undefined;
  readonly blankLine: Manifest["blankLine"] | undefined;
  readonly parameters: readonly Parameter[];
  readonly environment: ReadonlyMap<string, VariableSetup>;
};

/** With nothing said; to be spread. */
export const EMPTY_MANIFEST: ManifestSetup = {
  comment: [],
  description: undefined,
  category: undefined,
  tool: undefined,
  timeout: undefined,
  concurrency: undefined,
  longestLine: undefined,
  blankLine: undefined,
  checks: [],
  official: undefined,
  parameters: [],
  environment: new Map(),
};
