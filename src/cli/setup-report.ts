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
import { SERVICE_CONFIG, SERVICE_USER } from "./state-owner.ts";

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

const UNIT = `${SERVICE_USER}.service`;
const UNIT_DIRECTORIES = ["/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];
/** Where systemctl enable links what a system starts with. */
const ENABLED_DIRECTORY = "/etc/systemd/system/multi-user.target.wants";

/** What a command needs besides, to find this `dispatcher.toml`; begins with a blank. */
export function configOption({ config }: SetupPlace, environment: Environment): string {
  const candidates = configDirectories(environment).map((directory) => join(directory, "dispatcher.toml"));
  const isFound = candidates.find((path) => path === config || existsSync(path)) === config;
  return isFound ? "" : ` --config ${shellWord(config)}`;
}

/** @param option as `configOption` has it */
export function startCommand({ config, service }: SetupPlace, option: string): string {
  const isUnit = UNIT_DIRECTORIES.some((directory) => existsSync(join(directory, UNIT)));
  if (service !== undefined && config === SERVICE_CONFIG && isUnit) {
    const isEnabled = existsSync(join(ENABLED_DIRECTORY, UNIT));
    return `systemctl ${isEnabled ? "restart" : "enable --now"} ${SERVICE_USER}`;
  }
  // Root's own would leave files in the service's state that it cannot use.
  const user = service === undefined ? "" : `runuser -u ${SERVICE_USER} -- `;
  return `${user}cb dispatcher run${option}`;
}

/** Command lines, and why. */
export function nextSteps(
  place: SetupPlace,
  { registration, executors }: Pick<DispatcherSetup, "registration" | "executors">,
  environment: Environment,
): string {
  const option = configOption(place, environment);
  const rows = [
    ...(executors.length === 0 ? [[`edit ${shellWord(place.config)}`, "it names no executors"]] : []),
    ...(registration === undefined
      ? [[`cb dispatcher register${option} --token CODE`, "CODE is on the server's Agents page"]]
      : []),
    [`cb dispatcher check${option}`, "would it work?"],
    ["stop the old agent", "two with one token get in each other's way"],
    [startCommand(place, option)],
  ];
  const lines = table(rows).trimEnd().split("\n");
  return `Next:\n${lines.map((line) => `  ${line}\n`).join("")}`;
}
