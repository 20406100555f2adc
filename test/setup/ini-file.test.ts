import assert from "node:assert/strict";
import { test } from "node:test";
import { IniFile } from "../../src/setup/ini-file.ts";

function section(text: string, name = "s") {
  const table = new IniFile(text, "x.ini").section(name);
  return table?.entries.map(({ key, line, value }) => [
    key,
    line,
    value.kind === "text" ? value.text : value,
  ]);
}

test("IniFile reads keys with = or :, in small letters, each with its line", () => {
  const text = "; a comment\n[s]\nOne = 1\ntwo: 2 = 3\n# another\nthree =\n  four  =  5 ; 6  \n";
  assert.deepEqual(section(text), [
    ["one", 3, "1"],
    ["two", 4, "2 = 3"],
    ["three", 6, "four  =  5 ; 6".replace(/^/, "\n")],
  ]);
  assert.equal(section(text, "t"), undefined);
});

test("IniFile folds values over lines that are indented further, blank ones too, and no comments", () => {
  const text = "[s]\na = 1\n  2\n\n  # no\n  3\n\nb = 4\n\n[t]\nc=5";
  assert.deepEqual(section(text), [
    ["a", 2, "1\n2\n\n3"],
    ["b", 8, "4"],
  ]);
  assert.deepEqual(section(text, "t"), [["c", 11, "5"]]);
});

test("IniFile fills in references, and what [DEFAULT] has", () => {
  const text = "[DEFAULT]\nhome = /opt\nx = %%d\n[s]\ncmd = %(HOME)s/bin %(x)s 5%%\nhome = /srv\n";
  assert.deepEqual(section(text), [
    ["home", 6, "/srv"],
    ["x", 3, "%d"],
    ["cmd", 5, "/srv/bin %d 5%"],
  ]);
  assert.deepEqual(section("[DEFAULT]\na = 1\n[s]\n"), [["a", 2, "1"]]);
});

test("IniFile refuses what configparser refuses, with the line and without a value", () => {
  const refused: readonly (readonly [text: string, why: RegExp])[] = [
    ["a = hunter22", /line 1: expected a section such as \[server\]$/],
    ["[s]\nhunter22", /line 2: expected a name, an equals sign and a value$/],
    ["[s]\n= hunter22", /line 2: expected a name/],
    ["[s]\na = 1\nA = hunter22", /line 3: "a" is on line 2 already$/],
    ["[s]\n[t]\n[s]", /line 3: section \[s\] is on line 1 already$/],
    ["[s]\na = hunter22 %", /line 2: expected %% for %$/],
    ["[s]\na = %(hunter22)s", /line 2: it refers to what is not there$/],
    ["[s]\na = %(a)s", /line 2: its references lead in a circle$/],
    [`[s]\na = ${"x".repeat(70_000)}\nb = %(a)s%(a)s`, /line 3: it is longer than 131072 characters$/],
  ];
  for (const [text, message] of refused)
    assert.throws(
      () => section(text),
      (error: Error) => {
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /hunter22/);
        return error.name === "CbError";
      },
    );
});

test("IniFile refuses what unfolds to more than it may", () => {
  const letters = "abcdefghij".split("");
  const next = (letter: string) => String.fromCharCode(letter.charCodeAt(0) + 1);
  const lines = letters.map((letter) => `${letter} = ${`%(${next(letter)})s`.repeat(20)}`);
  assert.throws(() => section(`[s]\n${lines.join("\n")}\nk =\n`), /more than 100000 values/);
});
