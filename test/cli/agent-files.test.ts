import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { AgentFiles } from "../../src/cli/agent-files.ts";
import { utf8 } from "../../src/protocol/bytes.ts";
import { DirectoryView } from "../../src/station/directory-view.ts";
import { hello, id, runRequest } from "../station/scene.ts";
import { play } from "../station/view-scene.ts";
import { eventProblems } from "../support/event-schema.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "cb-directory-"));
});

afterEach(() => rmSync(directory, { recursive: true }));

const at = (...names: readonly string[]) => join(directory, "out", ...names);
const read = (...names: readonly string[]) => readFileSync(at(...names), "utf8");
const resultOf = (name: string) => JSON.parse(read(name, "result.json"));
const modeOf = (path: string) => statSync(path).mode & 0o777;

test("AgentFiles keeps both streams of each agent, and what became of it", async () => {
  const view = new DirectoryView(new AgentFiles(at()));
  const binary = Uint8Array.of(0, 0xff, 10, 27);
  await play(
    view,
    [
      { name: "web1", stdout: "one\ntwo", stderr: "oops\n", exit: { status: 3 } },
      { name: "web2", stdout: binary },
      { name: "web3" },
      { name: "web4", disposition: { is: "refused", reason: "forbidden" } },
      { name: "web5", exit: "never", stdout: "half" },
      { name: "db1", disposition: { is: "not-targeted" } },
    ],
    { missing: ["web9"] },
  );
  assert.deepEqual(readdirSync(at()).toSorted(), ["web1", "web2", "web3", "web4", "web5", "web9"]);
  assert.deepEqual([read("web1", "stdout"), read("web1", "stderr")], ["one\ntwo", "oops\n"]);
  assert.deepEqual(new Uint8Array(readFileSync(at("web2", "stdout"))), binary);
  assert.deepEqual(
    [read("web3", "stdout"), read("web3", "stderr"), read("web5", "stdout")],
    ["", "", "half"],
  );
  for (const name of ["web4", "web9"]) assert.deepEqual(readdirSync(at(name)), ["result.json"]);
  const results = readdirSync(at()).toSorted().map(resultOf);
  assert.deepEqual(eventProblems()(results), []);
  assert.deepEqual(
    results.map(({ agent, status, exit_status: its }) => [agent, status, its]),
    [
      ["web1", "failed", 3],
      ["web2", "ok", 0],
      ["web3", "ok", 0],
      ["web4", "refused", undefined],
      ["web5", "unfinished", undefined],
      ["web9", "missing", undefined],
    ],
  );
  assert.deepEqual(view.losses, []);
});

test("AgentFiles keeps what comes as it comes, for its owner alone", async () => {
  const view = new DirectoryView(new AgentFiles(at()));
  await view.start(runRequest());
  await view.hello(hello("web1"));
  await view.output(id("web1"), "stdout", utf8("first\n"));
  assert.equal(read("web1", "stdout"), "first\n");
  for (const path of [at(), at("web1")]) assert.equal(modeOf(path), 0o700);
  for (const name of ["stdout", "stderr"]) assert.equal(modeOf(at("web1", name)), 0o600);
  await view.flush();
});

test("AgentFiles has few files open, however many agents print in turn", async () => {
  const view = new DirectoryView(new AgentFiles(at(), 4));
  const names = Array.from({ length: 20 }, (_, index) => `web${index}`);
  const openFiles = () => readdirSync("/proc/self/fd").length;
  const before = openFiles();
  for (const name of names) await view.hello(hello(name));
  for (const word of ["one\n", "two\n", "three\n"]) {
    for (const name of names) await view.output(id(name), "stdout", utf8(word));
  }
  assert.ok(openFiles() <= before + 4, `${openFiles() - before} files are open`);
  for (const name of names) assert.equal(read(name, "stdout"), "one\ntwo\nthree\n");
  await play(view, []);
  assert.ok(openFiles() <= before);
});

test("AgentFiles takes an empty directory, refuses any other, and changes nothing in it", () => {
  mkdirSync(at(), { mode: 0o755 });
  new AgentFiles(at()).undo();
  assert.equal(modeOf(at()), 0o755);
  assert.deepEqual(readdirSync(at()), []);
  writeFileSync(at("mine"), "kept");
  const refused = (path: string, why: string) =>
    assert.throws(() => new AgentFiles(path), { code: "file", message: `Cannot ${why}` });
  refused(at(), `use "${at()}": it is not empty, expected a directory that is new or empty`);
  assert.deepEqual([readdirSync(at()), read("mine")], [["mine"], "kept"]);
  refused(at("mine"), `use "${at("mine")}": it is not a directory`);
  refused(at("mine", "below"), `create "${at("mine", "below")}": not a directory`);
  symlinkSync(at("nowhere"), at("link"));
  refused(at("link"), `use "${at("link")}": it is a link that leads nowhere`);
  refused("/proc/self/kept", 'create "/proc/self/kept": no such file or directory');
});

test("AgentFiles refuses a directory in which nothing can be made", (t) => {
  mkdirSync(at());
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "ro", "none", at()], { stdio: "ignore" });
  } catch {
    t.diagnostic("this user cannot mount a file system that is read-only");
    // Root alone could, and root alone writes to what has no write bit.
    chmodSync(at(), 0o500);
    assert.throws(() => new AgentFiles(at()), { code: "file", message: /permission denied$/ });
    return;
  }
  try {
    const why = `Cannot write to "${at()}": read-only file system`;
    assert.throws(() => new AgentFiles(at()), { code: "file", message: why });
  } finally {
    execFileSync("umount", [at()]);
  }
});

test("AgentFiles.undo() takes away the directory that it has made, and no other", () => {
  new AgentFiles(at()).undo();
  assert.equal(existsSync(at()), false);
  const files = new AgentFiles(at());
  files.append(id("web1"), "stdout", utf8("kept"));
  files.undo();
  assert.equal(read("web1", "stdout"), "kept");
});

test("AgentFiles says once that a disk is full, and the session goes on", async (t) => {
  mkdirSync(at());
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k,mode=700", "none", at()], { stdio: "ignore" });
  } catch {
    // Whoever may not mount has /dev/full, which is a file and no directory: the tests of files.ts use it.
    t.diagnostic("this user cannot mount a small file system");
    return;
  }
  try {
    const view = new DirectoryView(new AgentFiles(at()));
    await play(view, [
      { name: "web1", stdout: "fits\n" },
      { name: "web2", stdout: "x".repeat(200_000) },
      { name: "web3", stdout: "late\n" },
    ]);
    const full = `Cannot write "${at("web2", "stdout")}": no space left on device`;
    assert.deepEqual(view.losses, [`${full}; what is in "${at()}" is not complete`]);
    assert.equal(read("web1", "stdout"), "fits\n");
    // Half an object would stop whoever reads them all.
    for (const name of readdirSync(at()))
      if (existsSync(at(name, "result.json"))) assert.equal(resultOf(name).agent, name);
  } finally {
    execFileSync("umount", [at()]);
  }
});
