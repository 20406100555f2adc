/** `cb dispatcher new`: an executor to begin with, and its manifest. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { CbError, ExitStatus } from "../core/errors.ts";
import { createExclusive, makeDirectory } from "../core/files.ts";
import { type CommandName, parseName } from "../core/names.ts";
import { resolve as resolveSettings } from "../core/settings.ts";
import { shellWord } from "../core/shell-word.ts";
import { abridged, printable } from "../core/text.ts";
import { isParameterType, PARAMETER_TYPES } from "../exec/parameter-types.ts";
import type { Parameter } from "../exec/parameters.ts";
import { newExecutor, newParameter, parametersOf, tryCommand } from "../setup/executor-template.ts";
import { manifestText } from "../setup/manifest-text.ts";
import { type Invocation, parseOperand } from "./command.ts";
import { write } from "./output.ts";
import { defaultRunDirectories, dispatcherControlSettings } from "./settings/dispatcher.ts";
import type { Declaration, dispatcherNewSettings } from "./settings/dispatcher-wizard.ts";
import { setupPlace } from "./setup-files.ts";

export async function newExecutorFiles({
  settings,
  operands,
  context: { environment, stdout },
}: Invocation<typeof dispatcherNewSettings>): Promise<number> {
  const { language, description, param } = settings;
  const name = parseOperand("executor name", operands[0] ?? "", parseExecutorName);
  const state = resolveSettings(dispatcherControlSettings, { arguments: new Map(), environment }).values;
  const place = setupPlace(undefined, state["state-directory"], environment);
  const directory = resolve(settings["run-directory"] ?? place.runDirectory);
  const parameters = param.map(parameterOf);
  const secretFile = join(place.stateDirectory, "secrets", `${name}.API_KEY`);
  const template = { name, language, description, parameters, secretFile };
  const { program = "", manifest } = newExecutor(template);
  if (manifest === undefined) throw new Error("a template has a manifest");
  const path = join(directory, name);
  const files = [
    { path, text: program, mode: 0o755 },
    { path: `${path}.toml`, text: manifestText(manifest, () => secretFile), mode: 0o644 },
  ];
  for (const { path } of files)
    if (existsSync(path)) throw new CbError("file", `Cannot make "${printable(path)}": it is there already`);
  makeDirectory(directory, 0o755);
  for (const { path, text, mode } of files) createExclusive(path, new TextEncoder().encode(text), mode);

  const known = defaultRunDirectories(environment);
  const option = known.includes(directory) ? "" : ` --run-directory ${shellWord(directory)}`;
  const lines = [
    ...files.map((file) => `Made ${printable(file.path)}`),
    "",
    "Try it, which posts nothing:",
    `  ${tryCommand(name, parametersOf(template))}${option}`,
    `Offer it to the server: add "${name}" to executors in dispatcher.toml, and start the dispatcher anew`,
  ];
  if (!settings["errors-only"]) await write(stdout, `${lines.join("\n")}\n`);
  return ExitStatus.ok;
}

function parameterOf({ name, type, mandatory }: Declaration): Parameter {
  if (isParameterType(type)) return newParameter(name, type, mandatory);
  const expected = `expected a type of ${PARAMETER_TYPES.join(", ")}`;
  throw new CbError("setting", `Cannot use param "${name}:${abridged(type)}": ${expected}`);
}

/** NAME.toml is the manifest of NAME, and no executor. */
function parseExecutorName(text: string): CommandName {
  if (text.endsWith(".toml")) throw new SyntaxError("expected a name that does not end in .toml");
  return parseName<CommandName>(text);
}
