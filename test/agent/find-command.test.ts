import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { findCommand } from "../../src/agent/find-command.ts";
import { name } from "./scene.ts";

let first = "";
let second = "";

beforeEach(() => {
  const base = mkdtempSync(join(tmpdir(), "cb-find-"));
  first = join(base, "first");
  second = join(base, "second");
  for (const directory of [first, second]) mkdirSync(directory, 0o755);
});

afterEach(() => rmSync(join(first, ".."), { recursive: true }));

function addExecutable(directory: string): string {
  const path = join(directory, "scan");
  writeFileSync(path, "#!/bin/sh\n");
  chmodSync(path, 0o755);
  return path;
}

function addManifest(directory: string, text: string): string {
  const path = join(directory, "scan.toml");
  writeFileSync(path, text);
  chmodSync(path, 0o644);
  return path;
}

const find = (parameters: Readonly<Record<string, string>> = {}) =>
  findCommand([first, second], { command: name("scan"), parameters: new Map(Object.entries(parameters)) });

function foundWith(parameters: Readonly<Record<string, string>>): Readonly<Record<string, unknown>> {
  const found = find(parameters);
  if (!found.found) assert.fail(found.detail);
  return Object.fromEntries(found.values);
}

function refusal(parameters?: Readonly<Record<string, string>>): readonly (string | undefined)[] {
  const found = find(parameters);
  return found.found ? ["found"] : [found.reason, found.detail];
}

const MANIFEST = `
  timeout = 60
  concurrency = 3
  [parameters.TARGET]
  type = "list"
  mandatory = true
  [parameters.Port]
  type = "integer"
  [parameters.FAST]
  type = "boolean"
  [parameters.HOST]
  type = ["ip", "domains"]
  [parameters.TOKEN]
  type = "string"
  secret = true
  [parameters.LOGIN]
  type = "password"
`;

test("findCommand() finds a command without a manifest, to which nothing can be passed", () => {
  const path = addExecutable(first);
  assert.deepEqual(find(), { found: true, path, manifest: undefined, values: new Map() });
  assert.deepEqual(refusal({ target: "a" }), ["parameters", "it has no manifest, so it takes none"]);
});

test("findCommand() gives the limits of the manifest, and values that mean what their type says", () => {
  addExecutable(first);
  const path = addManifest(first, MANIFEST);
  const found = find({ target: "a,b" });
  assert.ok(found.found);
  const { manifest } = found;
  assert.deepEqual([manifest?.path, manifest?.timeout, manifest?.concurrency], [path, 60_000, 3]);
  assert.deepEqual(foundWith({ target: '["a,b", 5]', port: "80", fast: "on" }), {
    TARGET: ["a,b", 5],
    PORT: "80",
    FAST: true,
  });
});

test("findCommand() takes a text for the first of several types that it fits", () => {
  addExecutable(first);
  addManifest(first, MANIFEST);
  assert.deepEqual(foundWith({ target: "a", host: "::1" })["HOST"], "::1");
  assert.deepEqual(foundWith({ target: "a", host: "a.com,b.com" })["HOST"], ["a.com", "b.com"]);
  assert.deepEqual(refusal({ target: "a", host: "a b" }), [
    "parameters",
    "HOST: (ip) Not a valid IP address. (domains) Not a valid list",
  ]);
});

test("findCommand() refuses what the manifest does not declare, misses, calls secret, or types otherwise", () => {
  addExecutable(first);
  addManifest(first, MANIFEST);
  const rows: readonly (readonly [Readonly<Record<string, string>>, string])[] = [
    [{}, "TARGET: Missing, expected list"],
    [{ target: "a", colour: "red" }, "colour: No such parameter"],
    [{ target: "a", targte: "b" }, 'targte: No such parameter, did you mean "TARGET"?'],
    [{ target: "a", TARGET: "b" }, "TARGET: Given twice"],
    [{ target: "a", token: "t0ken" }, "TOKEN: Secret, not taken from here"],
    [{ target: "a", login: "l0gin" }, "LOGIN: Secret, not taken from here"],
    [{ target: "[1.5]", port: "x" }, "TARGET: Item not valid in list; PORT: Not a valid integer"],
    [{ target: "a", fast: "maybe" }, "FAST: Not a valid boolean"],
  ];
  for (const [parameters, detail] of rows) assert.deepEqual(refusal(parameters), ["parameters", detail]);
});

test("findCommand() refuses a manifest that cannot be used, with parameters and without", () => {
  addExecutable(first);
  const path = addManifest(first, 'tool = "x"\ntimeot = 5\n');
  const problem = `Cannot use timeot from "${path}": no such key, did you mean "timeout"?`;
  for (const parameters of [{}, { target: "a" }])
    assert.deepEqual(refusal(parameters), ["manifest", problem]);
  addManifest(first, "tool = \n");
  assert.match(refusal()[1] ?? "", /^Cannot read ".*\/scan\.toml": line 1, column \d+: /);
});

test("findCommand() refuses a command that is not there before it looks at its manifest", () => {
  assert.deepEqual(refusal(), ["no-such-command", undefined]);
  addManifest(first, "tool = \n");
  assert.equal(refusal()[0], "no-such-command");
});

test("findCommand() leaves to Faraday what its manifest keeps from stations", () => {
  addExecutable(first);
  addManifest(first, "station = false");
  assert.deepEqual(find(), { found: false, reason: "manifest", detail: "it is not for stations" });
});

test("findCommand() runs nothing below the name that a stronger directory gives to an official executor", () => {
  addManifest(first, 'official = "nmap"');
  assert.equal(refusal()[0], "no-such-command");
  addExecutable(second);
  assert.deepEqual(refusal(), ["no-such-command", undefined]);
});

test("findCommand() reads the manifest anew each time", () => {
  addExecutable(first);
  assert.equal(refusal()[0], "found");
  addManifest(first, MANIFEST);
  assert.equal(refusal()[0], "parameters");
  rmSync(join(first, "scan.toml"));
  assert.equal(refusal()[0], "found");
});
