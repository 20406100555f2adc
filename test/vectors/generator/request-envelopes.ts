/** Requests that fail before their body is looked at: steps 1 to 5 of PROTOCOL.md, section 5. */
import sodium from "libsodium-wrappers";
import { concat, flip, seed, u32, utf8 } from "./bytes.ts";
import {
  boxKey,
  ED25519_SMALL_ORDER,
  signWithPoint,
  signWithSmallOrder,
  withLargeScalar,
  X25519_LOW_ORDER,
} from "./curves.ts";
import {
  network,
  otherNetwork,
  otherStation,
  type RequestVector,
  seal,
  sessionOf,
  station,
  strangerStation,
  vector,
} from "./request-scene.ts";
import {
  boxPair,
  boxRequest,
  type KeyPair,
  keyId,
  pad,
  paddedLength,
  padTo,
  type RequestParts,
  replyEnvelope,
  replyKey,
  sign,
  signedRequest,
} from "./wire.ts";

export function requestEnvelopes(): RequestVector[] {
  return [...frames(), ...networks(), ...boxes(), ...lowOrderSessions(), ...stations(), ...signatures()];
}

/** The bytes before the box: magic, key id, session public key, nonce. */
const HEADER = 4 + 8 + 32 + 24;
const MAC = 16;
const LARGEST = 65_536;

function frames(): RequestVector[] {
  const genuine = seal("frames");
  const reply = boxPair("reply key of the agent");
  const key = replyKey(sessionOf("frames").publicKey, reply.secretKey);
  const frame = (name: string, comment: string, envelope: Uint8Array) =>
    vector(`not-a-request-${name}`, "not-a-request", comment, envelope);
  return [
    frame("empty", "no bytes at all", new Uint8Array()),
    frame("magic-alone", "the magic and nothing else", utf8("cb1q")),
    frame(
      "header-cut",
      "the last byte of the nonce is missing, and the box",
      genuine.subarray(0, HEADER - 1),
    ),
    frame("wrong-magic", "the first byte of the magic differs", flip(genuine, 0)),
    frame("version-2-magic", "the envelope of a later version", concat(utf8("cb2q"), genuine.subarray(4))),
    frame("reply-magic", "the magic of a reply before a request", concat(utf8("cb1r"), genuine.subarray(4))),
    frame("reply", "a genuine reply, reflected", replyEnvelope(reply.publicKey, key, 0n, pad(utf8("hello")))),
    frame("too-long", "one byte over 64 KiB", concat(genuine, new Uint8Array(LARGEST + 1 - genuine.length))),
  ];
}

function networks(): RequestVector[] {
  const unknown = (name: string, comment: string, networkId: Uint8Array) =>
    vector(`unknown-network-${name}`, "unknown-network", comment, seal(name, { networkId }));
  return [
    vector(
      "unknown-network-other",
      "unknown-network",
      "sealed for a network key that the agent does not have",
      seal("other-network", {
        networkId: keyId("network-public", otherNetwork.publicKey),
        networkPublicKey: otherNetwork.publicKey,
      }),
    ),
    unknown("zeros", "a key id of zeros", new Uint8Array(8)),
    unknown("flipped", "one bit of the key id differs", flip(keyId("network-public", network.publicKey), 7)),
    unknown(
      "wrong-kind",
      "the id that the network key has as a base station key",
      keyId("base-station-public", network.publicKey),
    ),
  ];
}

function boxes(): RequestVector[] {
  const bad = (name: string, comment: string, envelope: Uint8Array) =>
    vector(`bad-box-${name}`, "bad-box", comment, envelope);
  const padded = (name: string, comment: string, how: (content: Uint8Array) => Uint8Array) =>
    bad(name, comment, seal(name, { pad: how }));
  const content = (name: string, comment: string, how: (content: Uint8Array) => Uint8Array) =>
    bad(name, comment, seal(name, { content: how }));
  // Long enough that its padded length is not the least one: 544 and its neighbours.
  const long = seal("long", { body: new Uint8Array(450) });
  return [
    bad("flipped-authenticator", "one bit of the authenticator differs", flip(seal("flip-1"), HEADER)),
    bad("flipped-ciphertext", "one bit of the ciphertext differs", flip(seal("flip-2"), HEADER + MAC)),
    bad("flipped-last-byte", "one bit of the last byte differs", flip(seal("flip-3"), -1)),
    bad("flipped-nonce", "one bit of the nonce differs", flip(seal("flip-4"), 44)),
    bad("flipped-session", "one bit of the session public key differs", flip(seal("flip-5"), 12)),
    bad("missing", "no box at all", seal("no-box").subarray(0, HEADER)),
    bad(
      "authenticator-cut",
      "the authenticator without its last byte",
      seal("cut").subarray(0, HEADER + MAC - 1),
    ),
    bad("authenticator-alone", "the authenticator and nothing else", seal("mac").subarray(0, HEADER + MAC)),
    bad("nothing", "nothing is boxed, not even padding", seal("nothing", { pad: () => new Uint8Array() })),
    bad("truncated", "the last byte is missing", long.subarray(0, -1)),
    bad(
      "truncated-step",
      "the last 32 bytes are missing, which leaves a length that padding has",
      long.subarray(0, -32),
    ),
    bad("extended", "a zero byte is added", concat(long, new Uint8Array(1))),
    bad(
      "other-key",
      "boxed for another network key, under the id of this one",
      seal("other-key", { box: (bytes, parts) => boxRequest(bytes, for_(otherNetwork, parts)) }),
    ),
    padded("padding-nonzero-first", "the first byte of the padding is 1", (inner) =>
      flip(pad(inner), 4 + inner.length),
    ),
    padded("padding-nonzero-last", "the last byte of the padding is 1", (inner) => flip(pad(inner), -1)),
    padded("padding-step-too-long", "padded to the next step above the right one", (inner) =>
      padTo(inner, paddedLength(paddedLength(inner.length) - 3)),
    ),
    padded("padding-byte-too-long", "padded with one zero more", (inner) =>
      padTo(inner, paddedLength(inner.length) + 1),
    ),
    padded("padding-twice", "padded to 1024 where 512 is right", (inner) => padTo(inner, 1024)),
    bad(
      "padding-missing",
      "no padding at all, where 4 bytes of it are right",
      seal("padding-missing", { body: new Uint8Array(528), pad: (inner) => padTo(inner, 4 + inner.length) }),
    ),
    padded("unpadded", "no padding, and less than 512 bytes", (inner) => padTo(inner, 4 + inner.length)),
    padded("padding-cut", "a byte less than 512", (inner) => padTo(inner, 511)),
    padded("length-cut", "three bytes of a length", () => new Uint8Array(3)),
    padded("length-too-large", "the length names one byte more than there is", (inner) =>
      withLength(pad(inner), 509),
    ),
    padded("length-huge", "the length is 2^32 - 1", (inner) => withLength(pad(inner), 0xffff_ffff)),
    padded("length-high-bit", "the length is 2^31 too high", (inner) =>
      withLength(pad(inner), 0x8000_0000 + inner.length),
    ),
    padded("length-little-endian", "the length with its bytes reversed", (inner) =>
      concat(u32(inner.length).reverse(), pad(inner).subarray(4)),
    ),
    content("content-empty", "nothing is boxed but padding", () => new Uint8Array()),
    content("content-short", "one byte less than key id and signature", (inner) => inner.subarray(0, 71)),
  ];
}

function for_(pair: KeyPair, parts: RequestParts): RequestParts {
  return { ...parts, networkPublicKey: pair.publicKey };
}

function withLength(padded: Uint8Array, length: number): Uint8Array {
  return concat(u32(length), padded.subarray(4));
}

/** Session public keys that everybody knows the shared secret of; these boxes open where nobody looks. */
function lowOrderSessions(): RequestVector[] {
  const key = boxKey(new Uint8Array(32));
  return Object.entries(X25519_LOW_ORDER).map(([name, publicKey]) => {
    const envelope = seal(`session ${name}`, {
      session: { publicKey, secretKey: new Uint8Array(32) },
      box: (padded, parts) => sodium.crypto_box_easy_afternm(padded, parts.nonce, key),
    });
    return vector(
      `bad-box-session-${name}`,
      "bad-box",
      `the session public key has ${spaced(name)}`,
      envelope,
    );
  });
}

function stations(): RequestVector[] {
  const unknown = (name: string, comment: string, pair: KeyPair, stationId: Uint8Array) =>
    vector(
      `unknown-station-${name}`,
      "unknown-station",
      comment,
      seal(`station ${name}`, { stationId, signature: (message) => sign(pair, message) }),
    );
  return [
    unknown(
      "stranger",
      "signed by a base station that the agent does not obey",
      strangerStation,
      keyId("base-station-public", strangerStation.publicKey),
    ),
    unknown("zeros", "a key id of zeros", station, new Uint8Array(8)),
    unknown(
      "wrong-kind",
      "the id that the base station key has as an agent key",
      station,
      keyId("agent-public", station.publicKey),
    ),
  ];
}

function signatures(): RequestVector[] {
  const bad = (name: string, comment: string, changes: Partial<RequestParts>) =>
    vector(`bad-signature-${name}`, "bad-signature", comment, seal(`signature ${name}`, changes));
  const signature = (name: string, comment: string, how: (message: Uint8Array) => Uint8Array) =>
    bad(name, comment, { signature: how });
  const signed = (name: string, comment: string, how: (parts: RequestParts) => Uint8Array) =>
    bad(name, comment, { signed: how });
  const otherSession = boxPair("session of somebody else");
  return [
    signature("other-station", "made by another known base station, under this one's id", (message) =>
      sign(otherStation, message),
    ),
    signature("stranger", "made by an unknown base station, under the id of a known one", (message) =>
      sign(strangerStation, message),
    ),
    signature("flipped-r", "one bit of R differs", (message) => flip(sign(station, message), 0)),
    signature("flipped-s", "one bit of S differs", (message) => flip(sign(station, message), 32)),
    signature("zeros", "a signature of zeros", () => new Uint8Array(64)),
    signature("large-s", "S + L for S", (message) => withLargeScalar(sign(station, message))),
    bad("flipped-body", "one bit of the body differs", { content: (genuine) => flip(genuine, 8 + 64 + 20) }),
    bad("cut-body", "the last byte of the body is missing", {
      content: (genuine) => genuine.subarray(0, -1),
    }),
    bad("no-body", "the signature of a body that is missing", {
      content: (genuine) => genuine.subarray(0, 72),
    }),
    signed("reboxed", "signed for another network, boxed again for this one", (parts) =>
      signedRequest(for_(otherNetwork, parts)),
    ),
    signed("other-session", "signed for another session, boxed with a key of somebody else", (parts) =>
      signedRequest({ ...parts, session: otherSession }),
    ),
    signed("other-nonce", "signed for another nonce", (parts) =>
      signedRequest({ ...parts, nonce: seed("another nonce", 24) }),
    ),
    signed("other-purpose", "signed as a hello", (parts) =>
      concat(utf8("cb/1 hello\0"), signedRequest(parts).subarray("cb/1 request\0".length)),
    ),
    signed("no-purpose", "signed without the words in front", (parts) =>
      signedRequest(parts).subarray("cb/1 request\0".length),
    ),
    signed("body-alone", "the body alone is signed", (parts) => parts.body),
    ...Object.entries(ED25519_SMALL_ORDER).map(([name, point]) =>
      signature(`r-${name}`, `R has ${spaced(name)}`, (message) =>
        signWithPoint(point, station.secretKey, message),
      ),
    ),
    ...Object.entries(ED25519_SMALL_ORDER).map(([name, publicKey]) =>
      vector(
        `bad-signature-key-${name}`,
        "bad-signature",
        `the base station public key has ${spaced(name)}`,
        seal(`station key ${name}`, {
          stationId: keyId("base-station-public", publicKey),
          signature: (message) => signWithSmallOrder(publicKey, message),
        }),
        { stations: [station.publicKey, publicKey] },
      ),
    ),
  ];
}

function spaced(name: string): string {
  return name.replaceAll("-", " ");
}
