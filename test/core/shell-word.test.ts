import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { shellWord } from "../../src/core/shell-word.ts";

test("shellWord() leaves plain paths alone", () => {
  assert.equal(shellWord("/etc/cb/network.key"), "/etc/cb/network.key");
  assert.equal(shellWord("./a-b_c+d@e"), "./a-b_c+d@e");
});

test("shellWord() makes one word of anything else, as a shell reads it", () => {
  const paths = ["", "a b", "it's", "$HOME", "~", "a;b", "*", "a\\b", '"', "-rf", "#a", "é"];
  for (const path of paths) {
    assert.equal(execFileSync("sh", ["-c", `printf %s ${shellWord(path)}`], { encoding: "utf8" }), path);
  }
});
