import assert from "node:assert/strict";
import { test } from "node:test";
import type { Hello } from "../../src/protocol/reply.ts";
import { pingTable } from "../../src/station/ping-table.ts";
import type { AgentRecord } from "../../src/station/roster.ts";
import { hello, NOW, target } from "./scene.ts";

function present(identity: string, changes: Partial<Hello> = {}, roundTrip = 2, heardAt = NOW): AgentRecord {
  const said = hello(identity, { disposition: { is: "present" }, ...changes });
  const open = { exit: undefined, isGone: false, isSilenced: false, lastSign: 0 };
  return { hello: said, roundTrip, heardAt, startedAfter: undefined, endedAfter: undefined, ...open };
}

/** The clock column of an agent whose clock showed `time` when ours showed `heardAt`, after a round trip of 2 ms. */
function clock(time: number, heardAt = NOW): string {
  return String(/clock (.*)\n/.exec(pingTable([present("web1", { time }, 2, heardAt)]))?.[1]);
}

test("pingTable() has a line for each agent, its columns aligned", () => {
  const agents = [
    present("db-primary", { tags: [], software: "0.2.0-rc1", time: NOW + 3000 }, 12.345),
    present("web1", { tags: target("eu", "web").tags, software: "0.1.0" }, 1.2),
  ];
  assert.equal(
    pingTable(agents),
    "db-primary   12.3 ms   cb 0.2.0-rc1   -        clock +3.0 s\n" +
      "web1          1.2 ms   cb 0.1.0       eu,web   clock +0.0 s\n",
  );
});

test("pingTable() shows those who are present, and nobody else", () => {
  assert.equal(pingTable([]), "");
  assert.equal(pingTable([present("web1", { disposition: { is: "not-targeted" } })]), "");
});

test("pingTable() compares clocks at the middle of the round trip, and shows no zero below zero", () => {
  const rows = [
    [NOW - 1, "+0.0 s"],
    [NOW - 2, "+0.0 s"],
    [NOW - 50, "+0.0 s"],
    [NOW - 60, "-0.1 s"],
    [NOW + 60, "+0.1 s"],
    [NOW + 3_599_999, "+3600.0 s"],
    [NOW - 3_600_001, "-3600.0 s"],
  ] as const;
  for (const [time, text] of rows) assert.equal(clock(time), text, String(time - NOW));
});

test("pingTable() shows no offset of clocks that the round trip may account for, nor more digits than were measured", () => {
  const shown = (offset: number, roundTrip: number) => {
    // The clock of the agent as it is in the middle of the round trip.
    const row = present("web1", { time: NOW + offset - roundTrip / 2 }, roundTrip);
    return String(/clock (.*)\n/.exec(pingTable([row]))?.[1]);
  };
  assert.deepEqual([shown(-300, 700), shown(300, 600), shown(-300, 500)], ["+0.0 s", "+0.0 s", "-0.3 s"]);
  assert.deepEqual([shown(-61, 120), shown(-62, 120)], ["+0.0 s", "-0.1 s"]);
  assert.deepEqual([shown(-900, 2000), shown(3400, 2000), shown(-3600, 2000)], ["+0 s", "+3 s", "-4 s"]);
});

test("pingTable() makes what an agent calls its version harmless on a terminal", () => {
  const table = pingTable([present("web1", { software: "\u001b[2J\u009b1A\u202e1.0" })]);
  assert.match(table, /cb \^\[\[2J<U\+009B>1A<U\+202E>1\.0 /);
});
