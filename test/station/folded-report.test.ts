import assert from "node:assert/strict";
import { test } from "node:test";
import { type Identity, parseName } from "../../src/core/names.ts";
import { concatAll, utf8 } from "../../src/protocol/bytes.ts";
import { FoldedReport } from "../../src/station/folded-report.ts";
import type { Sink } from "../../src/station/line-renderer.ts";
import type { Comparable } from "../../src/station/output-groups.ts";
import { OutputStore } from "../../src/station/output-store.ts";
import { widthOf } from "../../src/station/text-width.ts";

type Agent = {
  readonly name: string;
  readonly stdout?: string;
  readonly stderr?: string;
  readonly trouble?: string;
};

/** What is written for these agents, 60 columns wide. */
async function folded(agents: readonly Agent[], options: Partial<Sink> = {}): Promise<string> {
  using store = new OutputStore();
  const written: Uint8Array[] = [];
  const write = async (bytes: Uint8Array) => void written.push(bytes);
  const sink = { write, isTerminal: false, hasColors: false, ...options };
  const compared = agents.map(({ name, stdout = "", stderr = "", trouble }): Comparable => {
    const identity = parseName<Identity>(name);
    store.add(identity, "stdout", utf8(stdout));
    store.add(identity, "stderr", utf8(stderr));
    return { identity, digest: store.digest(identity), trouble };
  });
  await new FoldedReport(store, sink, 60).write(compared);
  return new TextDecoder().decode(concatAll(written));
}

const named = (names: string, agent: Omit<Agent, "name">) =>
  names.split(" ").map((name) => ({ name, ...agent }));

test("FoldedReport: one output once, those in trouble first, and how they differ", async () => {
  const agents = [
    ...named("web1 web2 web3 db01 db02", { stdout: "nginx reloaded\n" }),
    { name: "web7", stderr: "nginx: [emerg] unknown directive\n", trouble: "exit status 1 after 0.80 s" },
  ];
  assert.equal(
    await folded(agents),
    `── web7 ── exit status 1 after 0.80 s ── unlike the 5 ──────
- nginx reloaded
+ ! nginx: [emerg] unknown directive
── 5 agents: db[01-02], web[1-3] ───────────────────────────
nginx reloaded
`,
  );
});

test("FoldedReport shows what surrounds a difference, and counts the rest", async () => {
  const lines = Array.from({ length: 20 }, (_, at) => `line ${at}\n`);
  const other = lines.with(10, "changed\n").join("");
  const shown = await folded([...named("a b", { stdout: lines.join("") }), { name: "c", stdout: other }]);
  const [, difference = ""] = shown.split("── c ── unlike the 2 ");
  assert.equal(
    difference.slice(difference.indexOf("\n") + 1),
    `  … 8 equal lines
  line 8
  line 9
- line 10
+ changed
  line 11
  line 12
  … 7 equal lines
`,
  );
});

test("FoldedReport shows an output whole where it has little in common with the usual one", async () => {
  const many = (word: string) => Array.from({ length: 20 }, (_, at) => `${word} ${at}\n`).join("");
  const shown = await folded([...named("a b", { stdout: many("one") }), { name: "c", stdout: many("two") }]);
  assert.match(shown, /── c ─+\ntwo 0\ntwo 1\n/);
  assert.doesNotMatch(shown, /^[-+] /m);
});

test("FoldedReport says who printed nothing", async () => {
  assert.equal(await folded(named("a b", {})), `── 2 agents: a, b ── no output ${"─".repeat(29)}\n`);
});

test("FoldedReport: the same words, but well and in trouble, are two groups", async () => {
  const shown = await folded([
    { name: "a", stdout: "x\n" },
    { name: "b", stdout: "x\n", trouble: "exit status 1" },
  ]);
  assert.match(shown, /── b ── exit status 1 ─+\nx\n── a ─+\nx\n/);
});

test("FoldedReport passes bytes on to a pipe, and no control character to a terminal", async () => {
  const agents = [{ name: "a", stdout: "\u001b[2Jx\n" }];
  assert.match(await folded(agents), /\n\u001b\[2Jx\n/);
  assert.match(await folded(agents, { isTerminal: true }), /\n\^\[\[2Jx\n/);
});

test("FoldedReport leaves no byte of a long output out", async () => {
  const stdout = Array.from({ length: 50_000 }, (_, at) => `line ${at} of many\n`).join("");
  const shown = await folded([{ name: "a", stdout }]);
  assert.equal(shown.slice(shown.indexOf("\n") + 1), stdout);
});

test("FoldedReport breaks a long rule on a terminal, counts the names that do not fit, and breaks none elsewhere", async () => {
  const names = Array.from(
    { length: 400 },
    (_, at) => `host-${String.fromCharCode(97 + (at % 26))}${"x".repeat(at % 7)}-${at}-a`,
  );
  const agents = names.flatMap((name) => named(name, { stdout: "same\n" }));
  const shown = await folded(agents, { isTerminal: true });
  const rule = shown.split("\n").slice(0, -2);
  assert.match(rule[0] ?? "", /^── 400 agents: host-/);
  assert.match(rule.at(-1) ?? "", /^ {3}.*… and \d+ more ─+$/);
  assert.ok(rule.length <= 5, shown);
  for (const line of rule) assert.ok(widthOf(line) <= 60, line);
  const plain = await folded(agents);
  assert.equal(plain.split("\n").length, 3);
  assert.doesNotMatch(plain, /more/);
});

test("FoldedReport breaks a long reason on a terminal, wide characters counted as two", async () => {
  const trouble = `refused: ${"日本語 ".repeat(20)}`.trim();
  const shown = await folded([{ name: "web1", trouble }], { isTerminal: true });
  for (const line of shown.trimEnd().split("\n")) assert.ok(widthOf(line) <= 60, line);
  assert.equal(shown.split("日本語").length, 21);
});

test("FoldedReport names those who were not heard at its end", async () => {
  using store = new OutputStore();
  const written: Uint8Array[] = [];
  const write = async (bytes: Uint8Array) => void written.push(bytes);
  const report = new FoldedReport(store, { write, isTerminal: false, hasColors: false }, 60);
  const absent = [
    { names: ["web1", "web2"], since: "last seen 2 days ago" },
    { names: ["db1"], since: "last seen 1 hour ago" },
  ];
  await report.write([], absent);
  const text = new TextDecoder().decode(concatAll(written));
  assert.equal(text, "── no answer: web[1-2] (last seen 2 days ago), db1 (last seen 1 hour ago) ──\n");
});

test("FoldedReport shows outputs of any length as they are, from memory and from disk", async () => {
  using store = new OutputStore(100_000);
  const texts = new Map([
    ["a", "x".repeat(300_000)],
    ["b", "line\n".repeat(70_000)],
    ["c", "short"],
    ["d", "\n\n"],
  ]);
  const agents = [...texts].map(([name, text]): Comparable => {
    const identity = parseName<Identity>(name);
    const bytes = utf8(text);
    for (let at = 0; at < bytes.length; at += 9999)
      store.add(identity, "stdout", bytes.subarray(at, at + 9999));
    return { identity, digest: store.digest(identity), trouble: undefined };
  });
  const written: Uint8Array[] = [];
  // A copy: what is written may be used again once it is written.
  const write = async (bytes: Uint8Array) => void written.push(bytes.slice());
  await new FoldedReport(store, { write, isTerminal: false, hasColors: false }, 20).write(agents);
  const shown = new TextDecoder().decode(concatAll(written));
  const wanted = [...texts].map(
    ([name, text]) => `── ${name} ${"─".repeat(15)}\n${text.replace(/\n?$/, "\n")}`,
  );
  assert.ok(shown === wanted.join(""), shown.replace(/x+|(line\n)+/g, "$1…"));
});
