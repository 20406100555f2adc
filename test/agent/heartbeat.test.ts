import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Heartbeat } from "../../src/agent/heartbeat.ts";
import type { State } from "../../src/protocol/reply.ts";

test("Heartbeat says every five seconds how it is, until it is disposed of", () => {
  const said: string[] = [];
  mock.timers.enable({ apis: ["setInterval"] });
  try {
    {
      using heartbeat = new Heartbeat({ signLife: ({ state }: State) => void said.push(state) });
      mock.timers.tick(4_999);
      assert.deepEqual(said, []);
      mock.timers.tick(1);
      heartbeat.state = "running";
      mock.timers.tick(10_000);
    }
    mock.timers.tick(60_000);
  } finally {
    mock.timers.reset();
  }
  assert.deepEqual(said, ["queued", "running", "running"]);
});
