/** The Python script of `cb dispatcher new --language python`, which needs the standard library alone. */
import type { Parameter } from "../exec/parameters.ts";

/** Names that mean something else there. */
const RESERVED: ReadonlySet<string> = new Set(
  `and as assert async await break class continue def del elif else except finally for from global if import in is
  lambda nonlocal not or pass raise return try while with yield
  api_key float int item json list main os parameter print report say sys`.split(/\s+/),
);

/** @param head lines of the comment at its top */
export function pythonProgram(
  name: string,
  head: readonly string[],
  parameters: readonly Parameter[],
): string {
  const [title = name, ...rest] = head;
  const body = [...parameters.map(use), ...reports(parameters)].map((line) => `    ${line}`).join("\n");
  return `#!/usr/bin/env python3
"""${title}
${rest.join("\n")}
"""

import json
import os
import sys


def say(*words):
    print(*words, file=sys.stderr)


def parameter(name, default=None):
    value = os.environ.get("EXECUTOR_CONFIG_" + name, default)
    if value is None:
        sys.exit(name + " is missing")
    return value


def report(target):
    """A host with one vulnerability: put here what your scanner finds."""
    vulnerability = {
        "type": "Vulnerability",
        "name": "Example of ${name}",
        "desc": 'It says "hello" from ' + target,
        "severity": "info",
    }
    host = {"ip": target, "description": "", "vulnerabilities": [vulnerability]}
    print(json.dumps({"hosts": [host]}), flush=True)


def main():
${parameters.map((one) => `    ${assignment(one)}\n`).join("")}
    # A secret is a variable that the manifest takes out of a file, as ${name}.toml shows.
    api_key = os.environ.get("API_KEY")
    if not api_key:
        say("API_KEY is not set")

${body}


if __name__ == "__main__":
    main()
`;
}

function assignment(parameter: Parameter): string {
  const { name, mandatory, base } = parameter;
  const key = JSON.stringify(name.toUpperCase());
  const value = (otherwise: string) => `parameter(${key}${mandatory ? "" : `, ${otherwise}`})`;
  const expression = {
    // A list comes as JSON, such as ["22", "80"].
    list: `json.loads(${value('"[]"')})`,
    boolean: `${value('"False"')} == "True"`,
    integer: mandatory ? `int(${value("")})` : value('""'),
    decimal: mandatory ? `float(${value("")})` : value('""'),
    string: value('""'),
  }[base];
  return `${variableOf(parameter)} = ${expression}${base === "list" ? "  # it comes as JSON" : ""}`;
}

function use(parameter: Parameter): string {
  const variable = variableOf(parameter);
  if (parameter.secret) return `if not ${variable}:\n        say("${parameter.name} is not set")`;
  return `say("${parameter.name}:", ${variable})`;
}

/** What the first parameter names is what was looked at. */
function reports(parameters: readonly Parameter[]): readonly string[] {
  const first = parameters.find(({ secret }) => !secret);
  if (first === undefined) return ['report("192.0.2.1")'];
  const variable = variableOf(first);
  if (first.base !== "list") return [`report(str(${variable}))`];
  return [`for item in ${variable}:`, "    report(str(item))"];
}

function variableOf({ name }: Parameter): string {
  const lower = name.toLowerCase();
  return RESERVED.has(lower) ? `${lower}_` : lower;
}
