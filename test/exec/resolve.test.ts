import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { type CommandName, parseName } from "../../src/core/names.ts";
import { resolveExecutor } from "../../src/exec/resolve.ts";

const reload = parseName<CommandName>("reload");
let base = "";
let first = "";
let second = "";

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "cb-resolve-"));
  first = join(base, "first");
  second = join(base, "second");
  mkdirSync(first, 0o755);
  mkdirSync(second, 0o755);
});

afterEach(() => rmSync(base, { recursive: true, force: true }));

/** A file with exactly this mode, whatever the umask. */
function write(path: string, mode = 0o755): string {
  writeFileSync(path, "#!/bin/sh\n");
  chmodSync(path, mode);
  return path;
}

function makeDirectory(path: string, mode = 0o755): string {
  mkdirSync(path);
  chmodSync(path, mode);
  return path;
}

function reasonOf(directories: readonly string[] = [first, second]): string {
  const resolution = resolveExecutor(directories, reload);
  return resolution.found ? "found" : resolution.reason;
}

test("resolveExecutor() finds the file in the run-directory", () => {
  const path = write(join(first, "reload"));
  assert.deepEqual(resolveExecutor([first], reload), { found: true, path, directory: first });
});

test("resolveExecutor() takes the first directory that has the name", () => {
  write(join(first, "reload"));
  write(join(second, "reload"));
  write(join(second, "other"));
  assert.deepEqual(resolveExecutor([first, second], reload), {
    found: true,
    path: join(first, "reload"),
    directory: first,
  });
  assert.deepEqual(resolveExecutor([first, second], parseName<CommandName>("other")), {
    found: true,
    path: join(second, "other"),
    directory: second,
  });
});

test("resolveExecutor() makes a relative run-directory absolute", () => {
  const path = write(join(first, "reload"));
  const resolution = resolveExecutor([relative(process.cwd(), first)], reload);
  assert.deepEqual(resolution, { found: true, path, directory: first });
});

test("resolveExecutor() refuses a name that no directory has", () => {
  assert.deepEqual(resolveExecutor([first, second], reload), { found: false, reason: "no-such-command" });
  assert.equal(reasonOf([]), "no-such-command");
});

test("resolveExecutor() passes over a run-directory that is missing or a file", () => {
  assert.equal(reasonOf([join(base, "none")]), "no-such-command");
  const path = write(join(second, "reload"));
  const directories = [join(base, "none"), write(join(base, "file")), second];
  assert.deepEqual(resolveExecutor(directories, reload), { found: true, path, directory: second });
});

test("resolveExecutor() refuses a dangling link and uncovers nothing behind it", () => {
  symlinkSync("nowhere", join(first, "reload"));
  write(join(second, "reload"));
  assert.equal(reasonOf(), "no-such-command");
});

test("resolveExecutor() refuses a link to itself", () => {
  symlinkSync("reload", join(first, "reload"));
  assert.equal(reasonOf(), "no-such-command");
});

test("resolveExecutor() takes a link to /dev/null as a mask", () => {
  symlinkSync("/dev/null", join(first, "reload"));
  write(join(second, "reload"));
  assert.equal(reasonOf(), "masked");
  assert.equal(reasonOf([second, first]), "found");
});

test("resolveExecutor() refuses a directory", () => {
  makeDirectory(join(first, "reload"));
  assert.equal(reasonOf(), "not-a-file");
});

test("resolveExecutor() refuses a fifo", () => {
  execFileSync("mkfifo", ["-m", "755", join(first, "reload")]);
  assert.equal(reasonOf(), "not-a-file");
});

test("resolveExecutor() refuses a file without an executable bit, for root too", () => {
  write(join(first, "reload"), 0o644);
  assert.deepEqual(resolveExecutor([first], reload), {
    found: false,
    reason: "not-executable",
    detail: "mode 0644",
  });
});

test("resolveExecutor() refuses a file that others may write", () => {
  const path = write(join(first, "reload"), 0o757);
  assert.deepEqual(resolveExecutor([first], reload), {
    found: false,
    reason: "writable-by-others",
    detail: `"${path}" has mode 0757`,
  });
});

for (const mode of [0o777, 0o1777]) {
  test(`resolveExecutor() refuses a run-directory of mode ${mode.toString(8)}`, () => {
    write(join(first, "reload"));
    chmodSync(first, mode);
    assert.equal(reasonOf(), "writable-by-others");
  });

  test(`resolveExecutor() refuses a link into a directory of mode ${mode.toString(8)}`, () => {
    write(join(makeDirectory(join(first, "versions"), mode), "reload-2"));
    symlinkSync("versions/reload-2", join(first, "reload"));
    assert.equal(reasonOf(), "writable-by-others");
  });
}

test("resolveExecutor() refuses a link in a run-directory that others may write to a file in a closed one", () => {
  write(join(makeDirectory(join(first, "versions")), "reload-2"));
  symlinkSync("versions/reload-2", join(first, "reload"));
  chmodSync(first, 0o777);
  assert.equal(reasonOf(), "writable-by-others");
});

test("resolveExecutor() follows a link that stays within the run-directory and keeps its name", () => {
  write(join(makeDirectory(join(first, "versions")), "reload-2"));
  symlinkSync("versions/reload-2", join(first, "reload"));
  assert.deepEqual(resolveExecutor([first], reload), {
    found: true,
    path: join(first, "reload"),
    directory: first,
  });
});

test("resolveExecutor() refuses a link that leaves the run-directory, also for the next one", () => {
  symlinkSync(write(join(second, "reload")), join(first, "reload"));
  assert.deepEqual(resolveExecutor([first, second], reload), {
    found: false,
    reason: "outside-run-directory",
    detail: `link to "${join(second, "reload")}"`,
  });
});

test("resolveExecutor() refuses a link to a directory whose name begins like the run-directory", () => {
  const sibling = makeDirectory(`${first}-old`);
  symlinkSync(write(join(sibling, "reload")), join(first, "reload"));
  assert.equal(reasonOf([first]), "outside-run-directory");
});

test("resolveExecutor() accepts a run-directory that is itself a link", () => {
  write(join(first, "reload"));
  const link = join(base, "current");
  symlinkSync(first, link);
  assert.deepEqual(resolveExecutor([link], reload), {
    found: true,
    path: join(link, "reload"),
    directory: link,
  });
});

test("resolveExecutor() shows control characters of a path in its detail", () => {
  const strange = write(join(base, "evil\x1b[2J"));
  symlinkSync(strange, join(first, "reload"));
  const resolution = resolveExecutor([first], reload);
  assert.ok(!resolution.found && resolution.detail?.includes("evil^[[2J"));
});

test("resolveExecutor() refuses a link that leaves the run-directory and comes back", () => {
  const hop = join(base, "hop");
  symlinkSync(write(join(first, "real")), hop);
  symlinkSync(hop, join(first, "reload"));
  assert.equal(reasonOf([first]), "outside-run-directory");
});

test("resolveExecutor() follows links from link to link inside the run-directory", () => {
  write(join(first, "real"));
  symlinkSync("real", join(first, "hop"));
  symlinkSync(join(first, "hop"), join(first, "reload"));
  assert.equal(reasonOf([first]), "found");
});
