/** /etc/cb/agent.toml, station.toml and dispatcher.toml, as they are installed, against the tables that the program reads them by. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { agentSettings } from "../../src/cli/settings/agent.ts";
import { dispatcherSettings } from "../../src/cli/settings/dispatcher.ts";
import { stationFileSettings } from "../../src/cli/settings/station.ts";
import { parseConfig } from "../../src/core/config-file.ts";
import { resolve, type Schema } from "../../src/core/settings.ts";

type SettingsFile = {
  readonly name: string;
  readonly table: Schema;
  /** What the file sets otherwise than the program by itself. */
  readonly set: Readonly<Record<string, readonly string[]>>;
};

const FILES: readonly SettingsFile[] = [
  {
    name: "agent.toml",
    table: agentSettings,
    set: { "run-directory": ["/etc/cb/run.d", "/usr/lib/cb/run.d"], "stop-wait": ["55"] },
  },
  { name: "station.toml", table: stationFileSettings, set: {} },
  { name: "dispatcher.toml", table: dispatcherSettings, set: { "stop-wait": ["50"] } },
];

for (const { name, table, set } of FILES) {
  const path = join(import.meta.dirname, "../../packaging", name);
  const text = readFileSync(path, "utf8");
  const parse = (toml: string) => parseConfig(new TextEncoder().encode(toml), path, table);
  /** The file as it would be with every setting in it taken in. */
  const uncommented = text.replace(/^#(?! )/gm, "");

  test(`${name} sets what it must and nothing else`, () => {
    assert.deepEqual(Object.fromEntries(parse(text)), set);
  });

  test(`${name} has every key of the table, once, as it can be read`, () => {
    const keys = Object.keys(table).filter((key) => table[key]?.file !== false);
    const given = parse(uncommented);
    assert.deepEqual([...given.keys()].sort(), keys.sort());
    // verbose and errors-only contradict each other only where they are set.
    resolve(table, { arguments: new Map(), environment: {}, file: { path, texts: given } });
  });

  test(`${name} shows defaults that the table has`, () => {
    for (const [key, texts] of parse(uncommented)) {
      const setting = table[key];
      if (setting === undefined || key in set) continue;
      if (typeof setting.default === "string") assert.deepEqual(texts, [setting.default], key);
      // As it is where the file is.
      else if (setting.default !== undefined && setting.repeatable)
        assert.deepEqual(texts, [setting.default.text({ XDG_CONFIG_HOME: "/etc" })].flat(), key);
      else if (setting.repeatable) assert.deepEqual(setting.parse(texts), setting.parse([]), key);
    }
  });

  test(`${name} gives a reason for every key, and says what no default is`, () => {
    const paragraphs = text.split("\n\n").slice(1);
    for (const paragraph of paragraphs.filter((part) => /^#?[a-z-]+ = /m.test(part))) {
      assert.match(paragraph, /^# [A-Z]/, paragraph);
      for (const key of paragraph.matchAll(/^#([a-z-]+) = /gm)) {
        const { default: fallback, repeatable } = table[key[1] ?? ""] ?? {};
        if (typeof fallback !== "string" && !repeatable) assert.match(paragraph, /[Bb]y default/, paragraph);
      }
    }
  });

  test(`${name} is no wider than a terminal of 120 columns`, () => {
    assert.deepEqual(
      text.split("\n").filter((line) => line.length > 120),
      [],
    );
  });
}
