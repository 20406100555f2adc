import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { openAgentState } from "../../src/agent/agent-state.ts";
import type { Channel, Identity } from "../../src/core/names.ts";
import { randomBytes, sign, verify } from "../../src/protocol/crypto.ts";
import { parseKeyFile } from "../../src/protocol/key-text.ts";
import { channel, EXPIRES, NOW, web1 } from "./scene.ts";

let directory: string;
let folder: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "cb-state-"));
  folder = join(directory, "default", "web1");
});

afterEach(() => rmSync(directory, { recursive: true }));

function open(now = NOW) {
  return openAgentState(directory, channel, web1, now);
}

/** The files of this agent's folder that this process holds open. */
function openFiles(): readonly string[] {
  const links = readdirSync("/proc/self/fd").map((number) => {
    try {
      return readlinkSync(`/proc/self/fd/${number}`);
    } catch {
      return ""; // the one through which we read
    }
  });
  return links.filter((link) => link.startsWith(folder));
}

test("openAgentState() makes key and journal at the first start, for their owner alone", () => {
  const state = open();
  assert.equal(state.journal.born, NOW);
  assert.equal(state.damagedJournal, undefined);
  const message = randomBytes(10);
  assert.ok(verify(sign(message, state.keyPair.secretKey), message, state.keyPair.publicKey));
  assert.equal(openFiles().length, 2);
  state.close();
  assert.deepEqual(openFiles(), []);
  assert.deepEqual(readdirSync(folder).sort(), ["agent.key", "journal", "lock"]);
  for (const path of [folder, join(directory, "default")]) assert.equal(statSync(path).mode & 0o777, 0o700);
  for (const file of readdirSync(folder)) {
    assert.equal(statSync(join(folder, file)).mode & 0o777, 0o600, file);
  }
  const text = readFileSync(join(folder, "agent.key"), "utf8");
  assert.deepEqual(parseKeyFile(text, "agent-secret", "agent.key")[0], state.keyPair);
});

test("openAgentState() finds the same key and journal again", () => {
  const id = randomBytes(16);
  const first = open();
  first.journal.spend(id, EXPIRES, NOW);
  first.close();
  const second = open(NOW + 1000);
  assert.deepEqual(second.keyPair, first.keyPair);
  assert.equal(second.journal.born, NOW);
  assert.equal(second.journal.has(id), true);
  second.close();
});

test("openAgentState() tells a journal that was lost from a first start", () => {
  open().close();
  rmSync(join(folder, "journal"));
  const state = open(NOW + 1000);
  assert.equal(state.journal.born, NOW + 31_000);
  assert.equal(state.damagedJournal, undefined);
  state.close();
});

test("openAgentState() takes up a first start that ended between journal and key", () => {
  open().close();
  rmSync(join(folder, "agent.key"));
  const state = open(NOW + 1000);
  assert.equal(state.journal.born, NOW);
  state.close();
});

test("openAgentState() says where a damaged journal is", () => {
  open().close();
  writeFileSync(join(folder, "journal"), "nonsense\n");
  const state = open(NOW + 1000);
  assert.equal(state.damagedJournal, join(folder, `journal.damaged-${NOW + 1000}`));
  assert.equal(readFileSync(String(state.damagedJournal), "utf8"), "nonsense\n");
  assert.equal(state.journal.born, NOW + 31_000);
  state.close();
});

test("openAgentState() refuses a damaged key, and makes no other in its place", () => {
  open().close();
  const file = join(folder, "agent.key");
  const damaged = readFileSync(file, "utf8").trimEnd().slice(0, -1);
  writeFileSync(file, damaged);
  assert.throws(() => open(), { code: "key" });
  assert.equal(readFileSync(file, "utf8"), damaged);
});

test("openAgentState() refuses a second agent, naming the pid of the first, until it closes", () => {
  const state = open();
  const message = `Cannot use "${join(folder, "lock")}": the agent with pid ${process.pid} has it`;
  assert.throws(() => open(), { code: "locked", message });
  state.close();
  open().close();
});

test("openAgentState() keeps the agents of different channels and identities apart", () => {
  const states = [
    open(),
    openAgentState(directory, "staging" as Channel, web1, NOW),
    openAgentState(directory, channel, "web2" as Identity, NOW),
  ];
  const keys = states.map(({ keyPair }) => Buffer.from(keyPair.publicKey).toString("hex"));
  assert.equal(new Set(keys).size, 3);
  for (const state of states) state.close();
});

test("openAgentState() says what the system refuses", () => {
  writeFileSync(join(directory, "file"), "");
  const below = join(directory, "file");
  assert.throws(() => openAgentState(below, channel, web1, NOW), {
    code: "file",
    message: `Cannot create "${join(below, "default")}": not a directory`,
  });
});

test("openAgentState() leaves the modes of a folder that its owner made alone", () => {
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o750);
  open().close();
  assert.equal(statSync(folder).mode & 0o777, 0o750);
});

test("of five agents that start at once exactly one wins, and the others name its pid", async () => {
  const script = join(directory, "agent.mjs");
  const source = (file: string) => JSON.stringify(join(import.meta.dirname, "../../src", file));
  writeFileSync(
    script,
    `import { openAgentState } from ${source("agent/agent-state.ts")};
     import { cryptoReady } from ${source("protocol/crypto.ts")};
     await cryptoReady();
     process.stdout.write("ready\\n");
     process.stdin.once("data", () => {
       try {
         openAgentState(process.argv[2], "default", "web1", ${NOW});
         process.stdout.write("won\\n");
       } catch (error) {
         process.stdout.write(error.code + " " + error.message + "\\n");
       }
     });
     process.stdin.resume();`,
  );
  const agents = Array.from({ length: 5 }, () => {
    const child = spawn(process.execPath, [script, directory], { stdio: ["pipe", "pipe", "inherit"] });
    const lines: string[] = [];
    child.stdout.on("data", (chunk: Buffer) => lines.push(...chunk.toString().trimEnd().split("\n")));
    return { child, lines, ended: once(child, "exit") };
  });
  const said = async (count: number) => {
    const missing = agents.filter(({ lines }) => lines.length < count);
    await Promise.all(missing.map(({ child }) => once(child.stdout, "data")));
  };
  try {
    await said(1);
    for (const { child } of agents) child.stdin.write("go\n");
    await said(2);
    const answers = agents.map(({ lines }) => String(lines[1]));
    const winners = agents.filter(({ lines }) => lines[1] === "won");
    assert.equal(winners.length, 1, answers.join("\n"));
    const pid = winners[0]?.child.pid;
    for (const answer of answers.filter((text) => text !== "won")) {
      // The winner may not have written its pid yet.
      assert.match(
        answer,
        new RegExp(`^locked Cannot use ".*/lock": (the agent with pid ${pid}|another agent) has it$`),
      );
    }
  } finally {
    for (const { child } of agents) child.kill("SIGKILL");
    await Promise.all(agents.map(({ ended }) => ended));
  }
  assert.ok(existsSync(join(folder, "agent.key")));
  // The kernel gave the lock back, and what the winner made is whole.
  const state = open(NOW + 1000);
  assert.equal(state.journal.born, NOW);
  state.close();
});
