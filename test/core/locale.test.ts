import assert from "node:assert/strict";
import { test } from "node:test";
import { showsUnicode } from "../../src/core/locale.ts";

test("showsUnicode() goes by the strongest variable of the locale that is not empty", () => {
  assert.equal(showsUnicode({ LANG: "en_US.UTF-8" }), true);
  assert.equal(showsUnicode({ LANG: "C.utf8", LC_ALL: "" }), true);
  assert.equal(showsUnicode({ LANG: "en_US.UTF-8", LC_ALL: "C" }), false);
  assert.equal(showsUnicode({ LANG: "C", LC_CTYPE: "C.UTF-8" }), true);
  assert.equal(showsUnicode({}), false);
});

test("showsUnicode() is no for terminals that lack it", () => {
  for (const TERM of ["dumb", "linux"]) assert.equal(showsUnicode({ LANG: "C.UTF-8", TERM }), false);
});
