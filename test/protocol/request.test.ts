import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "fast-check";
import { CbError } from "../../src/core/errors.ts";
import type { Channel, CommandName, Identity } from "../../src/core/names.ts";
import { hex } from "../../src/protocol/bytes.ts";
import { cryptoReady } from "../../src/protocol/crypto.ts";
import {
  decodeCancel,
  decodeGo,
  decodeRequest,
  decodeRequestHead,
  encodeRequest,
  type PingRequest,
  type Request,
  type StationMessage,
} from "../../src/protocol/request.ts";
import { sessionId } from "../../src/protocol/request-envelope.ts";
import { readVectors, type Vector } from "../support/vectors.ts";
import { cancels, damaged, goes, requests } from "./arbitraries.ts";
import { openVector } from "./opened.ts";
import { requestJson } from "./wire-json.ts";

const MALFORMED = { name: "CbError", code: "message-malformed" };

/** What the body of a vector of each class has in common, as far as this room can tell. */
const CHECKS: Readonly<Record<string, (vector: Vector) => void>> = {
  malformed: (vector) => {
    assert.throws(() => {
      const unread = decodeRequestHead(bodyOf(vector));
      if (unread.head.type === "cancel") decodeCancel(unread);
      if (unread.head.type === "go") decodeGo(unread);
    }, MALFORMED);
  },
  // Which of these a cancel or a go is depends on what the agent has running.
  stale: isLater,
  "other-session": isLater,
  cancel: isCancel,
  forestall: isCancel,
  release: isGo,
  withdraw: isGo,
  "for-others": isGo,
  "refused gone": isGo,
  "wrong-channel": (vector) => {
    assert.notEqual(decodeRequestHead(bodyOf(vector)).head.channel, vector.get("channel"));
  },
  replayed: (vector) => {
    const opened = openVector(vector);
    assert.ok(typeof opened !== "string");
    const live = vector.all("live").map((line) => line.split(" ")[0]);
    const journal = [...vector.all("journal-id").map((line) => line.split(" ")[0]), ...live];
    assert.ok(journal.includes(hex(sessionId(opened.sessionKey))));
  },
  "refused version": (vector) => {
    const unread = decodeRequestHead(bodyOf(vector));
    assert.equal(unread.head.channel, vector.get("channel"));
    assert.equal(decodeRequest(unread), undefined);
  },
  "refused malformed": (vector) => {
    const unread = decodeRequestHead(bodyOf(vector));
    assert.throws(() => decodeRequest(unread), MALFORMED);
  },
  "refused clock": (vector) => {
    assert.ok(read(vector));
  },
  accepted: (vector) => {
    const request = read(vector);
    assert.ok(request);
    assert.deepEqual(requestJson(request), JSON.parse(vector.get("request")));
    assert.equal(hex(encodeRequest(request)), hex(bodyOf(vector)));
  },
};

before(cryptoReady);

for (const vector of readVectors("request")) {
  const check = CHECKS[vector.expect];
  if (check !== undefined)
    test(`a request is ${vector.expect}: ${vector.name}, ${vector.comment}`, () => check(vector));
}

test("decodeRequest() inverts encodeRequest()", () => {
  fc.assert(
    fc.property(requests(), (request) => {
      const again = decodeRequest(decodeRequestHead(encodeRequest(request)));
      assert.ok(again);
      assert.deepEqual(requestJson(again), requestJson(request));
    }),
    { numRuns: 300 },
  );
});

test("decodeCancel() inverts encodeRequest()", () => {
  fc.assert(
    fc.property(cancels(), (cancel) => {
      const again = decodeCancel(decodeRequestHead(encodeRequest(cancel)));
      assert.deepEqual(requestJson(again), requestJson(cancel));
    }),
    { numRuns: 300 },
  );
});

test("decodeGo() inverts encodeRequest()", () => {
  fc.assert(
    fc.property(goes(), (go) => {
      assert.deepEqual(requestJson(decodeGo(decodeRequestHead(encodeRequest(go)))), requestJson(go));
    }),
    { numRuns: 300 },
  );
});

test("decodeGo() takes no other type, whatever fields it has", () => {
  const fields = { ...head(PING), type: "go", sequence: 1, identities: ["web1" as Identity] } as const;
  assert.deepEqual(decodeGo(decodeRequestHead(encodeRequest(fields))).identities, ["web1"]);
  const other = { ...fields, type: "stop" as "go" };
  assert.throws(() => decodeGo(decodeRequestHead(encodeRequest(other))), MALFORMED);
});

test("decodeGo() answers hostile bytes with message-malformed or exactly one encoding", () => {
  const hostile = fc.oneof(fc.uint8Array({ maxLength: 60 }), damaged(goes().map(encodeRequest)));
  fc.assert(
    fc.property(hostile, (bytes) => {
      try {
        assert.equal(hex(encodeRequest(decodeGo(decodeRequestHead(bytes)))), hex(bytes));
      } catch (error) {
        if (!(error instanceof CbError)) throw error;
        assert.equal(error.code, "message-malformed");
      }
    }),
    { numRuns: 3000 },
  );
});

test("decodeCancel() and decodeRequest() take nothing of each other", () => {
  fc.assert(
    fc.property(cancels(), requests(), (cancel, request) => {
      assert.equal(decodeRequest(decodeRequestHead(encodeRequest(cancel))), undefined);
      assert.throws(() => decodeCancel(decodeRequestHead(encodeRequest(request))), MALFORMED);
    }),
  );
});

test("decodeCancel() takes no other type, whatever fields it has", () => {
  const fields = { ...head(PING), type: "cancel", sequence: 1, runExpires: 2 } as const;
  assert.equal(decodeCancel(decodeRequestHead(encodeRequest(fields))).runExpires, 2);
  const other = { ...fields, type: "go" as "cancel" };
  assert.throws(() => decodeCancel(decodeRequestHead(encodeRequest(other))), MALFORMED);
});

test("decodeCancel() answers hostile bytes with message-malformed or exactly one encoding", () => {
  const hostile = fc.oneof(fc.uint8Array({ maxLength: 60 }), damaged(cancels().map(encodeRequest)));
  fc.assert(
    fc.property(hostile, (bytes) => {
      try {
        assert.equal(hex(encodeRequest(decodeCancel(decodeRequestHead(bytes)))), hex(bytes));
      } catch (error) {
        if (!(error instanceof CbError)) throw error;
        assert.equal(error.code, "message-malformed");
      }
    }),
    { numRuns: 3000 },
  );
});

test("decodeRequest() answers hostile bytes with message-malformed, undefined or exactly one encoding", () => {
  const hostile = fc.oneof(fc.uint8Array({ maxLength: 60 }), damaged(requests().map(encodeRequest)));
  fc.assert(
    fc.property(hostile, (bytes) => {
      try {
        const request = decodeRequest(decodeRequestHead(bytes));
        assert.ok(request === undefined || hex(encodeRequest(request)) === hex(bytes));
      } catch (error) {
        if (!(error instanceof CbError)) throw error;
        assert.equal(error.code, "message-malformed");
      }
    }),
    { numRuns: 3000 },
  );
});

test("encodeRequest() leaves out what is absent", () => {
  const body = Buffer.from(encodeRequest(PING)).toString("latin1");
  for (const key of ["target", "census", "limit", "command", "parameters"])
    assert.ok(!body.includes(key), key);
});

test("encodeRequest() leaves parameters out where there are none, so that old agents understand the rest", () => {
  const run = { ...PING, type: "run", command: "reload" as CommandName, limit: undefined } as const;
  const without = Buffer.from(encodeRequest({ ...run, parameters: new Map() })).toString("latin1");
  assert.ok(!without.includes("parameters"));
  const parameters = new Map([["target", "10.0.0.1"]]);
  const again = decodeRequest(decodeRequestHead(encodeRequest({ ...run, parameters })));
  assert.deepEqual(again?.type === "run" && again.parameters, parameters);
});

test("decodeRequestHead() finds the head of a request that nothing else is known of", () => {
  const future = { ...PING, version: 7, type: "teleport" as "ping", sequence: 3 };
  const unread = decodeRequestHead(encodeRequest(future));
  assert.equal(unread.head.version, 7);
  assert.equal(unread.head.type, "teleport");
  assert.equal(unread.head.sequence, 3);
  assert.equal(hex(unread.head.replyAddress), hex(future.replyAddress));
  assert.equal(decodeRequest(unread), undefined);
});

const PING: PingRequest = {
  version: 1,
  type: "ping",
  channel: "default" as Channel,
  sequence: 0,
  issued: 1,
  expires: 2,
  challenge: new Uint8Array(32).fill(1),
  replyAddress: new Uint8Array(16).fill(2),
  station: "admin1" as Identity,
  target: undefined,
  census: false,
};

function head({ version, channel, issued, expires, challenge, replyAddress }: PingRequest) {
  return { version, channel, issued, expires, challenge, replyAddress };
}

/** What a station has signed in this vector. */
function bodyOf(vector: Vector): Uint8Array {
  const opened = openVector(vector);
  assert.ok(typeof opened !== "string", `the envelope opens, and is not ${opened}`);
  return opened.body;
}

function isLater(vector: Vector): void {
  const { type } = decodeRequestHead(bodyOf(vector)).head;
  (type === "go" ? isGo : isCancel)(vector);
}

function isCancel(vector: Vector): void {
  isWhole(vector, decodeCancel(decodeRequestHead(bodyOf(vector))));
}

function isGo(vector: Vector): void {
  isWhole(vector, decodeGo(decodeRequestHead(bodyOf(vector))));
}

function isWhole(vector: Vector, message: StationMessage): void {
  const [request] = vector.all("request");
  if (request !== undefined) assert.deepEqual(requestJson(message), JSON.parse(request));
  assert.equal(hex(encodeRequest(message)), hex(bodyOf(vector)));
}

function read(vector: Vector): Request | undefined {
  return decodeRequest(decodeRequestHead(bodyOf(vector)));
}
