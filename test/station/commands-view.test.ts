import assert from "node:assert/strict";
import { test } from "node:test";
import type { CommandName } from "../../src/core/names.ts";
import { encodeListing, type ListedCommand } from "../../src/protocol/listing.ts";
import { CommandVersions } from "../../src/station/command-versions.ts";
import { CommandsView, commandsJson, commandsTable } from "../../src/station/commands-view.ts";
import { exit, id } from "./scene.ts";

const digest = (byte: number) => new Uint8Array(32).fill(byte);

function command(name: string, changes: Partial<ListedCommand> = {}): ListedCommand {
  return { name: name as CommandName, digest: digest(1), ...changes };
}

function versionsOf(agents: Readonly<Record<string, readonly ListedCommand[]>>): CommandVersions {
  const versions = new CommandVersions();
  for (const [agent, commands] of Object.entries(agents)) versions.add(id(agent), encodeListing(commands));
  return versions;
}

test("CommandVersions tells the version of the most agents from others, by executable, manifest and problem", () => {
  const reload = command("reload");
  const { versions, agents } = versionsOf({
    web1: [reload, command("scan")],
    web2: [command("reload", { digest: digest(2) })],
    web3: [reload, command("scan", { manifest: digest(1) })],
    db1: [reload],
    db2: [command("reload", { digest: undefined, problem: "not-executable" })],
  });
  assert.equal(agents, 5);
  assert.deepEqual(
    versions.map(({ command: { name }, agents: its, isOdd }) => [name, its.join(" "), isOdd]),
    [
      ["reload", "db1 web1 web3", false],
      ["reload", "db2", true],
      ["reload", "web2", true],
      // As many of either: nobody can say which is the odd one.
      ["scan", "web1", true],
      ["scan", "web3", true],
    ],
  );
});

test("CommandVersions finds nothing odd in what all have alike, and nothing in descriptions", () => {
  const { versions } = versionsOf({
    web1: [command("reload", { description: "a" })],
    web2: [command("reload", { description: "b" })],
  });
  assert.deepEqual(
    versions.map(({ agents, isOdd }) => [agents.join(" "), isOdd]),
    [["web1 web2", false]],
  );
});

test("CommandVersions takes no list that is none", () => {
  assert.throws(() => new CommandVersions().add(id("web1"), new Uint8Array(3)), {
    code: "message-malformed",
  });
});

test("commandsTable() has a line a version, marks the odd ones, and shows nothing that a terminal would obey", () => {
  const { versions, agents } = versionsOf({
    web1: [
      command("disk", { manifest: digest(7), description: "Show\u001b[2J free space" }),
      command("reload"),
    ],
    web2: [
      command("disk", { manifest: digest(7), description: "Show\u001b[2J free space" }),
      command("reload"),
    ],
    db1: [
      command("disk", { manifest: digest(7), description: "Show\u001b[2J free space" }),
      command("reload", { digest: undefined }),
      command("scan", { digest: undefined, problem: "not-executable", detail: "mode 0644" }),
    ],
  });
  assert.equal(
    commandsTable(versions, agents),
    `    disk     010101010101     manifest 070707070707   all 3 agents              Show^[[2J free space
    reload   010101010101     -                       2 of 3 agents: web[1-2]
≠   reload   unreadable       -                       1 of 3 agents: db1
    scan     not executable   -                       1 of 3 agents: db1        mode 0644
`,
  );
  const alike = versionsOf({ web1: [command("reload")] });
  assert.equal(commandsTable(alike.versions, 1), "reload   010101010101   -   all 1 agent\n");
  assert.equal(commandsTable([], 0), "");
});

test("CommandVersions knows who lacks a command that most have, as far as a list is whole", () => {
  const disk = command("disk");
  const { lacks } = versionsOf({
    web1: [disk, command("reload"), command("scan")],
    web2: [disk, command("reload", { digest: digest(2) }), command("scan")],
    web3: [disk, command("reload")],
    web4: [disk, command("odd")],
    web5: [disk, command("reload", { digest: undefined, problem: "masked" })],
  });
  assert.deepEqual(lacks, [{ commands: ["reload"], agents: ["web4"] }], "scan and odd are a few agents' own");
  const three = [disk, command("reload"), command("scan")];
  const alike = versionsOf({ web1: three, web2: three, web3: three, web5: [disk], web4: [disk] });
  assert.deepEqual(alike.lacks, [{ commands: ["reload", "scan"], agents: ["web4", "web5"] }]);
  const many = Array.from({ length: 4100 }, (_, index) => command(`c${10_000 + index}`));
  const cut = versionsOf({ web1: [command("reload")], web2: [command("reload")], web3: many });
  assert.deepEqual(cut.lacks, [], "there are commands of web3 that its list could not hold");
});

test("commandsTable() has titles for its columns where it is asked to, and then no other word for them", () => {
  const { versions, agents } = versionsOf({
    web1: [command("disk", { manifest: digest(7), description: "Free space" }), command("reload")],
    db1: [
      command("disk", { manifest: digest(7), description: "Free space" }),
      command("reload", { digest: undefined, problem: "masked", detail: "link to /dev/null" }),
    ],
  });
  assert.equal(
    commandsTable(versions, agents, true),
    `    COMMAND   SHA-256        MANIFEST       AGENTS                DESCRIPTION
    disk      010101010101   070707070707   all 2 agents          Free space
≠   reload    masked                        1 of 2 agents: db1    link to /dev/null
≠   reload    010101010101   none           1 of 2 agents: web1
`,
  );
  assert.equal(commandsTable([], 0, true), "");
  const plain = versionsOf({ web1: [command("reload")] });
  assert.equal(
    commandsTable(plain.versions, 1, true),
    "COMMAND   SHA-256        MANIFEST   AGENTS\nreload    010101010101   none       all 1 agent\n",
  );
});

test("commandsJson() has whole digests, all names, and null for what is not known", () => {
  const { versions, agents } = versionsOf({
    web1: [command("reload", { manifest: digest(255), description: "x\u0007" })],
    web2: [command("reload", { digest: undefined, problem: "masked", detail: "link to /dev/null" })],
  });
  const parsed = JSON.parse(commandsJson(versions, agents));
  assert.equal(parsed.agents, 2);
  assert.deepEqual(parsed.commands, [
    {
      command: "reload",
      agents: ["web1"],
      differs: true,
      sha256: "01".repeat(32),
      manifest_sha256: "ff".repeat(32),
      description: "x^G",
      problem: null,
      detail: null,
    },
    {
      command: "reload",
      agents: ["web2"],
      differs: true,
      sha256: null,
      manifest_sha256: null,
      description: null,
      problem: "masked",
      detail: "link to /dev/null",
    },
  ]);
});

/** What a view writes, and what it has lost. */
async function shown(
  hasColors: boolean,
  feed: (view: CommandsView) => Promise<void>,
  isTerminal = hasColors,
) {
  let text = "";
  const write = async (bytes: Uint8Array) => {
    text += new TextDecoder().decode(bytes);
  };
  const view = new CommandsView("commands", { write, isTerminal, hasColors }, () => 80);
  await feed(view);
  await view.conclude();
  return [text, ...view.losses];
}

test("CommandsView puts pieces together, and names whose list cannot be read or is too long", async () => {
  const listing = encodeListing([command("reload")]);
  const all = await shown(false, async (view) => {
    for (const piece of [listing.subarray(0, 9), listing.subarray(9)])
      await view.output(id("web1"), "stdout", piece);
    await view.exit(id("web1"), exit());
    await view.output(id("web2"), "stdout", listing.subarray(1));
    await view.exit(id("web2"), exit());
    await view.exit(id("web3"), exit());
    await view.output(id("web4"), "stdout", listing);
    await view.output(id("web4"), "stderr", listing);
    await view.exit(id("web4"), exit());
    await view.exit(id("web5"), exit({ ending: "cancelled", status: undefined }));
    for (let size = 0; size < 33; size += 1) await view.output(id("web6"), "stdout", new Uint8Array(65_536));
    await view.exit(id("web6"), exit());
  });
  assert.deepEqual(all, [
    "reload   010101010101   -   all 1 agent\n",
    ...["web2", "web3", "web4", "web6"].map((name) => `${name}: its list of commands cannot be read`),
  ]);
  const many = Array.from({ length: 4100 }, (_, index) => command(`c${10_000 + index}`));
  const [, ...losses] = await shown(false, async (view) => {
    const bytes = encodeListing(many);
    for (let at = 0; at < bytes.length; at += 65_536)
      await view.output(id("web1"), "stdout", bytes.subarray(at, at + 65_536));
    await view.exit(id("web1"), exit());
  });
  assert.deepEqual(losses, ["web1: 4 more commands, too many for one list"]);
});

test("CommandsView paints what differs, where there are colors", async () => {
  const feed = async (view: CommandsView) => {
    for (const [name, byte] of [
      ["web1", 1],
      ["web2", 1],
      ["web3", 2],
    ] as const) {
      await view.output(id(name), "stdout", encodeListing([command("reload", { digest: digest(byte) })]));
      await view.exit(id(name), exit());
    }
  };
  const [text] = await shown(true, feed);
  assert.match(
    text ?? "",
    /^\u001b\[2m {4}COMMAND .*\u001b\[22m\n {4}reload .*\n\u001b\[33m≠ {3}reload .*web3\u001b\[39m\n$/,
  );
});

test("CommandsView says at the end who lacks what most have, and has titles on a terminal alone", async () => {
  const feed = async (view: CommandsView) => {
    for (const name of ["web1", "web2", "web3", "db19", "db20"]) {
      const has = [command("disk"), ...(name.startsWith("web") ? [command("reload"), command("scan")] : [])];
      await view.output(id(name), "stdout", encodeListing(has));
      await view.exit(id(name), exit());
    }
  };
  const [file = ""] = await shown(false, feed);
  assert.match(file, /^disk .*\nreload .*\nscan .*\nreload, scan: not on db\[19-20\]\n$/);
  const [terminal = ""] = await shown(false, feed, true);
  assert.match(terminal, /^COMMAND .*\ndisk .*\nreload .*\nscan .*\nreload, scan: not on db\[19-20\]\n$/);
  const [colored = ""] = await shown(true, feed);
  assert.match(colored, /\n\u001b\[33mreload, scan: not on db\[19-20\]\u001b\[39m\n$/);
});
