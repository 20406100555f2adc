import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { unfoldNames } from "../../src/core/name-set.ts";
import { type Identity, parseName } from "../../src/core/names.ts";
import { concatAll, utf8 } from "../../src/protocol/bytes.ts";
import { FoldedReport } from "../../src/station/folded-report.ts";
import type { Sink } from "../../src/station/line-renderer.ts";
import type { Comparable } from "../../src/station/output-groups.ts";
import { OutputStore } from "../../src/station/output-store.ts";
import { widthOf } from "../../src/station/text-width.ts";

type Agent = {
  readonly name: string;
  readonly stdout?: string | Uint8Array;
  readonly stderr?: string;
  readonly trouble?: string;
  readonly hasRun?: boolean;
};

/** What is written for these agents, 60 columns wide. */
async function folded(agents: readonly Agent[], options: Partial<Sink> = {}): Promise<string> {
  using store = new OutputStore();
  const written: Uint8Array[] = [];
  const write = async (bytes: Uint8Array) => void written.push(bytes);
  const sink = { write, isTerminal: false, hasColors: false, ...options };
  const compared = agents.map(({ name, stdout = "", stderr = "", trouble, hasRun = true }): Comparable => {
    const identity = parseName<Identity>(name);
    store.add(identity, "stdout", typeof stdout === "string" ? utf8(stdout) : stdout);
    store.add(identity, "stderr", utf8(stderr));
    return { identity, digest: store.digest(identity), trouble, hasRun };
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
    `── web7 ── exit status 1 after 0.80 s ── unlike the 5 (-) ──
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

test("FoldedReport expects no output of a command that did not run, and has it behind what failed", async () => {
  const held = named("a b", { trouble: "not run: c failed", hasRun: false });
  const shown = await folded([...held, { name: "c", trouble: "exit status 1" }]);
  assert.equal(
    shown,
    `── c ── exit status 1 ── no output ${"─".repeat(25)}
── 2 agents: a, b ── not run: c failed ${"─".repeat(21)}
`,
  );
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
  const block = ["a", "b", "c"].map((name) => ({ name, stdout: `\u001b[2J${name}\n\u0007\n` }));
  assert.match(await folded(block), /\na │ \u001b\[2Ja\n.*\n.*\n {2}\u0007\n/);
  assert.match(await folded(block, { isTerminal: true }), /\na │ \^\[\[2Ja\n.*\n.*\n {2}\^G\n/);
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
    ["e", "──\n──"],
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

const host = (name: string, stdout: string, trouble?: string): Agent => {
  return trouble === undefined ? { name, stdout } : { name, stdout, trouble };
};

test("FoldedReport: outputs that are alike but for a few lines are one block, with the common lines once", async () => {
  const up = (name: string, time: string) => host(name, `Debian 12\nup ${time}\nload fine\n`);
  const days = ["web1", "web2", "web4"].map((name) => up(name, "3 days"));
  assert.equal(
    await folded([
      ...days,
      up("web3", "1 day"),
      up("db1", "2 days"),
      up("db2", "9 days"),
      up("db3", "8 days"),
    ]),
    `── 7 agents: db[1-3], web[1-4] ── alike but for line 2 ─────
  Debian 12
web[1-2,4] │ up 3 days
db1        │ up 2 days
db2        │ up 9 days
db3        │ up 8 days
web3       │ up 1 day
  load fine
`,
  );
});

test("FoldedReport: of agents that print a line each, who printed what", async () => {
  assert.equal(
    await folded(["web1", "web2", "web3"].map((name) => host(name, `I am ${name}\n`))),
    `── 3 agents: web[1-3] ── a line each ───────────────────────
web1 │ I am web1
web2 │ I am web2
web3 │ I am web3
`,
  );
});

test("FoldedReport: failed agents have a block of their own, and nothing is compared with what is in a block", async () => {
  const well = ["web1", "web2", "web3"].map((name) => host(name, `I am ${name}\n`));
  const failed = ["db1", "db2", "db3"].map((name) => host(name, `no route to ${name}\n`, "exit status 7"));
  const other = host("db9", "half\na line\nof it\n", "exit status 1");
  const twins = named("web4 web5", { stdout: "I am many\n" });
  const shown = await folded([...well, ...failed, other, ...twins]);
  assert.match(shown, /── 3 agents: db\[1-3\] ── exit status 7 ── a line each ─+\ndb1 │ no route to db1\n/);
  assert.match(shown, /── db9 ── exit status 1 ─+\nhalf\na line\nof it\n/);
  assert.match(shown, /── 5 agents: web\[1-5\] ── a line each ─+\nweb\[4-5\] │ I am many\n/);
});

test("FoldedReport compares with what the most agents printed, where those are more than half", async () => {
  const usual = named("a b c d e f", { stdout: "reloaded\nfine\n" });
  const others = ["x1", "x2", "x3"].map((name) => host(name, `reloaded\nnot on ${name}\n`));
  const shown = await folded([...usual, ...others]);
  assert.match(
    shown,
    /── 6 agents: a, b, c, d, e, f ─+\nreloaded\nfine\n── 3 agents: x\[1-3\] ── alike but for line 2 /,
  );
  assert.match(
    await folded([...usual, ...others.slice(1)]),
    /── x2 ── unlike the 6 \(-\) ─+\n {2}reloaded\n- fine\n\+ not on x2\n/,
  );
});

test("FoldedReport puts nothing into a block that would look like something else there", async () => {
  const bytes = (name: string, ...stdout: readonly number[]) => ({ name, stdout: Uint8Array.from(stdout) });
  const invalid = await folded([bytes("a", 0xff, 10), bytes("b", 0xfe, 10), bytes("c", 0x61, 10)]);
  assert.equal(invalid.match(/^── /gm)?.length, 3);
  const ends = await folded([host("a", "x\n"), host("b", "x"), host("c", "y\n")]);
  assert.equal(ends.match(/^── /gm)?.length, 3);
});

test("FoldedReport: out of a block each output can be put together again", async () => {
  const word = fc.constantFrom("a", "b", "c");
  const output = fc.array(word, { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(fc.array(output, { minLength: 1, maxLength: 9 }), async (outputs) => {
      const agents = outputs.map((lines, at) => host(`n${at}x`, `${lines.join("\n")}\n`));
      const shown = await folded(agents);
      const rebuilt = new Map<string, string>();
      for (const block of shown.split(/^(?=── )/m)) rebuild(block, agents, rebuilt);
      for (const { name, stdout } of agents) assert.equal(rebuilt.get(name), stdout, shown);
    }),
    { numRuns: 300 },
  );
});

/** Each agent's output, as a reader takes it from a block. */
function rebuild(block: string, agents: readonly Agent[], rebuilt: Map<string, string>): void {
  const [rule = "", ...lines] = block.trimEnd().split("\n");
  const who = [...unfoldNames(rule.replace(/^── (\d+ agents: )?|( ── .*)? ─+$/g, "").replaceAll(", ", ","))];
  // A difference is tested above: here is what is shown whole, and what is in blocks.
  const isDifference = rule.includes("unlike the");
  const isBlock = rule.includes("alike but for") || rule.includes("a line each");
  for (const name of who) {
    const own = isDifference
      ? [
          agents
            .find((agent) => agent.name === name)
            ?.stdout?.toString()
            .trimEnd(),
        ]
      : isBlock
        ? lines.flatMap((line) => {
            const [, names, text = ""] = /^(\S+) *│ (.*)$/.exec(line) ?? [
              undefined,
              undefined,
              line.slice(2),
            ];
            return names === undefined || unfoldNames(names).includes(name) ? [text] : [];
          })
        : lines;
    rebuilt.set(name, `${own.join("\n")}\n`);
  }
}

test("FoldedReport paints what a failed agent printed red, and what others printed in its place faint", async () => {
  const usual = named("a b c", { stdout: "fine\n" });
  const painted = (trouble?: string) => folded([...usual, host("z", "oops\n", trouble)], { hasColors: true });
  const failed = await painted("exit status 1");
  assert.ok(failed.includes("\u001b[2m- fine\u001b[22m\n\u001b[31m+ oops\u001b[39m\n"), failed);
  const well = await painted();
  assert.ok(well.includes("\u001b[31m- fine\u001b[39m\n\u001b[32m+ oops\u001b[39m\n"), well);
});

test("FoldedReport shows outputs that are no valid UTF-8 whole, and loses none of their bytes", async () => {
  const bytes = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  const usual = named("o2 o3 o4", { stdout: bytes("Erreur \u00e8\na\nb\nc\n") });
  const shown = await folded([...usual, { name: "o1", stdout: bytes("Erreur \u00e9\na\nb\nd\n") }]);
  assert.match(shown, /── o1 ─+\nErreur \ufffd\na\nb\nd\n$/);
  assert.doesNotMatch(shown, /unlike|equal line/);
});

test("FoldedReport says where the one difference is a newline at the end", async () => {
  const shown = await folded([...named("o2 o3 o4", { stdout: "x\n" }), host("o1", "x")]);
  assert.match(shown, /── o1 ── unlike the 3 .*\n- x\n\+ x\n\\ No newline at end of output\n$/);
});

const FORGED = "── 3 agents: o[2-4] ── exit status 1 ───";

for (const isTerminal of [false, true]) {
  const where = isTerminal ? "on a terminal" : "to a pipe";
  test(`FoldedReport has no line of an output that looks like a rule ${where}`, async () => {
    const rules = async (...agents: readonly Agent[]) => {
      const lines = (await folded(agents, { isTerminal })).split("\n");
      const forged = lines.filter((line) => line.includes(FORGED));
      return [lines.filter((line) => /^([-+] )?── /.test(line)).length, forged];
    };
    const text = `a\n${FORGED}\nb\n`;
    const one = `│ ${FORGED}`;
    // Whole, with standard error beside it, as a difference, and in a block.
    assert.deepEqual(await rules(host("o1", text)), [1, [one]]);
    assert.deepEqual(await rules(host("o1", `${FORGED}\n${text}`)), [1, [one, one]]);
    assert.deepEqual(await rules({ name: "o1", stdout: text, stderr: `${FORGED}\n` }), [
      1,
      [one, `! ${FORGED}`],
    ]);
    const usual = named("o2 o3 o4", { stdout: "a\nb\n" });
    assert.deepEqual(await rules(...usual, host("o1", text)), [2, [`+ ${one}`]]);
    const block = ["x", "y", "z"].map((name) => host(name, `${name}\n${text}`));
    assert.deepEqual(await rules(...block), [1, [`  ${one}`]]);
    const varying = ["", "", "y"].map((name, at) => host(`o${at}`, `a\nb\n${FORGED}${name || at}\n`));
    const rows = await rules(...varying);
    assert.equal(rows[0], 1);
  });
}

test("FoldedReport shows a byte order mark on a terminal, behind which a rule could hide", async () => {
  assert.match(await folded([host("o1", `\ufeff${FORGED}\n`)], { isTerminal: true }), /\n<U\+FEFF>── 3/);
});
