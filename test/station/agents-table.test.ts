import assert from "node:assert/strict";
import { test } from "node:test";
import type { Tag } from "../../src/core/names.ts";
import { keyIdText } from "../../src/protocol/keys.ts";
import { agentsJson, agentsTable, knownAgents } from "../../src/station/agents-table.ts";
import { hello, id, NOW } from "./scene.ts";

test("agentsTable() has a line for each agent that is listed or pinned", () => {
  const key = hello("x").agentKey;
  const tags = ["eu", "web"] as readonly string[] as readonly Tag[];
  const discovered = new Map([
    [id("web10"), { tags, firstSeen: NOW - 3 * 86_400_000, lastSeen: NOW - 5000 }],
    [id("db1"), { tags: [], firstSeen: NOW, lastSeen: NOW }],
  ]);
  const pins = new Map([
    [id("web10"), key],
    [id("old"), key],
  ]);
  const fingerprint = keyIdText("agent-public", key);
  assert.equal(
    agentsTable(knownAgents(discovered, pins), NOW),
    [
      "db1     -        first seen 0 seconds ago   last seen 0 seconds ago   -",
      `old     -        -                          -                         key ${fingerprint}`,
      `web10   eu,web   first seen 3 days ago      last seen 5 seconds ago   key ${fingerprint}`,
      "",
    ].join("\n"),
  );
  assert.equal(agentsTable(knownAgents(new Map(), new Map()), NOW), "");
});

test("agentsJson() has all of it for programs", () => {
  const key = hello("x").agentKey;
  const tags = ["web"] as readonly string[] as readonly Tag[];
  const discovered = new Map([[id("web1"), { tags, firstSeen: NOW - 1000, lastSeen: NOW }]]);
  const { agents } = JSON.parse(agentsJson(knownAgents(discovered, new Map([[id("old"), key]]))));
  assert.deepEqual(agents, [
    { agent: "old", tags: [], first_seen: null, last_seen: null, key: keyIdText("agent-public", key) },
    {
      agent: "web1",
      tags: ["web"],
      first_seen: "2027-01-15T07:59:59.000Z",
      last_seen: "2027-01-15T08:00:00.000Z",
      key: null,
    },
  ]);
});
