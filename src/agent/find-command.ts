/**
 * From what a request asks for to what is run: the executable, and what its manifest says of it and of the parameters.
 *
 * Looks at the file system anew each time, for the decision and again when a command's turn has come. The manifest
 * on the agent decides alone: what it does not declare is not passed, whoever has signed the request.
 * Source: PROTOCOL.md §5, steps 14 to 16.
 */
import { CbError } from "../core/errors.ts";
import type { CommandName } from "../core/names.ts";
import { type Manifest, readManifest } from "../exec/manifest.ts";
import { checkParameters, type ParameterValues, valuesOfTexts } from "../exec/parameters.ts";
import { type ExecutorRefusal, resolveExecutor } from "../exec/resolve.ts";
import type { RunRequest } from "../protocol/request.ts";

/** What a request names besides its times. */
export type CommandCall = Pick<RunRequest, "command" | "parameters">;

export type FoundCommand =
  | {
      readonly found: true;
      readonly path: string;
      readonly manifest: Pick<Manifest, "path" | "environment" | "timeout" | "concurrency"> | undefined;
      readonly values: ParameterValues;
    }
  | {
      readonly found: false;
      readonly reason: ExecutorRefusal | "manifest" | "parameters";
      readonly detail?: string | undefined;
    };

/** @param directories run-directories, strongest first */
export function findCommand(
  directories: readonly string[],
  { command, parameters }: CommandCall,
): FoundCommand {
  const executor = resolveExecutor(directories, command);
  if (!executor.found) return executor;
  const manifest = manifestOf(directories, command);
  if (typeof manifest === "string") return { found: false, reason: "manifest", detail: manifest };
  // A stronger directory has given the name to what only a Faraday server can have run.
  if (manifest?.official !== undefined) return { found: false, reason: "no-such-command" };
  if (manifest?.station === false)
    return { found: false, reason: "manifest", detail: "it is not for stations" };
  if (manifest === undefined && parameters.size > 0) {
    return { found: false, reason: "parameters", detail: "it has no manifest, so it takes none" };
  }
  const declared = manifest?.parameters ?? new Map();
  const check = checkParameters(declared, valuesOfTexts(parameters, declared), "refused");
  if (check.accepted) return { found: true, path: executor.path, manifest, values: check.values };
  const detail = check.problems.map((problem) => problem.replace(/\.$/, "")).join("; ");
  return { found: false, reason: "parameters", detail };
}

/** The manifest, or why it cannot be used. */
function manifestOf(directories: readonly string[], command: CommandName): Manifest | undefined | string {
  try {
    return readManifest(directories, command);
  } catch (error) {
    if (error instanceof CbError) return error.message;
    throw error;
  }
}
