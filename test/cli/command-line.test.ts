import assert from "node:assert/strict";
import { test } from "node:test";
import type { Command } from "../../src/cli/command.ts";
import { parseCommandLine, programOf } from "../../src/cli/command-line.ts";
import { commands } from "../../src/cli/commands.ts";
import type { CbError } from "../../src/core/errors.ts";

/** A command line as in a shell, without quotes. */
const words = (line: string) => line.split(" ").filter((word) => word !== "");

const parse = (line: string) => parseCommandLine("cb", words(line), commands);

function run(line: string | readonly string[]) {
  const args = typeof line === "string" ? words(line) : line;
  const request = parseCommandLine("cb", args, commands);
  if (request.kind !== "run") throw new Error(`${args} asks for ${request.kind}`);
  const { command, texts, operands } = request;
  return { words: command.words.join(" "), texts: Object.fromEntries(texts), operands };
}

function refused(line: string | readonly string[], message: string | RegExp, hint?: string): void {
  const args = typeof line === "string" ? words(line) : line;
  assert.throws(
    () => parseCommandLine("cb", args, commands),
    (error: CbError) => {
      assert.deepEqual([error.name, error.code, error.exitStatus], ["CbError", "usage", 1]);
      if (typeof message === "string") assert.equal(error.message, message);
      else assert.match(error.message, message);
      if (hint !== undefined) assert.equal(error.hint, hint);
      return true;
    },
  );
}

test("parseCommandLine() takes options before, between and after the words", () => {
  const expected = {
    words: "station run",
    texts: { channel: ["lab"], tags: ["web"] },
    operands: ["reload"],
  };
  for (const line of [
    "-c lab station -t web run reload",
    "station run reload -c lab --tags web",
    "-clab --tags=web station run reload",
    "station --channel lab run -tweb reload",
    "-t web -c lab station run -- reload",
  ]) {
    assert.deepEqual(run(line), expected, line);
  }
});

test("parseCommandLine() knows every option of the original by its letter, on both sides of the words", () => {
  const common = {
    c: "channel",
    i: "identity",
    b: "base-station-public-key",
    B: "base-station-secret-key",
    n: "network-public-key",
    N: "network-secret-key",
  };
  const station = { t: "tags", H: "hello-wait", R: "reply-wait", M: "minimum-wait", r: "connection-string" };
  for (const [letter, name] of Object.entries({ ...common, ...station })) {
    for (const line of [
      `-${letter} 1 station ping`,
      `station -${letter} 1 ping`,
      `station ping -${letter} 1`,
    ]) {
      assert.deepEqual(run(line).texts, { [name]: ["1"] }, line);
    }
  }
  for (const [letter, name] of Object.entries({ ...common, t: "tags" })) {
    for (const line of [`-${letter} 1 agent`, `agent -${letter} 1`]) {
      assert.deepEqual(run(line).texts, { [name]: ["1"] }, line);
    }
  }
  assert.deepEqual(run("-l agent -v").texts, { "log-command-output": ["true"], verbose: ["true"] });
  assert.deepEqual(run("--errors-only agent --force-colors").texts, {
    "errors-only": ["true"],
    "force-colors": ["true"],
  });
});

test("parseCommandLine() takes common options in front of a command that has no use for them, and no others", () => {
  const { texts } = run("-r unix:///a --identity x station -v agents");
  assert.deepEqual(Object.keys(texts), ["connection-string", "identity", "verbose"]);
  for (const option of ["--hello-wait 3", "--timeout 3", "--fingerprint x"]) {
    assert.throws(() => parseCommandLine("cb", `station agents ${option}`.split(" "), commands), {
      code: "usage",
      message: /with "cb station agents": it belongs to "cb station/,
    });
  }
});

test("parseCommandLine() reads -r before the word agent as Redis, after it as a run-directory", () => {
  assert.deepEqual(run("-r unix:///a agent -r ./b -r c").texts, {
    "connection-string": ["unix:///a"],
    "run-directory": ["./b", "c"],
  });
  assert.deepEqual(run("agent -r b --connection-string unix:///a").texts, {
    "run-directory": ["b"],
    "connection-string": ["unix:///a"],
  });
});

test("parseCommandLine() gives bare words after an agent's --tags to it, up to the next option", () => {
  assert.deepEqual(run("agent -t web eu -v --tags lab x,y").texts, {
    tags: ["web", "eu", "lab", "x,y"],
    verbose: ["true"],
  });
  assert.deepEqual(run("agent --tags=web help agent").texts, { tags: ["web", "help", "agent"] });
  refused("agent -t web -v eu", 'Cannot use "eu": "cb agent" takes no operand');
  refused("agent -t web -- eu", 'Cannot use "eu": "cb agent" takes no operand');
  refused("-t web eu agent", 'Cannot use "eu": no such command');
  refused("station -t web eu run x", /^Cannot use "eu": no such command/);
});

test("parseCommandLine() leaves every value a text", () => {
  for (const text of ["007", "1e3", "0x10", "true", "", " ", "null", "a=b", "-"]) {
    assert.deepEqual(run(["station", "ping", "--identity", text]).texts, { identity: [text] });
  }
  for (const text of ["-v", "--help", "=x"]) {
    assert.deepEqual(run(["station", "ping", `--identity=${text}`]).texts, { identity: [text] });
  }
  assert.deepEqual(run(["station", "run", "007"]).operands, ["007"]);
});

test("parseCommandLine() lets no switch swallow what follows", () => {
  assert.deepEqual(run("station --errors-only run -v reload"), {
    words: "station run",
    texts: { "errors-only": ["true"], verbose: ["true"] },
    operands: ["reload"],
  });
});

test("parseCommandLine() counts, and takes switches back", () => {
  assert.deepEqual(run("-v agent -vv").texts["verbose"], ["true", "true", "true"]);
  assert.deepEqual(run("agent --no-errors-only").texts, { "errors-only": ["false"] });
  refused("agent --no-channel", /^Cannot use option "--no-channel": no such option/);
});

test("parseCommandLine() takes operands as they are, words of commands included", () => {
  for (const name of ["ping", "run", "help", "agent"]) {
    assert.deepEqual(run(`station run ${name}`).operands, [name]);
  }
  assert.deepEqual(run("station run -- --help").operands, ["--help"]);
  assert.deepEqual(run("keygen import a b"), { words: "keygen import", texts: {}, operands: ["a", "b"] });
});

test("parseCommandLine() refuses unknown options wherever they stand, with a suggestion", () => {
  const suggested = 'Cannot use option "--reply-wiat": no such option, did you mean "--reply-wait"?';
  refused("station run reload --reply-wiat 5", suggested, 'Try "cb station run --help"');
  refused("--reply-wiat 5 station run reload", suggested);
  refused("station --reply-wiat=5 run reload", suggested);
  refused("station -x ping", 'Cannot use option "-x": no such option', 'Try "cb station ping --help"');
  refused("station -vx ping", 'Cannot use option "-x": no such option');
  for (const option of ["--__proto__", "--constructor", "--toString=1", "---", "--=x", "-é", "--no-", "--"]) {
    if (option !== "--") refused(["station", "ping", option], /no such option/);
  }
});

test("parseCommandLine() says where an option of another command belongs", () => {
  refused(
    "station --jobs 4 run x",
    'Cannot use option "--jobs" with "cb station run": it belongs to "cb agent"',
  );
  refused("-H 1 agent", 'Cannot use option "-H" with "cb agent": it belongs to "cb station run"');
  refused("-k a station ping", /"-k" with "cb station ping": it belongs to "cb keygen network"/);
});

test("parseCommandLine() refuses missing values and values of switches", () => {
  refused("station ping --channel", 'Cannot use option "--channel": its value is missing, expected <name>');
  refused("station ping -c", 'Cannot use option "-c": its value is missing, expected <name>');
  refused("station -c -- ping", 'Cannot use option "-c": its value is missing, expected <name>');
  refused(
    "station -c -v ping",
    'Cannot use option "-c" with "-v": it looks like an option, expected <name>',
    "Write --channel=VALUE for a value that begins with a dash",
  );
  refused("agent --errors-only=true", 'Cannot use option "--errors-only" with a value: it is a switch');
  refused("agent --no-errors-only=", 'Cannot use option "--no-errors-only" with a value: it is a switch');
  refused("agent -t=web", 'Cannot use option "-t" with "=web": a letter takes no "="');
  // What is wrong with a number, its parser says.
  assert.deepEqual(run("station run x --canary -1 --expect -2").texts, { canary: ["-1"], expect: ["-2"] });
});

test("parseCommandLine() refuses two different values, and does not show secret ones", () => {
  const message = 'Cannot use option "--channel" twice: "a" and "b" given, expected one of them';
  refused("-c a station ping --channel b", message);
  refused(
    "-r redis://:hunter2@a station ping -r redis://:hunter3@a",
    'Cannot use option "--connection-string" twice: (not shown) and (not shown) given, expected one of them',
  );
  refused("agent --errors-only --no-errors-only", /twice/);
  assert.deepEqual(run("-c a station ping -c a").texts, { channel: ["a"] });
});

test("parseCommandLine() refuses unknown words, and too few or too many operands", () => {
  refused("agnet", 'Cannot use "agnet": no such command, did you mean "agent"?', 'Try "cb --help"');
  refused(
    "station pign",
    'Cannot use "pign": no such command, did you mean "ping"?',
    'Try "cb station --help"',
  );
  refused("keygen netwrok", 'Cannot use "netwrok": no such command, did you mean "network"?');
  refused("stat --help", 'Cannot use "stat": no such command');
  refused("help agnet", /did you mean "agent"/);
  refused([""], 'Cannot use "": no such command');
  refused(["a\u001b[2J"], 'Cannot use "a^[[2J": no such command');
  refused("station run", 'Cannot run "cb station run": <command> is missing', 'Try "cb station run --help"');
  refused("station run a b", 'Cannot use "b": "cb station run" takes <command> alone');
  refused("station ping a", 'Cannot use "a": "cb station ping" takes no operand');
});

test("parseCommandLine() runs nothing with an argument that it does not know, and says how one is given", () => {
  const hint = "Say with --to or --tags which agents run it, and with --param KEY=VALUE what it is given";
  for (const [line, word] of [
    ["station run reload foo=bar", "foo=bar"],
    ["station run reload -- foo=bar", "foo=bar"],
    ["station run reload -- --force", "--force"],
    ["station run web1 reload", "reload"],
  ] as const) {
    refused(line, `Cannot use "${word}": "cb station run" takes <command> alone`, hint);
  }
  refused("station run reload --foo=bar", /^Cannot use option "--foo": no such option/);
  refused("station run reload -x", 'Cannot use option "-x": no such option');
});

test("parseCommandLine() says that a list has commas where the next word would be a command", () => {
  const hint = "Separate them with commas: --to web1,web2";
  refused("station --to web1 web2 run reload", 'Cannot use "web2": no such command', hint);
  refused("station --to web1 web2", 'Cannot use "web2": no such command', hint);
  refused("station --to=web1 web2 web3 ping", 'Cannot use "web2": no such command', hint);
  refused(
    "station run reload --to web1 web2",
    'Cannot use "web2": "cb station run" takes <command> alone',
    hint,
  );
  refused(
    "station agents --not-to web1 web*",
    /takes no operand|no such command/,
    "Separate them with commas: --not-to 'web1,web*'",
  );
  refused("station -t web eu ping", /no such command/, "Separate them with commas: --tags web,eu");
  refused("station run a --param x=1 y=2", /<command> alone/, "Repeat the option: --param x=1 --param y=2");
  // Behind what takes one value, or none, it is a word like any other.
  refused("station --timeout 5 web2 run x", /no such command/, 'Try "cb station --help"');
  refused("station --to web1 --all web2 run x", /no such command/, 'Try "cb station --help"');
});

test("parseCommandLine() finds help in every place, before any other mistake", () => {
  const cases = {
    "--help": [],
    "-h": [],
    help: [],
    "help station": ["station"],
    "help station run": ["station", "run"],
    "station help": ["station"],
    "station --help": ["station"],
    "station run --help": ["station", "run"],
    "station run reload -h": ["station", "run"],
    "agent help": ["agent"],
    "agent --bogus --help": ["agent"],
    "keygen help": ["keygen"],
    "keygen import --help": ["keygen", "import"],
  };
  for (const [line, expected] of Object.entries(cases)) {
    assert.deepEqual(parse(line), { kind: "help", words: expected, asked: true }, line);
  }
});

test("parseCommandLine() gives help unasked where words are missing", () => {
  assert.deepEqual(parse(""), { kind: "help", words: [], asked: false });
  assert.deepEqual(parse("-v"), { kind: "help", words: [], asked: false });
  assert.deepEqual(parse("-c lab station"), { kind: "help", words: ["station"], asked: false });
});

test("parseCommandLine() finds the version", () => {
  for (const line of ["-V", "--version", "station run --version"]) {
    assert.deepEqual(parse(line), { kind: "version" }, line);
  }
});

test("parseCommandLine() lets cb-keygen mean cb keygen", () => {
  const keygen = (line: string) => parseCommandLine("cb-keygen", words(line), commands);
  assert.deepEqual(keygen("network -k a"), parse("keygen network -k a"));
  assert.deepEqual(keygen("--directory x"), parse("keygen --directory x"));
  assert.deepEqual(keygen("help"), { kind: "help", words: ["keygen"], asked: true });
  assert.throws(() => keygen("agent"), {
    message: 'Cannot use "agent": no such command',
    hint: 'Try "cb-keygen --help"',
  });
  assert.throws(() => keygen("-t x"), { message: /"-t" with "cb-keygen": it belongs to/ });
});

test("programOf() looks at what was typed and at the script", () => {
  assert.equal(programOf("cb-keygen", "/$bunfs/root/cb"), "cb-keygen");
  assert.equal(programOf("/usr/bin/cb-keygen", "/$bunfs/root/cb"), "cb-keygen");
  assert.equal(programOf("node", "/usr/lib/cb/cb-keygen"), "cb-keygen");
  assert.equal(programOf("cb", "/$bunfs/root/cb"), "cb");
  assert.equal(programOf("node", undefined), "cb");
});

test("the tables agree on which options have values, by name and by letter", () => {
  const kinds = new Map<string, boolean>();
  const agree = (key: string, takesValue: boolean, command: Command) => {
    assert.equal(kinds.get(key) ?? takesValue, takesValue, `${key} of ${command.words.join(" ")}`);
    kinds.set(key, takesValue);
  };
  for (const command of commands) {
    for (const [name, setting] of Object.entries(command.settings)) {
      agree(`--${name}`, setting.value !== undefined, command);
      if (setting.short !== undefined) agree(`-${setting.short}`, setting.value !== undefined, command);
    }
  }
  for (const reserved of ["--help", "-h", "--version", "-V"])
    assert.equal(kinds.has(reserved), false, reserved);
});

test("the tables share no letter between two settings, but for the agent's -r", () => {
  const sharing: string[] = [];
  for (const command of commands) {
    const letters = Object.values(command.settings).flatMap(({ short }) => short ?? []);
    for (const letter of new Set(letters)) {
      if (letters.filter((other) => other === letter).length > 1)
        sharing.push(`${command.words.join(" ")} -${letter}`);
    }
  }
  assert.deepEqual(sharing, ["agent -r"]);
});

test("no command that takes operands has an option that takes words", () => {
  for (const command of commands.filter(({ operands }) => operands.length > 0)) {
    for (const setting of Object.values(command.settings)) assert.equal(setting.takesWords, undefined);
  }
});

test("parseCommandLine() refuses a long option with one dash, which would mean another one", () => {
  refused("station -tags web run x", 'Cannot use option "-tags": did you mean "--tags"?');
  refused("station run x -output=live", 'Cannot use option "-output=live": did you mean "--output=live"?');
  refused("station run -timeout 5 x", 'Cannot use option "-timeout": did you mean "--timeout"?');
  assert.deepEqual(run("station -tweb ping").texts, { tags: ["web"] });
  assert.deepEqual(run("station ping -vvv").texts, { verbose: ["true", "true", "true"] });
});

test("parseCommandLine() knows a command whose first words were left out", () => {
  refused("ping", 'Cannot use "ping": no such command, did you mean "cb station ping"?');
  refused(
    "run x",
    'Cannot use "run": no such command, did you mean "cb station run" or "cb dispatcher run"?',
  );
  for (const word of ["retry", "list", "drop"])
    refused(
      `dispatcher ${word} 41-0-3`,
      `Cannot use "${word}": no such command, did you mean "cb dispatcher spool ${word}"?`,
    );
  refused("agents", 'Cannot use "agents": no such command, did you mean "cb station agents"?');
  refused("hlep", 'Cannot use "hlep": no such command, did you mean "help"?');
});
