/** The parameters of a run as the server's web page shows them beside its results. */
import { parameterEnvironment } from "../exec/parameter-environment.ts";
import type { DeclaredParameters, ParameterValues } from "../exec/parameters.ts";

/** `TARGET=["192.0.2.1"], FLAG=True`; without secrets, whose names are there all the same. */
export function paramsText(values: ParameterValues, declared: DeclaredParameters): string {
  const texts = parameterEnvironment(values);
  const shown = [...values.keys()].map((key) => {
    const isSecret = declared.get(key)?.secret ?? true;
    return `${key}=${isSecret ? "***" : (texts[`EXECUTOR_CONFIG_${key}`] ?? "")}`;
  });
  return shown.join(", ");
}
