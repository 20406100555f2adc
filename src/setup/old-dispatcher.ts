/** A configuration of Faraday's agent dispatcher as the set-up of ours. Nothing is read or written here. */
import type { EditableValue } from "../core/toml-edit.ts";
import { isAgentToken } from "../faraday/api.ts";
import type { DispatcherSetup, Registration } from "./dispatcher-setup.ts";
import type { ImportSurroundings } from "./import-surroundings.ts";
import type { OldConfiguration } from "./old-configuration.ts";
import { executorsOf } from "./old-executors.ts";
import { serverSetup } from "./old-server.ts";
import { entryOf, isNothing, type OldEntry } from "./old-value.ts";

const MAX_NAME = 250;
const AGENT_KEYS = ["agent_name", "description", "agent_description", "executors"];

/**
 * Adds to the configuration's notes what becomes of each of its keys.
 *
 * @throws {CbError} `setting`, with the line, where there is no way to the server in it
 */
export function setupOf(old: OldConfiguration, look: ImportSurroundings): DispatcherSetup {
  const { server, settings } = serverSetup(old, look);
  const agent = agentSettings(old);
  const registration = registrationOf(old, server);
  const executors = executorsOf(old, look);
  const isPythonNeeded = executors.some(({ manifest }) => manifest?.official !== undefined);
  return {
    settings: new Map([
      ...settings,
      ...agent,
      ["executors", executors.map(({ name }) => name)],
      ...(isPythonNeeded && look.python !== undefined ? [["python", look.python] as const] : []),
    ]),
    executors,
    registration,
  };
}

function agentSettings({ agent, notes }: OldConfiguration): readonly (readonly [string, EditableValue])[] {
  const settings: [string, EditableValue][] = [];
  const take = (entry: OldEntry | undefined, key: string, problem: (text: string) => string | undefined) => {
    if (entry === undefined || isNothing(entry.value)) return;
    const text = entry.value.kind === "text" ? entry.value.text : undefined;
    const why = text === undefined ? "expected a text" : problem(text);
    const about = `agent.${entry.key}`;
    if (why !== undefined || text === undefined) return notes.add("left", entry.line, about, why ?? "");
    settings.push([key, text]);
    notes.add("taken", entry.line, about, `${key} = ${JSON.stringify(text)}`);
  };
  const isName = (text: string) =>
    text.trim() !== "" && text.length <= MAX_NAME ? undefined : `expected 1 to ${MAX_NAME} characters`;
  take(entryOf(agent, "agent_name"), "name", isName);
  const page = entryOf(agent, "agent_description");
  const own = entryOf(agent, "description");
  const description = own === undefined || isNothing(own.value) ? page : own;
  take(description, "description", (text) => (text === "" ? "it is empty" : undefined));
  for (const entry of agent.entries) {
    const isSecond = entry === page && description === own;
    if (isSecond) notes.add("left", entry.line, `agent.${entry.key}`, "description is there too");
    else if (!AGENT_KEYS.includes(entry.key))
      notes.add("left", entry.line, `agent.${entry.key}`, "the agent reads nothing there");
  }
  return settings;
}

/** The agent as the server knows it, so that it need not be registered again. */
function registrationOf({ tokens, notes }: OldConfiguration, server: string): Registration | undefined {
  let registration: Registration | undefined;
  for (const { key, line, value } of tokens?.entries ?? []) {
    const about = `tokens.${key}`;
    if (isNothing(value)) continue;
    if (key !== "agent") {
      const isOld = key === "registration";
      notes.add("left", line, about, isOld ? "a code is good once" : "the agent reads nothing there");
    } else if (value.kind === "text" && isAgentToken(value.text)) {
      registration = { token: value.text, server };
      notes.add("taken", line, about, "the agent's token, in its state directory: no registration is needed");
    } else {
      const how = "register with cb dispatcher register --token CODE";
      notes.add("lost", line, about, `expected 64 letters and digits; ${how}`);
    }
  }
  return registration;
}
