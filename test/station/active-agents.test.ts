import assert from "node:assert/strict";
import { test } from "node:test";
import type { Disposition } from "../../src/protocol/reply.ts";
import { activeAgents } from "../../src/station/active-agents.ts";
import { Roster } from "../../src/station/roster.ts";
import { exit, hello, id, NOW } from "./scene.ts";

test("activeAgents() has those that run, wait in a queue or were released, and have not ended", () => {
  const roster = new Roster();
  const says = (name: string, disposition: Disposition) =>
    roster.record({ kind: "hello", hello: hello(name, { disposition }) }, 5, NOW);
  for (const name of ["ended", "lies", "runs"]) says(name, { is: "running" });
  says("queued", { is: "queued" });
  for (const name of ["flies", "held"]) says(name, { is: "held" });
  says("other", { is: "not-targeted" });
  says("busy", { is: "refused", reason: "no-such-command" });
  roster.record({ kind: "exit", identity: id("ended"), exit: exit() }, 5, NOW);
  roster.record({ kind: "fault", fault: "malformed", identity: id("lies"), silences: "run" }, 5, NOW);
  const names = (...inFlight: readonly string[]) => activeAgents(roster.agents, new Set(inFlight.map(id)));
  assert.deepEqual(names("flies"), ["flies", "queued", "runs"]);
  assert.deepEqual(names(), ["queued", "runs"]);
});
