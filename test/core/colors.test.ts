import assert from "node:assert/strict";
import { test } from "node:test";
import { paint, wantsColors } from "../../src/core/colors.ts";

test("paint() goes back to the color that was there before", () => {
  assert.equal(paint("x", "red"), "\u001b[31mx\u001b[39m");
});

test("wantsColors() is for terminals that can and people who want", () => {
  assert.equal(wantsColors({ TERM: "xterm" }, true, false), true);
  assert.equal(wantsColors({}, true, false), true);
  assert.equal(wantsColors({ TERM: "xterm" }, false, false), false);
  assert.equal(wantsColors({ TERM: "dumb" }, true, false), false);
  assert.equal(wantsColors({ NO_COLOR: "1" }, true, false), false);
  assert.equal(wantsColors({ NO_COLOR: "" }, true, false), true);
  assert.equal(wantsColors({ NO_COLOR: "1" }, false, true), true);
});
