/** The wizard's part about a command line that becomes an executor, with a manifest. */
import { type CommandName, isName, isParameterName, PARAMETER_NAME_FORM } from "../core/names.ts";
import { variableProblem } from "../exec/manifest-environment.ts";
import { PARAMETER_TYPES, type ParameterType } from "../exec/parameter-types.ts";
import { EMPTY_MANIFEST, type ExecutorSetup, type VariableSetup } from "./dispatcher-setup.ts";
import { newParameter } from "./executor-template.ts";
import { ask, type Plan } from "./plan.ts";
import type { Question } from "./question.ts";
import { variablePlan } from "./variable-plan.ts";

/** What is asked here is asked nowhere else: `cb dispatcher new` makes executors without a wizard. */
const UNASKED = { option: "--executors" } as const;

/** @param taken names that are there already */
export function* customPlan(taken: readonly CommandName[]): Plan<ExecutorSetup> {
  const name = (yield* ask(
    text("custom-name", "Its name at the server?", "", (given) => nameProblem(given, taken)),
  )) as CommandName;
  const line = yield* ask(
    text("custom-command", "Its command line, for sh(1)?", 'scan "$EXECUTOR_CONFIG_TARGET"', (given) =>
      given.trim() === "" || given.includes("\0") ? "expected a command line" : undefined,
    ),
  );
  const parameters = new Map<string, ReturnType<typeof newParameter>>();
  for (;;) {
    const parameter = yield* ask(
      text("custom-parameter", "A parameter that the server gives it?", "none further", (given) =>
        given === "" ? undefined : parameterProblem(given, parameters),
      ),
    );
    if (parameter === "") break;
    const type = (yield* ask(typeQuestion(parameter))) as ParameterType;
    const mandatory = (yield* ask(mandatoryQuestion(parameter))) === "yes";
    parameters.set(parameter.toUpperCase(), newParameter(parameter, type, mandatory));
  }
  const environment = new Map<string, VariableSetup>();
  for (;;) {
    const variable = yield* ask(
      text("custom-variable", "A variable that it finds in its environment?", "none further", (given) =>
        given === "" ? undefined : namedVariableProblem(given, environment),
      ),
    );
    if (variable === "") break;
    environment.set(variable, yield* variablePlan(name, variable, new Set()));
  }
  const comment = ["Made by cb dispatcher wizard; see cb-executor(5)."];
  const manifest = { ...EMPTY_MANIFEST, comment, environment, parameters: [...parameters.values()] };
  return {
    name,
    program: `#!/bin/sh\n# Made by cb dispatcher wizard; see cb-executor(5).\n${line}\n`,
    manifest,
  };
}

function text(
  id: string,
  message: string,
  placeholder: string,
  problem: (given: string) => string | undefined,
): Question {
  return { id, message, form: { kind: "text", initial: "", placeholder, problem }, unasked: UNASKED };
}

function nameProblem(given: string, taken: readonly string[]): string | undefined {
  if (!isName<CommandName>(given))
    return "expected letters, digits, dots, dashes and underscores, a letter or digit first";
  // NAME.toml is the manifest of NAME.
  if (given.endsWith(".toml")) return "expected a name that does not end in .toml";
  return taken.includes(given as CommandName) ? "there is one of that name already" : undefined;
}

function parameterProblem(given: string, others: ReadonlyMap<string, unknown>): string | undefined {
  if (!isParameterName(given)) return PARAMETER_NAME_FORM;
  return others.has(given.toUpperCase()) ? "it has that one already" : undefined;
}

function namedVariableProblem(given: string, others: ReadonlyMap<string, unknown>): string | undefined {
  return others.has(given) ? "it has that one already" : variableProblem(given);
}

function typeQuestion(parameter: string): Question {
  const choices = PARAMETER_TYPES.map((type) => ({ value: type, label: type }));
  const form = { kind: "choice", initial: "string", choices } as const;
  return { id: "custom-type", message: `Of which type is ${parameter}?`, form, unasked: UNASKED };
}

function mandatoryQuestion(parameter: string): Question {
  const choices = [
    { value: "yes", label: "Yes" },
    { value: "no", label: "No, it may be left out" },
  ];
  const form = { kind: "choice", initial: "yes", choices } as const;
  return { id: "custom-mandatory", message: `Must ${parameter} be given?`, form, unasked: UNASKED };
}
