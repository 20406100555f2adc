import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CbError } from "../../src/core/errors.ts";
import { formatToml, parseToml } from "../../src/core/toml.ts";
import { type EditableValue, editToml } from "../../src/core/toml-edit.ts";

type Changes = readonly (readonly [string, EditableValue | undefined])[];
const edit = (text: string, ...changes: Changes) => editToml(text, "x.toml", new Map(changes));

test("editToml keeps comments, order and layout of what it does not change", () => {
  const text =
    '# Where it is.\nserver = "http://old"  # since May\n\n# Names\nexecutors = [\n  "a", # one\n  "b",\n]\n';
  const edited = edit(text, ["server", "http://new"], ["executors", ["a", "c"]]);
  assert.equal(
    edited,
    '# Where it is.\nserver = "http://new"  # since May\n\n# Names\nexecutors = [\n  "a", # one\n  "c",\n]\n',
  );
});

test("editToml puts a setting in the place of its commented default, and others at the end", () => {
  const text = '# How many.\n#jobs = 8\n\n# Not this: jobs = 9\nname = "a"\n';
  assert.equal(
    edit(text, ["jobs", 3], ["insecure", true]),
    '# How many.\njobs = 3\n\n# Not this: jobs = 9\nname = "a"\ninsecure = true\n',
  );
});

test("editToml takes a key away", () => {
  assert.equal(edit("#jobs = 8\n\njobs = 3\nb = 1\n", ["jobs", undefined]), "#jobs = 8\n\nb = 1\n");
});

test("editToml leaves a default that is a comment where the key is set elsewhere", () => {
  assert.equal(edit("#jobs = 8\njobs = 3\n", ["jobs", 4]), "#jobs = 8\njobs = 4\n");
});

test("editToml makes a file out of nothing", () => {
  assert.equal(edit("", ["name", 'a "b"'], ["executors", []]), 'name = "a \\"b\\""\nexecutors = []\n');
});

test("editToml refuses what is no TOML", () => {
  assert.throws(() => edit("a = ", ["b", 1]), CbError);
});

const key = fc.stringMatching(/^[a-z][a-z-]{0,8}$/);
const value = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.array(fc.string(), { maxLength: 4 }));

test("editToml: the edited text reads as the old one with the changes, whatever they are", () => {
  const table = fc.dictionary(key, value, { maxKeys: 6, noNullPrototype: true });
  const comments = fc.array(fc.stringMatching(/^[ -~]*$/), { minLength: 8, maxLength: 8 });
  fc.assert(
    fc.property(table, table, comments, (before, changes, words) => {
      const lines = formatToml(before).split("\n");
      const text = lines
        .flatMap((line, at) => (at % 2 === 0 ? [`# ${words[at % 8]}`, line] : [line]))
        .join("\n");
      const edited = edit(text, ...Object.entries(changes));
      const found = { ...parseToml(new TextEncoder().encode(edited), "x", "setting") };
      assert.deepEqual(found, { ...before, ...changes });
      for (const at of lines.keys()) if (at % 2 === 0) assert.ok(edited.includes(`# ${words[at % 8]}`));
    }),
  );
});
