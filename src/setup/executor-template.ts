/**
 * An executor to begin with, for `cb dispatcher new`: it runs as it is made, by hand and for a server, and finds one
 * host with one vulnerability. The programs are in `template-sh.ts` and `template-python.ts`.
 */
import type { CommandName } from "../core/names.ts";
import { baseOf, type ParameterType } from "../exec/parameter-types.ts";
import type { Parameter } from "../exec/parameters.ts";
import { EMPTY_MANIFEST, type ExecutorSetup } from "./dispatcher-setup.ts";
import { pythonProgram } from "./template-python.ts";
import { shProgram } from "./template-sh.ts";

export type Language = "sh" | "python";

export type ExecutorTemplate = {
  readonly name: CommandName;
  readonly language: Language;
  readonly description: string | undefined;
  /** None for two that show how it is done. */
  readonly parameters: readonly Parameter[];
  /** Where a secret of it would be kept. */
  readonly secretFile: string;
};

export function newParameter(name: string, type: ParameterType, mandatory: boolean): Parameter {
  return {
    name,
    types: [type],
    base: baseOf(type),
    mandatory,
    secret: type === "password",
    description: undefined,
    displayName: undefined,
  };
}

const EXAMPLES: readonly Parameter[] = [
  newParameter("TARGET", "ip", true),
  newParameter("PORTS", "list", false),
];

export function parametersOf({ parameters }: Pick<ExecutorTemplate, "parameters">): readonly Parameter[] {
  return parameters.length === 0 ? EXAMPLES : parameters;
}

export function newExecutor(template: ExecutorTemplate): ExecutorSetup {
  const { name, language, description = "Shows how an executor is made", secretFile } = template;
  const parameters = parametersOf(template);
  const head = [
    `${name}: an executor for Faraday`,
    "",
    "A parameter comes as a variable, EXECUTOR_CONFIG_ and its name; what it must be stands in the manifest",
    `${name}.toml. A result is one line of JSON on standard output; all that is none goes to standard error.`,
    "See cb-executor(5) for both.",
    "",
    `  ${handVariables(parameters)}./${name}`,
    `  ${tryCommand(name, parameters)}`,
  ];
  const make = language === "sh" ? shProgram : pythonProgram;
  const comment = [
    `What the server is told of ${name}, and what it may be given; see cb-executor(5).`,
    "",
    "A variable of its own, such as a key that nobody else may read (mode 0600):",
    "",
    "[environment]",
    `API_KEY = { file = ${JSON.stringify(secretFile)} }`,
  ];
  return {
    name,
    program: make(name, head, parameters),
    manifest: { ...EMPTY_MANIFEST, comment, description, parameters },
  };
}

/** How it is tried, with a value for each parameter that must be there. */
export function tryCommand(name: CommandName, parameters: readonly Parameter[]): string {
  const given = parameters.filter(({ mandatory }) => mandatory);
  const options = given.map((one) => ` --param ${one.name.toLowerCase()}=${sampleOf(one)}`);
  return `cb dispatcher try ${name}${options.join("")}`;
}

function handVariables(parameters: readonly Parameter[]): string {
  return parameters
    .filter(({ mandatory }) => mandatory)
    .map((one) => {
      const sample = sampleOf(one);
      const value = one.base === "list" ? `'["${sample}"]'` : one.base === "boolean" ? "True" : sample;
      return `EXECUTOR_CONFIG_${one.name.toUpperCase()}=${value} `;
    })
    .join("");
}

const SAMPLES: Readonly<Record<ParameterType, string>> = {
  string: "192.0.2.1",
  integer: "1",
  float: "0.5",
  boolean: "true",
  list: "192.0.2.1",
  domains: "www.example.org",
  ip: "192.0.2.1",
  range: "1-1024",
  url: "http://192.0.2.1/",
  password: "secret",
};

function sampleOf({ types }: Parameter): string {
  return SAMPLES[types[0]];
}
