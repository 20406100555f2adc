import assert from "node:assert/strict";
import { test } from "node:test";
import { Notes } from "../../src/setup/notes.ts";
import type { OldValue } from "../../src/setup/old-value.ts";
import { readYaml } from "../../src/setup/old-yaml.ts";

function read(text: string): OldValue | undefined {
  return readYaml(text, "x.yaml", new Notes());
}

/** Values with their lines, as `key@line=value`; what is in quotes has them. */
function shown(value: OldValue | undefined): string {
  switch (value?.kind) {
    case undefined:
      return "nothing";
    case "text":
      return `${value.isPlain ? value.text : JSON.stringify(value.text)}@${value.line}`;
    case "list":
      return `[${value.items.map(shown).join(" ")}]`;
    case "table":
      return `{${value.entries.map(({ key, line, value: below }) => `${key}@${line}=${shown(below)}`).join(" ")}}`;
  }
}

test("readYaml() gives every piece its line, and keeps what is written", () => {
  const text = `# a comment
a: 007
"b": 'x'

c:
  - yes
  - |
    two
    lines
d:
e: {f: ~, g: [1, "2"]}
`;
  const expected = `{a@2=007@2 b@3="x"@3 c@5=[yes@6 "two\\nlines\\n"@7] d@10=@10 e@11={f@11=~@11 g@11=[1@11 "2"@11]}}`;
  assert.equal(shown(read(text)), expected);
});

test("readYaml() reads what is indented by a blank as a whole, has Windows' ends of lines, or a mark in front", () => {
  assert.equal(shown(read(" a:\n   b: 1\n\n c: 2\n")), "{a@1={b@2=1@2} c@4=2@4}");
  assert.equal(shown(read("a: 1\r\nb: 2\r\n")), "{a@1=1@1 b@2=2@2}");
  assert.equal(shown(read("%YAML 1.1\n---\na: yes\n...\n")), "{a@3=yes@3}");
});

test("readYaml() has nothing for nothing", () => {
  for (const text of ["", "\n\n", "# words\n", "---\n"]) assert.match(shown(read(text)), /^nothing$|^@\d$/);
});

test("readYaml() takes the last of a key that is there twice, and says so with both lines", () => {
  const notes = new Notes();
  assert.equal(shown(readYaml("a:\n  b: 1\n  c: 2\n  b: 3\n", "x.yaml", notes)), "{a@1={b@4=3@4 c@3=2@3}}");
  const text = "it stands again on line 4, which counts";
  assert.deepEqual(notes.all, [{ line: 2, kind: "left", key: "a.b", text }]);
});

test("readYaml() follows references and merged tables, the first of several being the strongest", () => {
  assert.equal(shown(read("a: &x {b: 1}\nc: *x\n")), "{a@1={b@1=1@1} c@2={b@1=1@1}}");
  const merged = read("p: &p {a: 1, b: 1}\nq: &q {a: 2, c: 2}\nr:\n  <<: [*p, *q]\n  b: 3\n");
  assert.match(shown(merged), /r@3=\{a@1=1@1 c@2=2@2 b@5=3@5\}\}$/);
  assert.equal(shown(read('"<<": 1\n')), "{<<@1=1@1}");
});

test("readYaml() takes the tags of YAML itself, of which a text is one", () => {
  assert.equal(
    shown(read("a: !!str 5\nb: !!int '6'\nc: ! x\nd: !!map {}\n")),
    '{a@1="5"@1 b@2="6"@2 c@3=x@3 d@4={}}',
  );
});

test("readYaml() refuses what the original would not take either, with its line and without its words", () => {
  const refused: readonly (readonly [text: string, why: RegExp])[] = [
    [
      "a: 1\nb: !hunter22 x",
      /line 2: a tag that is not known: put the value into quotes if it begins with !$/,
    ],
    ["a: !!python/object:os.system x", /line 1: a tag/],
    [
      "a: 1\nb: *hunter22",
      /line 2: it refers to what is not above: put it into quotes if it begins with \*$/,
    ],
    ["a: &a [*a]", /line 1: it refers to what is not above/],
    ["a: @hunter22", /line 1: a value begins with a character that needs quotes around it$/],
    ["a: %hunter22", /line 1: a value begins/],
    ["a: 'hunter22\nb: 1\n", /line \d: a quote or a bracket is not closed$/],
    ["a: [hunter22\nb: 1", /line \d: /],
    ["a:\n\tb: hunter22", /line 2: a tab stands where blanks are expected$/],
    ["a: hunter22: b", /line 1: a second colon: put the value into quotes$/],
    ["a:\n    b: 1\n  c: hunter22", /line 3: /],
    ["a: 1\n---\nb: hunter22", /line [23]: a second document begins, expected one$/],
    ["? [hunter22]\n: 1", /line 1: expected a word before the colon$/],
    ["a:\n  <<: hunter22", /line 2: expected a table to merge$/],
    ["[".repeat(60), /line 1: /],
    [`${"[".repeat(60)}${"]".repeat(60)}`, /line 1: nested too deep$/],
    ["{a: ".repeat(100_000), /line 1: nested too deep$|not closed$|no YAML/],
  ];
  for (const [text, message] of refused)
    assert.throws(
      () => read(text),
      (error: Error) => {
        assert.match(error.message, /^Cannot import "x\.yaml": /, text.slice(0, 40));
        assert.match(error.message, message, text.slice(0, 40));
        assert.doesNotMatch(error.message, /hunter22/);
        return error.name === "CbError";
      },
    );
});

test("readYaml() refuses a page that unfolds to more than any memory holds", () => {
  const lists = Array.from(
    { length: 40 },
    (_, index) => `l${index + 1}: &l${index + 1} [*l${index}, *l${index}]`,
  );
  const tables = Array.from(
    { length: 40 },
    (_, index) => `l${index + 1}: &l${index + 1} {a: *l${index}, b: *l${index}}`,
  );
  for (const lines of [lists, tables])
    assert.throws(
      () => read(`l0: &l0 [x]\n${lines.join("\n")}\n`),
      /more than 100000 values, references counted/,
    );
});
