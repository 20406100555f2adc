import assert from "node:assert/strict";
import { test } from "node:test";
import { addresseesOf } from "../../src/cli/addressees.ts";
import { isForAll } from "../../src/cli/run-guard.ts";
import { targetSettings } from "../../src/cli/settings/target.ts";
import type { Identity, Tag } from "../../src/core/names.ts";
import { resolve } from "../../src/core/settings.ts";

const FLEET = ["web01", "web02", "web03"].map((name) => ({
  identity: name as Identity,
  tags: ["web" as Tag, ...(name === "web03" ? ["eu" as Tag] : [])],
  record: undefined,
  key: undefined,
}));

async function asks(options: Readonly<Record<string, string>>): Promise<boolean> {
  const texts = Object.entries(options).map(([name, text]) => [name, [text]] as const);
  const { values } = resolve(targetSettings, { arguments: new Map(texts), environment: {} });
  return isForAll(await addresseesOf(values), FLEET);
}

test("isForAll() is true where patterns, folds and exclusions leave all that are known but those left out", async () => {
  const all: readonly Readonly<Record<string, string>>[] = [
    {},
    { "not-to": "web01" },
    { tags: "!eu" },
    { to: "*" },
    { to: "web*" },
    { to: "web0?,db1" },
    { to: "web[01-40]" },
    { to: "web[01-02],*3" },
    { to: "web01,*" },
    { to: "web01,web[01-03]" },
    { to: "web*", "not-to": "web02" },
    { to: "web[01-03]", "not-to": "web02" },
    { to: "web[01-02]", tags: "!eu" },
  ];
  for (const options of all) assert.equal(await asks(options), true, JSON.stringify(options));
});

test("isForAll() is false where a tag, or a name of each, says who is meant", async () => {
  const narrow: readonly Readonly<Record<string, string>>[] = [
    { tags: "web" },
    { tags: "web", to: "*" },
    { to: "web01" },
    { to: "web01,web02,web03" },
    { to: "web[01-02],web03" },
    { to: "web[01-02]" },
    { to: "web?2" },
    { to: "web[1-3]" },
    { to: "web[01-02]", "not-to": "web01" },
  ];
  for (const options of narrow) assert.equal(await asks(options), false, JSON.stringify(options));
});
