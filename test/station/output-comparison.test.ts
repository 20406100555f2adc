import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Identity } from "../../src/core/names.ts";
import { utf8 } from "../../src/protocol/bytes.ts";
import type { Stream } from "../../src/protocol/reply.ts";
import type { DifferenceLine } from "../../src/station/line-difference.ts";
import { OutputComparison } from "../../src/station/output-comparison.ts";
import { OutputStore } from "../../src/station/output-store.ts";
import { id } from "./scene.ts";

type Part = { readonly stream: Stream; readonly data: string | Uint8Array };
type Output = readonly Part[];

/** How the last output differs from the first, which is the usual one: three printed it. */
function difference(usual: Output, other: Output): readonly DifferenceLine[] | undefined {
  return compared([usual, usual, usual, other], (comparison) => {
    const group = comparison.groups.find(({ agents }) => agents.some(({ identity }) => identity === "o4"));
    assert.ok(group);
    return comparison.difference(group);
  });
}

function compared<Result>(
  outputs: readonly Output[],
  see: (comparison: OutputComparison<{ identity: Identity; digest: string; trouble: undefined }>) => Result,
): Result {
  using store = new OutputStore();
  const agents = outputs.map((output, at) => {
    const identity = id(`o${at + 1}`);
    for (const { stream, data } of output)
      store.add(identity, stream, typeof data === "string" ? utf8(data) : data);
    return { identity, digest: store.digest(identity), trouble: undefined };
  });
  return see(new OutputComparison(store, agents));
}

const out = (data: string | Uint8Array): Output => [{ stream: "stdout", data }];
const err = (data: string): Output => [{ stream: "stderr", data }];
const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

test("OutputComparison.difference: there is none where an output is no valid UTF-8, as different bytes look alike", () => {
  const usual = out(latin1("Erreur \u00e8\na\nb\n"));
  assert.equal(difference(usual, out(latin1("Erreur \u00e9\na\nb\n"))), undefined);
  assert.equal(difference(usual, out(latin1("Erreur \u00e9\na\nc\n"))), undefined);
  assert.equal(difference(usual, out("Erreur \ufffd\na\nb\n")), undefined);
  assert.equal(difference(out("Erreur \ufffd\na\nb\n"), usual), undefined);
});

test("OutputComparison.difference takes valid UTF-8 that came in pieces for what it is", () => {
  const bytes = utf8("é\n");
  const pieces = [bytes.subarray(0, 1), err("!\n")[0]?.data ?? "", bytes.subarray(1)];
  const split: Output = pieces.map((data, at) => ({ stream: at === 1 ? "stderr" : "stdout", data }));
  assert.deepEqual(difference(split, out("e\n")), [
    { kind: "removed", text: "! !" },
    { kind: "removed", text: "é" },
    { kind: "added", text: "e" },
  ]);
});

test("OutputComparison.difference tells a line of standard error from the same words with its mark", () => {
  assert.deepEqual(difference(out("! c\n"), err("c\n")), [
    { kind: "removed", text: "│ ! c" },
    { kind: "added", text: "! c" },
  ]);
  assert.deepEqual(difference(out("│ ! c\n"), out("! c\n")), [
    { kind: "removed", text: "│ │ ! c" },
    { kind: "added", text: "│ ! c" },
  ]);
  assert.deepEqual(difference(out("│ c\n"), out("d\n"))?.at(0), { kind: "removed", text: "│ c" });
});

test("OutputComparison.difference says of a newline at the end only where nothing else tells lines apart", () => {
  assert.deepEqual(difference(out("a\nb\n"), out("a\nb")), [
    { kind: "same", text: "a" },
    { kind: "removed", text: "b" },
    { kind: "added", text: "b" },
    { kind: "unended" },
  ]);
  assert.deepEqual(difference(out("a\nb"), out("a\nb\nc\n")), [
    { kind: "same", text: "a" },
    { kind: "removed", text: "b" },
    { kind: "unended" },
    { kind: "added", text: "b" },
    { kind: "added", text: "c" },
  ]);
  const kinds = (usual: string, other: string) => difference(out(usual), out(other))?.map(({ kind }) => kind);
  assert.deepEqual(kinds("a\nb", "a\nc"), ["same", "removed", "added"]);
  assert.deepEqual(kinds("a\nb", "a\nb\nc"), ["same", "same", "added"]);
  assert.deepEqual(kinds("a\nb\n", "a\nc"), ["same", "removed", "added"]);
});

test("OutputComparison.difference counts a byte order mark as any other character", () => {
  assert.deepEqual(difference(out("\ufeffa\n"), out("a\n")), [
    { kind: "removed", text: "\ufeffa" },
    { kind: "added", text: "a" },
  ]);
});

test("OutputComparison.difference: there is none of a line that came in parts, which are others each time", () => {
  const [one, rest] = ["x".repeat(70_000), "y\n"];
  const inParts: Output = [...out(one), ...out(rest)];
  assert.equal(difference(out(`${one}${rest}`), [...inParts, ...out("z\n")]), undefined);
  assert.notEqual(difference(out(`${one}${rest}`), out(`${one}${rest}z\n`)), undefined);
});

test("OutputComparison compares nothing with an output that could not be kept to its end", () => {
  using store = new OutputStore();
  const agents = ["o1", "o2", "o3", "o4"].map((name) => {
    store.add(id(name), "stdout", utf8(name === "o4" ? "a\n" : "a\nb\n"));
    const cut = name === "o4" ? "no space left on device" : undefined;
    return { identity: id(name), digest: store.digest(id(name)), trouble: undefined, cut };
  });
  const comparison = new OutputComparison(store, agents);
  assert.deepEqual(
    comparison.groups.map((group) => comparison.difference(group)),
    [undefined, undefined],
  );
});

test("OutputComparison.blocks has no outputs together of which only some end with a newline", () => {
  const blocks = (...outputs: readonly string[]) => compared(outputs.map(out), (one) => one.blocks.length);
  assert.equal(blocks("a\n", "b\n", "c\n"), 1);
  assert.equal(blocks("a", "b", "c"), 1);
  assert.equal(blocks("a\n", "b\n", "c"), 3);
});

const words = fc.array(
  fc.constantFrom("a", "! a", "│ ! a", "── a", "\ufeffa", "\ufffd", "", "\n", "\n", "\n"),
  { maxLength: 6 },
);
const data = fc.oneof(
  words.map((all) => utf8(all.join(""))),
  fc.uint8Array({ maxLength: 3 }),
);
const output: fc.Arbitrary<Output> = fc.array(
  fc.record({ stream: fc.constantFrom<Stream>("stdout", "stderr"), data }),
  { maxLength: 4 },
);

/** Any two, or one and the same with some part of it changed. */
const pair = fc.oneof(
  fc.tuple(output, output),
  fc.tuple(output, data, fc.boolean()).map(([one, changed, isFirst]): [Output, Output] => {
    const part: Part = { stream: "stdout", data: changed };
    return [one, isFirst ? [part, ...one.slice(1)] : [...one.slice(0, -1), part]];
  }),
);

test("OutputComparison: outputs that differ in any byte or stream have no difference without a line of it", () => {
  fc.assert(
    fc.property(pair, ([usual, other]) => {
      const lines = difference(usual, other);
      if (lines === undefined) return;
      assert.ok(lines.some(({ kind }) => kind === "removed" || kind === "added"));
      if (lines.some(({ kind }) => kind === "skipped")) return;
      // Nor does either look as the other, put together again.
      const seen = (own: "removed" | "added") =>
        lines.flatMap((line, at) =>
          line.kind === own || line.kind === "same" ? [line.text, lines[at + 1]?.kind === "unended"] : [],
        );
      assert.notDeepEqual(seen("removed"), seen("added"));
    }),
    { numRuns: 3000 },
  );
});
