import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../../build/paths.ts";
import { commandName, parseCommandLine } from "../../src/cli/command-line.ts";
import { commands } from "../../src/cli/commands.ts";
import { exitStatusText, STATION_EXIT } from "../../src/cli/exit-meanings.ts";
import { helpText } from "../../src/cli/help.ts";
import { ExitStatus } from "../../src/core/errors.ts";
import { environmentNames, GROUPS, resolve } from "../../src/core/settings.ts";

const PAGES = [
  [],
  ["station"],
  ["dispatcher"],
  ["dispatcher", "spool"],
  ...commands.map(({ words }) => words),
];

/** A page as one line, so that it does not matter where lines are broken. */
const flat = (words: readonly string[]) => helpText("cb", words, commands).replace(/\s+/g, " ");

test("helpText() fits into 100 columns, has no trailing blanks and ends with one newline", () => {
  for (const program of ["cb", "cb-keygen"] as const) {
    for (const words of PAGES) {
      const page = helpText(program, words, commands);
      assert.match(page, /[^\n]\n$/);
      for (const line of page.split("\n")) {
        assert.ok(line.length <= 100, line);
        assert.equal(line, line.trimEnd());
      }
    }
  }
});

test("helpText() shows every option of a command with letter, value, help and default [S37]", () => {
  for (const command of commands) {
    const page = flat(command.words);
    assert.doesNotMatch(page, /default: (true|false)/);
    for (const [name, setting] of Object.entries(command.settings)) {
      const option = setting.value === undefined ? `--${name} ` : `--${name} ${setting.value} `;
      assert.ok(page.includes(option + setting.help), `${command.words.join(" ")}: ${option}`);
      if (setting.value === undefined || setting.default === undefined) continue;
      const text = typeof setting.default === "string" ? setting.default : setting.default.help;
      assert.ok(page.includes(`(default: ${text})`), `${command.words.join(" ")}: default of ${name}`);
    }
  }
});

test("helpText() shows every environment name of a command, or the rule for them and those that follow none", () => {
  for (const command of commands) {
    const page = flat(command.words);
    const hasRule = /CB_ and the name in capitals, such as CB_(\w+) for --([a-z-]+)/.exec(page);
    if (hasRule !== null) assert.equal(hasRule[1], hasRule[2]?.toUpperCase().replaceAll("-", "_"));
    for (const [name, setting] of Object.entries(command.settings)) {
      const [first, ...others] = environmentNames(name, setting);
      for (const other of others) assert.ok(page.includes(hasRule ? `${other} for --${name}` : other), other);
      if (hasRule === null) assert.ok(page.includes(first ?? ""), first);
      else if (first === undefined) assert.match(page, new RegExp(`; not for .*--${name}`));
    }
  }
  assert.match(flat(["station", "run"]), / Environment: In place of options: CB_ and the name in capitals, /);
});

test("helpText() says of a canary what is true with a budget and without", () => {
  const page = helpText("cb", ["station", "run"], commands);
  assert.match(page, /^ +--canary <n> +first on n; one failure stops, unless --max-failures$/m);
  assert.match(page, /^ +--max-failures <n> +stop only once n, or n%, have failed, canaries or not$/m);
  // With both, a failed canary does not keep the others from it, as an example seems to say.
  assert.doesNotMatch(page, /cb station run .*--canary .*--max-failures/);
});

test("helpText() has one line of 80 columns for what a station is told each day", () => {
  const groups = ["Targets", "Command", "Rollout", "Output", "Waiting"];
  for (const words of ["run", "ping", "commands", "agents"].map((word) => ["station", word])) {
    const page = helpText("cb", words, commands);
    for (const group of groups) {
      const section = new RegExp(`^${group}:\n(.*?)\n\n`, "ms").exec(page)?.[1];
      for (const line of section?.split("\n") ?? []) {
        assert.match(line, /^ {2}(-\w,| {3}) --/, line);
        assert.ok(line.length <= 80, line);
      }
    }
    assert.ok(page.includes("\nTargets:\n"));
  }
});

test("helpText() says that --parallel goes on as one ends, and that --pause makes batches of it", () => {
  const page = flat(["station", "run"]);
  assert.match(page, / --parallel <n> at most n, or n%, at any time: as one ends, one begins /);
  assert.match(page, / --pause <seconds> go in batches instead, and wait so long between /);
});

test("helpText() shows no option that has no meaning there", () => {
  const has = (word: string, option: string) =>
    new RegExp(`^ {2}.{4}--${option}\\b`, "m").test(
      helpText("cb", ["station", ...word.split(" ")], commands),
    );
  const meant = {
    run: "timeout reply-wait plan parallel tags",
    ping: "minimum-wait tags",
    commands: "reply-wait minimum-wait tags",
    agents: "tags json",
    "agents accept": "hello-wait fingerprint",
    "agents forget": "state-directory",
  };
  for (const [word, options] of Object.entries(meant))
    for (const option of options.split(" ")) assert.ok(has(word, option), `${word} --${option}`);
  const none = {
    run: "base-station-public-key network-secret-key json",
    ping: "timeout reply-wait plan output json network-secret-key",
    commands: "timeout plan output stats network-secret-key",
    agents: "timeout reply-wait hello-wait expect fail-missing connection-string verbose",
    "agents accept": "tags to verbose errors-only force-colors reply-wait",
    "agents forget": "tags to connection-string hello-wait",
  };
  for (const [word, options] of Object.entries(none))
    for (const option of options.split(" ")) assert.ok(!has(word, option), `${word} --${option}`);
});

test("helpText() shows a command's usage, operands, examples and file", () => {
  const page = helpText("cb", ["station", "run"], commands);
  assert.match(page, /^Usage:\n {2}\$ cb station run <command> \[options\]$/m);
  assert.match(page, /^Examples:\n {2}cb station --tags web run reload$/m);
  assert.match(page, /the first station\.toml in/);
  assert.match(helpText("cb", ["keygen", "import"], commands), /cb keygen import <file>\.\.\. \[options\]/);
});

test("helpText() gives -r to the option that it means there", () => {
  const agent = flat(["agent"]);
  assert.match(agent, / -r, --run-directory <directory> /);
  assert.doesNotMatch(agent, /-r, --connection-string/);
  assert.match(agent, /; -r before "agent" /);
  assert.match(flat(["station", "ping"]), / -r, --connection-string <url> /);
});

test("helpText() lists all commands on the first page, and its own on a group's", () => {
  const all = helpText("cb", [], commands);
  for (const { words, summary } of commands) {
    assert.ok(all.includes(`\n  ${words.join(" ")} `), words.join(" "));
    assert.ok(all.includes(summary));
  }
  const group = helpText("cb", ["station"], commands);
  assert.match(group, /\n {2}run <command> {2}/);
  assert.match(group, /\n {2}ping {2}/);
  assert.doesNotMatch(group, /keygen/);
  assert.match(helpText("cb", ["dispatcher"], commands), /^Run executors for a Faraday server\n/);
  const spool = helpText("cb", ["dispatcher", "spool"], commands);
  assert.match(spool, /^Look after results that the server has refused\n/);
  assert.match(spool, /\n {2}drop <item>\.\.\. {2}/);
});

test("helpText() speaks of cb-keygen to whoever typed that", () => {
  assert.match(helpText("cb-keygen", ["keygen", "network"], commands), /\$ cb-keygen network \[options\]/);
  assert.equal(commandName("cb-keygen", ["keygen"]), "cb-keygen");
  assert.equal(commandName("cb", ["keygen"]), "cb keygen");
});

test("helpText() prints nothing by itself", (t) => {
  const info = t.mock.method(console, "info", () => {});
  helpText("cb", [], commands);
  assert.equal(info.mock.callCount(), 0);
});

test("helpText() has options in groups, in one order on all pages, each option once", () => {
  const titles = ["Options", ...GROUPS.map((group) => (group === "Other" ? "Other options" : group))];
  for (const words of PAGES) {
    const page = helpText("cb", words, commands);
    const shown = [...page.matchAll(/^(\w.*):\n(?= {2}.{4}--)/gm)].map(([, title = ""]) => title);
    assert.deepEqual(
      shown,
      titles.filter((title) => shown.includes(title)),
    );
    assert.equal(shown.at(-1), "Other options");
  }
  const station = helpText("cb", ["station", "run"], commands);
  assert.match(station, /^Targets:\n {2}-t, --tags <tags> /m);
  assert.match(station, /^Waiting:\n {2}-H, --hello-wait <seconds> /m);
});

test("helpText() shows what every exit status of cb station means, as PROTOCOL.md has them", () => {
  const protocol = readFileSync(join(ROOT, "src/protocol/PROTOCOL.md"), "utf8");
  const table = /\n## 9\. Exit status\n(.*?)\n## /s.exec(protocol)?.[1] ?? "";
  const all = Object.keys(ExitStatus).filter((name) => name !== "temporary") as (keyof typeof ExitStatus)[];
  const section = (word: string) =>
    /^Exit status:\n(.*?)\n\n/ms.exec(helpText("cb", ["station", word], commands))?.[1] ?? "";
  for (const name of all) {
    const shown = exitStatusText(name);
    assert.ok(section("run").includes(`${shown.padStart(5)}  ${STATION_EXIT[name]?.slice(0, 30)}`), name);
    assert.match(table, new RegExp(`\\| ${shown.replace("+", "\\+")}(,.*)? \\|`), name);
  }
  // Of the others, those that can come of them.
  const statuses = (word: string) =>
    [...section(word).matchAll(/^ *(\+?\d+) {2}/gm)].map(([, shown]) => shown);
  assert.deepEqual(statuses("ping"), ["0", "1", "+2", "+16", "+32", "+64", "130", "141", "255"]);
  assert.deepEqual(statuses("commands"), statuses("run"));
  assert.deepEqual(statuses("agents"), ["0", "1", "+64"]);
});

test("helpText() shows three examples of every command, and each can be typed", () => {
  for (const command of commands) {
    const { examples = [], words } = command;
    assert.ok(examples.length >= 3, words.join(" "));
    for (const example of examples) {
      // What a shell would take away: whence and where it goes, variables, quotes.
      const typed = example
        .replace(/^.* \| /, "")
        .replace(/^(\w+=\S+ )+/, "")
        .replace(/ > .*/, "");
      const [program = "", ...args] = typed.replaceAll("'", "").split(" ");
      const request = parseCommandLine(program as "cb", args, commands);
      assert.equal(request.kind === "run" && request.command, command, example);
      if (request.kind !== "run") continue;
      const { values } = resolve(command.settings, { arguments: request.texts, environment: {} });
      assert.ok(values, example);
    }
    assert.ok(helpText("cb", words, commands).includes(`Examples:\n  ${examples[0]}\n`));
  }
});
