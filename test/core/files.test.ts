import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  lstatSync,
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
import { CbError, type ErrorCode } from "../../src/core/errors.ts";
import {
  attempt,
  createExclusive,
  isMissing,
  makeDirectory,
  openToOthers,
  readBeginning,
  readSmallFile,
  readSmallFileAndMode,
  refuseIfNotWritable,
  refuseIfReadableByOthers,
  systemReason,
  writeAtomically,
} from "../../src/core/files.ts";

let directory: string;
let umask: number;
const bytes = new TextEncoder().encode("some bytes\n");

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "cb-files-"));
  umask = process.umask();
});

afterEach(() => {
  process.umask(umask);
  rmSync(directory, { recursive: true });
});

test("readSmallFile() reads up to its limit", () => {
  const path = at("a");
  writeFileSync(path, "12345");
  assert.deepEqual(readSmallFile(path, 5), new TextEncoder().encode("12345"));
  fails(() => readSmallFile(path, 4), "file", `Cannot use "${path}": it is longer than 4 bytes`);
});

test("readSmallFile() reads empty files and files of /proc, which have no size", () => {
  writeFileSync(at("empty"), "");
  assert.equal(readSmallFile(at("empty"), 5).length, 0);
  assert.ok(readSmallFile("/proc/self/status", 100_000).length > 100);
});

test("readSmallFileAndMode() gives the mode of the file behind a link", () => {
  writeFileSync(at("a"), "");
  chmodSync(at("a"), 0o640);
  symlinkSync("a", at("link"));
  assert.equal(readSmallFileAndMode(at("link"), 5).mode, 0o640);
});

test("readSmallFile() says what is wrong, with the code asked for and the system's error as its cause", () => {
  const missing = fails(
    () => readSmallFile(at("none"), 5),
    "file",
    `Cannot read "${at("none")}": no such file or directory`,
  );
  assert.ok(isMissing(missing));
  writeFileSync(at("a"), "");
  const below = fails(
    () => readSmallFile(at("a/b"), 5, "key"),
    "key",
    `Cannot read "${at("a/b")}": not a directory`,
  );
  assert.ok(isMissing(below));
  const folder = fails(
    () => readSmallFile(directory, 5),
    "file",
    `Cannot read "${directory}": it is a directory`,
  );
  assert.ok(!isMissing(folder));
});

test("readSmallFile() does not wait at a FIFO", () => {
  execFileSync("mkfifo", [at("fifo")]);
  fails(() => readSmallFile(at("fifo"), 5), "file", `Cannot read "${at("fifo")}": it is not a regular file`);
});

test("readSmallFile() makes a strange path harmless in its message", () => {
  fails(
    () => readSmallFile(`${directory}/\u001b[2J`, 5),
    "file",
    `Cannot read "${directory}/^[[2J": no such file or directory`,
  );
});

for (const mask of [0o000, 0o022, 0o077, 0o777]) {
  for (const [name, make] of [
    ["createExclusive", createExclusive],
    ["writeAtomically", writeAtomically],
  ] as const) {
    test(`${name}() gives the exact mode under umask ${mask.toString(8)}`, () => {
      process.umask(mask);
      make(at("secret"), bytes, 0o600);
      make(at("public"), bytes, 0o644);
      assert.equal(statSync(at("secret")).mode & 0o7777, 0o600);
      assert.equal(statSync(at("public")).mode & 0o7777, 0o644);
      assert.deepEqual(new Uint8Array(readFileSync(at("public"))), bytes);
    });
  }
}

test("createExclusive() replaces no file, no empty one and no dangling link", () => {
  writeFileSync(at("file"), "mine");
  writeFileSync(at("empty"), "");
  symlinkSync("nowhere", at("link"));
  for (const name of ["file", "empty", "link"]) {
    fails(
      () => createExclusive(at(name), bytes, 0o600),
      "file",
      `Cannot create "${at(name)}": file already exists`,
    );
  }
  assert.equal(readFileSync(at("file"), "utf8"), "mine");
  assert.deepEqual(readdirSync(directory).sort(), ["empty", "file", "link"]);
});

test("createExclusive() leaves nothing behind when the disk is full", () => {
  // A process may write files of 4 KiB here: EFBIG stands in for ENOSPC.
  const script = `
    import { createExclusive } from "${join(import.meta.dirname, "../../src/core/files.ts")}";
    process.on("SIGXFSZ", () => {});
    try { createExclusive(process.argv[2], new Uint8Array(100_000), 0o600); } catch (error) { console.log(error.message); }
  `;
  writeFileSync(at("script.mjs"), script);
  const limited = 'ulimit -f 4; exec "$0" "$@"';
  const said = execFileSync("bash", ["-c", limited, process.execPath, at("script.mjs"), at("big")], {
    encoding: "utf8",
  });
  assert.equal(said, `Cannot create "${at("big")}": file too large\n`);
  assert.deepEqual(readdirSync(directory), ["script.mjs"]);
});

test("createExclusive() and writeAtomically() name a directory that is not there", () => {
  fails(
    () => createExclusive(at("no/a"), bytes, 0o600),
    "file",
    `Cannot create "${at("no/a")}": no such file or directory`,
  );
  fails(
    () => writeAtomically(at("no/a"), bytes, 0o600),
    "file",
    `Cannot write "${at("no/a")}": no such file or directory`,
  );
});

test("makeDirectory() makes what is missing, and changes nothing that is there", () => {
  chmodSync(directory, 0o750);
  makeDirectory(at("a/b/c"), 0o700);
  for (const name of ["a", "a/b", "a/b/c"]) assert.equal(statSync(at(name)).mode & 0o7777, 0o700);
  makeDirectory(directory, 0o700);
  assert.equal(statSync(directory).mode & 0o7777, 0o750);
});

test("makeDirectory() comes back with a reason", () => {
  fails(
    () => makeDirectory("/proc/x/y", 0o700),
    "file",
    'Cannot create "/proc/x": no such file or directory',
  );
  writeFileSync(at("file"), "");
  fails(() => makeDirectory(at("file/b"), 0o700), "file", `Cannot create "${at("file/b")}": not a directory`);
});

test("writeAtomically() replaces a file and a link, and leaves no other file", () => {
  writeFileSync(at("old"), "old and longer than the new one");
  symlinkSync("old", at("link"));
  writeAtomically(at("link"), bytes, 0o600);
  assert.ok(lstatSync(at("link")).isFile());
  assert.equal(readFileSync(at("old"), "utf8"), "old and longer than the new one");
  writeAtomically(at("old"), bytes, 0o600);
  assert.equal(readFileSync(at("old"), "utf8"), "some bytes\n");
  assert.deepEqual(readdirSync(directory).sort(), ["link", "old"]);
});

test("writeAtomically() keeps the old state and leaves no other file when it fails", () => {
  mkdirSync(at("folder"));
  assert.throws(() => writeAtomically(at("folder"), bytes, 0o600), CbError);
  assert.deepEqual(readdirSync(directory), ["folder"]);
});

test("refuseIfReadableByOthers() takes modes without a bit for group and others", () => {
  for (const mode of [0o600, 0o400, 0o700, 0o1600]) refuseIfReadableByOthers("/x/network.key", mode, {});
});

test("refuseIfReadableByOthers() refuses any bit for group or others, with the command that mends it", () => {
  for (const bit of [0o040, 0o020, 0o010, 0o004, 0o002, 0o001]) {
    assert.throws(() => refuseIfReadableByOthers("/x/network.key", 0o600 | bit, {}), { code: "key" });
  }
  fails(
    () => refuseIfReadableByOthers("/x/network.key", 0o644, {}),
    "key",
    'Cannot use "/x/network.key": others can read it (mode 0644), run: chmod 600 /x/network.key',
  );
  fails(
    () => refuseIfReadableByOthers("/my keys/it's", 0o620, {}),
    "key",
    `Cannot use "/my keys/it's": others can change it (mode 0620), run: chmod 600 '/my keys/it'\\''s'`,
  );
});

test("openToOthers() leaves credentials and container secrets to those who provide them", () => {
  const environment = { CREDENTIALS_DIRECTORY: "/run/credentials/cb-agent.service" };
  assert.equal(openToOthers("/run/credentials/cb-agent.service/network.key", 0o440, environment), undefined);
  assert.equal(openToOthers("/run/secrets/network.key", 0o444, {}), undefined);
  for (const path of [
    "/run/credentials/cb-agent.service-2/network.key",
    "/run/credentials/cb-agent.service/../network.key",
    "/run/secrets2/network.key",
    "/run/secrets/../network.key",
    "network.key",
  ]) {
    assert.match(openToOthers(path, 0o444, environment) ?? "", /^others can read it/);
  }
  assert.match(
    openToOthers("/etc/cb/network.key", 0o444, { CREDENTIALS_DIRECTORY: "" }) ?? "",
    /^others can/,
  );
});

test("attempt() passes what no system call said", () => {
  assert.throws(() => attempt("read", "a", () => assert.fail("a bug")), /a bug/);
});

test("systemReason() has words for errors of the system, and the message of others", () => {
  assert.equal(
    systemReason(Object.assign(new Error("x"), { code: "EACCES", errno: -13 })),
    "permission denied",
  );
  assert.equal(systemReason(new Error("something else")), "something else");
});

function at(name: string): string {
  return join(directory, name);
}

function fails(action: () => unknown, code: ErrorCode, message: string): CbError {
  let error: unknown;
  assert.throws(action, (thrown) => {
    error = thrown;
    return true;
  });
  assert.ok(error instanceof CbError);
  assert.deepEqual({ code: error.code, message: error.message }, { code, message });
  return error;
}

test("readBeginning() reads so much of a file of any length", () => {
  writeFileSync(at("long"), "abcdef");
  assert.equal(new TextDecoder().decode(readBeginning(at("long"), 3)), "abc");
  assert.equal(new TextDecoder().decode(readBeginning(at("long"), 30)), "abcdef");
  assert.throws(() => readBeginning(at("."), 3), { code: "file", message: /: it is a directory$/ });
});

test("refuseIfNotWritable() takes a name that can be written, and says of no other why not", () => {
  refuseIfNotWritable(at("new"));
  assert.throws(() => refuseIfNotWritable(at("nowhere/new")), {
    code: "file",
    message: `Cannot write "${at("nowhere/new")}": no such file or directory`,
  });
  writeFileSync(at("file"), bytes);
  for (const path of [at("file/new"), "/proc/new", at("n".repeat(255))]) {
    assert.throws(() => refuseIfNotWritable(path), { code: "file" }, path);
  }
  assert.deepEqual(readdirSync(directory), ["file"]);
});
