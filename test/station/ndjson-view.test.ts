import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { openView } from "../../src/station/output-form.ts";
import { eventProblems } from "../support/event-schema.ts";
import { Captured, play } from "./view-scene.ts";

const problemsOf = eventProblems();

/** What is written of an agent that prints so. */
async function written(stdout: string | Uint8Array): Promise<string> {
  const shown = new Captured();
  await play(
    openView("ndjson", shown.sink, shown.sink, () => 40),
    [{ name: "web1", stdout }],
  );
  return shown.text;
}

/** The bytes that a program gets back from events. */
function readBack(text: string): Uint8Array {
  const events: readonly Record<string, unknown>[] = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(problemsOf(events), []);
  const lines = events
    .filter(({ type }) => type === "output")
    .map(({ text: line, base64, ended }) => {
      const bytes = typeof base64 === "string" ? Buffer.from(base64, "base64") : Buffer.from(String(line));
      return ended === false ? bytes : Buffer.concat([bytes, Buffer.from("\n")]);
    });
  return Buffer.concat(lines);
}

test("NdjsonView loses no byte of what is printed, be it text or not", async () => {
  const pieces = ["\n", "\ufeff", "a", "\r", "\\", '"', "\u2028", "\u0000", "ü", "\u{e0001}", "\u009b2J"];
  const texts = fc
    .array(fc.constantFrom(...pieces), { maxLength: 12 })
    .map((parts) => Buffer.from(parts.join("")));
  const anything = fc.uint8Array({ maxLength: 40 });
  const both = fc.tuple(texts, anything, texts).map((parts) => Buffer.concat(parts));
  await fc.assert(
    fc.asyncProperty(both, async (bytes) => {
      assert.deepEqual(Buffer.from(readBack(await written(bytes))), bytes);
    }),
    { numRuns: 100 },
  );
});

test("NdjsonView writes nothing raw that moves a terminal's cursor or turns its text around", async () => {
  const text = await written("\u001b[2J \u009b2J \u007f \u202e \ufeff \u2028 \u{e0001} tab\tü€\u{1f600}\n");
  assert.doesNotMatch(text.replaceAll("\n", ""), /[\u0000-\u001f\u007f-\u009f\u202e\ufeff\u2028\u{e0001}]/u);
  assert.ok(text.includes("ü€\u{1f600}"), text);
});
