import assert from "node:assert/strict";
import { test } from "node:test";
import { imported, withExecutors } from "./import.ts";

test("setupOf() takes values as they are written, also where the original would die of a number", () => {
  const lines = [
    "a: 0123",
    "b: 1.10",
    "c: True",
    "d: ~",
    "e: ' x '",
    "f: |",
    "  two",
    "  lines",
    "g: !!int 5",
  ];
  const text = withExecutors("x:", "  cmd: /x", "  varenvs:", ...lines.map((line) => `    ${line}`));
  const { executors, notable } = imported(text);
  assert.deepEqual(notable, []);
  assert.deepEqual(Object.fromEntries(executors[0]?.manifest?.environment ?? []), {
    A: { secret: "0123" },
    B: { secret: "1.10" },
    C: { secret: "True" },
    D: { secret: "~" },
    E: { secret: " x " },
    // One newline at the end of a secret's file is none of it.
    F: { secret: "two\nlines\n\n" },
    G: { secret: "5" },
  });
});
