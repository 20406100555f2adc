import assert from "node:assert/strict";
import { test } from "node:test";
import { parseWait } from "../../src/core/duration.ts";
import { type CbError, ExitStatus } from "../../src/core/errors.ts";
import { type Channel, parseName } from "../../src/core/names.ts";
import { parseCount, parsePath } from "../../src/core/parse.ts";
import {
  environmentNames,
  type Group,
  grouped,
  resolve,
  type Schema,
  type Setting,
  type Sources,
} from "../../src/core/settings.ts";

const table = {
  channel: {
    short: "c",
    value: "<name>",
    environment: ["OLD_CHANNEL", "OLDER_CHANNEL"],
    default: "default",
    parse: parseName<Channel>,
    help: "channel",
  },
  "reply-wait": { value: "<seconds>", number: true, parse: parseWait, help: "wait" },
  verbose: { repeatable: true, number: true, parse: parseCount, help: "say more" },
  paths: {
    value: "<path>",
    repeatable: true,
    default: ".",
    parse: (texts: readonly string[]) => texts,
    help: "",
  },
  host: {
    value: "<name>",
    default: { help: "the host", text: (e) => e["HOST"] ?? "?" },
    parse: parseName,
    help: "",
  },
  password: {
    value: "<text>",
    secret: true,
    parse: (text: string): string => {
      if (text.includes("bad")) throw new SyntaxError("expected something good");
      return text;
    },
    help: "",
  },
} as const satisfies Schema;

const NOTHING: Sources = { arguments: new Map(), environment: { HOST: "web1" } };

function from(given: {
  readonly line?: Record<string, readonly string[]>;
  readonly environment?: Record<string, string>;
  readonly file?: Record<string, readonly string[]>;
}): Sources {
  return {
    arguments: new Map(Object.entries(given.line ?? {})),
    environment: { HOST: "web1", ...given.environment },
    ...(given.file && { file: { path: "/etc/cb/agent.toml", texts: new Map(Object.entries(given.file)) } }),
  };
}

test("resolve() gives defaults, nothing, and a repeatable setting's own idea of nothing", () => {
  const { values, origins } = resolve(table, NOTHING);
  assert.deepEqual(values, {
    channel: "default",
    "reply-wait": undefined,
    verbose: 0,
    paths: ["."],
    host: "web1",
    password: undefined,
  });
  assert.equal(origins.channel, "default");
  assert.equal(origins["reply-wait"], "none");
  assert.equal(origins.host, "default");
});

test("resolve() prefers argument to environment to file to default, and says which it was", () => {
  const everywhere = {
    line: { channel: ["line"] },
    environment: { CB_CHANNEL: "env", OLD_CHANNEL: "old", OLDER_CHANNEL: "older" },
    file: { channel: ["file"] },
  };
  const { OLDER_CHANNEL } = everywhere.environment;
  const steps = [
    [everywhere, "line", "argument"],
    [{ ...everywhere, line: {} }, "env", "environment"],
    [{ environment: { OLD_CHANNEL: "old", OLDER_CHANNEL }, file: everywhere.file }, "old", "environment"],
    [{ environment: { OLDER_CHANNEL }, file: everywhere.file }, "older", "environment"],
    [{ file: everywhere.file }, "file", "file"],
    [{}, "default", "default"],
  ] as const;
  for (const [given, value, origin] of steps) {
    const { values, origins } = resolve(table, from(given));
    assert.deepEqual([values.channel, origins.channel], [value, origin]);
  }
});

test("resolve() takes a repeatable setting from one source, not from several", () => {
  const { values } = resolve(table, from({ line: { paths: ["a", "b"] }, file: { paths: ["c"] } }));
  assert.deepEqual(values.paths, ["a", "b"]);
});

test("resolve() knows an explicit value from an equal default", () => {
  const { origins } = resolve(table, from({ line: { channel: ["default"] } }));
  assert.equal(origins.channel, "argument");
});

test("resolve() names value and source of what it cannot use", () => {
  const cases = [
    [{ line: { channel: ["a/b"] } }, 'Cannot use --channel "a/b": expected 1 to 64'],
    [{ environment: { CB_CHANNEL: "a/b" } }, 'Cannot use CB_CHANNEL "a/b": expec'],
    [{ environment: { OLD_CHANNEL: "" } }, 'Cannot use OLD_CHANNEL "": expected'],
    [{ file: { channel: ["a/b"] } }, 'Cannot use channel "a/b" from "/etc/cb/agent.toml": expected 1 to 64'],
    [{ environment: { HOST: "a b" } }, 'Cannot use host "a b" from the default (the host): expected 1 to 64'],
    [{ line: { verbose: ["true", "x"] } }, 'Cannot use --verbose "true" "x": expected a num'],
  ] as const;
  for (const [given, message] of cases) {
    assert.throws(
      () => resolve(table, from(given)),
      (error: CbError) => {
        assert.equal(error.message.slice(0, message.length), message);
        assert.equal(error.code, "setting");
        assert.equal(error.exitStatus, ExitStatus.setup);
        return true;
      },
    );
  }
});

test("resolve() says how to replace a default that cannot be used", () => {
  assert.throws(() => resolve(table, from({ environment: { HOST: "a b" } })), {
    hint: "Set it with --host or CB_HOST",
  });
});

test("resolve() never shows a secret, and makes the rest harmless to a terminal", () => {
  assert.throws(() => resolve(table, from({ line: { password: ["bad-hunter2"] } })), {
    message: "Cannot use --password (not shown): expected something good",
  });
  assert.throws(() => resolve(table, from({ line: { channel: ["a\u001b[2J"] } })), {
    message: /"a\^\[\[2J"/,
  });
});

test("resolve() quotes only the beginning of what is long, so that the reason is seen", () => {
  assert.throws(() => resolve(table, from({ line: { channel: ["a".repeat(1_000)] } })), {
    message: /^Cannot use --channel "a{79}…": expected 1 to 64 letters/,
  });
  assert.throws(() => resolve(table, from({ line: { verbose: ["u", "v", "w", "x", "y"] } })), {
    message: /^Cannot use --verbose "u" "v" "w" and 2 more: /,
  });
});

test("resolve() lets a parser's bug through", () => {
  const broken = {
    x: {
      value: "<x>",
      default: "x",
      parse: () => {
        throw new TypeError("bug");
      },
      help: "",
    },
  } as const satisfies Schema;
  assert.throws(() => resolve(broken, NOTHING), TypeError);
});

test("resolve() takes a setting of a command's own from no variable", () => {
  const own = { output: { value: "<file>", environment: false, parse: parsePath, help: "file" } } as const;
  assert.deepEqual(environmentNames("output", own.output), []);
  const sources = { arguments: new Map(), environment: { CB_OUTPUT: "folded" } };
  assert.equal(resolve(own, sources).values.output, undefined);
});

test("environmentNames() puts the derived name first", () => {
  assert.deepEqual(environmentNames("reply-wait", table["reply-wait"]), ["CB_REPLY_WAIT"]);
  assert.deepEqual(environmentNames("channel", table.channel), [
    "CB_CHANNEL",
    "OLD_CHANNEL",
    "OLDER_CHANNEL",
  ]);
});

test("grouped() has every setting once, those without a group first, groups in their order", () => {
  const setting = (group?: Group): Setting => ({
    parse: (text: string) => text,
    help: "",
    ...(group && { group }),
  });
  const table = {
    a: setting("Other"),
    b: setting("Output"),
    c: setting(),
    d: setting("Output"),
    e: setting("Targets"),
  };
  assert.deepEqual(
    [...grouped(table)],
    [
      [undefined, ["c"]],
      ["Targets", ["e"]],
      ["Output", ["b", "d"]],
      ["Other", ["a"]],
    ],
  );
});
