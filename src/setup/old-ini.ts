/**
 * The INI of the original's first versions, in the layout of its YAML, as the original turns one into the other when it
 * finds it: `[x]`, `[x_varenvs]` and `[x_params]` for each executor that `[agent]` names, or `[executor]` alone in 0.1.
 */
import { IniFile } from "./ini-file.ts";
import type { Notes } from "./notes.ts";
import type { OldEntry, OldTable, OldText } from "./old-value.ts";

/**
 * @param path for messages
 * @param notes get what version 0.1 did not read
 * @throws {CbError} `setting`, with the line
 */
export function readIni(text: string, path: string, notes: Notes): OldTable {
  const ini = new IniFile(text, path);
  const server = ini.section("server");
  const tokens = ini.section("tokens");
  const { agent, used } = agentIn(ini, notes);
  const known = new Set(["server", "tokens", ...used]);
  const others = ini.names.filter((name) => !known.has(name));
  return tableOf(1, [
    ...(server === undefined ? [] : [entry("server", server.line, serverIn(server))]),
    ...(agent === undefined ? [] : [entry("agent", agent.line, agent)]),
    ...(tokens === undefined ? [] : [entry("tokens", tokens.line, tokens)]),
    ...others.map((name) => entry(name, ini.lineOf(name), tableOf(ini.lineOf(name), []))),
  ]);
}

/** Files of the time when there was one workspace had no ssl, and the original adds it. */
function serverIn(server: OldTable): OldTable {
  const workspace = server.entries.find(({ key }) => key === "workspace");
  if (workspace === undefined || server.entries.some(({ key }) => key === "ssl")) return server;
  return tableOf(server.line, [
    ...server.entries,
    entry("ssl", workspace.line, word("True", workspace.line)),
  ]);
}

/** The name of the one executor that version 0.1 knew, which had none there. */
const UNNAMED = "unnamed_executor";

type Agent = { readonly agent: OldTable | undefined; readonly used: readonly string[] };

function agentIn(ini: IniFile, notes: Notes): Agent {
  const agent = ini.section("agent");
  if (agent !== undefined) return namedExecutors(ini, agent);
  const first = ini.section("executor");
  return first === undefined
    ? { agent, used: [] }
    : { agent: unnamedExecutor(first, notes), used: ["executor"] };
}

/** Of version 0.1. */
function unnamedExecutor(section: OldTable, notes: Notes): OldTable {
  const { line, entries } = section;
  const fields = (key: string) => entries.filter((one) => one.key === key);
  for (const { key, line: at } of entries)
    if (!["cmd", "agent_name"].includes(key)) notes.add("left", at, key, "the agent reads nothing there");
  const executors = tableOf(line, [entry(UNNAMED, line, tableOf(line, fields("cmd")))]);
  return tableOf(line, [...fields("agent_name"), entry("executors", line, executors)]);
}

function namedExecutors(ini: IniFile, agent: OldTable): Agent {
  const list = agent.entries.find(({ key }) => key === "executors");
  const line = list?.line ?? agent.line;
  const text = list?.value.kind === "text" ? list.value.text : "";
  const names = [...new Set(text.split(",").map((name) => name.trim()))].filter((name) => name !== "");
  const executors = names.map((name) => executorIn(ini, name, line));
  const rest = agent.entries.filter((one) => one !== list);
  return {
    agent: tableOf(agent.line, [...rest, entry("executors", line, tableOf(line, executors))]),
    used: ["agent", ...names.flatMap((name) => [name, `${name}_varenvs`, `${name}_params`])],
  };
}

function executorIn(ini: IniFile, name: string, line: number): OldEntry {
  const section = ini.section(name);
  const varenvs = ini.section(`${name}_varenvs`);
  const params = ini.section(`${name}_params`);
  const at = section?.line ?? line;
  return entry(
    name,
    at,
    tableOf(at, [
      ...(section?.entries ?? []),
      ...(varenvs === undefined ? [] : [entry("varenvs", varenvs.line, varenvs)]),
      ...(params === undefined ? [] : [entry("params", params.line, paramsIn(params))]),
    ]),
  );
}

/** A flag says whether a parameter is mandatory, and all of them are texts. */
function paramsIn(params: OldTable): OldTable {
  return tableOf(
    params.line,
    params.entries.map(({ key, line, value }) => {
      const isMandatory = value.kind === "text" && /^t(?:rue)?$/i.test(value.text);
      const mandatory = { ...word(String(isMandatory), line), isPlain: true };
      return entry(
        key,
        line,
        tableOf(line, [entry("mandatory", line, mandatory), entry("type", line, word("string", line))]),
      );
    }),
  );
}

function tableOf(line: number, entries: readonly OldEntry[]): OldTable {
  return { kind: "table", line, entries };
}

function entry(key: string, line: number, value: OldEntry["value"]): OldEntry {
  return { key, line, value };
}

function word(text: string, line: number): OldText {
  return { kind: "text", line, text, isPlain: false };
}
