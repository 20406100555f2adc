import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { CbError } from "../../src/core/errors.ts";
import { lockFile } from "../../src/core/lock-file.ts";

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "cb-lock-"));
  path = join(directory, "lock");
});

afterEach(() => rmSync(directory, { recursive: true }));

test("lockFile() writes our pid, for us alone to read, in place of an older one", () => {
  writeFileSync(path, "999999999 of somebody else\n", { mode: 0o600 });
  lockFile(path, "agent").release();
  assert.equal(readFileSync(path, "utf8"), `${process.pid}\n`);
  rmSync(path);
  lockFile(path, "agent").release();
  assert.equal(statSync(path).mode & 0o077, 0);
});

test("lockFile() refuses a second holder, naming the pid of the first, until it is released", () => {
  const lock = lockFile(path, "agent");
  const message = `Cannot use "${path}": the agent with pid ${process.pid} has it`;
  assert.throws(() => lockFile(path, "agent"), { code: "locked", message });
  lock.release();
  lockFile(path, "agent").release();
});

test("lockFile() knows a holder that has not written its pid yet", () => {
  const lock = lockFile(path, "agent");
  writeFileSync(path, "");
  assert.throws(() => lockFile(path, "agent"), { message: `Cannot use "${path}": another agent has it` });
  lock.release();
});

test("lockFile() holds against other processes, until its own is killed", async () => {
  const script = join(directory, "holder.mjs");
  writeFileSync(
    script,
    `import { lockFile } from "${join(import.meta.dirname, "../../src/core/lock-file.ts")}";
     lockFile(process.argv[2], "agent"); process.stdout.write("held"); setInterval(() => {}, 1000);`,
  );
  const holder = spawn(process.execPath, [script, path], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    await once(holder.stdout, "data");
    assert.throws(() => lockFile(path, "agent"), {
      code: "locked",
      message: `Cannot use "${path}": the agent with pid ${holder.pid} has it`,
    });
  } finally {
    holder.kill("SIGKILL");
    await once(holder, "exit");
  }
  lockFile(path, "agent").release();
});

test("lockFile() waits for a lock as long as it is told to, and no longer", async () => {
  const lock = lockFile(path, "station");
  assert.throws(() => lockFile(path, "station", 0.05), {
    code: "locked",
    message: `Cannot use "${path}": the station with pid ${process.pid} has it`,
  });
  lock.release();
  // We stand still while we wait, so it has to be another process that lets go of it.
  const holder = spawn("flock", ["-x", path, "sh", "-c", "echo held; sleep 0.5"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(holder.stdout, "data");
  assert.throws(() => lockFile(path, "station"), { code: "locked" });
  lockFile(path, "station", 10).release();
  await once(holder, "exit");
});

test("lockFile() is not inherited by what we start", () => {
  const lock = lockFile(path, "agent");
  const child = spawn("sleep", ["60"], { stdio: "ignore" });
  lock.release();
  try {
    lockFile(path, "agent").release();
  } finally {
    child.kill("SIGKILL");
  }
});

test("lockFile() says that a directory is missing, or flock", () => {
  const below = join(directory, "none", "lock");
  assert.throws(() => lockFile(below, "agent"), {
    code: "file",
    message: `Cannot lock "${below}": no such file or directory`,
  });
  const script = join(directory, "without-flock.mjs");
  writeFileSync(
    script,
    `import { lockFile } from "${join(import.meta.dirname, "../../src/core/lock-file.ts")}";
     try { lockFile(process.argv[2], "agent"); } catch (error) { console.log(error.code, error.message, error.hint); }`,
  );
  const { stdout } = spawnSync(process.execPath, [script, path], {
    env: { PATH: directory },
    encoding: "utf8",
  });
  assert.equal(stdout, `file Cannot lock "${path}": the program flock is missing Install util-linux\n`);
});

test("lockFile() throws only CbError for a file that is none", () => {
  assert.throws(() => lockFile(directory, "agent"), CbError);
});
