import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatToml, isTomlTable, parseToml } from "../../src/core/toml.ts";

const parse = (text: string) => parseToml(new TextEncoder().encode(text), "/x", "file");

test("parseToml() takes any key for a key, those that JavaScript has a meaning for too", () => {
  const parsed = parse('[__proto__]\nadmin = true\n[constructor.prototype]\nadmin = true\n"" = 1\n');
  assert.deepEqual(Object.keys(parsed), ["__proto__", "constructor"]);
  assert.equal(Object.getPrototypeOf(parsed), null);
  assert.equal(Reflect.get({}, "admin"), undefined);
  assert.deepEqual(parse(formatToml(parsed)), parsed);
});

test("parseToml() gives the code that it is told, line and column, and never the line", () => {
  const message = 'Cannot read "/x": line 2, column 5: invalid value';
  assert.throws(() => parse("a=1\nb = hunter2\n"), { code: "file", message });
  assert.throws(() => parseToml(Uint8Array.of(0x61, 0xff), "/x", "setting"), {
    code: "setting",
    message: 'Cannot read "/x": expected text in UTF-8',
  });
});

test("parseToml() reads what formatToml() has written", () => {
  const value = fc.oneof(
    fc.maxSafeInteger(),
    fc.string({ unit: "grapheme" }),
    fc.boolean(),
    fc.array(fc.string()),
  );
  const tables = fc.dictionary(fc.string({ unit: "grapheme" }), fc.dictionary(fc.string(), value));
  fc.assert(
    fc.property(tables, (table) => {
      const plain = JSON.stringify(table);
      assert.equal(JSON.stringify(parse(formatToml(table))), plain);
    }),
  );
});

test("isTomlTable() tells tables from all else", () => {
  const { table, ...others } = parse("table = {}\narray = [{}]\ndate = 1979-05-27\ntext = 'x'\nnumber = 1");
  assert.equal(isTomlTable(table), true);
  for (const other of [...Object.values(others), null, undefined]) assert.equal(isTomlTable(other), false);
});

test("formatToml() refuses tables too deep to be written, in one line", () => {
  const path = Array.from({ length: 1_500 }, () => "a").join(".");
  const deep = parseToml(new TextEncoder().encode(`${path} = 1`), "/d.toml", "file");
  assert.throws(() => formatToml(deep), { name: "CbError", message: /^Cannot write TOML: [^\n]+$/ });
});
