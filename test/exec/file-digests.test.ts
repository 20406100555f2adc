import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { FileDigests } from "../../src/exec/file-digests.ts";

let directory = "";
const signal = new AbortController().signal;
const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString("hex");

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "cb-digest-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

test("FileDigests gives the SHA-256 that sha256sum(1) gives, of files of any size", async () => {
  const path = join(directory, "it");
  writeFileSync(path, "abc");
  const digests = new FileDigests();
  assert.equal(
    hex(await digests.digest(path, signal)),
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
  writeFileSync(path, "a".repeat(1_000_000));
  assert.equal(
    hex(await digests.digest(path, signal)),
    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
  );
  writeFileSync(path, "");
  assert.match(hex(await digests.digest(path, signal)) ?? "", /^e3b0c44298fc/);
});

test("FileDigests notices a change that leaves size and time of change as they were", async () => {
  const path = join(directory, "it");
  const digests = new FileDigests();
  writeFileSync(path, "abc");
  const { atime, mtime } = statSync(path);
  const before = await digests.digest(path, signal);
  assert.deepEqual(await digests.digest(path, signal), before);
  writeFileSync(path, "abd");
  utimesSync(path, atime, mtime);
  assert.notDeepEqual(await digests.digest(path, signal), before);
});

test("FileDigests remembers what has not changed, instead of reading it again", async () => {
  const path = join(directory, "it");
  writeFileSync(path, "x".repeat(3_000_000));
  const digests = new FileDigests();
  const first = await digests.digest(path, signal);
  const given = new AbortController();
  given.abort(new Error("given up"));
  // What would have to be read is given up at once, and what is known is not.
  assert.deepEqual(await digests.digest(path, given.signal), first);
  await assert.rejects(new FileDigests().digest(path, given.signal), /given up/);
});

test("FileDigests has nothing to say of what cannot be read", async () => {
  assert.equal(await new FileDigests().digest(join(directory, "none"), signal), undefined);
  assert.equal(await new FileDigests().digest(directory, signal), undefined);
});

test("FileDigests lets others go on while it reads", async () => {
  const path = join(directory, "it");
  writeFileSync(path, new Uint8Array(64 * 1024 * 1024));
  let turns = 0;
  const count = () => {
    turns += 1;
    timer = setImmediate(count);
  };
  let timer = setImmediate(count);
  await new FileDigests().digest(path, signal);
  clearImmediate(timer);
  assert.ok(turns >= 16, `${turns} turns of others`);
});
