import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Stream } from "../../src/protocol/reply.ts";
import { LineRenderer } from "../../src/station/line-renderer.ts";
import { id } from "./scene.ts";

/** A renderer whose sinks keep what they are given. */
function scene(isTerminal = false, hasColors = false) {
  const written: { readonly stream: Stream; readonly bytes: Buffer }[] = [];
  const sink = (stream: Stream) => ({
    isTerminal,
    hasColors,
    write: async (bytes: Uint8Array) => {
      written.push({ stream, bytes: Buffer.from(bytes) });
    },
  });
  const renderer = new LineRenderer(sink("stdout"), sink("stderr"));
  const bytesOf = (stream: Stream) =>
    Buffer.concat(written.filter((one) => one.stream === stream).map(({ bytes }) => bytes));
  return {
    renderer,
    written,
    bytesOf,
    textOf: (stream: Stream = "stdout") => bytesOf(stream).toString("utf8"),
    put: (identity: string, data: string | Uint8Array, stream: Stream = "stdout") =>
      renderer.output(id(identity), stream, typeof data === "string" ? Buffer.from(data) : data),
  };
}

test("LineRenderer puts the name before every line, and a mark that tells the streams apart", async () => {
  const { put, textOf } = scene();
  await put("web1", "one\ntwo\n");
  await put("web1", "careful\n", "stderr");
  assert.equal(textOf("stdout"), "web1 │ one\nweb1 │ two\n");
  assert.equal(textOf("stderr"), "web1 ! careful\n");
});

test("LineRenderer paints the name and its mark, never what the agent wrote", async () => {
  const { put, textOf } = scene(true, true);
  await put("web1", "one\n");
  await put("web1", "careful\n", "stderr");
  assert.equal(textOf("stdout"), "\u001b[36mweb1 │\u001b[39m one\n");
  assert.equal(textOf("stderr"), "\u001b[31mweb1 !\u001b[39m careful\n");
});

test("LineRenderer lines columns up for all names that it was told of", async () => {
  const { renderer, put, textOf } = scene();
  renderer.expect(id("web1"));
  renderer.expect(id("db-primary"));
  renderer.expect(id("db"));
  await put("web1", "one\n");
  await put("db-primary", "two\n");
  assert.equal(textOf(), "web1       │ one\ndb-primary │ two\n");
});

test("LineRenderer shows whole lines only, so that agents do not write into each other's", async () => {
  const { put, textOf, written } = scene();
  await put("web1", "hel");
  await put("web2", "good");
  assert.deepEqual(written, []);
  await put("web1", "lo\nagain");
  await put("web2", "bye\n");
  await put("web1", "err\n", "stderr");
  assert.equal(textOf(), "web1 │ hello\nweb2 │ goodbye\n");
  assert.equal(textOf("stderr"), "web1 ! err\n");
});

test("LineRenderer writes the lines of one message at once", async () => {
  const { put, written } = scene();
  await put("web1", "1\n2\n3\n4");
  assert.equal(written.length, 1);
});

test("LineRenderer.finish() shows what has no newline at its end, and forgets the agent", async () => {
  const { renderer, put, textOf } = scene();
  await put("web1", "no newline");
  await put("web1", "nor here", "stderr");
  await put("web2", "still open");
  await renderer.finish(id("web1"));
  assert.equal(textOf(), "web1 │ no newline\n");
  assert.equal(textOf("stderr"), "web1 ! nor here\n");
  await renderer.finish(id("web1"));
  await renderer.finish(id("never seen"));
  assert.equal(textOf(), "web1 │ no newline\n");
  await renderer.finishAll();
  assert.equal(textOf(), "web1 │ no newline\nweb2 │ still open\n");
  await renderer.finishAll();
  assert.equal(textOf(), "web1 │ no newline\nweb2 │ still open\n");
});

test("LineRenderer.finish() adds no line after a newline, and shows empty lines where there are some", async () => {
  const { renderer, put, textOf } = scene();
  await put("web1", "\n\nlast\n");
  await renderer.finish(id("web1"));
  assert.equal(textOf(), "web1 │ \nweb1 │ \nweb1 │ last\n");
});

const LONGEST = 64 * 1024;

test("LineRenderer cuts lines longer than 64 KiB, and marks their rest", async () => {
  const { renderer, put, textOf } = scene();
  await put("web1", `${"a".repeat(LONGEST)}\n`);
  await put("web1", `${"b".repeat(LONGEST)}bb\n`);
  await put("web1", "c".repeat(LONGEST));
  await put("web1", "\n");
  await put("web1", "d".repeat(2 * LONGEST + 1));
  await renderer.finish(id("web1"));
  const lines = textOf().split("\n");
  assert.deepEqual(
    lines.map((line) => `${line.slice(0, 8)} ${line.length - 7}`),
    [
      `web1 │ a ${LONGEST}`,
      `web1 │ b ${LONGEST}`,
      "web1 … b 2",
      `web1 │ c ${LONGEST}`,
      `web1 │ d ${LONGEST}`,
      `web1 … d ${LONGEST}`,
      "web1 … d 1",
      " -7",
    ],
  );
});

test("LineRenderer keeps at most a line of an agent that never ends one", async () => {
  const { put, bytesOf } = scene();
  for (let count = 0; count < 64; count++) await put("web1", "x".repeat(10_000));
  assert.ok(bytesOf("stdout").length >= 640_000 - LONGEST);
});

/** Output without the prefixes; every line ends in a newline. */
function withoutPrefixes(shown: Buffer): Buffer {
  const prefix = Buffer.from("web1 │ ");
  const lines: Buffer[] = [];
  for (let at = 0; at < shown.length; ) {
    assert.deepEqual(shown.subarray(at, at + prefix.length), prefix);
    const end = shown.indexOf(10, at + prefix.length) + 1;
    lines.push(shown.subarray(at + prefix.length, end));
    at = end;
  }
  return Buffer.concat(lines);
}

test("LineRenderer changes no byte for a file or a pipe, however the bytes are split", async () => {
  const bytes = fc
    .uint8Array({ maxLength: 300 })
    .map((some) => some.map((byte) => (byte % 7 === 0 ? 10 : byte)));
  await fc.assert(
    fc.asyncProperty(bytes, fc.array(fc.nat(300)), async (data, cuts) => {
      const { renderer, put, bytesOf } = scene();
      const places = [0, ...cuts.filter((cut) => cut < data.length).sort((a, b) => a - b), data.length];
      for (const [index, place] of places.entries()) {
        const part = data.slice(places[index - 1] ?? 0, place);
        await put("web1", part);
        part.fill(0xee); // the next message may come in the same memory
      }
      await renderer.finish(id("web1"));
      const missing = data.length > 0 && data.at(-1) !== 10 ? [10] : [];
      assert.deepEqual(withoutPrefixes(bytesOf("stdout")), Buffer.from([...data, ...missing]));
    }),
  );
});

test("LineRenderer makes control characters visible on a terminal", async () => {
  const rows: readonly (readonly [what: string, sent: string, shown: string])[] = [
    ["OSC, ended by BEL", "\u001b]0;title\u0007", "^[]0;title^G"],
    ["OSC, ended by ST", "\u001b]52;c;cm0K\u001b\\", "^[]52;c;cm0K^[\\"],
    ["CSI", "\u001b[2J\u001b[1;1Hgone", "^[[2J^[[1;1Hgone"],
    ["a question to which the terminal would answer", "\u001b[6n\u0005", "^[[6n^E"],
    ["DCS", "\u001bP$q\u001b\\", "^[P$q^[\\"],
    ["C1 in UTF-8", "\u009b31mred\u009d0;x\u009c", "<U+009B>31mred<U+009D>0;x<U+009C>"],
    ["carriage return, which would overwrite the name", "ok\rroot │ fake", "ok^Mroot │ fake"],
    ["backspace and delete", "a\b\u007f", "a^H^?"],
    ["vertical tab and form feed", "a\u000b\u000cb", "a^K^Lb"],
    ["NUL", "a\u0000b", "a^@b"],
    [
      "bidirectional override",
      "\u202egnp.exe\u2066x\u2069\u200f",
      "<U+202E>gnp.exe<U+2066>x<U+2069><U+200F>",
    ],
    ["line separators", "a\u2028b\u2029c\u0085d", "a<U+2028>b<U+2029>c<U+0085>d"],
    ["what is harmless", "\ttäbs, 日本, 👍 and ~", "\ttäbs, 日本, 👍 and ~"],
  ];
  for (const [what, sent, shown] of rows) {
    for (const stream of ["stdout", "stderr"] as const) {
      const { put, textOf } = scene(true);
      await put("web1", `${sent}\n`, stream);
      assert.equal(textOf(stream), `web1 ${stream === "stdout" ? "│" : "!"} ${shown}\n`, what);
    }
  }
});

test("LineRenderer sends no control byte to a terminal, whatever comes", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 50 })), async (chunks) => {
      const { renderer, put, textOf } = scene(true);
      for (const chunk of chunks) await put("web1", chunk);
      await renderer.finishAll();
      // One U+FFFD may stand for several bytes; control characters beside tab and newline there are none.
      assert.doesNotMatch(textOf(), /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/u);
    }),
  );
});

test("LineRenderer joins a character that was split between messages before it shows it", async () => {
  const line = Buffer.from("日本 ä 👍\n");
  for (let cut = 1; cut < line.length; cut++) {
    for (const isTerminal of [true, false]) {
      const { put, textOf } = scene(isTerminal);
      await put("web1", line.subarray(0, cut));
      await put("web1", line.subarray(cut));
      assert.equal(textOf(), "web1 │ 日本 ä 👍\n", `cut at ${cut}`);
    }
  }
});

test("LineRenderer shows bytes that are no text, without a stop", async () => {
  const { put, textOf } = scene(true);
  await put("web1", Buffer.from([0xff, 0x9b, 0x41, 0xc3, 10, 0xe2, 0x82, 10]));
  assert.equal(textOf(), "web1 │ ��A�\nweb1 │ �\n");
});

test("LineRenderer waits for its sink, so that a slow reader slows the station", async () => {
  let go = () => {};
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  const sink = { isTerminal: false, hasColors: false, write: () => gate };
  const renderer = new LineRenderer(sink, sink);
  let isWritten = false;
  const writing = renderer.output(id("web1"), "stdout", Buffer.from("x\n")).then(() => {
    isWritten = true;
  });
  await Promise.resolve();
  assert.equal(isWritten, false);
  go();
  await writing;
});
