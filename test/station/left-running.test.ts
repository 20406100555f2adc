import assert from "node:assert/strict";
import { test } from "node:test";
import { CbError } from "../../src/core/errors.ts";
import type { Request } from "../../src/protocol/request.ts";
import { withLeftRunning } from "../../src/station/left-running.ts";
import { newSession, type Session } from "../../src/station/session.ts";
import { pingRequest, runRequest } from "./scene.ts";

const GONE = new CbError("reader-gone", "Cannot write output: its reader is gone", { exitStatus: 141 });
const FULL = new CbError("output", "Cannot write output: no space left on device");

/** What is said of it: the hint, where there is one. */
function hint(error: Error, changes: Partial<Session>, request: Request = runRequest()): string | undefined {
  const session = { ...newSession(0, 3, 0), answered: 3, addressed: 3, active: 2, ...changes };
  const left = withLeftRunning(error, request, session);
  assert(left instanceof Error);
  if (!(left instanceof CbError && error instanceof CbError)) {
    assert.equal(left, error);
    return undefined;
  }
  assert.deepEqual([left.code, left.message, left.exitStatus], [error.code, error.message, error.exitStatus]);
  return left.hint;
}

test("withLeftRunning() says on how many agents a command goes on, of which the output is lost", () => {
  const gone = "the reader of standard output has gone: the command goes on on";
  assert.equal(hint(GONE, {}), `${gone} 2 agents`);
  assert.equal(hint(FULL, { active: 1 }), "the command goes on on 1 agent");
  // One of three has not answered yet, and may run it too.
  assert.equal(hint(GONE, { answered: 2 }), `${gone} at least 2 agents`);
  assert.equal(
    hint(FULL, { answered: 0, addressed: 0, active: 0 }),
    "the command was sent, and goes on where it has begun",
  );
  const rollingOut = { isRollingOut: true, answered: 2 };
  assert.equal(hint(GONE, rollingOut), `${gone} 2 agents, and begins on no other`);
  assert.equal(hint(GONE, { ...rollingOut, active: 0 }), undefined);
});

test("withLeftRunning() says nothing where nothing goes on, or was asked to end, or something else has failed", () => {
  assert.equal(hint(GONE, { active: 0 }), undefined);
  assert.equal(hint(GONE, { interruptedAt: 1 }), undefined);
  assert.equal(hint(GONE, { end: "waited" }), undefined);
  assert.equal(hint(GONE, {}, pingRequest()), undefined);
  assert.equal(hint(new CbError("hub", "Cannot reach Redis"), {}), undefined);
  assert.equal(hint(new Error("a bug"), {}), undefined);
});
