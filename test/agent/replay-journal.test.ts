import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { MAX_SESSIONS, ReplayJournal } from "../../src/agent/replay-journal.ts";
import { hex, utf8 } from "../../src/protocol/bytes.ts";
import { blake2b256, randomBytes } from "../../src/protocol/crypto.ts";
import { newSessionKeyPair } from "../../src/protocol/keys.ts";
import { EXPIRES, envelope, exitOf, fields, moment, NOW, policy, receive } from "./scene.ts";

let directory: string;
let path: string;
/** Where damaged journals were set aside. */
let damaged: string[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "cb-journal-"));
  path = join(directory, "journal");
  damaged = [];
});

afterEach(() => rmSync(directory, { recursive: true }));

function open(now = NOW, firstStart = false): ReplayJournal {
  return ReplayJournal.open(path, now, firstStart, (aside) => damaged.push(aside));
}

/** What another start would find. */
function reopened(now = NOW) {
  const journal = open(now);
  journal.close();
  return journal;
}

function newId(): Uint8Array {
  return randomBytes(16);
}

test("ReplayJournal is born now at a first start, and where nobody else reads it", () => {
  const journal = open(NOW, true);
  assert.equal(journal.born, NOW);
  assert.equal(journal.floor, 0);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  journal.close();
  assert.equal(reopened(NOW + 5000).born, NOW);
  assert.deepEqual(damaged, []);
});

test("ReplayJournal that was lost is born after all that may have run", () => {
  assert.equal(reopened().born, NOW + 30_000);
  assert.deepEqual(damaged, []);
});

test("ReplayJournal.has() knows what was spent, at once and after a restart", async () => {
  const journal = open();
  const [spent, other] = [newId(), newId()];
  assert.equal(journal.has(spent), false);
  journal.spend(spent, EXPIRES, NOW);
  assert.equal(journal.has(spent.slice()), true);
  assert.equal(journal.has(other), false);
  await journal.sync();
  journal.close();
  assert.equal(reopened().has(spent), true);
  assert.equal(reopened().has(other), false);
});

/** A journal of two sessions; `ids` are in it. */
function twoSessions(): { readonly ids: readonly Uint8Array[]; readonly text: string } {
  const journal = open();
  const ids = [newId(), newId()];
  for (const id of ids) journal.spend(id, EXPIRES, NOW);
  journal.close();
  return { ids, text: readFileSync(path, "latin1") };
}

test("ReplayJournal loses of a file that was cut anywhere only the line that was cut, or calls it damaged", () => {
  const { ids, text } = twoSessions();
  const header = text.indexOf("\n") + 1;
  for (let length = 0; length <= text.length; length++) {
    writeFileSync(path, text.slice(0, length));
    const journal = reopened(NOW + 1);
    const whole = text.slice(0, length).split("\n").length - 2;
    assert.equal(journal.born, length < header ? NOW + 30_001 : NOW + 30_000, `cut at ${length}`);
    assert.equal(damaged.length > 0, length < header, `cut at ${length}`);
    assert.deepEqual(
      ids.map((id) => journal.has(id)),
      [0, 1].map((index) => index < whole),
      `cut at ${length}`,
    );
    for (const aside of damaged.splice(0)) rmSync(aside);
    // What was torn is not appended to: it would take the next line with it.
    assert.equal(readFileSync(path, "latin1").endsWith("\n"), true);
  }
});

test("ReplayJournal calls any other byte of a record damage, sets it aside and refuses what it may have held", () => {
  const { text } = twoSessions();
  for (let at = 0; at < text.length - 1; at++) {
    const changed = `${text.slice(0, at)}${text[at] === "0" ? "1" : "0"}${text.slice(at + 1)}`;
    writeFileSync(path, changed);
    const journal = reopened(NOW + 7);
    assert.deepEqual(damaged, [`${path}.damaged-${NOW + 7}`], `byte ${at}`);
    assert.equal(journal.born, NOW + 30_007);
    assert.equal(readFileSync(String(damaged.pop()), "latin1"), changed);
  }
});

test("ReplayJournal knows records that are well-formed and not ours", () => {
  const checked = (record: string) => `${record} ${hex(blake2b256(utf8(record)).subarray(0, 4))}\n`;
  const header = checked(`cb-journal 1 ${NOW} 0`);
  const id = hex(newId());
  const bad = [
    "",
    "\n",
    "x",
    checked(`cb-journal 2 ${NOW} 0`),
    checked(`cb-journal 1 ${NOW}`),
    checked(`cb-journal 1 ${NOW} -1`),
    `${header}\n`,
    header + checked(""),
    header + header,
    header + checked(`${id} 1 2`),
    header + checked(`${id}00 ${EXPIRES}`),
    header + checked(`${id.toUpperCase().replace(/^./, "F")} ${EXPIRES}`),
    header + checked(`${id} 99999999999999999`),
    `${header}${id} ${EXPIRES}\n`,
  ];
  for (const text of bad) {
    writeFileSync(path, text);
    assert.equal(reopened().born, NOW + 30_000);
    assert.equal(damaged.splice(0).length, 1, JSON.stringify(text));
  }
  writeFileSync(path, `${header}${checked(`${id} ${EXPIRES}`)}`);
  assert.equal(reopened().has(Buffer.from(id, "hex")), true);
  assert.deepEqual(damaged, []);
});

test("ReplayJournal that was damaged is no first start, though there is no agent key", () => {
  writeFileSync(path, "nonsense\n");
  const journal = open(NOW, true);
  journal.close();
  assert.equal(journal.born, NOW + 30_000);
});

test("ReplayJournal that was deleted while it was open is written anew with all that it held", async () => {
  const journal = open();
  const ids = [newId(), newId(), newId()];
  for (const id of ids) {
    journal.spend(id, EXPIRES, NOW);
    rmSync(path);
  }
  const last = newId();
  journal.spend(last, EXPIRES, NOW);
  await journal.sync();
  journal.close();
  const found = reopened();
  assert.equal(found.born, NOW + 30_000);
  for (const id of [...ids, last]) assert.equal(found.has(id), true);
});

test("ReplayJournal that another file has taken the place of is written anew, too", () => {
  const journal = open();
  const id = newId();
  journal.spend(id, EXPIRES, NOW);
  writeFileSync(`${path}.new`, "");
  renameSync(`${path}.new`, path);
  journal.spend(newId(), EXPIRES, NOW);
  journal.close();
  assert.equal(reopened().has(id), true);
});

test("ReplayJournal.spend() throws where its directory has gone, and remembers what it could not record", () => {
  const folder = join(directory, "state");
  mkdirSync(folder);
  path = join(folder, "journal");
  const journal = open();
  const [before, during, after] = [newId(), newId(), newId()];
  journal.spend(before, EXPIRES, NOW);
  rmSync(folder, { recursive: true });
  assert.throws(() => journal.spend(during, EXPIRES, NOW), { code: "file" });
  assert.equal(journal.has(during), true);
  assert.throws(() => journal.spend(newId(), EXPIRES, NOW), { code: "file" });
  mkdirSync(folder);
  journal.spend(after, EXPIRES, NOW);
  journal.close();
  for (const id of [before, during, after]) assert.equal(reopened().has(id), true);
});

test("ReplayJournal.open() throws where it cannot write, instead of forgetting", () => {
  path = join(directory, "none", "journal");
  assert.throws(() => open(), { code: "file" });
  path = directory;
  assert.throws(() => open(), { code: "file", message: `Cannot read "${directory}": it is a directory` });
});

test("ReplayJournal.sync() rejects where nothing was made durable", async () => {
  const journal = open();
  journal.close();
  await assert.rejects(journal.sync());
});

test("ReplayJournal.sync() holds for a journal that is written anew meanwhile", async () => {
  const journal = open();
  for (let round = 0; round < 20; round++) {
    journal.spend(newId(), EXPIRES, NOW);
    const syncs = Array.from({ length: 8 }, () => journal.sync());
    rmSync(path);
    journal.spend(newId(), EXPIRES, NOW);
    await Promise.all(syncs);
  }
  journal.close();
});

test("ReplayJournal lets a session go when it has expired, and its floor keeps the door shut", () => {
  const journal = open();
  const [first, second, third] = [newId(), newId(), newId()];
  journal.spend(first, NOW + 100, NOW);
  journal.spend(second, NOW + 200, NOW);
  journal.spend(third, NOW + 300, NOW);
  journal.close();
  assert.equal(reopened(NOW + 99).floor, 0);
  const later = reopened(NOW + 200);
  assert.deepEqual([later.has(first), later.has(second), later.has(third)], [false, false, true]);
  assert.equal(later.floor, NOW + 200);
  // With the clock set back, and after another restart.
  const back = reopened(NOW - 3_600_000);
  assert.equal(back.floor, NOW + 200);
  assert.equal(back.has(third), true);
});

test("ReplayJournal's floor never falls, whatever is let go later", () => {
  const journal = open();
  journal.spend(newId(), NOW + 500, NOW);
  journal.close();
  const later = open(NOW + 1000);
  later.spend(newId(), NOW + 100, NOW);
  later.close();
  assert.equal(reopened(NOW + 2000).floor, NOW + 500);
});

test("a request whose session was let go is refused after the clock was set back", () => {
  const session = newSessionKeyPair();
  const request = envelope(fields(), { session });
  const journal = open(NOW - 60_000, true);
  const decide = (now: number, replay: ReplayJournal) => receive(request, policy(), moment({ now, replay }));
  const answer = decide(NOW, journal);
  assert.equal(exitOf(answer), "running");
  assert.ok(answer.decision === "run");
  journal.spend(answer.session.id, EXPIRES, NOW);
  assert.equal(exitOf(decide(NOW, journal)), "replayed");
  journal.close();

  const later = reopened(EXPIRES);
  assert.equal(later.has(answer.session.id), false);
  assert.equal(exitOf(decide(EXPIRES, later)), "refused clock");
  const back = decide(NOW, later);
  assert.ok(back.decision === "refused");
  assert.equal(back.detail, "floor");
});

test("a request that was refused, declined or found dated in the future never runs later", () => {
  const journal = open(NOW - 60_000, true);
  const early = NOW + 60_000;
  const rows = [
    [
      "refused clock",
      fields({ issued: early, expires: early + 60_000 }),
      policy(),
      moment({ replay: journal }),
    ],
    [
      "refused masked",
      fields(),
      policy({ findCommand: () => ({ found: false, reason: "masked" }) }),
      moment({ replay: journal }),
    ],
    [
      "not-targeted",
      fields({ target: new Map([["tags", ["web"]]]) }),
      policy({ tags: [] }),
      moment({ replay: journal }),
    ],
    ["declined stopping", fields(), policy(), moment({ replay: journal, load: { stopping: true } })],
  ] as const;
  for (const [exit, body, rules, when] of rows) {
    const request = envelope(body);
    const answer = receive(request, rules, when);
    assert.equal(exitOf(answer), exit);
    assert.ok(answer.decision !== "ignored");
    journal.spend(answer.session.id, answer.session.head.expires, NOW);
    const now = exit === "refused clock" ? early + 1 : NOW;
    assert.equal(exitOf(receive(request, policy(), moment({ now, replay: journal }))), "replayed");
  }
  journal.close();
});

test("ReplayJournal drops expired sessions from its file while it is used", () => {
  const journal = open();
  for (let count = 0; count < 4096; count++) journal.spend(newId(), NOW + 10, NOW);
  const full = statSync(path).size;
  const last = newId();
  journal.spend(last, NOW + 100_000, NOW + 50_000);
  assert.ok(full > 4096 * 50);
  assert.ok(statSync(path).size < 200);
  assert.equal(journal.floor, NOW + 10);
  journal.close();
  assert.equal(reopened(NOW + 50_000).has(last), true);
});

test("ReplayJournal remembers 65 536 sessions; beyond them nothing is recorded until some have expired", () => {
  const journal = open();
  journal.close();
  const record = (index: number) => `${index.toString(16).padStart(32, "0")} ${EXPIRES}`;
  const lines = Array.from({ length: MAX_SESSIONS - 1 }, (_, index) => {
    return `${record(index)} ${hex(blake2b256(utf8(record(index))).subarray(0, 4))}\n`;
  });
  appendFileSync(path, lines.join(""));

  const full = open();
  full.spend(newId(), EXPIRES, NOW);
  const oneTooMany = newId();
  const refusal = { message: "65536 sessions are remembered already" };
  assert.throws(() => full.spend(oneTooMany, EXPIRES, NOW), refusal);
  assert.equal(full.has(oneTooMany), true);
  assert.throws(() => full.spend(newId(), EXPIRES, EXPIRES - 1), refusal);
  const next = newId();
  full.spend(next, EXPIRES + 60_000, EXPIRES);
  assert.equal(full.has(oneTooMany), false);
  assert.equal(full.floor, EXPIRES);
  full.close();
  assert.equal(reopened(EXPIRES).has(next), true);
});

/** A program that opens the journal and then does `body`, in which `journal`, `say()` and `newId()` are there. */
function script(body: string): string {
  const file = join(directory, "spender.mjs");
  const source = (name: string) => JSON.stringify(join(import.meta.dirname, "../../src", name));
  writeFileSync(
    file,
    `import { writeSync } from "node:fs";
     import { ReplayJournal } from ${source("agent/replay-journal.ts")};
     import { cryptoReady, randomBytes } from ${source("protocol/crypto.ts")};
     await cryptoReady();
     const journal = ReplayJournal.open(${JSON.stringify(path)}, ${NOW}, true, () => writeSync(1, "damaged\\n"));
     const say = (id) => writeSync(1, Buffer.from(id).toString("hex") + "\\n");
     const newId = () => randomBytes(16);
     ${body}`,
  );
  return file;
}

test("ReplayJournal knows after SIGKILL at any moment all that was made durable", async () => {
  open(NOW, true).close();
  // Half of the ids of a round expire at once, so that the file is written anew and sessions leave it.
  const file = script(`for (;;) {
    const ids = Array.from({ length: 64 }, newId);
    for (const id of ids) { journal.spend(id, ${EXPIRES}, ${NOW}); journal.spend(newId(), ${NOW - 1}, ${NOW}); }
    await journal.sync();
    for (const id of ids) say(id);
  }`);
  const said: string[] = [];
  for (let round = 0; round < 12; round++) {
    const child = spawn(process.execPath, [file], { stdio: ["ignore", "pipe", "inherit"] });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    const closed = once(child, "close");
    await once(child.stdout, "data");
    await sleep(Math.random() * 30);
    child.kill("SIGKILL");
    await closed;
    const lines = Buffer.concat(chunks).toString("latin1").split("\n").slice(0, -1);
    assert.ok(lines.length > 0);
    assert.ok(!lines.includes("damaged"), `round ${round}`);
    said.push(...lines);
    const journal = reopened();
    for (const id of said) assert.ok(journal.has(Buffer.from(id, "hex")), `round ${round}: ${id}`);
  }
  assert.deepEqual(damaged, []);
  assert.equal(reopened().born, NOW);
});

test("ReplayJournal survives a record of which the disk took only a part", () => {
  // A limit on the size of files stands for a full disk: the last write is cut short, the next ones fail.
  const file = script(`
    const spent = [];
    const spend = (id, expires, now) => { spent.push(id); journal.spend(id, expires, now); };
    const errors = [];
    while (errors.length < 2) {
      try { spend(newId(), ${EXPIRES}, ${NOW}); } catch (error) { errors.push(error.message); }
    }
    writeSync(1, errors.join("\\n") + "\\n" + spent.every((id) => journal.has(id)) + "\\n");
    spend(newId(), ${EXPIRES + 60_000}, ${EXPIRES});
    say(spent.at(-1));`);
  const limited = `trap "" XFSZ; ulimit -f 4; exec "$@"`;
  const { stdout, stderr } = spawnSync("/bin/sh", ["-c", limited, "sh", process.execPath, file], {
    encoding: "utf8",
  });
  assert.equal(stderr, "");
  const [cut, failed, known, last] = stdout.trimEnd().split("\n");
  assert.equal(cut, "the journal took only part of a record");
  assert.match(String(failed), /^Cannot write ".*": file too large$/);
  assert.equal(known, "true");
  assert.equal(reopened(EXPIRES).has(Buffer.from(String(last), "hex")), true);
  assert.deepEqual(damaged, []);
});

test("ReplayJournal leaves nothing else in its folder", async () => {
  const journal = open();
  journal.spend(newId(), EXPIRES, NOW);
  await journal.sync();
  journal.close();
  assert.deepEqual(readdirSync(directory), ["journal"]);
});
