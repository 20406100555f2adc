import assert from "node:assert/strict";
import { hostname } from "node:os";
import { test } from "node:test";
import { agentSettings } from "../../src/cli/settings/agent.ts";
import { dispatcherSettings } from "../../src/cli/settings/dispatcher.ts";
import { dispatcherWizardSettings } from "../../src/cli/settings/dispatcher-wizard.ts";
import { runSettings, stationFileSettings } from "../../src/cli/settings/station.ts";
import { resolve, type Schema, type Sources } from "../../src/core/settings.ts";
import { parseConnectionString } from "../../src/hub/connection-string.ts";

const HOME = "/home/u";
const none: Sources = { arguments: new Map(), environment: { HOME } };

const typed = (name: string, ...texts: readonly string[]): Sources => ({
  ...none,
  arguments: new Map([[name, texts]]),
});
const set = (environment: Record<string, string>): Sources => ({
  ...none,
  environment: { HOME, ...environment },
});

test("stationFileSettings have the original's defaults, in milliseconds [S38] [S39] [S40] [S41]", () => {
  const { values } = resolve(stationFileSettings, none);
  assert.equal(values.channel, "default");
  assert.equal(values.identity, hostname());
  assert.deepEqual(values["connection-string"], parseConnectionString("redis://localhost:6379"));
  assert.deepEqual(
    [values["hello-wait"], values["reply-wait"], values["minimum-wait"]],
    [2000, 120_000, 4000],
  );
  assert.deepEqual([values.tags, values.timeout, values.verbose], [[], undefined, 0]);
  assert.equal(values["state-directory"], "/home/u/.local/state/cb");
  assert.equal(values["discovery-file"], "/home/u/.cache/cb/discovery.toml");
  assert.deepEqual([values["no-discovery"], values["fail-missing"]], [false, false]);
});

test("agentSettings have their defaults [S28] [S30]", () => {
  const { values } = resolve(agentSettings, none);
  assert.deepEqual(values["run-directory"], ["."]);
  assert.deepEqual([values.tags, values.jobs, values["time-limit"]], [[], 4, undefined]);
  assert.deepEqual([values["stop-grace"], values["drain-grace"]], [10_000, 1000]);
  assert.deepEqual([values["log-format"], values["log-command-output"]], ["auto", false]);
  const root = process.getuid?.() === 0;
  assert.equal(values["state-directory"], root ? "/var/lib/cb" : "/home/u/.local/state/cb");
});

test("stationFileSettings read 0 as no limit, and as 1 second for --minimum-wait [S39] [S40] [S41]", () => {
  assert.equal(resolve(stationFileSettings, typed("hello-wait", "0")).values["hello-wait"], Infinity);
  assert.equal(resolve(stationFileSettings, typed("reply-wait", "0")).values["reply-wait"], Infinity);
  assert.equal(resolve(stationFileSettings, typed("minimum-wait", "0")).values["minimum-wait"], 1000);
  assert.throws(() => resolve(stationFileSettings, typed("timeout", "0")), { code: "setting" });
});

test("both tables know the original's environment names as weaker ones", () => {
  const original = { CBRADIO_CHANNEL: "a", REDIS_CONNECTION_STRING: "unix:///a", HOSTNAME: "a" };
  const ours = { CB_CHANNEL: "b", CB_CONNECTION_STRING: "unix:///b", CB_IDENTITY: "b" };
  for (const table of [agentSettings, stationFileSettings]) {
    for (const [environment, name] of [
      [original, "a"],
      [{ ...original, ...ours }, "b"],
    ] as const) {
      const { values } = resolve(table, set(environment));
      assert.equal(values.channel, name);
      assert.equal(values.identity, name);
      assert.deepEqual(values["connection-string"].address, { kind: "unix", path: `/${name}` });
    }
  }
});

test("--state-directory takes STATE_DIRECTORY from an agent's unit, not a station's", () => {
  const sources = set({ STATE_DIRECTORY: "/var/lib/x" });
  assert.equal(resolve(agentSettings, sources).values["state-directory"], "/var/lib/x");
  assert.equal(resolve(stationFileSettings, sources).values["state-directory"], "/home/u/.local/state/cb");
});

test("--tags takes commas and repeats, folds and sorts", () => {
  for (const table of [agentSettings, stationFileSettings]) {
    assert.deepEqual(resolve(table, typed("tags", "web,eu", "lab", "eu")).values.tags, ["eu", "lab", "web"]);
  }
});

test("an empty or misspelt name is an error, never everybody or the default", () => {
  for (const table of [agentSettings, stationFileSettings]) {
    for (const name of ["channel", "identity", "tags"]) {
      for (const text of ["", ",", "a,,b", "a b", "a/b", ".a", "-a", "ä", "*", "x".repeat(65)]) {
        assert.throws(() => resolve(table, typed(name, text)), { code: "setting" }, `${name} "${text}"`);
        const variable = `CB_${name.toUpperCase()}`;
        assert.throws(
          () => resolve(table, set({ [variable]: text })),
          { code: "setting" },
          `${variable}="${text}"`,
        );
      }
    }
    assert.throws(() => resolve(table, typed("tags", "web", "")), { code: "setting" });
    const many = Array.from({ length: 65 }, (_, number) => `t${number}`);
    assert.throws(() => resolve(table, typed("tags", ...many)), { message: /at most 64/ });
  }
});

test("no option takes an empty text, from the command line or the environment", () => {
  for (const table of [agentSettings, stationFileSettings]) {
    for (const [name, setting] of Object.entries<Schema[string]>(table)) {
      if (setting.value === undefined) continue;
      assert.throws(() => resolve(table, typed(name, "")), { code: "setting" }, name);
    }
  }
});

test("--jobs is a whole number from 1 to 1024", () => {
  assert.equal(resolve(agentSettings, typed("jobs", "1024")).values.jobs, 1024);
  for (const text of ["0", "1025", "1.5"]) assert.throws(() => resolve(agentSettings, typed("jobs", text)));
});

test("--param takes names with values, which may hold anything", () => {
  const read = (...texts: readonly string[]) => [
    ...resolve(runSettings, typed("param", ...texts)).values.param,
  ];
  assert.deepEqual([...resolve(runSettings, none).values.param], []);
  assert.deepEqual(read("target=10.0.0.1"), [["target", "10.0.0.1"]]);
  assert.deepEqual(read("a=", "B=x=y, z\n", "_1=ü"), [
    ["a", ""],
    ["B", "x=y, z\n"],
    ["_1", "ü"],
  ]);
  const many = (count: number) => Array.from({ length: count }, (_, index) => `p${index}=`);
  assert.equal(read(...many(32)).length, 32);
  assert.equal(read(`a=${"ü".repeat(2048)}`).length, 1);
  const most = Array.from({ length: 12 }, (_, index) => `${"abcdefghijkl"[index]}=${"x".repeat(4095)}`);
  assert.equal(read(...most).length, 12);
});

test("--param says in one line what is wrong, before anybody is asked", () => {
  const name = "expected 1 to 64 letters, digits and underscores, a letter or underscore first";
  const long = Array.from({ length: 12 }, (_, index) => `${"abcdefghijkl"[index]}=${"x".repeat(4096)}`);
  const rows: readonly (readonly [texts: readonly string[], problem: string])[] = [
    [["target"], 'Cannot use --param "target": expected a name, an equals sign and a value'],
    [["=x"], `Cannot use --param "=x": name "": ${name}`],
    [["a-b=x"], `Cannot use --param "a-b=x": name "a-b": ${name}`],
    [["1a=x"], `Cannot use --param "1a=x": name "1a": ${name}`],
    [["\u001b[2J=x"], `Cannot use --param "^[[2J=x": name "^[[2J": ${name}`],
    [["a=1", "a=1"], 'Cannot use --param "a=1" "a=1": a is given twice, expected once'],
    [["a=1", "A=2"], 'Cannot use --param "a=1" "A=2": A is given twice, expected once'],
    [
      [`a=${"x".repeat(4097)}`],
      `Cannot use --param "a=${"x".repeat(77)}…": the value of a has 4097 bytes, expected at most 4096`,
    ],
    [
      Array.from({ length: 33 }, (_, index) => `p${index}=`),
      'Cannot use --param "p0=" "p1=" "p2=" and 30 more: 33 parameters given, expected at most 32',
    ],
    [
      long,
      `Cannot use --param ${long
        .slice(0, 3)
        .map((text) => `"${text.slice(0, 79)}…"`)
        .join(" ")} and 9 more: 49164 bytes in all, expected at most 49152`,
    ],
  ];
  for (const [texts, message] of rows) {
    assert.throws(() => resolve(runSettings, typed("param", ...texts)), { code: "setting", message });
  }
});

test("a connection string that does not parse is not shown", () => {
  for (const text of ["redis://:hunter2@host:port", "hunter2", "redis://u:hunter2@h/x/y"]) {
    assert.throws(
      () => resolve(stationFileSettings, typed("connection-string", text)),
      (error: Error) => !error.message.includes("hunter2") && error.message.includes("(not shown)"),
    );
  }
});

test("the keys of both programs are accepted by both", () => {
  for (const table of [agentSettings, stationFileSettings]) {
    for (const name of [
      "base-station-public-key",
      "base-station-secret-key",
      "network-public-key",
      "network-secret-key",
    ] as const) {
      assert.equal(resolve(table, none).values[name], undefined);
      assert.equal(resolve(table, typed(name, "/k")).values[name], "/k");
    }
  }
});

test("--proxy of the dispatcher takes an HTTP proxy or none, and shows no password of one that it refuses", () => {
  const proxy = (text: string) => resolve(dispatcherSettings, typed("proxy", text)).values.proxy;
  assert.equal(proxy("none"), "none");
  assert.equal(String(proxy("http://proxy.example:3128")), "http://proxy.example:3128/");
  assert.equal(String(proxy("https://me:secret@proxy.example/")), "https://me:secret@proxy.example/");
  const wrong = [
    "",
    "proxy:3128",
    "socks5://p:1",
    "http://p/path",
    "http://p?x",
    "http://me@p",
    "http://:secret@p",
  ];
  for (const text of [...wrong, "ftp://me:secret@p", "http://me:secret@p/#x"]) {
    const refused = (error: unknown) => {
      assert.match(String(error), /Cannot use --proxy \(not shown\): expected /);
      return true;
    };
    assert.throws(() => proxy(text), refused, text);
  }
});

test("--variable of the wizard takes executors with dots in their names, and values with anything in them", () => {
  const read = (text: string) => resolve(dispatcherWizardSettings, typed("variable", text)).values.variable;
  assert.deepEqual(read("a.KEY=x"), [{ executor: "a", variable: "KEY", value: "x" }]);
  assert.deepEqual(read("a.b-1.KEY=x.y=z\n "), [{ executor: "a.b-1", variable: "KEY", value: "x.y=z\n " }]);
  assert.deepEqual(read("a.KEY="), [{ executor: "a", variable: "KEY", value: "" }]);
  for (const text of ["", "KEY=x", "a.KEY", ".KEY=x", "a.=x", "../a.KEY=x", "=a.KEY"])
    assert.throws(() => read(text), { code: "setting" });
});

test("--trust-fingerprint of the wizard takes a SHA-256 as it is shown anywhere", () => {
  const read = (text: string) => {
    return resolve(dispatcherWizardSettings, typed("trust-fingerprint", text)).values["trust-fingerprint"];
  };
  const whole = Array(32).fill("AB").join(":");
  for (const text of [whole, whole.toLowerCase(), "ab".repeat(32)]) assert.equal(read(text), whole);
  for (const text of ["", "ab".repeat(20), "ab".repeat(33), "xy".repeat(32)])
    assert.throws(() => read(text), { code: "setting" });
});
