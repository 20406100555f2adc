import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { test } from "node:test";
import fc from "fast-check";
import { type Identity, parseName } from "../../src/core/names.ts";
import { concatAll, utf8 } from "../../src/protocol/bytes.ts";
import type { Stream } from "../../src/protocol/reply.ts";
import { OutputStore } from "../../src/station/output-store.ts";

const [web1, web2] = ["web1", "web2"].map(parseName<Identity>) as [Identity, Identity];

test("OutputStore.digest is equal for equal outputs, in whatever pieces and mixture they came", () => {
  using store = new OutputStore();
  store.add(web1, "stdout", utf8("one\ntwo\n"));
  store.add(web1, "stderr", utf8("oops\n"));
  store.add(web2, "stdout", utf8("one\n"));
  store.add(web2, "stderr", utf8("oops\n"));
  store.add(web2, "stdout", utf8("two\n"));
  assert.equal(store.digest(web1), store.digest(web2));
  store.add(web2, "stdout", utf8("!"));
  assert.notEqual(store.digest(web1), store.digest(web2));
});

test("OutputStore.digest tells the streams apart", () => {
  using store = new OutputStore();
  store.add(web1, "stdout", utf8("x"));
  store.add(web2, "stderr", utf8("x"));
  assert.notEqual(store.digest(web1), store.digest(web2));
});

const additions = fc.array(
  fc.record({
    identity: fc.constantFrom(web1, web2),
    stream: fc.constantFrom<Stream>("stdout", "stderr"),
    data: fc.oneof(fc.uint8Array({ maxLength: 50 }), fc.uint8Array({ maxLength: 9000, size: "max" })),
  }),
  { maxLength: 20, size: "max" },
);

test("OutputStore keeps every byte in its order, however little of it fits into memory", () => {
  fc.assert(
    fc.property(additions, fc.integer({ min: 0, max: 20_000 }), (all, memory) => {
      using store = new OutputStore(memory);
      for (const { identity, stream, data } of all) store.add(identity, stream, data);
      for (const identity of [web1, web2]) {
        const own = all.filter((addition) => addition.identity === identity);
        const tagged = (pieces: readonly { readonly stream: Stream; readonly data: Uint8Array }[]) =>
          pieces.flatMap(({ stream, data }) => [...data].map((byte) => `${stream}${byte}`));
        assert.deepEqual(tagged([...store.pieces(identity)]), tagged(own));
        const buffered: string[] = [];
        for (const piece of store.pieces(identity, new Uint8Array(1000))) buffered.push(...tagged([piece]));
        assert.deepEqual(buffered, tagged(own));
        const stdout = own.filter(({ stream }) => stream === "stdout").map(({ data }) => data);
        assert.equal(store.sizes(identity).stdout, concatAll(stdout).length);
      }
    }),
  );
});

test("OutputStore leaves no file with a name, and says how much is on disk", () => {
  const before = readdirSync(tmpdir()).filter((name) => name.startsWith("cb-output-"));
  using store = new OutputStore(10_000);
  for (const identity of [web1, web2]) store.add(identity, "stdout", new Uint8Array(6000));
  assert.equal(store.spilled, 6000);
  assert.deepEqual(
    readdirSync(tmpdir()).filter((name) => name.startsWith("cb-output-")),
    before,
  );
});

test("OutputStore keeps what there is when there is no room on the disk, what still fits, and tries no more", () => {
  using store = new OutputStore(10_000);
  store.add(web1, "stdout", new Uint8Array(6000));
  const before = process.env["TMPDIR"];
  process.env["TMPDIR"] = "/nonexistent";
  const add = (identity: Identity, length: number) => store.add(identity, "stdout", new Uint8Array(length));
  try {
    assert.throws(() => add(web2, 6000), /^CbError: Cannot make a file in "\/nonexistent": no such file/);
  } finally {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
  }
  assert.throws(() => add(web2, 6000), /^CbError: Cannot make a file in "\/nonexistent": no such file/);
  assert.equal(store.spilled, 0);
  add(web2, 100);
  const sizes = [web1, web2].map((identity) => store.sizes(identity).stdout);
  assert.deepEqual(sizes, [6000, 100]);
  const read = [web1, web2].map(
    (name) => concatAll([...store.pieces(name)].map((piece) => piece.data)).length,
  );
  assert.deepEqual(read, sizes);
  const other = new OutputStore();
  other.add(web2, "stdout", new Uint8Array(100));
  assert.equal(store.digest(web2), other.digest(web2));
});
