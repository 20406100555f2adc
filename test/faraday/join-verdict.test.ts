import assert from "node:assert/strict";
import { test } from "node:test";
import { type Answer, type JoinVerdict, verdictOf } from "../../src/faraday/join-verdict.ts";

// answer, what was heard before: a run, "joined", a rejection
const VERDICTS: readonly (readonly [Answer, boolean, boolean, boolean, JoinVerdict["kind"]])[] = [
  ["acknowledged", false, true, false, "joined"],
  ["acknowledged", false, false, false, "joined"],
  ["acknowledged", false, false, true, "refused"],
  ["acknowledged", false, true, true, "unsure"],
  ["acknowledged", true, true, true, "joined"],
  ["acknowledged", true, false, true, "joined"],
  ["unanswered", false, false, false, "unanswered"],
  ["unanswered", false, true, false, "joined"],
  ["unanswered", false, false, true, "refused"],
  ["unanswered", false, true, true, "unsure"],
  ["unanswered", true, false, false, "joined"],
  ["lost", false, true, false, "lost"],
  ["lost", true, true, true, "lost"],
];

for (const [answer, isProven, hasWelcome, isRefused, kind] of VERDICTS) {
  const heard = [isProven && "a run", hasWelcome && "a welcome", isRefused && "a rejection"].filter(Boolean);
  test(`verdictOf() takes ${answer} after ${heard.join(", ") || "nothing"} for ${kind}`, () => {
    const rejection = isRefused ? "Invalid agent token!" : undefined;
    assert.equal(verdictOf(answer, { isProven, hasWelcome, rejection }).kind, kind);
  });
}
