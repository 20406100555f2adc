/** The value of one variable of an executor; what may be a secret is not shown, and gets a file of its own. */
import type { CommandName } from "../core/names.ts";
import type { VariableSetup } from "./dispatcher-setup.ts";
import { isOpen, isOpenName } from "./open-value.ts";
import { ask, type Plan } from "./plan.ts";

/** By which an option finds its variable. */
export function variableId(executor: string, variable: string): string {
  return `variable ${executor}.${variable}`;
}

/** @param secrets ids of those that are secrets, whatever they are called */
export function* variablePlan(
  executor: CommandName,
  variable: string,
  secrets: ReadonlySet<string>,
): Plan<VariableSetup> {
  const id = variableId(executor, variable);
  const isSecret = secrets.has(id) || !isOpenName(variable);
  const problem = (text: string) => (text.includes("\0") ? "expected a text without NUL" : undefined);
  const value = yield* ask({
    id,
    message: `${variable} of ${executor}?`,
    form: isSecret ? { kind: "secret", problem } : { kind: "text", initial: "", problem },
    unasked: { option: `--${isSecret ? "secret-file" : "variable"} ${executor}.${variable}=…` },
  });
  // What has a password in it is one, whatever its name says.
  return isSecret || !isOpen(variable, value) ? { secret: value } : { value };
}
