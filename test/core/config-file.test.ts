import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { findConfigFile, parseConfig, readConfigFile } from "../../src/core/config-file.ts";
import { parseWait } from "../../src/core/duration.ts";
import type { CbError } from "../../src/core/errors.ts";
import { parseCount, parseSwitch } from "../../src/core/parse.ts";
import type { Schema } from "../../src/core/settings.ts";

const table = {
  identity: { value: "<name>", parse: (text: string) => text, help: "" },
  "reply-wait": { value: "<seconds>", number: true, parse: parseWait, help: "" },
  tags: { value: "<tags>", repeatable: true, parse: (texts: readonly string[]) => texts, help: "" },
  "errors-only": { parse: parseSwitch, help: "" },
  verbose: { repeatable: true, number: true, parse: parseCount, help: "" },
  config: { value: "<file>", file: false, parse: (text: string) => text, help: "" },
} as const satisfies Schema;

const parse = (toml: string) => parseConfig(new TextEncoder().encode(toml), "/etc/cb/agent.toml", table);

test("parseConfig() makes texts of strings, numbers, booleans and arrays of strings", () => {
  const texts = parse(
    'identity = "007"\nreply-wait = 0.5\ntags = ["web", "eu"]\nerrors-only = true\nverbose = 2\n',
  );
  assert.deepEqual(
    [...texts],
    [
      ["identity", ["007"]],
      ["reply-wait", ["0.5"]],
      ["tags", ["web", "eu"]],
      ["errors-only", ["true"]],
      ["verbose", ["2"]],
    ],
  );
});

test("parseConfig() takes one string for a repeatable setting, a string for a number, a byte order mark", () => {
  assert.deepEqual(
    [...parse('\ufefftags = "web,eu"\nreply-wait = "5"\nverbose = true')],
    [
      ["tags", ["web,eu"]],
      ["reply-wait", ["5"]],
      ["verbose", ["true"]],
    ],
  );
});

test("parseConfig() refuses types that do not fit, by name", () => {
  const cases = {
    "identity = 1.10": 'identity from "/etc/cb/agent.toml": expected a string, found a number',
    "identity = true": "expected a string, found a boolean",
    'identity = ["a"]': "expected a string, found an array that does not fit",
    "tags = [1]": "expected a string or an array of strings, found an array that does not fit",
    "tags = 1": "expected a string or an array of strings, found a number",
    'errors-only = "true"': "expected true or false, found a string",
    "errors-only = 1": "expected true or false, found a number",
    'verbose = "2"': "expected true, false or a number, found a string",
    "reply-wait = 1979-05-27": "expected a number or a string, found a date",
    "[reply-wait]\nx = 1": "expected a number or a string, found a table",
  };
  for (const [toml, message] of Object.entries(cases)) {
    assert.throws(
      () => parse(toml),
      (error: CbError) => error.code === "setting" && error.message.endsWith(message),
      toml,
    );
  }
});

test("parseConfig() refuses an unknown key, suggests and lists the known ones", () => {
  assert.throws(() => parse('identiy = "a"'), {
    code: "setting",
    message: 'Cannot use key "identiy" from "/etc/cb/agent.toml": no such key, did you mean "identity"?',
    hint: "Known keys: identity, reply-wait, tags, errors-only, verbose",
  });
  for (const key of ["__proto__", "constructor", "toString", "CHANNEL", "config"]) {
    assert.throws(() => parse(`${key} = "a"`), { message: /no such key/ }, key);
  }
});

test("parseConfig() gives line and column of bad TOML but never the line, which may hold a password", () => {
  assert.throws(
    () => parse('identity = "a"\nreply-wait = hunter2\n'),
    (error: CbError) => {
      assert.equal(error.message, 'Cannot read "/etc/cb/agent.toml": line 2, column 14: invalid value');
      assert.equal(error.cause, undefined);
      assert.doesNotMatch(`${error.hint} ${error.stack}`, /hunter2/);
      return true;
    },
  );
  assert.throws(() => parse('identity = "a"\nidentity = "b"\n'), {
    message: /line 2, column 1: trying to redefine/,
  });
});

test("parseConfig() refuses what is not UTF-8", () => {
  const bytes = Uint8Array.of(0x23, 0xff);
  assert.throws(() => parseConfig(bytes, "/x", table), {
    message: 'Cannot read "/x": expected text in UTF-8',
  });
});

function inDirectory(body: (directory: string) => void): void {
  const directory = mkdtempSync(join(tmpdir(), "cb-config-"));
  try {
    body(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test("findConfigFile() reads the first there is, and that one alone", () => {
  inDirectory((directory) => {
    const [first, second, third] = ["1", "2", "3"].map((name) => join(directory, name)) as [
      string,
      string,
      string,
    ];
    mkdirSync(second);
    mkdirSync(third);
    writeFileSync(join(second, "agent.toml"), 'identity = "second"');
    writeFileSync(join(third, "agent.toml"), "unknown = 1");
    const file = findConfigFile("agent.toml", [first, second, third], table);
    assert.equal(file?.path, join(second, "agent.toml"));
    assert.deepEqual(file?.texts.get("identity"), ["second"]);
    assert.equal(findConfigFile("agent.toml", [first], table), undefined);
    assert.throws(() => findConfigFile("agent.toml", [third, second], table), { message: /no such key/ });
  });
});

test("findConfigFile() passes over a file that it may not read where it is others', and nowhere else", () => {
  inDirectory((directory) => {
    const [own, others] = [join(directory, "own"), join(directory, "others")];
    for (const each of [own, others]) mkdirSync(each);
    writeFileSync(join(others, "agent.toml"), "", { mode: 0o000 });
    const find = () => findConfigFile("agent.toml", [own, others], table, others);
    asNobody(directory, () => {
      assert.equal(find(), undefined);
      assert.throws(() => findConfigFile("agent.toml", [others], table), { message: /: permission denied$/ });
    });
    chmodSync(join(others, "agent.toml"), 0o644);
    assert.equal(find()?.path, join(others, "agent.toml"));
    writeFileSync(join(own, "agent.toml"), "", { mode: 0o000 });
    asNobody(directory, () => assert.throws(find, { message: /: permission denied$/ }));
  });
});

/** Does something as a user for whom modes count: for root they do not. */
function asNobody(directory: string, action: () => void): void {
  chmodSync(directory, 0o755);
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65_534);
  try {
    action();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

test("findConfigFile() does not pass over a file that it cannot read", () => {
  inDirectory((directory) => {
    mkdirSync(join(directory, "agent.toml"));
    assert.throws(() => findConfigFile("agent.toml", [directory], table), {
      code: "file",
      message: /directory/,
    });
  });
});

test("readConfigFile() insists on its file", () => {
  inDirectory((directory) => {
    const path = join(directory, "none.toml");
    assert.throws(() => readConfigFile(path, table), {
      code: "file",
      message: `Cannot read "${path}": no such file or directory`,
    });
  });
});
