/** The value of one variable of an executor; what looks like a secret is not shown, and gets a file of its own. */
import type { CommandName } from "../core/names.ts";
import type { VariableSetup } from "./dispatcher-setup.ts";
import { ask, type Plan } from "./plan.ts";

/** Whether a variable of this name is likely to hold what nobody else may know. */
function isSecretName(name: string): boolean {
  return /KEY|TOKEN|SECRET|PASS|PWD|CREDENTIAL|AUTH/i.test(name);
}

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
  const isSecret = secrets.has(id) || isSecretName(variable);
  const problem = (text: string) => (text.includes("\0") ? "expected a text without NUL" : undefined);
  const value = yield* ask({
    id,
    message: `${variable} of ${executor}?`,
    form: isSecret ? { kind: "secret", problem } : { kind: "text", initial: "", problem },
    unasked: { option: `--${isSecret ? "secret-file" : "variable"} ${executor}.${variable}=…` },
  });
  return isSecret ? { secret: value } : { value };
}
