import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { ROOT } from "../../build/paths.ts";
import { CbError } from "../../src/core/errors.ts";
import { type CommandName, parseName } from "../../src/core/names.ts";
import { type Manifest, parseManifest, readManifest } from "../../src/exec/manifest.ts";
import { environmentOf } from "../../src/exec/manifest-environment.ts";
import { PARAMETER_TYPES } from "../../src/exec/parameter-types.ts";

const scan = parseName<CommandName>("scan");
let base = "";
let first = "";
let second = "";

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "cb-manifest-"));
  first = join(base, "first");
  second = join(base, "second");
  mkdirSync(first, 0o755);
  mkdirSync(second, 0o755);
});

afterEach(() => rmSync(base, { recursive: true, force: true }));

function write(path: string, text = "", mode = 0o644): string {
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

const parse = (text: string): Manifest => parseManifest(new TextEncoder().encode(text), "/run/scan.toml");

/** The one line that is said of a manifest. */
function problemOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof CbError, String(error));
    assert.doesNotMatch(error.message, /\n/);
    return `${error.code}: ${error.message}`;
  }
  return "none";
}

const parseProblem = (text: string): string =>
  problemOf(() => parse(text)).replace(' from "/run/scan.toml"', "");

test("parseManifest() reads every key [F11] [F22]", () => {
  const manifest = parse(`
    description = "Ports of a host"
    category = "Network"
    tool = "nmap"
    timeout = 3600
    concurrency = 2
    longest-line = 1024
    blank-line = "end"
    checks = ["command -v nmap", "true"]
    official = "nmap"
    station = false
    [parameters.Target]
    type = ["ip", "domains"]
    base = "list"
    mandatory = true
    secret = true
    description = "What to scan"
    display-name = "Target"
    [parameters.PORT]
    type = "integer"
    [environment]
    NMAP_OPTS = "-T4"
    FAST = true
    SLOW = false
    API_TOKEN = { file = "/etc/cb/secrets/token" }
    API_KEY = { credential = "nmap-key" }
  `);
  assert.deepEqual(manifest, {
    path: "/run/scan.toml",
    description: "Ports of a host",
    category: "Network",
    tool: "nmap",
    timeout: 3_600_000,
    concurrency: 2,
    longestLine: 1024,
    blankLine: "end",
    checks: ["command -v nmap", "true"],
    official: "nmap",
    station: false,
    parameters: new Map([
      [
        "TARGET",
        {
          name: "Target",
          types: ["ip", "domains"],
          base: "list",
          mandatory: true,
          secret: true,
          description: "What to scan",
          displayName: "Target",
        },
      ],
      [
        "PORT",
        {
          name: "PORT",
          types: ["integer"],
          base: "integer",
          mandatory: false,
          secret: false,
          description: undefined,
          displayName: undefined,
        },
      ],
    ]),
    environment: new Map<string, unknown>([
      ["NMAP_OPTS", "-T4"],
      ["FAST", "True"],
      ["SLOW", "False"],
      ["API_TOKEN", { file: "/etc/cb/secrets/token" }],
      ["API_KEY", { credential: "nmap-key" }],
    ]),
  });
});

test("parseManifest() takes an empty manifest, with the defaults", () => {
  const { longestLine, blankLine, timeout, concurrency, checks, parameters, environment } = parse("");
  assert.deepEqual(
    [longestLine, blankLine, timeout, concurrency, checks, parameters.size, environment.size],
    [16 * 1024 * 1024, "ignore", undefined, undefined, [], 0, 0],
  );
});

test("parseManifest() takes the base of the first type, and every password for a secret", () => {
  const { parameters } = parse(`
    [parameters.A]
    type = ["domains", "ip"]
    [parameters.B]
    type = "password"
    secret = false
    [parameters.C]
    type = ["ip", "password"]
  `);
  assert.equal(parameters.get("A")?.base, "list");
  assert.deepEqual(
    ["A", "B", "C"].map((name) => parameters.get(name)?.secret),
    [false, true, true],
  );
});

test("parseManifest() keeps numbers of the environment as they are written", () => {
  const { environment } = parse(
    '[environment]\nA = 1.10 # not 1.1\nB=7.0\n  "C" = 1_000\nD = 0x1F\nE = -5\nF = +1e3\nG = 12',
  );
  assert.deepEqual([...environment.values()], ["1.10", "7.0", "1_000", "0x1F", "-5", "+1e3", "12"]);
});

test("parseManifest() wants quotes where it cannot be told how a number is written", () => {
  const say = (name: string) =>
    `setting: Cannot use environment.${name}: put the number in quotes, for it cannot be told how it is written`;
  assert.equal(parseProblem("environment = { A = 1.10 }"), say("A"));
  assert.equal(parseProblem("environment.A = 7.0"), say("A"));
  assert.equal(parseProblem('description = """\nA = 7.00\n"""\n[environment]\nA = 7.0'), say("A"));
  assert.equal(parseProblem("[environment]\nA = inf"), say("A"));
});

test("parseManifest() reads the manifest of the README", () => {
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");
  const [, text = ""] = /```toml\n(description.*?)```/s.exec(readme) ?? [];
  const { parameters, environment } = parse(text);
  assert.deepEqual([...parameters.keys()], ["TARGET", "LOGIN"]);
  assert.equal(environment.size, 3);
});

const WRONG: readonly (readonly [string, string])[] = [
  ['discription = "x"', 'discription: no such key, did you mean "description"?'],
  [
    "[parameters.A]\ntype = 'ip'\nmandatroy = true",
    'parameters.A.mandatroy: no such key, did you mean "mandatory"?',
  ],
  ["description = 5", "description: expected a text that is not empty"],
  ['description = ""', "description: expected a text that is not empty"],
  ['tool = "a\\u0000b"', "tool: expected a text that is not empty"],
  ["timeout = 0", "timeout: expected seconds below 1000000, such as 120 or 0.5, at least 0.001"],
  ['timeout = "1h"', "timeout: expected seconds below 1000000, such as 120 or 0.5, at least 0.001"],
  ["timeout = true", "timeout: expected seconds"],
  ["concurrency = 0", "concurrency: expected a whole number from 1 to 1000"],
  ["concurrency = 1001", "concurrency: expected a whole number from 1 to 1000"],
  ["concurrency = 1.5", "concurrency: expected a whole number from 1 to 1000"],
  ["longest-line = 0", "longest-line: expected a whole number from 1 to 268435456"],
  ["longest-line = 268435457", "longest-line: expected a whole number from 1 to 268435456"],
  ['blank-line = "stop"', 'blank-line: "stop" is not known, expected ignore, end'],
  ['checks = "true"', "checks: expected an array of texts, none of them empty"],
  ['checks = [""]', "checks: expected an array of texts, none of them empty"],
  ["checks = [1]", "checks: expected an array of texts, none of them empty"],
  ['official = "../x"', "official: expected the name of an executor of Faraday, such as nmap"],
  ["parameters = 5", "parameters: expected a table"],
  ["parameters.A = 5", "parameters.A: expected a table"],
  ["[parameters.A]", `parameters.A.type: expected ${PARAMETER_TYPES.join(", ")}`],
  ["[parameters.A]\ntype = []", `parameters.A.type: expected ${PARAMETER_TYPES.join(", ")}`],
  ["[parameters.A]\ntype = 5", "parameters.A.type: expected a text or an array of texts"],
  [
    "[parameters.A]\ntype = 'lits'",
    `parameters.A.type: "lits" is not known, expected ${PARAMETER_TYPES.join(", ")}`,
  ],
  [
    "[parameters.A]\ntype = ['ip', 'ulr']",
    `parameters.A.type: "ulr" is not known, expected ${PARAMETER_TYPES.join(", ")}`,
  ],
  [
    "[parameters.A]\ntype = 'ip'\nbase = 'int'",
    'parameters.A.base: "int" is not known, expected string, integer, decimal, boolean, list',
  ],
  ["[parameters.A]\ntype = 'ip'\nmandatory = 1", "parameters.A.mandatory: expected true or false"],
  ["[parameters.A]\ntype = 'ip'\nsecret = 'no'", "parameters.A.secret: expected true or false"],
  [
    "[parameters.a-b]\ntype = 'ip'",
    "parameters.a-b: expected 1 to 64 letters, digits and underscores, a letter or underscore first",
  ],
  [
    "[parameters.1]\ntype = 'ip'",
    "parameters.1: expected 1 to 64 letters, digits and underscores, a letter or underscore first",
  ],
  [
    `[parameters.${"a".repeat(65)}]\ntype = 'ip'`,
    `parameters.${"a".repeat(65)}: expected 1 to 64 letters, digits and underscores, a letter or underscore first`,
  ],
  [
    "[parameters.A]\ntype = 'ip'\n[parameters.a]\ntype = 'ip'",
    "parameters.a: it differs from A in case only",
  ],
  [
    "[environment]\nA = 1979-05-27",
    "environment.A: expected a text, a number, true, false, { file = … } or { credential = … }",
  ],
  [
    "[environment]\nA = ['x']",
    "environment.A: expected a text, a number, true, false, { file = … } or { credential = … }",
  ],
  ['[environment]\nA = "a\\u0000"', "environment.A: expected a text without NUL"],
  ["[environment]\nA-B = 'x'", "environment.A-B: expected letters, digits and underscores in its name"],
  ["[environment]\nA = {}", "environment.A: expected one of file and credential"],
  [
    "[environment]\nA = { file = '/a', credential = 'b' }",
    "environment.A: expected one of file and credential",
  ],
  ["[environment]\nA = { fiel = '/a' }", 'environment.A.fiel: no such key, did you mean "file"?'],
  ["[environment]\nA = { file = 'a' }", "environment.A.file: expected a path from / on"],
  [
    "[environment]\nA = { credential = '../a' }",
    "environment.A.credential: expected the name of a credential, without directories",
  ],
  [
    "[environment]\nA = { credential = '.' }",
    "environment.A.credential: expected the name of a credential, without directories",
  ],
];

test("parseManifest() says in one line what is wrong, by file and key", () => {
  for (const [text, problem] of WRONG)
    assert.equal(parseProblem(text), `setting: Cannot use ${problem}`, text);
});

test("parseManifest() says file, line and column of what is no TOML, and nothing of the line", () => {
  const problem = problemOf(() => parse('description = "x"\nAPI_TOKEN = s3cret'));
  assert.match(problem, /^setting: Cannot read "\/run\/scan.toml": line 2, column \d+: /);
  assert.doesNotMatch(problem, /s3cret/);
});

test("parseManifest() sets no variable that the program sets itself, or that lets others in", () => {
  for (const name of [
    "PATH",
    "LD_PRELOAD",
    "LD_",
    "CB_PARAM_X",
    "CB_IDENTITY",
    "EXECUTOR_CONFIG_X",
    "AGENT_CONFIG_X",
  ]) {
    assert.equal(
      parseProblem(`[environment]\n${name} = "x"`),
      `setting: Cannot use environment.${name}: the name is reserved`,
    );
  }
  const { environment } = parse('[environment]\nPATH_INFO = "a"\nMY_LD_X = "b"\nLDAP = "c"\nLANG = "d"');
  assert.equal(environment.size, 4);
});

test("readManifest() finds the manifest beside the executable", () => {
  write(join(first, "scan"));
  const path = write(join(first, "scan.toml"), 'tool = "nmap"');
  const manifest = readManifest([first, second], scan);
  assert.deepEqual([manifest?.path, manifest?.tool], [path, "nmap"]);
});

test("readManifest() is undefined where there is neither, or only the executable", () => {
  assert.equal(readManifest([first, join(base, "none"), second], scan), undefined);
  write(join(first, "scan"));
  assert.equal(readManifest([first, second], scan), undefined);
});

test("readManifest() takes no manifest of another directory than the executable's", () => {
  write(join(first, "scan"));
  write(join(second, "scan"));
  write(join(second, "scan.toml"), 'tool = "nmap"');
  assert.equal(readManifest([first, second], scan), undefined);
  rmSync(join(first, "scan"));
  assert.equal(readManifest([first, second], scan)?.tool, "nmap");
  write(join(first, "scan.toml"), 'tool = "other"');
  assert.equal(
    problemOf(() => readManifest([first, second], scan)),
    `setting: Cannot use "${join(first, "scan.toml")}": there is no "${join(first, "scan")}" beside it`,
  );
});

test("readManifest() wants either an executable or the name of an official one", () => {
  const path = write(join(first, "scan.toml"), 'official = "nmap"');
  assert.equal(readManifest([first], scan)?.official, "nmap");
  write(join(first, "scan"));
  assert.equal(
    problemOf(() => readManifest([first], scan)),
    `setting: Cannot use "${path}": it names an official executor, but "${join(first, "scan")}" is there too`,
  );
});

test("readManifest() refuses what others may write, links that leave, and what is no file", () => {
  write(join(first, "scan"));
  const path = join(first, "scan.toml");
  const problem = () => problemOf(() => readManifest([first], scan));

  write(path, "", 0o646);
  assert.equal(problem(), `file: Cannot use "${path}": writable by others, "${path}" has mode 0646`);
  chmodSync(path, 0o644);
  chmodSync(first, 0o777);
  assert.equal(problem(), `file: Cannot use "${path}": writable by others, "${first}" has mode 0777`);
  chmodSync(first, 0o755);
  assert.equal(problem(), "none");

  rmSync(path);
  const outside = write(join(base, "outside.toml"));
  symlinkSync(outside, path);
  assert.equal(problem(), `file: Cannot use "${path}": outside run directory, link to "${outside}"`);
  rmSync(path);
  symlinkSync("/dev/null", path);
  assert.equal(problem(), `file: Cannot use "${path}": masked, link to /dev/null`);
  rmSync(path);
  symlinkSync("nowhere", path);
  assert.equal(problem(), `file: Cannot read "${path}": no such file or directory`);
  rmSync(path);
  mkdirSync(path);
  assert.equal(problem(), `file: Cannot use "${path}": not a file, directory`);
});

test("readManifest() follows a link within the run-directory", () => {
  write(join(first, "scan"));
  write(join(first, "common"), 'tool = "nmap"');
  symlinkSync("common", join(first, "scan.toml"));
  assert.equal(readManifest([first], scan)?.tool, "nmap");
});

test("readManifest() refuses a manifest longer than 1 MiB", () => {
  write(join(first, "scan"));
  const path = write(join(first, "scan.toml"), "#".repeat(1024 * 1024 + 1));
  assert.equal(
    problemOf(() => readManifest([first], scan)),
    `file: Cannot use "${path}": it is longer than 1048576 bytes`,
  );
});

test("environmentOf() gives fixed values, and secrets without the newline at their end [F8]", () => {
  const file = write(join(base, "token"), "s3cret\n\n", 0o600);
  write(join(base, "key"), "k", 0o600);
  const manifest = parse(
    `[environment]\nA = "x"\nB = 5\nTOKEN = { file = "${file}" }\nKEY = { credential = "key" }`,
  );
  assert.deepEqual(environmentOf(manifest, { CREDENTIALS_DIRECTORY: base }), {
    A: "x",
    B: "5",
    TOKEN: "s3cret\n",
    KEY: "k",
  });
});

test("environmentOf() refuses a secret that others can read, is missing, or fits no variable", () => {
  const path = join(base, "token");
  const manifest = parse(`[environment]\nTOKEN = { file = "${path}" }`);
  const problem = () => problemOf(() => environmentOf(manifest, {}));
  assert.equal(problem(), `file: Cannot read "${path}": no such file or directory`);
  write(path, "s3cret", 0o640);
  assert.equal(
    problem(),
    `file: Cannot use "${path}": others can read it (mode 0640), run: chmod 600 ${path}`,
  );
  chmodSync(path, 0o600);
  for (const bytes of [Buffer.from("s3\0cret"), Uint8Array.of(0xff)]) {
    writeFileSync(path, bytes);
    assert.equal(problem(), `file: Cannot use "${path}": expected text in UTF-8 without NUL`);
  }
  writeFileSync(path, "x".repeat(64 * 1024 + 1));
  assert.equal(problem(), `file: Cannot use "${path}": it is longer than 65536 bytes`);
  writeFileSync(path, "s3cret");
  assert.equal(problem(), "none");
});

test("environmentOf() needs the directory of credentials for a credential", () => {
  const manifest = parse('[environment]\nKEY = { credential = "key" }');
  const expected =
    'setting: Cannot use environment.KEY from "/run/scan.toml": this program was given no credentials ($CREDENTIALS_DIRECTORY)';
  assert.equal(
    problemOf(() => environmentOf(manifest, {})),
    expected,
  );
  assert.equal(
    problemOf(() => environmentOf(manifest, { CREDENTIALS_DIRECTORY: "relative" })),
    expected,
  );
});
