/** What a command that has set a dispatcher up says of it: which files it wrote, and what to do next. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { configDirectories } from "../core/directories.ts";
import type { Environment } from "../core/settings.ts";
import { shellWord } from "../core/shell-word.ts";
import { printable } from "../core/text.ts";
import type { DispatcherSetup } from "../setup/dispatcher-setup.ts";
import { table } from "../station/table.ts";
import type { PlannedFile, SetupPlace } from "./setup-files.ts";
import { SERVICE_USER } from "./state-owner.ts";

/** A line for each file, with its mode, and its owner where there is a service that has some of them. */
export function filesText(files: readonly PlannedFile[], isPlan: boolean): string {
  if (files.length === 0) return "Nothing to write: all of it is there\n";
  const hasService = files.some(({ owner }) => owner !== undefined);
  const rows = files.map(({ path, mode, owner }) => {
    const group = owner === undefined ? "root" : SERVICE_USER;
    const user = owner === undefined || owner.uid === 0 ? "root" : SERVICE_USER;
    const who = hasService ? [`${user}:${group}`] : [];
    return [isPlan ? "would write" : "wrote", mode.toString(8).padStart(4, "0"), ...who, printable(path)];
  });
  return table(rows);
}

/** Command lines, and why. */
export function nextSteps(
  { config, service }: SetupPlace,
  { registration, executors }: Pick<DispatcherSetup, "registration" | "executors">,
  environment: Environment,
): string {
  const candidates = configDirectories(environment).map((directory) => join(directory, "dispatcher.toml"));
  const isFound = candidates.find((path) => path === config || existsSync(path)) === config;
  const option = isFound ? "" : ` --config ${shellWord(config)}`;
  const isService = config === "/etc/cb/dispatcher.toml" && process.getuid?.() === 0;
  // What it keeps must be its own.
  const user = service === undefined ? "" : `runuser -u ${SERVICE_USER} -- `;
  const code = `CODE is on the server's Agents page${isService ? "; Ctrl-C when it has joined" : ""}`;
  const register = [`${user}cb dispatcher run${option} --token CODE`, code];
  const start = isService ? "systemctl enable --now cb-dispatcher" : `cb dispatcher run${option}`;
  const isRegistered = registration !== undefined;
  const rows = [
    ...(executors.length === 0 ? [[`edit ${shellWord(config)}`, "it names no executors"]] : []),
    [`cb dispatcher check${option}`, "would it work?"],
    ["stop the old agent", "two with one token get in each other's way"],
    ...(isRegistered ? [] : [register]),
    // Registering by hand goes on to serve.
    ...(isRegistered || isService ? [[start]] : []),
  ];
  const lines = table(rows).trimEnd().split("\n");
  return `Next:\n${lines.map((line) => `  ${line}\n`).join("")}`;
}
