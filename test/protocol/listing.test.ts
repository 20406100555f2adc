import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CbError } from "../../src/core/errors.ts";
import type { CommandName } from "../../src/core/names.ts";
import { hex } from "../../src/protocol/bytes.ts";
import { decodeListing, encodeListing, type ListedCommand } from "../../src/protocol/listing.ts";
import { REFUSALS } from "../../src/protocol/reply.ts";
import { readVector, unhex } from "../support/vectors.ts";
import { damaged } from "./arbitraries.ts";

const MALFORMED = { name: "CbError", code: "message-malformed" };

const digests = fc.uint8Array({ minLength: 32, maxLength: 32 });
const texts = fc.string({ unit: "binary", maxLength: 64 });
const some = <Value>(values: fc.Arbitrary<Value>) => fc.option(values, { nil: undefined });
const commands = fc.record({
  name: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/) as fc.Arbitrary<CommandName>,
  problem: some(fc.constantFrom(...REFUSALS)),
  detail: some(texts),
  description: some(texts),
  digest: some(digests),
  manifest: some(digests),
});
const lists = fc
  .uniqueArray(commands, { selector: ({ name }) => name, maxLength: 20 })
  .map((list) => list.sort((one, other) => (one.name < other.name ? -1 : 1)));

for (const [index, row] of readVector("listing.txt").all("listing").entries()) {
  const [word = "", bytes = ""] = row.split(" ");
  test(`decodeListing() holds for row ${index} of the vector listing, which is ${word}`, () => {
    if (word === "malformed") assert.throws(() => decodeListing(unhex(bytes)), MALFORMED);
    else assert.ok(decodeListing(unhex(bytes)).commands.length >= 0);
  });
}

test("decodeListing() inverts encodeListing()", () => {
  fc.assert(
    fc.property(lists, (list) => {
      const { commands: again, omitted } = decodeListing(encodeListing(list));
      assert.equal(omitted, 0);
      // Not all runtimes make the same of byte strings: some give a Buffer.
      const plain = (commands: readonly ListedCommand[]) =>
        commands.map(({ digest, manifest, ...rest }) => {
          return { ...rest, digest: digest && hex(digest), manifest: manifest && hex(manifest) };
        });
      assert.deepEqual(plain(again), plain(list));
    }),
  );
});

test("decodeListing() answers hostile bytes with message-malformed or exactly one encoding", () => {
  const hostile = fc.oneof(fc.uint8Array({ maxLength: 60 }), damaged(lists.map(encodeListing)));
  fc.assert(
    fc.property(hostile, (bytes) => {
      try {
        const { commands: list, omitted } = decodeListing(bytes);
        if (omitted === 0) assert.equal(hex(encodeListing(list)), hex(bytes));
      } catch (error) {
        if (!(error instanceof CbError)) throw error;
        assert.equal(error.code, "message-malformed");
      }
    }),
    { numRuns: 2000 },
  );
});

test("encodeListing() says how many commands it leaves out, cuts what is too long, and stays within its bound", () => {
  const longest: ListedCommand[] = Array.from({ length: 4097 }, (_, index) => ({
    name: `c${10_000 + index}`.padEnd(64, "x") as CommandName,
    description: "d".repeat(300),
    detail: "ü".repeat(200),
    problem: "outside-run-directory",
    digest: new Uint8Array(32),
    manifest: new Uint8Array(32),
  }));
  const bytes = encodeListing(longest.map(({ detail, problem, ...usable }) => usable));
  const { commands: list, omitted } = decodeListing(bytes);
  assert.deepEqual([list.length, omitted], [4096, 1]);
  assert.equal(list[0]?.description, `${"d".repeat(253)}…`);
  assert.ok(bytes.length < 2 * 1024 * 1024);
  // More than any agent has to say of its commands: nothing is decoded.
  const tooLong = encodeListing(longest.slice(0, 4096));
  assert.ok(tooLong.length > 2 * 1024 * 1024);
  assert.throws(() => decodeListing(tooLong), MALFORMED);
});
