import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { addresseesOf } from "../../src/cli/addressees.ts";
import { parseAgentLines, readAgentListFile } from "../../src/cli/agent-list-file.ts";
import { targetSettings } from "../../src/cli/settings/target.ts";
import { resolve } from "../../src/core/settings.ts";

/** What options mean, the target without what it does not say. */
async function meant(options: Readonly<Record<string, readonly string[]>>) {
  const sources = { arguments: new Map(Object.entries(options)), environment: {} };
  const { target, named } = await addresseesOf(resolve(targetSettings, sources).values);
  return [target && JSON.parse(JSON.stringify(target)), [...named]];
}

test("addresseesOf() means everybody where nothing is said", async () => {
  assert.deepEqual(await meant({}), [undefined, []]);
});

test("addresseesOf() sorts and joins all that is said", async () => {
  assert.deepEqual(await meant({ tags: ["web,!eu", "db"] }), [
    { tags: ["db", "web"], excludedTags: ["eu"] },
    [],
  ]);
  assert.deepEqual(await meant({ to: ["web2,web1", "db*", "lb[1-2]"], "not-to": ["db9"] }), [
    { identities: ["db*", "lb1", "lb2", "web1", "web2"], excludedIdentities: ["db9"] },
    ["web2", "web1"],
  ]);
  assert.deepEqual(await meant({ "not-to": ["web*"] }), [{ excludedIdentities: ["web*"] }, []]);
});

test("addresseesOf() takes excluded names out of those that are wanted, and says nothing more of them", async () => {
  assert.deepEqual(await meant({ to: ["web[1-3],db1"], "not-to": ["web2,d*"] }), [
    { identities: ["web1", "web3"] },
    [],
  ]);
  assert.deepEqual(await meant({ to: ["web1,web2"], "not-to": ["web2"] }), [
    { identities: ["web1"] },
    ["web1"],
  ]);
});

test("addresseesOf() tells which of --not-to take nobody out of those that are named", async () => {
  const sparedBy = async (to: readonly string[], notTo: string) => {
    const sources = {
      arguments: new Map([
        ["to", to],
        ["not-to", [notTo]],
      ]),
      environment: {},
    };
    const { spared } = await addresseesOf(resolve(targetSettings, sources).values);
    return [[...spared.patterns], [...spared.named]];
  };
  assert.deepEqual(await sparedBy([], "web1,d*,c[1-2]"), [["web1", "d*", "c1", "c2"], ["web1"]]);
  assert.deepEqual(await sparedBy(["web[1-3],db1,x"], "web2,d*"), [[], []]);
  assert.deepEqual(await sparedBy(["web[1-3],db1"], "wbe2,lb*"), [["wbe2", "lb*"], ["wbe2"]]);
  assert.deepEqual(await sparedBy(["web*"], "web2,web3*"), [["web2", "web3*"], ["web2"]]);
});

test("addresseesOf() does not mean everybody where nobody is left", async () => {
  await assert.rejects(meant({ to: ["web1"], "not-to": ["web*"] }), {
    message: "Cannot ask anybody: --not-to excludes all that are named",
  });
});

test("addresseesOf() says how many names are too many", async () => {
  await assert.rejects(meant({ to: ["n[1-8193]"] }), {
    message: "Cannot ask 8193 agents by name: expected at most 8192",
  });
  await assert.rejects(meant({ "not-to": ["n[1-8193]"] }), {
    message: "Cannot leave out 8193 agents by name: expected at most 8192",
  });
  assert.equal((await meant({ to: ["n[1-8192]"] })).length, 2);
});

test("parseAgentLines() reads folds, patterns, comments, blanks and commas", () => {
  const text = "\ufeff# the shop\r\nweb[1-2]  # two\n\n  db1 db2, cache*\t,x\n#y\n";
  const { patterns, named } = parseAgentLines(new TextDecoder().decode(Buffer.from(text)), "it");
  assert.deepEqual([...patterns], ["web1", "web2", "db1", "db2", "cache*", "x"]);
  assert.deepEqual([...named], ["db1", "db2", "x"]);
});

test("parseAgentLines() names the line that it cannot read, and takes none for all", () => {
  assert.throws(() => parseAgentLines("web1\n\nwéb2\n", '"hosts"'), {
    message: /^Cannot use line 3 of "hosts": pattern "wéb2": expected 1 to 64/,
  });
  assert.throws(() => parseAgentLines("a\nweb1#x\n", "it"), /line 2/);
  for (const text of ["", "\n", "# web1\n"]) {
    assert.throws(() => parseAgentLines(text, "standard input"), {
      message: "Cannot use standard input: it names no agent, which does not mean all of them",
    });
  }
});

test("readAgentListFile() reads what is there, and says what is not", async () => {
  const directory = mkdtempSync(join(tmpdir(), "cb-list-"));
  try {
    const path = join(directory, "hosts");
    writeFileSync(path, "web1\nweb2");
    assert.deepEqual([...(await readAgentListFile(path)).named], ["web1", "web2"]);
    const { target } = await addresseesOf(
      resolve(targetSettings, { arguments: new Map([["to-file", [path]]]), environment: {} }).values,
    );
    assert.deepEqual(target?.identities, ["web1", "web2"]);
    await assert.rejects(readAgentListFile(join(directory, "none")), {
      message: `Cannot read "${directory}/none": no such file or directory`,
    });
    await assert.rejects(readAgentListFile(directory), /Cannot read/);
    writeFileSync(path, "#".repeat(8 * 1024 * 1024 + 1));
    await assert.rejects(readAgentListFile(path), /it is longer than 8388608 bytes/);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
