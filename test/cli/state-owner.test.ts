import assert from "node:assert/strict";
import { chownSync, mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ownerBesidesRoot, refuseAnothersState, wordsOf } from "../../src/cli/state-owner.ts";

/** Only root can give a directory away; for others there is nothing that would have to be refused. */
const isRoot = process.geteuid?.() === 0;

function inDirectoryOf(uid: number, body: (directory: string) => void): void {
  const directory = mkdtempSync(join(tmpdir(), "cb-owner-"));
  try {
    if (isRoot) chownSync(directory, uid, uid);
    body(directory);
  } finally {
    rmdirSync(directory);
  }
}

test("ownerBesidesRoot() is nobody for a directory of our own, or one that is not there", () => {
  inDirectoryOf(process.geteuid?.() ?? 0, (directory) => {
    assert.equal(ownerBesidesRoot(directory), undefined);
    assert.equal(ownerBesidesRoot(join(directory, "none")), undefined);
    refuseAnothersState(directory);
  });
});

test("ownerBesidesRoot() has a user's name, group and home, for root", () => {
  inDirectoryOf(65_534, (directory) => {
    const owner = ownerBesidesRoot(directory);
    if (!isRoot) return assert.equal(owner, undefined);
    const { uid, gid, name, home } = owner ?? assert.fail();
    assert.deepEqual([uid, gid, name, home[0]], [65_534, 65_534, "nobody", "/"]);
    assert.equal(userInfo().uid, 0);
  });
});

test("refuseAnothersState() refuses root another user's directory, and says who may use it", () => {
  inDirectoryOf(65_534, (directory) => {
    if (!isRoot) return refuseAnothersState(directory);
    assert.throws(() => refuseAnothersState(directory), {
      code: "usage",
      message: `Cannot use "${directory}": it belongs to nobody, who could not use what root leaves there`,
      hint: "Run runuser -u nobody -- cb dispatcher run, or take another --state-directory",
    });
  });
});

test("refuseAnothersState() does with a user that has no name", () => {
  inDirectoryOf(54_321, (directory) => {
    if (!isRoot) return refuseAnothersState(directory);
    assert.throws(() => refuseAnothersState(directory), {
      message: /: it belongs to the user 54321, who /,
      hint: "Run it as that user, or take another --state-directory",
    });
    assert.equal(wordsOf(ownerBesidesRoot(directory) ?? assert.fail()), "the user 54321");
  });
});
