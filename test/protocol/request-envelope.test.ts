import assert from "node:assert/strict";
import { before, test } from "node:test";
import { concat, hex, utf8 } from "../../src/protocol/bytes.ts";
import { cryptoReady } from "../../src/protocol/crypto.ts";
import {
  keyId,
  type NetworkPublicKey,
  networkKeyPair,
  newSessionKeyPair,
  type SessionPublicKey,
  stationKeyPair,
} from "../../src/protocol/keys.ts";
import { MAX_ALL_PARAMETER_BYTES, MAX_PARAMETERS } from "../../src/protocol/limits.ts";
import { encodeRequest } from "../../src/protocol/request.ts";
import {
  isSignedBy,
  openRequestBox,
  readRequestFrame,
  sealRequest,
  sessionId,
} from "../../src/protocol/request-envelope.ts";
import { readVector, readVectors, unhex } from "../support/vectors.ts";
import { boxRequest, pad, requestEnvelope, sign, signedRequest } from "../vectors/generator/wire.ts";
import { openVector } from "./opened.ts";

const ENVELOPE_EXITS = ["not-a-request", "unknown-network", "bad-box", "unknown-station", "bad-signature"];
/** The bytes before the box: magic, key id, session public key, nonce. */
const HEADER = 68;
const LARGEST = 65_536;
/** The body of the largest envelope there is: 63 488 bytes of padding hold length, key id, signature and this. */
const LARGEST_BODY = 63_488 - 4 - 8 - 64;

before(cryptoReady);

for (const vector of readVectors("request")) {
  const exit = ENVELOPE_EXITS.includes(vector.expect) ? vector.expect : "opened";
  test(`a request envelope is ${exit}: ${vector.name}, ${vector.comment}`, () => {
    const opened = openVector(vector);
    assert.equal(typeof opened === "string" ? opened : "opened", exit);
  });
}

test("sealRequest() makes the bytes that the page describes", () => {
  const { network, station } = keys();
  const session = newSessionKeyPair();
  const body = utf8("any body");
  const envelope = sealRequest(body, { network: network.publicKey, station, session });
  const again = requestEnvelope({
    networkId: keyId("network-public", network.publicKey),
    networkPublicKey: network.publicKey,
    session,
    nonce: envelope.subarray(44, HEADER),
    stationId: keyId("base-station-public", station.publicKey),
    body,
    signed: signedRequest,
    signature: (message) => sign({ publicKey: station.publicKey, secretKey: SEED }, message),
    content: (genuine) => genuine,
    pad,
    box: boxRequest,
  });
  assert.equal(hex(envelope), hex(again));
});

test("sealRequest() uses another nonce each time", () => {
  const { network, station } = keys();
  const session = newSessionKeyPair();
  const seal = () => sealRequest(utf8("body"), { network: network.publicKey, station, session });
  assert.notEqual(hex(seal().subarray(44, HEADER)), hex(seal().subarray(44, HEADER)));
});

test("sealRequest() takes the largest body that fits and no larger one", () => {
  const { network, station } = keys();
  const seal = (length: number) =>
    sealRequest(new Uint8Array(length), {
      network: network.publicKey,
      station,
      session: newSessionKeyPair(),
    });
  const frame = readRequestFrame(seal(LARGEST_BODY));
  assert.ok(frame);
  assert.equal(openRequestBox(frame, network)?.body.length, LARGEST_BODY);
  assert.throws(() => seal(LARGEST_BODY + 1), RangeError);
});

test("sealRequest() refuses a network key of small order", () => {
  const { station } = keys();
  const network = new Uint8Array(32) as NetworkPublicKey;
  assert.throws(
    () => sealRequest(utf8("body"), { network, station, session: newSessionKeyPair() }),
    RangeError,
  );
});

test("readRequestFrame() gives the parts that anybody can see", () => {
  const header = Uint8Array.from({ length: HEADER - 4 }, (_, index) => index);
  const frame = readRequestFrame(concat(utf8("cb1q"), header, Uint8Array.of(1, 2, 3)));
  assert.ok(frame);
  assert.equal(hex(frame.networkKeyId), hex(header.subarray(0, 8)));
  assert.equal(hex(frame.sessionKey), hex(header.subarray(8, 40)));
  assert.equal(hex(frame.nonce), hex(header.subarray(40)));
  assert.equal(hex(frame.box), "010203");
});

test("readRequestFrame() takes 64 KiB and no byte more, a whole header and no byte less", () => {
  const framed = (length: number) => {
    const envelope = new Uint8Array(length);
    envelope.set(utf8("cb1q").subarray(0, length));
    return readRequestFrame(envelope) !== undefined;
  };
  assert.ok(framed(LARGEST));
  assert.ok(!framed(LARGEST + 1));
  assert.ok(framed(HEADER));
  for (let length = 0; length < HEADER; length++) assert.ok(!framed(length), `${length} bytes`);
});

test("readRequestFrame() compares every byte of the magic", () => {
  for (let at = 0; at < 4; at++) {
    const envelope = new Uint8Array(600);
    envelope.set(utf8("cb1q"));
    envelope[at] = 0;
    assert.equal(readRequestFrame(envelope), undefined);
  }
});

test("openRequestBox() opens with the key that it was sealed for alone [S17]", () => {
  const { network, station } = keys();
  const envelope = sealRequest(utf8("body"), {
    network: network.publicKey,
    station,
    session: newSessionKeyPair(),
  });
  const frame = readRequestFrame(envelope);
  assert.ok(frame);
  assert.equal(openRequestBox(frame, networkKeyPair(new Uint8Array(32).fill(9))), undefined);
  const claimed = openRequestBox(frame, network);
  assert.ok(claimed);
  assert.equal(hex(claimed.body), hex(utf8("body")));
  assert.ok(isSignedBy(station.publicKey, claimed));
  assert.ok(!isSignedBy(stationKeyPair(new Uint8Array(32).fill(9)).publicKey, claimed));
});

test("isSignedBy() covers every part that the signature names [S16] [S18] [S21]", () => {
  const { network, station } = keys();
  const session = newSessionKeyPair();
  const frame = readRequestFrame(sealRequest(utf8("body"), { network: network.publicKey, station, session }));
  assert.ok(frame);
  const claimed = openRequestBox(frame, network);
  assert.ok(claimed);
  for (const part of ["networkKey", "sessionKey", "nonce", "body", "signature"] as const) {
    const changed = claimed[part].slice();
    changed[0] = (changed[0] ?? 0) ^ 1;
    assert.ok(!isSignedBy(station.publicKey, { ...claimed, [part]: changed }), part);
  }
});

test("sealRequest() takes the longest request of a station: most tags, all names longest, and most parameters", () => {
  const { network, station } = keys();
  const longest = (text: string) => text.padEnd(64, "x") as never;
  const names = Array.from({ length: MAX_PARAMETERS }, (_, index) => longest(`p${100 + index}`));
  const size = MAX_ALL_PARAMETER_BYTES / MAX_PARAMETERS - 64;
  const body = encodeRequest({
    version: 1,
    type: "run",
    channel: longest("c"),
    sequence: 0,
    issued: Number.MAX_SAFE_INTEGER,
    expires: Number.MAX_SAFE_INTEGER,
    challenge: new Uint8Array(32),
    replyAddress: new Uint8Array(16),
    station: longest("s"),
    target: { tags: Array.from({ length: 64 }, (_, index) => longest(`t${100 + index}`)) },
    census: true,
    command: longest("r"),
    limit: Number.MAX_SAFE_INTEGER,
    parameters: new Map(names.map((name) => [name, "x".repeat(size)])),
  });
  assert.ok(body.length > MAX_ALL_PARAMETER_BYTES);
  const envelope = sealRequest(body, { network: network.publicKey, station, session: newSessionKeyPair() });
  assert.ok(envelope.length <= LARGEST);
});

test("sessionId() gives the ids of the page", () => {
  for (const row of readVector("session-id.txt").all("id")) {
    const [key = "", id = ""] = row.split(" ");
    assert.equal(hex(sessionId(unhex(key) as SessionPublicKey)), id);
  }
});

const SEED = new Uint8Array(32).fill(2);

function keys() {
  return { network: networkKeyPair(new Uint8Array(32).fill(1)), station: stationKeyPair(SEED) };
}
