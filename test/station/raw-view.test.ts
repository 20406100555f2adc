import assert from "node:assert/strict";
import { test } from "node:test";
import { concatAll, utf8 } from "../../src/protocol/bytes.ts";
import { RawView } from "../../src/station/raw-view.ts";
import { id } from "./scene.ts";

/** What goes to each stream of which an agent prints these pieces, to both. */
async function shown(pieces: readonly Uint8Array[], isTerminal: boolean) {
  const written = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
  const sink = (stream: "stdout" | "stderr", isOne: boolean) => ({
    write: async (bytes: Uint8Array) => void written[stream].push(bytes),
    isTerminal: isOne,
    hasColors: false,
  });
  const view = new RawView(sink("stdout", isTerminal), sink("stderr", false));
  for (const piece of pieces)
    for (const stream of ["stdout", "stderr"] as const) await view.output(id("web1"), stream, piece);
  await view.flush();
  return { stdout: concatAll(written.stdout), stderr: concatAll(written.stderr) };
}

const EVIL = utf8("\u001b]0;title\u0007\u001b[2J\ttab\r\n\u009b2Jnext\u202e\n");

test("RawView shows control characters to a terminal instead of passing them on, newline and tab as they are", async () => {
  const { stdout, stderr } = await shown([EVIL], true);
  assert.equal(new TextDecoder().decode(stdout), "^[]0;title^G^[[2J\ttab^M\n<U+009B>2Jnext<U+202E>\n");
  assert.deepEqual(stderr, EVIL);
});

test("RawView passes every byte on to a pipe", async () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, at) => at);
  assert.deepEqual((await shown([bytes, bytes], false)).stdout, concatAll([bytes, bytes]));
});

test("RawView shows a character whole whose bytes come with two messages, and says of one that never ends", async () => {
  const bytes = utf8("\u{1f600}\u009b");
  const single = Array.from(bytes, (byte) => Uint8Array.of(byte));
  assert.equal(new TextDecoder().decode((await shown(single, true)).stdout), "\u{1f600}<U+009B>");
  assert.equal(new TextDecoder().decode((await shown(single.slice(0, 3), true)).stdout), "\ufffd");
});
