/** A manifest as a TOML file that a person goes on with: what `exec/manifest.ts` reads, in the order of the README. */
import { formatToml } from "../core/toml.ts";
import { baseOf } from "../exec/parameter-types.ts";
import type { Parameter } from "../exec/parameters.ts";
import type { ManifestSetup } from "./dispatcher-setup.ts";

/**
 * @param secretFile where the value of a secret variable will be, an absolute path
 * @throws {CbError} `file` for what TOML cannot hold
 */
export function manifestText(manifest: ManifestSetup, secretFile: (variable: string) => string): string {
  const { comment, timeout, checks, parameters, environment } = manifest;
  // What is undefined is left out.
  const table = {
    description: manifest.description,
    category: manifest.category,
    tool: manifest.tool,
    official: manifest.official,
    timeout: timeout === undefined ? undefined : timeout / 1000,
    concurrency: manifest.concurrency,
    "longest-line": manifest.longestLine,
    "blank-line": manifest.blankLine,
    checks: checks.length === 0 ? undefined : checks,
    parameters: tableOf(parameters.map((parameter) => [parameter.name, parameterTable(parameter)])),
    environment: tableOf(
      [...environment].map(([name, variable]) => [
        name,
        "value" in variable ? variable.value : { file: secretFile(name) },
      ]),
    ),
  };
  const head = comment.map((line) => `${`# ${line.replaceAll(/\s+/g, " ")}`.trimEnd()}\n`).join("");
  return `${head === "" ? "" : `${head}\n`}${formatToml(table).trimEnd()}\n`;
}

function parameterTable({ types, base, secret, mandatory, displayName, description }: Parameter) {
  return {
    type: types.length === 1 ? types[0] : types,
    base: base === baseOf(types[0]) ? undefined : base,
    mandatory: mandatory || undefined,
    secret: (secret && !types.includes("password")) || undefined,
    "display-name": displayName,
    description,
  };
}

function tableOf(entries: readonly (readonly [string, unknown])[]) {
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}
