/** What `cb dispatcher new` makes, run by the programs that it is made for. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { tool } from "../../build/tool.ts";
import type { CommandName } from "../../src/core/names.ts";
import { parseManifest } from "../../src/exec/manifest.ts";
import { PARAMETER_TYPES } from "../../src/exec/parameter-types.ts";
import type { Parameter } from "../../src/exec/parameters.ts";
import { clean } from "../../src/faraday/payload.ts";
import { type Language, newExecutor, newParameter, tryCommand } from "../../src/setup/executor-template.ts";
import { manifestText } from "../../src/setup/manifest-text.ts";

// Here, as no test has the time to install what is missing.
const SHELLCHECK = tool("shellcheck", "shellcheck");

const directory = mkdtempSync(join(tmpdir(), "cb-template-"));
after(() => rmSync(directory, { recursive: true }));

const NAME = "my_scan" as CommandName;
const LANGUAGES: readonly Language[] = ["sh", "python"];

/** One of each type, under names that are keywords or names of modules somewhere. */
const ALL: readonly Parameter[] = [
  "target",
  "for",
  "OS",
  "json",
  "If",
  "in",
  "IFS",
  "sys",
  "PATH",
  "class",
].map((name, index) => newParameter(name, PARAMETER_TYPES[index] ?? "string", index % 2 === 0));

function make(language: Language, parameters: readonly Parameter[] = []) {
  const made = newExecutor({
    name: NAME,
    language,
    description: 'It "scans"\u001b',
    parameters,
    secretFile: "/s/x",
  });
  const path = join(directory, NAME);
  writeFileSync(path, made.program ?? "", { mode: 0o755 });
  assert(made.manifest !== undefined);
  return { path, text: made.program ?? "", manifest: manifestText(made.manifest, () => "/s/x") };
}

function run(path: string, variables: Readonly<Record<string, string>>) {
  const env = { PATH: "/usr/local/bin:/usr/bin:/bin", LANG: "C.UTF-8", ...variables };
  return spawnSync(path, [], { env, encoding: "utf8", cwd: directory });
}

function hostsOf(stdout: string): readonly unknown[] {
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const cleaned = clean(JSON.parse(line), { maxBytes: Number.POSITIVE_INFINITY });
      assert("bodies" in cleaned, JSON.stringify(cleaned));
      const [{ hosts: [host] = [] } = assert.fail()] = cleaned.bodies as readonly {
        hosts?: readonly { ip?: unknown; vulnerabilities?: readonly unknown[] }[];
      }[];
      assert.equal(host?.vulnerabilities?.length, 1);
      return host?.ip;
    });
}

for (const language of LANGUAGES) {
  test(`newExecutor() in ${language} prints one host on one line, as it is made`, () => {
    const { path } = make(language);
    const { status, stdout, stderr } = run(path, {
      EXECUTOR_CONFIG_TARGET: "192.0.2.1",
      EXECUTOR_CONFIG_PORTS: '["22", "80"]',
      API_KEY: "k",
    });
    assert.deepEqual([status, hostsOf(stdout)], [0, ["192.0.2.1"]], stderr);
    assert.match(stdout, /^\{.*\}\n$/);
    assert.match(stderr, /22/);
    assert(!stderr.includes("API_KEY"));
    const missing = run(path, {});
    assert.notEqual(missing.status, 0);
    assert.deepEqual([missing.stdout, /TARGET.*missing/.test(missing.stderr)], ["", true], missing.stderr);
  });

  test(`newExecutor() in ${language} prints JSON whatever the target is`, () => {
    const { path } = make(language, [newParameter("target", "string", true)]);
    for (const target of ['"', "\\", "a\tb\u0001", "ü\u{1f600}", "$(id) `id` %s *", "-n", "a\nb"]) {
      const { status, stdout } = run(path, { EXECUTOR_CONFIG_TARGET: target });
      const [ip] = hostsOf(stdout);
      assert.equal(status, 0);
      // A shell has no way to keep control characters in JSON that is worth it.
      if (language === "python") assert.equal(ip, target);
      else assert.equal(ip, target.replaceAll(/[\u0000-\u001f]/g, " "));
    }
  });

  test(`newExecutor() in ${language} takes parameters of all types, and looks at what the first one names`, () => {
    const { path, manifest } = make(language, ALL);
    const declared = parseManifest(Buffer.from(manifest), "my_scan.toml");
    assert.equal(declared.parameters.size, ALL.length);
    assert.equal(declared.description, 'It "scans"\u001b');
    for (const { name, types, mandatory } of ALL) {
      const parameter = declared.parameters.get(name.toUpperCase());
      assert.deepEqual([parameter?.types, parameter?.mandatory], [types, mandatory]);
    }
    const values: Readonly<Record<string, string>> = {
      integer: "1",
      float: "0.5",
      boolean: "True",
      list: '["192.0.2.1", "192.0.2.2"]',
      domains: '["a.example"]',
    };
    const all = Object.fromEntries(
      ALL.map(({ name, types: [type] }) => [
        `EXECUTOR_CONFIG_${name.toUpperCase()}`,
        values[type] ?? "192.0.2.9",
      ]),
    );
    const given = run(path, all);
    assert.deepEqual([given.status, hostsOf(given.stdout)], [0, ["192.0.2.9"]], given.stderr);
    const mandatory = ALL.filter((one) => one.mandatory).map(
      ({ name }) => `EXECUTOR_CONFIG_${name.toUpperCase()}`,
    );
    const least = run(path, Object.fromEntries(mandatory.map((key) => [key, all[key] ?? ""])));
    assert.equal(least.status, 0, least.stderr);
    const list = run(make(language, [newParameter("TARGETS", "list", true)]).path, {
      EXECUTOR_CONFIG_TARGETS: values["list"] ?? "",
    });
    assert.deepEqual(hostsOf(list.stdout), ["192.0.2.1", "192.0.2.2"]);
    assert.deepEqual(
      hostsOf(run(make(language, [newParameter("LOGIN", "password", false)]).path, {}).stdout),
      ["192.0.2.1"],
    );
  });

  test(`newExecutor() in ${language} says at its top how it is run by hand, which works`, () => {
    for (const parameters of [[], ALL]) {
      const { text } = make(language, parameters);
      const [line = assert.fail(text)] = /EXECUTOR_CONFIG_.*\.\/my_scan$/m.exec(text) ?? [];
      const { status, stdout, stderr } = spawnSync("/bin/sh", ["-c", line.replace(/^[# ]*/, "")], {
        cwd: directory,
        encoding: "utf8",
      });
      assert.deepEqual([status, hostsOf(stdout).length], [0, 1], stderr);
    }
  });
}

test("newExecutor() in sh makes what shellcheck finds nothing in", () => {
  for (const parameters of [[], ALL, [newParameter("TARGETS", "list", false)]]) {
    const { path } = make("sh", parameters);
    const { status, stdout } = spawnSync(SHELLCHECK, ["--severity=style", path], { encoding: "utf8" });
    assert.deepEqual([status, stdout], [0, ""]);
  }
});

test("newExecutor() makes a manifest whose comment shows how a secret is given", () => {
  const { manifest } = make("sh");
  const example = /^# (\[environment\])\n# (API_KEY = .*)$/m.exec(manifest);
  assert.ok(example, manifest);
  const text = `${manifest}\n${example[1]}\n${example[2]}\n`;
  assert.deepEqual(parseManifest(Buffer.from(text), "x").environment.get("API_KEY"), { file: "/s/x" });
  assert.doesNotMatch(manifest, / $/m);
});

test("tryCommand() has a value for each parameter that must be there", () => {
  const parameters = [
    newParameter("TARGET", "ip", true),
    newParameter("FAST", "boolean", false),
    newParameter("URL", "url", true),
  ];
  assert.equal(
    tryCommand(NAME, parameters),
    "cb dispatcher try my_scan --param target=192.0.2.1 --param url=http://192.0.2.1/",
  );
});
