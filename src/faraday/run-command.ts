/**
 * The `run` event of a Faraday server: what to run, for which workspaces, with which arguments.
 *
 * Whatever stands in it is judged here and nothing is thrown: a server that sends an empty or crooked event
 * (a run of no workspaces does: 5.25.2 sends empty lists) is told so under the ids that could be read.
 * Arguments stay as they came; exec/ checks them against the manifest.
 * Source: the event as server 5.25.2 sends it.
 */
import { isJsonObject, type JsonObject } from "../core/json.ts";
import { abridged } from "../core/text.ts";

/** One run, as the server asked for it; `workspaces` and `executionIds` belong together by position. */
export type RunCommand = {
  readonly executionIds: readonly number[];
  readonly workspaces: readonly string[];
  readonly executor: string;
  readonly args: ReadonlyMap<string, unknown>;
  readonly pluginArgs: ReadonlyMap<string, unknown>;
};

/** Why a run cannot be one; the ids are those that the server may be told it under, perhaps none. */
export type RunProblem = { readonly problem: string; readonly executionIds: readonly number[] };

/** Of one run; a status has the ids of all, and an event of a megabyte would cost the connection. */
const MAX_WORKSPACES = 1000;

/** Reads the payload of a `run` event; never throws. */
export function readRunCommand(payload: unknown): RunCommand | RunProblem {
  const fields = isJsonObject(payload) ? payload : {};
  const executionIds = Array.isArray(fields["execution_ids"]) ? fields["execution_ids"].filter(isId) : [];
  const problem = isJsonObject(payload) ? problemIn(fields) : "Cannot read the run: expected an object";
  if (problem !== undefined) return { problem, executionIds: executionIds.slice(0, MAX_WORKSPACES) };
  return {
    executionIds,
    workspaces: fields["workspaces"] as readonly string[],
    executor: fields["executor"] as string,
    args: entries(fields["args"]),
    pluginArgs: entries(fields["plugin_args"]),
  };
}

function problemIn(fields: JsonObject): string | undefined {
  const { execution_ids: ids, workspaces, executor, args, plugin_args: pluginArgs } = fields;
  if (!Array.isArray(ids) || !ids.every(isId)) return "Cannot use execution_ids: expected a list of integers";
  if (!Array.isArray(workspaces) || !workspaces.every(isText)) {
    return "Cannot use workspaces: expected a list of names";
  }
  if (ids.length === 0 || workspaces.length === 0) return "Cannot start a run: it names no workspace";
  if (ids.length > MAX_WORKSPACES) {
    return `Cannot start a run: it is for ${ids.length} workspaces, at most ${MAX_WORKSPACES} are taken`;
  }
  if (ids.length !== workspaces.length) {
    return `Cannot start a run: it has ${ids.length} execution ids for ${workspaces.length} workspaces`;
  }
  const bad = workspaces.find((name) => !isWorkspace(name));
  if (bad !== undefined) return `Cannot use workspace "${abridged(bad)}": no workspace can have this name`;
  if (!isText(executor) || executor === "") return "Cannot start a run: it names no executor";
  if (args !== undefined && !isJsonObject(args)) return "Cannot use args: expected an object";
  if (pluginArgs !== undefined && !isJsonObject(pluginArgs))
    return "Cannot use plugin_args: expected an object";
  return undefined;
}

/**
 * The variables AGENT_CONFIG_* of a run: lists joined by commas, booleans `True` and `False`, null left out.
 *
 * The original leaves out a `False` too, and official executors take the absence of RESOLVE_HOSTNAME for true.
 * Items of lists that are no strings end its run; here they become text.
 */
export function pluginEnvironment(
  pluginArgs: ReadonlyMap<string, unknown>,
): Readonly<Record<string, string>> {
  const environment: Record<string, string> = {};
  for (const [key, value] of pluginArgs) {
    const name = `AGENT_CONFIG_${key.toUpperCase()}`;
    // Anything else is no name of a variable for a shell, and "=" or a NUL none for the kernel.
    if (!/^[A-Z0-9_]+$/.test(name) || value === null || value === undefined || value === "") continue;
    // The kernel ends a variable at its first NUL, and the runtimes refuse to start anything with one.
    environment[name] = (Array.isArray(value) ? value.map(text).join(",") : text(value)).replaceAll("\0", "");
  }
  return environment;
}

/** As Python's str() has it, for what JSON can hold at the top level. */
function text(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return value ? "True" : "False";
  if (value === null || value === undefined) return "None";
  return JSON.stringify(value);
}

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

/** The name becomes one component of a URL's path: what would be another path is refused; the server knows the rest. */
function isWorkspace(name: string): boolean {
  return /^[^/\\\u0000-\u001f\u007f]{1,251}$/u.test(name) && name !== "." && name !== "..";
}

function entries(value: unknown): ReadonlyMap<string, unknown> {
  return new Map(Object.entries((value ?? {}) as JsonObject));
}
