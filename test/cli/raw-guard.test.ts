import assert from "node:assert/strict";
import { test } from "node:test";
import { addresseesOf } from "../../src/cli/addressees.ts";
import { requireOneAgent } from "../../src/cli/raw-guard.ts";
import { targetSettings } from "../../src/cli/settings/target.ts";
import type { Identity, Tag } from "../../src/core/names.ts";
import { resolve } from "../../src/core/settings.ts";

const FLEET = [
  ["web1", "web"],
  ["web2", "web"],
  ["db1", "db"],
].map(([name, tag]) => ({
  identity: name as Identity,
  tags: [tag as Tag],
  record: undefined,
  key: undefined,
}));

async function check(options: Readonly<Record<string, string>>, known = FLEET): Promise<void> {
  const texts = Object.entries(options).map(([name, text]) => [name, [text]] as const);
  const { values } = resolve(targetSettings, { arguments: new Map(texts), environment: {} });
  requireOneAgent(await addresseesOf(values), known);
}

const refusal = (who: string) => ({
  code: "usage",
  exitStatus: 1,
  message: `Cannot use --output raw: it shows one agent, and ${who}`,
  hint: "Say which one with --to, or use --to-directory for the bytes of each",
});

test("requireOneAgent() refuses several that are named, or known and meant", async () => {
  await assert.rejects(check({}), refusal("3 are meant: db1,web[1-2]"));
  await assert.rejects(check({ tags: "web" }), refusal("2 are meant: web[1-2]"));
  await assert.rejects(check({ to: "web[1-9]" }), refusal("2 are meant: web[1-2]"));
  await assert.rejects(check({ to: "x1,x2" }), refusal("2 are meant: x[1-2]"));
  await assert.rejects(check({ to: "x1,x2" }, []), refusal("2 are meant: x[1-2]"));
  await assert.rejects(check({ to: "db*,x1" }), refusal("2 are meant: db1,x1"));
});

test("requireOneAgent() lets one through, and what cannot be told", async () => {
  for (const options of [
    { to: "web1" },
    { to: "x1" },
    { to: "x[1-9]" },
    { tags: "db" },
    { "not-to": "web*" },
    { to: "web1,db1", tags: "web" },
  ])
    await check(options as Readonly<Record<string, string>>);
  await check({}, []);
  await check({ tags: "web" }, []);
});
