/** The settings of what sets a dispatcher up: `new`, `register`. */
import { isParameterName, PARAMETER_NAME_FORM } from "../../core/names.ts";
import { parseChoice, parsePath } from "../../core/parse.ts";
import type { Schema } from "../../core/settings.ts";
import { abridged } from "../../core/text.ts";
import { isParameterType, PARAMETER_TYPES, type ParameterType } from "../../exec/parameter-types.ts";
import { outputSettings } from "./common.ts";
import { dispatcherControlSettings, dispatcherSettings, serverSettings } from "./dispatcher.ts";

const { name, description, token, "register-again": registerAgain } = dispatcherSettings;

/** What a new agent is registered with. */
const AGENT = { name, description, token, "register-again": registerAgain } as const satisfies Schema;

export const dispatcherRegisterSettings = {
  ...serverSettings,
  ...AGENT,
  ...dispatcherControlSettings,
} as const satisfies Schema;

export const dispatcherNewSettings = {
  language: {
    value: "<language>",
    default: "sh",
    parse: parseChoice("sh", "python"),
    file: false,
    help: "what it is written in: sh, for any shell, or python, with its standard library",
  },
  param: {
    value: "<name:type[:mandatory]>",
    repeatable: true,
    file: false,
    parse: parseDeclarations,
    help: "a parameter that the server gives it; repeat it for more",
  },
  description: {
    value: "<text>",
    file: false,
    parse: (text: string) => text,
    help: "what it does, as the server shows it",
  },
  "run-directory": {
    short: "r",
    value: "<directory>",
    file: false,
    parse: parsePath,
    help: "where it is made; without it the run.d beside dispatcher.toml",
  },
  ...outputSettings,
} as const satisfies Schema;

export type Declaration = {
  readonly name: string;
  readonly type: ParameterType;
  readonly mandatory: boolean;
};

function parseDeclarations(texts: readonly string[]): readonly Declaration[] {
  const seen = new Set<string>();
  return texts.map((text) => {
    const [name = "", type = "", mandatory, ...rest] = text.split(":");
    if (!isParameterName(name)) throw new SyntaxError(`name "${abridged(name)}": ${PARAMETER_NAME_FORM}`);
    if (!isParameterType(type)) throw new SyntaxError(`expected a type of ${PARAMETER_TYPES.join(", ")}`);
    if ((mandatory ?? "mandatory") !== "mandatory" || rest.length > 0)
      throw new SyntaxError("expected NAME:TYPE or NAME:TYPE:mandatory");
    if (seen.has(name.toUpperCase())) throw new SyntaxError(`${name} is given twice, expected once`);
    seen.add(name.toUpperCase());
    return { name, type, mandatory: mandatory !== undefined };
  });
}
