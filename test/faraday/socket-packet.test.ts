import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CONNECT, eventPacket, readPacket } from "../../src/faraday/socket-packet.ts";

// As the real server 5.25.2 sent them.
const SEEN: readonly (readonly [text: string, packet: ReturnType<typeof readPacket>])[] = [
  ['0/dispatcher,{"sid":"vOqtfV_B__wpiSmAAAAB"}', { kind: "connect" }],
  [
    '2/dispatcher,["message","Connected to faraday websocket"]',
    { kind: "event", name: "message", argument: "Connected to faraday websocket" },
  ],
  [
    '2/dispatcher,["disconnect",{"reason":"Invalid agent token!"}]',
    { kind: "event", name: "disconnect", argument: { reason: "Invalid agent token!" } },
  ],
  ["3/dispatcher,12[]", { kind: "acknowledgement", id: 12 }],
  ["1/dispatcher,", { kind: "disconnect" }],
  ['4/dispatcher,"Unable to connect"', { kind: "refused", reason: "Unable to connect" }],
  ['2/dispatcher,7["leave_agent"]', { kind: "event", name: "leave_agent", argument: undefined }],
];

for (const [text, packet] of SEEN) {
  test(`readPacket() reads ${text}`, () => {
    assert.deepEqual(readPacket(text), packet);
  });
}

const MALFORMED = [
  "",
  "2",
  "9/dispatcher,",
  '2["run",{}]',
  '2/,["run",{}]',
  '2/dispatcher2,["run",{}]',
  '2/dispatcher["run",{}]',
  "2/dispatcher,",
  "2/dispatcher,{}",
  "2/dispatcher,[]",
  "2/dispatcher,[7]",
  '2/dispatcher,["run"',
  "3/dispatcher,[]",
  '51-/dispatcher,["run",{"_placeholder":true,"num":0}]',
  `2/dispatcher,${"[".repeat(1_000_000)}`,
  `3/dispatcher,${"9".repeat(400)}[]`,
];

for (const text of MALFORMED) {
  test(`readPacket() takes ${text.slice(0, 30) || "nothing"} for none of ours`, () => {
    assert.equal(readPacket(text), undefined);
  });
}

test("readPacket() throws for no text", () => {
  const tail = fc.oneof(fc.string(), fc.json());
  const head = fc.constantFrom("2/dispatcher,", "3/dispatcher,", "0/dispatcher", "4/dispatcher,1", "");
  fc.assert(fc.property(head, tail, (one, other) => void readPacket(one + other)));
});

test("eventPacket() is read as what was put in", () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.jsonValue(),
      fc.option(fc.nat(), { nil: undefined }),
      (name, argument, id) => {
        const expected = { kind: "event", name, argument: JSON.parse(JSON.stringify(argument)) };
        assert.deepEqual(readPacket(eventPacket(name, id, argument)), expected);
      },
    ),
  );
});

test("eventPacket() and CONNECT have the bytes of the original agent", () => {
  assert.equal(CONNECT, "0/dispatcher,{}");
  assert.equal(eventPacket("leave_agent", undefined), '2/dispatcher,["leave_agent"]');
  assert.equal(eventPacket("run_status", 7, '{"a":1}'), '2/dispatcher,7["run_status","{\\"a\\":1}"]');
});
