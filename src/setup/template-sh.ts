/** The shell script of `cb dispatcher new --language sh`: for any sh(1), with nothing but POSIX around it. */
import type { Parameter } from "../exec/parameters.ts";

/** @param head lines of the comment at its top */
export function shProgram(name: string, head: readonly string[], parameters: readonly Parameter[]): string {
  const comment = head.map((line) => `# ${line}`.trimEnd()).join("\n");
  return `#!/bin/sh
${comment}
set -euf

say() { printf '%s\\n' "$*" >&2; }

# A text as JSON has it, in quotes.
quote() { printf '"%s"' "$(printf '%s' "$1" | tr '[:cntrl:]' ' ' | LC_ALL=C sed 's/[\\\\"]/\\\\&/g')"; }

# The items of a list, one a line. A list comes as JSON, such as ["22", "80"]; this does for items without quotes,
# commas and blanks, as ports and addresses are, and "jq -r '.[]'" for all others.
items() { printf '%s' "$1" | tr -d '[:blank:]"[]' | tr ',' '\\n'; }

# A host with one vulnerability: put here what your scanner finds.
report() {
  printf '{"hosts":[{"ip":%s,"description":"","vulnerabilities":[' "$(quote "$1")"
  printf '{"type":"Vulnerability","name":%s,' "$(quote "Example of ${name}")"
  printf '"desc":%s,"severity":"info"}' "$(quote "It says \\"hello\\" from $1")"
  printf ']}]}\\n'
}

# Parameters.
${parameters.map(assignment).join("\n") || "# There are none."}

# A secret is a variable that the manifest takes out of a file, as ${name}.toml shows.
api_key=\${API_KEY:-}
[ -n "$api_key" ] || say "API_KEY is not set"

${[...parameters.map(use), ...reports(parameters)].join("\n")}
`;
}

function assignment(parameter: Parameter): string {
  const { name, mandatory, base } = parameter;
  const otherwise = mandatory
    ? ":?is missing"
    : base === "list"
      ? ":-[]"
      : base === "boolean"
        ? ":-False"
        : ":-";
  const remark = base === "boolean" ? " # True or False" : "";
  return `${variableOf(parameter)}=\${EXECUTOR_CONFIG_${name.toUpperCase()}${otherwise}}${remark}`;
}

function use(parameter: Parameter): string {
  const variable = variableOf(parameter);
  if (parameter.secret) return `[ -n "$${variable}" ] || say "${parameter.name} is not set"`;
  if (parameter.base !== "list") return `say "${parameter.name}: $${variable}"`;
  return `for item in $(items "$${variable}"); do say "${parameter.name}: $item"; done`;
}

/** What the first parameter names is what was looked at. */
function reports(parameters: readonly Parameter[]): readonly string[] {
  const first = parameters.find(({ secret }) => !secret);
  if (first === undefined) return ["report 192.0.2.1"];
  const variable = variableOf(first);
  if (first.base !== "list") return [`report "$${variable}"`];
  return [`for item in $(items "$${variable}"); do report "$item"; done`];
}

function variableOf({ name }: Parameter): string {
  return name.toLowerCase();
}
