import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Quarantine, type QuarantinedPost } from "../../src/faraday/quarantine.ts";
import { NOW, Scene } from "./scene.ts";

function post(changes: Partial<QuarantinedPost> = {}): QuarantinedPost {
  return {
    ...{ id: "r1-0-3", run: "r1", executor: "nmap1", workspace: "w1", executionId: 41, at: NOW },
    ...{ status: 400, words: "no \u001b[2J" },
    ...changes,
  };
}

const BODY = Buffer.from('{"hosts":[]}');

async function withQuarantine(action: (quarantine: Quarantine, directory: string) => void): Promise<void> {
  await using scene = new Scene();
  action(new Quarantine(scene.quarantineDirectory), scene.quarantineDirectory);
}

test("Quarantine keeps a post byte for byte, and the server's words beside it, for nobody else to read", async () => {
  await withQuarantine((quarantine, directory) => {
    quarantine.add(post(), BODY);
    assert.deepEqual(quarantine.list(), [post()]);
    assert.deepEqual(quarantine.show("r1-0-3"), { post: post(), body: new Uint8Array(BODY) });
    assert.deepEqual(readdirSync(directory).sort(), ["r1-0-3.about.json", "r1-0-3.json"]);
    assert.deepEqual(readFileSync(join(directory, "r1-0-3.json")), BODY);
    assert.equal(statSync(directory).mode & 0o777, 0o700);
    for (const name of readdirSync(directory))
      assert.equal(statSync(join(directory, name)).mode & 0o777, 0o600);
  });
});

test("Quarantine lists the oldest first, and those of the same moment by id", async () => {
  await withQuarantine((quarantine) => {
    assert.deepEqual(quarantine.list(), []);
    for (const [id, at] of [
      ["b", 5],
      ["d", 4],
      ["a", 5],
      ["c", 6],
    ] as const)
      quarantine.add(post({ id, at }), BODY);
    assert.deepEqual(
      quarantine.list().map(({ id }) => id),
      ["d", "a", "b", "c"],
    );
  });
});

test("Quarantine replaces a post of the same id: it was posted again after a crash", async () => {
  await withQuarantine((quarantine) => {
    quarantine.add(post(), BODY);
    quarantine.add(post({ words: "other" }), Buffer.from("{}"));
    assert.deepEqual(quarantine.show("r1-0-3"), {
      post: post({ words: "other" }),
      body: new Uint8Array(Buffer.from("{}")),
    });
  });
});

test("Quarantine.show() gives the body as it was mended by hand", async () => {
  await withQuarantine((quarantine, directory) => {
    quarantine.add(post(), BODY);
    writeFileSync(join(directory, "r1-0-3.json"), '{"hosts":[{"ip":"192.0.2.1","description":""}]}');
    assert.match(Buffer.from(quarantine.show("r1-0-3").body).toString(), /192\.0\.2\.1/);
  });
});

test("Quarantine.drop() deletes both files", async () => {
  await withQuarantine((quarantine, directory) => {
    quarantine.add(post(), BODY);
    quarantine.drop("r1-0-3");
    assert.deepEqual([quarantine.list(), readdirSync(directory)], [[], []]);
  });
});

test("Quarantine knows no post without an entry, and no other file by any name", async () => {
  await withQuarantine((quarantine, directory) => {
    quarantine.add(post(), BODY);
    rmSync(join(directory, "r1-0-3.about.json"));
    assert.deepEqual(quarantine.list(), []);
    writeFileSync(join(directory, "..", "secret.about.json"), JSON.stringify(post()));
    for (const id of ["r1-0-3", "", "../secret", "x".repeat(300), "a\n"]) {
      for (const action of [() => quarantine.show(id), () => quarantine.drop(id)]) {
        assert.throws(
          action,
          { code: "usage", message: /^Cannot find ".*" in quarantine: no such post$/ },
          id,
        );
      }
    }
  });
});

test("Quarantine keeps of very long words the beginning, and of a post without an answer no status", async () => {
  await withQuarantine((quarantine) => {
    quarantine.add(post({ words: "x".repeat(1_000_000), status: undefined }), BODY);
    const [{ words, status } = post()] = quarantine.list();
    assert.deepEqual([words.length, status], [65_536, undefined]);
  });
});

test("Quarantine says in one line what it cannot read or write", async () => {
  await withQuarantine((quarantine, directory) => {
    quarantine.add(post(), BODY);
    writeFileSync(join(directory, "r1-0-3.about.json"), "{");
    assert.throws(() => quarantine.show("r1-0-3"), {
      code: "file",
      message: /^Cannot read ".*r1-0-3\.about\.json": /,
    });
    rmSync(directory, { recursive: true });
    writeFileSync(directory, "");
    assert.throws(() => quarantine.add(post(), BODY), {
      code: "file",
      message: /^Cannot write ".*": not a directory$/,
    });
  });
});

test("Quarantine counts its bytes while an editor has left a link to nowhere in it", async () => {
  await withQuarantine((quarantine, directory) => {
    quarantine.add(post(), BODY);
    const { bytes } = quarantine;
    symlinkSync("somebody@somewhere.1234", join(directory, ".#r1-0-3.json"));
    assert.equal(quarantine.bytes - bytes, "somebody@somewhere.1234".length);
  });
});

test("Quarantine.list() shows a damaged description beside the others, and what is wrong with it", async () => {
  await withQuarantine((quarantine, directory) => {
    quarantine.add(post(), BODY);
    writeFileSync(join(directory, "torn.about.json"), "{");
    writeFileSync(join(directory, "empty.about.json"), "{}");
    const listed = quarantine.list();
    assert.deepEqual(
      listed.map(({ id }) => id),
      ["empty", "torn", "r1-0-3"],
    );
    for (const { words } of listed.slice(0, 2)) assert.match(words, /^Cannot read ".*about\.json": /);
    assert.match(listed[0]?.words ?? "", /it is no description of a post$/);
    assert.throws(() => quarantine.show("empty"), { code: "file" });
  });
});
