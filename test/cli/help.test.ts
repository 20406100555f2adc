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

test("helpText() shows every environment name of a command", () => {
  for (const command of commands) {
    const page = flat(command.words);
    for (const [name, setting] of Object.entries(command.settings)) {
      for (const variable of environmentNames(name, setting)) assert.ok(page.includes(variable), variable);
    }
  }
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
  for (const words of [
    ["station", "run"],
    ["station", "ping"],
  ]) {
    const [, section = ""] = /^Exit status:\n(.*?)\n\n/ms.exec(helpText("cb", words, commands)) ?? [];
    const all = Object.keys(ExitStatus).filter((name) => name !== "temporary") as (keyof typeof ExitStatus)[];
    for (const name of all) {
      const shown = exitStatusText(name);
      assert.ok(section.includes(`${shown.padStart(5)}  ${STATION_EXIT[name]?.slice(0, 30)}`), name);
      assert.match(table, new RegExp(`\\| ${shown.replace("+", "\\+")}(,.*)? \\|`), name);
    }
  }
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
