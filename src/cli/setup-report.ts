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
  { config }: SetupPlace,
  { registration, executors }: Pick<DispatcherSetup, "registration" | "executors">,
  environment: Environment,
): string {
  const candidates = configDirectories(environment).map((directory) => join(directory, "dispatcher.toml"));
  const isFound = candidates.find((path) => path === config || existsSync(path)) === config;
  const option = isFound ? "" : ` --config ${shellWord(config)}`;
  const isService = config === "/etc/cb/dispatcher.toml" && process.getuid?.() === 0;
  const register = [`cb dispatcher register${option} --token CODE`, "CODE is on the server's Agents page"];
  const start = isService ? "systemctl enable --now cb-dispatcher" : `cb dispatcher run${option}`;
  const isRegistered = registration !== undefined;
  const rows = [
    ...(executors.length === 0 ? [[`edit ${shellWord(config)}`, "it names no executors"]] : []),
    ...(isRegistered ? [] : [register]),
    [`cb dispatcher check${option}`, "would it work?"],
    ["stop the old agent", "two with one token get in each other's way"],
    [start],
  ];
  const lines = table(rows).trimEnd().split("\n");
  return `Next:\n${lines.map((line) => `  ${line}\n`).join("")}`;
}
