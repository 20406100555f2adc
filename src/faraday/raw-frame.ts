/**
 * Messages of the raw WebSocket protocol: one JSON object in each text, with its kind as `action`; pure.
 *
 *   JOIN_AGENT, RUN_STATUS, LEAVE_AGENT  ours        RUN  the server's
 *
 * Faraday 3 runs an executor for one workspace and names it, and the execution, in the singular; Faraday 4 has lists.
 * What comes is brought into the form of 4 here. What goes has both, as each reads its own and passes over the other:
 * a status may be of a run that an earlier process was asked for, and nobody knows any more how.
 * Source: seen with the servers 3.19.0 and 4.6.2. A message without `action` makes both end the connection.
 */
import { isJsonObject, type JsonObject, parseJson } from "../core/json.ts";
import { type Announcement, type StatusMessage, statusFields } from "./command-channel.ts";

/** The payload of a RUN as Faraday 4 has it, unchecked; undefined for all other texts. */
export function readRun(text: string): JsonObject | undefined {
  const message = parseJson(text);
  if (!isJsonObject(message) || message["action"] !== "RUN") return undefined;
  const { execution_id: id, workspace, ...rest } = message;
  return {
    ...(id !== undefined && { execution_ids: [id] }),
    ...(workspace !== undefined && { workspaces: [workspace] }),
    ...rest,
  };
}

/** Of an executor, old servers read its name and its parameters. */
export function joinText(token: string, executors: readonly Announcement[]): string {
  const known = executors.map(({ executor_name, args }) => ({ executor_name, args }));
  return JSON.stringify({ action: "JOIN_AGENT", token, executors: known });
}

export function statusText(status: StatusMessage): string {
  return JSON.stringify({ ...statusFields(status), execution_id: status.executionIds[0] });
}

/** @param token with which we have joined */
export function leaveText(token: string, reason: string): string {
  return JSON.stringify({ action: "LEAVE_AGENT", token, reason });
}
