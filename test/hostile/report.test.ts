import assert from "node:assert/strict";
import { test } from "node:test";
import { compare, readReport, shownBy } from "./report.ts";

const told = {
  stdout: Buffer.from("a1 │ one\na2 │ other\na1 │ two\n"),
  stderr: Buffer.from(
    [
      "a1 ! warning",
      "cb: a1 is running and said nothing for 0.60 s, its command may still run",
      "cb: 3 replies altered on the way from a1",
      "cb: 1 item in the reply list, not from any agent of this network",
      "cb: the moon is full",
      "cb: a2 is missing, last seen 0 seconds ago",
      "cb: a2 has answered after all",
      "cb: b[1-2], c7 (3 agents): exit status 3",
      "cb: d[1-2] (2 agents) were still running when cb left: their commands were asked to end and may still run",
      "2 agents · 0.10 s",
      "",
    ].join("\n"),
  ),
};

test("readReport() finds facts, their numbers and bits, and what is strange", () => {
  const { facts, status, strange } = readReport(told);
  assert.deepEqual(
    [...facts],
    [
      ["silent a1", 1],
      ["altered a1", 3],
      ["foreign", 1],
      ["failed b1", 1],
      ["failed b2", 1],
      ["failed c7", 1],
      ["unconfirmed d1", 1],
      ["unconfirmed d2", 1],
    ],
  );
  assert.equal(status, 4 + 8 + 32);
  assert.deepEqual(strange, ["cb: the moon is full"]);
});

test("shownBy() puts the lines of each agent together", () => {
  const texts = (stream: "stdout" | "stderr") => {
    return [...shownBy(told, stream)].map(([identity, bytes]) => [identity, Buffer.from(bytes).toString()]);
  };
  assert.deepEqual(texts("stdout"), [
    ["a1", "one\ntwo\n"],
    ["a2", "other\n"],
  ]);
  assert.deepEqual(texts("stderr"), [["a1", "warning\n"]]);
});

test("compare() tells what is cut and what has holes from what is altered", () => {
  const lines = Array.from({ length: 9 }, (_, number) => `line ${number} ${"abcdefghi".repeat(number)}\n`);
  const printed = Buffer.from(lines.join(""));
  const shown = (text: string) => compare(Buffer.from(text), printed);
  assert.equal(shown(lines.join("")), "whole");
  assert.equal(shown(""), "prefix");
  assert.equal(shown(lines.slice(0, 4).join("")), "prefix");
  assert.equal(shown(`${lines.slice(0, 4).join("").slice(0, -3)}\n`), "prefix");
  assert.equal(shown(lines.slice(2).join("")), "with holes");
  assert.equal(shown([...lines.slice(0, 3), ...lines.slice(5)].join("")), "with holes");
  assert.equal(shown([lines[5], lines[4]].join("")), "altered");
  assert.equal(shown(lines.join("").replace("line 7", "line 0")), "altered");
  assert.equal(shown([...lines, lines[8]].join("")), "altered");
});
