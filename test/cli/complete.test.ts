import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { split } from "../../src/cli/command-line.ts";
import { commands } from "../../src/cli/commands.ts";
import { complete } from "../../src/cli/complete.ts";
import { type Known, knownTo } from "../../src/cli/complete-known.ts";
import type { Channel, Identity } from "../../src/core/names.ts";
import { cryptoReady } from "../../src/protocol/crypto.ts";
import { agentKeyPair, newSeed } from "../../src/protocol/keys.ts";
import { EMPTY_PINS, formatPins, withPins } from "../../src/station/pins.ts";

const names = (...all: readonly string[]) => all.map((name) => ({ name, about: `about ${name}` }));

const KNOWN: Known = {
  channels: () => names("default", "lab"),
  tags: () => names("eu", "us", "web"),
  agents: () => names("web1", "web2"),
  commands: () => names("ping", "reload"),
  executors: () => names("nmap", "ports"),
  runs: () => names("41", "42"),
  posts: () => names("41-3-0", "41-end-0"),
};

/** What is offered for a line, whose last word may be empty. */
function offered(line: string): readonly string[] {
  const { candidates, paths } = complete(line.split(" "), commands, () => KNOWN);
  const typed = line.slice(line.lastIndexOf(" ") + 1);
  const fitting = candidates.map(({ text }) => text).filter((text) => text.startsWith(typed));
  return paths === undefined ? fitting : [...fitting, `:${paths}`];
}

test("complete() offers the words of commands, and help", () => {
  assert.deepEqual(offered("cb "), ["agent", "station", "dispatcher", "executor", "keygen", "help"]);
  assert.deepEqual(offered("cb st"), ["station"]);
  assert.deepEqual(offered("cb station "), ["run", "ping", "commands", "agents"]);
  assert.deepEqual(offered("cb -c lab station "), ["run", "ping", "commands", "agents"]);
  assert.deepEqual(offered("cb station agents "), ["forget", "accept"]);
  assert.deepEqual(offered("cb dispatcher "), [
    "wizard",
    "new",
    "register",
    "run",
    "check",
    "try",
    "import",
    "status",
    "stop",
    "spool",
  ]);
  assert.deepEqual(offered("cb dispatcher spool "), ["list", "show", "retry", "drop"]);
  assert.deepEqual(offered("cb help station "), ["run", "ping", "commands", "agents"]);
  assert.deepEqual(offered("cb-keygen "), ["network", "base-station", "show", "import", "help"]);
  assert.deepEqual(offered("/usr/bin/cb-keygen sh"), ["show"]);
});

test("complete() describes words, options and names", () => {
  const about = (line: string, wanted: string) =>
    complete(line.split(" "), commands, () => KNOWN).candidates.find(({ text }) => text === wanted)?.about;
  assert.equal(about("cb ", "station"), "Have agents run commands, and collect what they say");
  assert.equal(about("cb station ", "ping"), "Show which agents are listening");
  assert.equal(about("cb dispatcher ", "spool"), "Look after results that the server has refused");
  assert.equal(about("cb station --", "--reply-wait"), commands[1]?.settings["reply-wait"]?.help);
  assert.equal(about("cb station agents forget ", "web1"), "about web1");
});

test("complete() offers every option of every command, and none of another's", () => {
  for (const command of commands) {
    const line = ["cb", ...command.words, "--"].join(" ");
    const all = commands.filter(({ words }) => command.words.every((word, index) => words[index] === word));
    const options = new Set(all.flatMap(({ settings }) => Object.keys(settings).map((name) => `--${name}`)));
    assert.deepEqual(offered(line).toSorted(), [...options, "--help", "--version"].toSorted(), line);
  }
});

test("complete() offers --tags and --timeout for cb station --t, and completes --ta", () => {
  const both = offered("cb station --t");
  assert.ok(both.includes("--tags") && both.includes("--timeout"), both.join(" "));
  assert.deepEqual(offered("cb station --ta"), ["--tags"]);
  assert.deepEqual(offered("cb --ta"), ["--tags"]);
});

test("complete() offers an option once, unless it may be repeated", () => {
  assert.deepEqual(offered("cb station --timeout 5 --tags web --t").includes("--timeout"), false);
  assert.deepEqual(offered("cb station --timeout 5 --tags web --ta"), ["--tags"]);
});

test("complete() offers to take a switch back where --no- is typed", () => {
  assert.deepEqual(offered("cb station --no-f"), ["--no-fail-missing", "--no-force-colors"]);
  assert.deepEqual(offered("cb station --no-d"), ["--no-discovery"]);
  assert.deepEqual(offered("cb station --fail"), ["--fail-missing"]);
});

test("complete() offers tags, one after the other in a list", () => {
  assert.deepEqual(offered("cb station --tags "), ["eu", "us", "web"]);
  assert.deepEqual(offered("cb station -t w"), ["web"]);
  assert.deepEqual(offered("cb station --tags=w"), ["--tags=web"]);
  assert.deepEqual(offered("cb station -vtw"), ["-vtweb"]);
  assert.deepEqual(offered("cb station --tags web,"), ["web,eu", "web,us"]);
  assert.deepEqual(offered("cb station --tags=web,us,"), ["--tags=web,us,eu"]);
  assert.deepEqual(offered("cb station --tags web --tags "), ["eu", "us"]);
  assert.deepEqual(offered("cb agent -t web "), ["eu", "us"]);
});

test("complete() goes on behind options that a command takes and does not use, and does not offer them", () => {
  assert.deepEqual(offered("cb station -r unix:///a agents forget "), ["web1", "web2"]);
  assert.deepEqual(offered("cb station agents forget --conn"), []);
});

test("complete() offers excluded tags, and agents for --to and --not-to", () => {
  assert.deepEqual(offered("cb station --tags !"), ["!eu", "!us", "!web"]);
  assert.deepEqual(offered("cb station --tags web,!"), ["web,!eu", "web,!us"]);
  assert.deepEqual(offered("cb station --tags=!web,"), ["--tags=!web,eu", "--tags=!web,us"]);
  assert.deepEqual(offered("cb station --to "), ["web1", "web2"]);
  assert.deepEqual(offered("cb station --to web1,"), ["web1,web2"]);
  assert.deepEqual(offered("cb station --to web1 --to="), ["--to=web2"]);
  assert.deepEqual(offered("cb station agents --not-to w"), ["web1", "web2"]);
  assert.deepEqual(offered("cb station --to web[1,"), []);
  assert.deepEqual(offered("cb station --to-file "), [":files"]);
});

test("complete() offers the values of choices, channels, files and directories, and of nothing else", () => {
  assert.deepEqual(offered("cb agent --log-format "), ["auto", "text", "json"]);
  assert.deepEqual(offered("cb agent --log-format=j"), ["--log-format=json"]);
  assert.deepEqual(offered("cb -c "), ["default", "lab"]);
  assert.deepEqual(offered("cb station --discovery-file "), [":files"]);
  assert.deepEqual(offered("cb station --discovery-file=/e"), [":files"]);
  assert.deepEqual(offered("cb keygen --directory "), [":directories"]);
  assert.deepEqual(offered("cb keygen --commands ping,"), ["ping,reload"]);
  assert.deepEqual(offered("cb dispatcher run --channel-transport "), ["auto", "websocket", "polling"]);
  assert.deepEqual(offered("cb dispatcher check --executors nmap,"), ["nmap,ports"]);
  assert.deepEqual(offered("cb dispatcher check -r "), [":directories"]);
  for (const option of ["--timeout", "--connection-string", "--identity"]) {
    assert.deepEqual(offered(`cb station ${option} `), [], option);
  }
});

test("complete() never offers the fingerprint that is to be compared", () => {
  assert.deepEqual(offered("cb station agents accept web1 --fingerprint "), []);
});

test("complete() offers what an operand may be, as often as it is taken", () => {
  assert.deepEqual(offered("cb station run "), ["ping", "reload"]);
  assert.deepEqual(offered("cb station run ping "), []);
  assert.deepEqual(offered("cb station agents forget web1 "), ["web2"]);
  assert.deepEqual(offered("cb station agents accept web1 "), []);
  assert.deepEqual(offered("cb-keygen show "), [":files"]);
  assert.deepEqual(offered("cb-keygen import a b "), [":files"]);
  assert.deepEqual(offered("cb dispatcher try "), ["nmap", "ports"]);
  assert.deepEqual(offered("cb dispatcher stop "), ["41", "42"]);
  assert.deepEqual(offered("cb dispatcher spool drop 41-3-0 "), ["41-end-0"]);
  assert.deepEqual(offered("cb station run -- "), ["ping", "reload"]);
  assert.deepEqual(offered("cb station run -- --t"), []);
});

test("complete() offers nothing for a line that would be refused", () => {
  assert.deepEqual(offered("cb station --jobs 4 "), []);
  assert.deepEqual(offered("cb station --nonsense --t"), []);
  assert.deepEqual(offered("cb nonsense "), []);
});

test("complete() takes any line", () => {
  const word = fc.oneof(
    fc.constantFrom("", "-", "--", "=", "-c", "--tags", "--tags=", "station", "run", "help", "keygen", "-vt"),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(word), (words) => {
      complete(words, commands, () => KNOWN);
    }),
  );
});

let home: string;

before(async () => {
  await cryptoReady();
  home = mkdtempSync(join(tmpdir(), "cb-complete-"));
  for (const directory of [".cache/cb", ".local/state/cb", "etc", "lib"]) {
    mkdirSync(join(home, directory), { recursive: true });
  }
});

after(() => rmSync(home, { recursive: true }));

const discoveryFile = () => join(home, ".cache/cb/discovery.toml");
const pinFile = () => join(home, ".local/state/cb/known_agents");

function known(line: string): Known {
  const [, ...words] = line.split(" ");
  const environment = { HOME: home };
  return knownTo(commands, split("cb", words, commands), environment, [join(home, "etc"), join(home, "lib")]);
}

const NOBODY = { channels: [], tags: [], agents: [] };

function fleet(line: string) {
  const { channels, tags, agents } = known(line);
  return { channels: channels(), tags: tags(), agents: agents() };
}

test("knownTo() reads who answered on the channel of the line, and who is pinned", () => {
  writeFileSync(
    discoveryFile(),
    `[channels.default.agents.web1]
last_seen = 1
tags = ["web", "eu"]
[channels.default.agents.web2]
last_seen = 1
tags = ["web"]
[channels.lab.agents.x1]
last_seen = 1
tags = []
`,
  );
  const key = agentKeyPair(newSeed()).publicKey;
  const { file } = withPins(EMPTY_PINS, "default" as Channel, new Map([["db1" as Identity, key]]));
  writeFileSync(pinFile(), formatPins(file));
  const channels = [{ name: "default" }, { name: "lab" }];
  const db1 = { name: "db1", about: "no tags" };
  const all = {
    channels,
    tags: [
      { name: "eu", about: "1 agent" },
      { name: "web", about: "2 agents" },
    ],
    agents: [db1, { name: "web1", about: "eu,web" }, { name: "web2", about: "web" }],
  };
  assert.deepEqual(fleet("cb station"), all);
  assert.deepEqual(fleet("cb keygen"), all);
  const lab = { channels, tags: [], agents: [{ name: "x1", about: "no tags" }] };
  assert.deepEqual(fleet("cb -c lab station"), lab);
  assert.deepEqual(fleet("cb agent -c lab --state-directory /nonexistent"), lab);
  assert.deepEqual(fleet("cb station -D"), { ...NOBODY, agents: [db1] });
  assert.deepEqual(fleet("cb station --discovery-file /nonexistent"), { ...NOBODY, agents: [db1] });
});

test("knownTo() takes no name that is none, whoever wrote it", () => {
  writeFileSync(
    discoveryFile(),
    `[channels."$(id)".agents.x1]
last_seen = 1
tags = []
[channels.default.agents."; id"]
last_seen = 1
tags = []
[channels.default.agents.web1]
last_seen = 1
tags = ["$(id)", "a b", "-x", "web"]
`,
  );
  writeFileSync(pinFile(), "");
  assert.deepEqual(fleet("cb station"), {
    channels: [{ name: "default" }],
    tags: [{ name: "web", about: "1 agent" }],
    agents: [{ name: "web1", about: "web" }],
  });
});

test("knownTo() knows nothing where files are damaged or settings wrong, and changes nothing", () => {
  writeFileSync(discoveryFile(), "[channels");
  writeFileSync(pinFile(), "a line that is none\n");
  assert.deepEqual(fleet("cb station"), NOBODY);
  assert.deepEqual(readFileSync(discoveryFile(), "utf8"), "[channels");
  assert.deepEqual(readdirSync(join(home, ".cache/cb")), ["discovery.toml"]);
  assert.deepEqual(fleet("cb station --config /nonexistent"), NOBODY);
  assert.deepEqual(fleet("cb station -c a -c b"), NOBODY);
  assert.deepEqual(fleet("cb station -c -x"), NOBODY);
});

test("knownTo() finds the commands that could be run here", () => {
  const put = (path: string, mode: number) => {
    writeFileSync(join(home, path), "#!/bin/sh\n");
    chmodSync(join(home, path), mode);
  };
  put("lib/ping", 0o755);
  put("lib/masked", 0o755);
  put("lib/reload", 0o755);
  put("lib/notes", 0o644);
  put("lib/.hidden", 0o755);
  put("etc/reload", 0o755);
  symlinkSync("/dev/null", join(home, "etc/masked"));
  assert.deepEqual(known("cb station").commands(), [
    { name: "ping", about: join(home, "lib") },
    { name: "reload", about: join(home, "etc") },
  ]);
});

test("knownTo() finds what a dispatcher could run, has not finished and was refused", () => {
  const state = join(home, "dispatcher");
  for (const path of ["run.d", "spool", "quarantine"]) mkdirSync(join(state, path), { recursive: true });
  const put = (path: string, text = "") => writeFileSync(join(state, path), text);
  put("run.d/ports", "#!/bin/sh\n");
  chmodSync(join(state, "run.d/ports"), 0o755);
  put("run.d/ports.toml", 'description = "x"');
  put("run.d/web.toml", 'official = "nikto2"');
  put("run.d/broken.toml", "official =");
  put("run.d/alone.toml");
  for (const file of ["41.ndjson", "9.ndjson", "7.ndjson.damaged-1", "a b.ndjson"]) put(`spool/${file}`);
  for (const file of ["41-3-0.json", "41-3-0.about.json", "9-end-0.json"]) put(`quarantine/${file}`);
  put("dispatcher.toml", `state-directory = "${state}"\nrun-directory = "${state}/run.d"\n`);
  const all = {
    executors: [
      { name: "ports", about: join(state, "run.d") },
      { name: "web", about: "nikto2 of Faraday" },
    ],
    runs: [{ name: "41" }, { name: "9" }],
    posts: [{ name: "41-3-0" }],
  };
  for (const options of [
    `-r ${state}/run.d --state-directory ${state}`,
    `--config ${state}/dispatcher.toml`,
  ]) {
    const { executors, runs, posts } = known(`cb dispatcher stop ${options}`);
    assert.deepEqual({ executors: executors(), runs: runs(), posts: posts() }, all, options);
  }
  const { executors, runs } = known("cb dispatcher stop --config /nonexistent");
  assert.deepEqual({ executors: executors(), runs: runs() }, { executors: [], runs: [] });
});

const MAIN = join(import.meta.dirname, "../../src/cli/main.ts");

function completed(shell: string, ...words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, "complete", shell, "--", ...words], {
    encoding: "utf8",
    env: { HOME: home },
  });
  return { status, stdout, stderr };
}

test("cb complete prints what fits for bash, and all of it with descriptions for zsh and fish", () => {
  writeFileSync(discoveryFile(), '[channels.lab.agents.web1]\nlast_seen = 1\ntags = ["eu", "web"]\n');
  rmSync(pinFile(), { force: true });
  const line = ["cb", "-c", "lab", "station", "--tags", "w"];
  const said = (stdout: string) => ({ status: 0, stdout, stderr: "" });
  assert.deepEqual(completed("bash", ...line), said("web\n"));
  for (const shell of ["zsh", "fish"]) {
    assert.deepEqual(completed(shell, ...line), said("eu\t1 agent\nweb\t1 agent\n"));
  }
  assert.deepEqual(completed("fish", "cb", "--config=x"), said(":files\n"));
});

test("cb complete reads bash's words without their quotes", () => {
  const quoted = ["cb", "--channel='lab'", "station", "--tags", '"we'];
  assert.deepEqual(completed("bash", ...quoted), { status: 0, stdout: "web\n", stderr: "" });
});

test("cb complete is silent about a line that makes no sense, with success", () => {
  const silence = { status: 0, stdout: "", stderr: "" };
  assert.deepEqual(completed("bash", "cb", "station", "--tags", "web", "--nonsense", "x"), silence);
  assert.deepEqual(completed("zsh", ""), { ...silence, stdout: completed("zsh", "cb").stdout });
});

test("cb complete is in no help", () => {
  const { stdout } = spawnSync(process.execPath, [MAIN, "help"], { encoding: "utf8", env: { HOME: home } });
  assert.doesNotMatch(stdout, /complete/);
});
