/** The settings of what sets a dispatcher up: `wizard`, `new`, `register`. */
import { type CommandName, isParameterName, PARAMETER_NAME_FORM, parseName } from "../../core/names.ts";
import { parseChoice, parsePath, parseSwitch } from "../../core/parse.ts";
import type { Schema } from "../../core/settings.ts";
import { abridged } from "../../core/text.ts";
import { outputSettings } from "./common.ts";
import { dispatcherControlSettings, dispatcherSettings, serverSettings } from "./dispatcher.ts";
import { setupFileSettings } from "./dispatcher-setup.ts";

const { name, description, token, "register-again": registerAgain, executors, python } = dispatcherSettings;

/** What a new agent is registered with. */
const AGENT = { name, description, token, "register-again": registerAgain } as const satisfies Schema;

export const dispatcherRegisterSettings = {
  ...serverSettings,
  ...AGENT,
  ...dispatcherControlSettings,
} as const satisfies Schema;

export const dispatcherWizardSettings = {
  ...serverSettings,
  "trust-fingerprint": {
    value: "<sha256>",
    file: false,
    parse: parseFingerprint,
    help: "trust the certificate with this SHA-256 that the server shows, and keep it beside dispatcher.toml",
  },
  ...AGENT,
  "register-later": {
    default: "false",
    parse: parseSwitch,
    file: false,
    help: "without --token: write everything, and leave the registration to cb dispatcher register",
  },
  executors,
  python,
  variable: {
    value: "<executor.name=value>",
    repeatable: true,
    file: false,
    parse: parseVariables,
    help: "a variable that an executor of Faraday wants, and that is no secret; repeat it for more",
  },
  "secret-file": {
    value: "<executor.name=file>",
    repeatable: true,
    file: false,
    parse: parseVariables,
    help: "a variable whose value is a secret, and is read from this file; repeat it for more",
  },
  ...setupFileSettings,
  yes: {
    default: "false",
    parse: parseSwitch,
    file: false,
    environment: false,
    help: "ask nothing: take what options, dispatcher.toml and defaults say",
  },
  "state-directory": dispatcherControlSettings["state-directory"],
  ...outputSettings,
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
    environment: false,
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

/** One variable of one executor. */
export type NamedVariable = {
  readonly executor: CommandName;
  readonly variable: string;
  readonly value: string;
};

/** `EXECUTOR.NAME=VALUE`; a dot may stand in the name of an executor, and in no other. */
function parseVariables(texts: readonly string[]): readonly NamedVariable[] {
  return texts.map((text) => {
    const [, executor = "", variable = "", value = ""] = /^([^=]*)\.([^=.]*)=(.*)$/s.exec(text) ?? [];
    if (executor === "" || variable === "") throw new SyntaxError("expected EXECUTOR.NAME=VALUE");
    return { executor: parseName<CommandName>(executor), variable, value };
  });
}

/** The type is not known to be one: what knows them needs node:net, which takes long to load. */
export type Declaration = {
  readonly name: string;
  readonly type: string;
  readonly mandatory: boolean;
};

function parseDeclarations(texts: readonly string[]): readonly Declaration[] {
  const seen = new Set<string>();
  return texts.map((text) => {
    const [name = "", type = "", mandatory, ...rest] = text.split(":");
    if (!isParameterName(name)) throw new SyntaxError(`name "${abridged(name)}": ${PARAMETER_NAME_FORM}`);
    if (type === "" || (mandatory ?? "mandatory") !== "mandatory" || rest.length > 0)
      throw new SyntaxError("expected NAME:TYPE or NAME:TYPE:mandatory");
    if (seen.has(name.toUpperCase())) throw new SyntaxError(`${name} is given twice, expected once`);
    seen.add(name.toUpperCase());
    return { name, type, mandatory: mandatory !== undefined };
  });
}

/** As openssl(1) shows it; colons and capitals may be left out. @returns with both */
function parseFingerprint(text: string): string {
  const digits = text.replaceAll(":", "").toUpperCase();
  if (!/^[0-9A-F]{64}$/.test(digits))
    throw new SyntaxError("expected the 64 hexadecimal digits of a SHA-256");
  return digits.replaceAll(/..(?=.)/g, "$&:");
}
