/** Envelopes that do not open, or come from nobody: steps 1, 2 and 4 of the table in PROTOCOL.md, section 6. */
import { concat, flip, u32, u64, utf8 } from "./bytes.ts";
import { encode } from "./cbor.ts";
import { boxKey, X25519_LOW_ORDER } from "./curves.ts";
import {
  failing,
  hello,
  type Item,
  otherSession,
  output,
  type ReplyVector,
  sealBody,
  sealPadded,
  taken,
  vector,
  web1,
  web2,
} from "./reply-scene.ts";
import { pad, paddedLength, padTo, replyEnvelope, replyKey } from "./wire.ts";

export function replyEnvelopes(): ReplyVector[] {
  return [...foreign(), ...strangers(), ...altered()];
}

const said: Item = taken(web1, 0, hello(web1));
/** The bytes before the box: magic, reply public key, sequence. */
const HEADER = 4 + 32 + 8;
const MAC = 16;
const LARGEST = 80 * 1024;

function refused(event: string, envelope: Uint8Array): Item {
  return { event, envelope };
}

function foreign(): ReplyVector[] {
  const genuine = sealBody(web1, 0, encode(hello(web1)));
  const alone = (name: string, comment: string, envelope: Uint8Array) =>
    vector(`foreign-${name}`, comment, [refused("foreign", envelope)]);
  const padded = (name: string, comment: string, how: (body: Uint8Array) => Uint8Array) =>
    alone(name, comment, sealPadded(web1, 0, how(encode(hello(web1)))));
  const other = replyKey(otherSession.publicKey, web1.reply.secretKey);
  const elsewhere = replyEnvelope(web1.reply.publicKey, other, 0n, pad(encode(hello(web1))));
  const request = concat(utf8("cb1q"), genuine.subarray(4));
  return [
    alone("empty", "no bytes at all", new Uint8Array()),
    alone("junk", "bytes of somebody else", utf8("hello, world")),
    alone("header-alone", "all before the box, and no box", genuine.subarray(0, HEADER)),
    alone(
      "cut-authenticator",
      "a box that ends before its authenticator does",
      genuine.subarray(0, HEADER + MAC - 1),
    ),
    alone("wrong-magic", "the first byte of the magic differs", flip(genuine, 0)),
    alone("request-magic", "the magic of a request", request),
    alone("too-long", "one byte over 80 KiB", concat(genuine, new Uint8Array(LARGEST + 1 - genuine.length))),
    ...[2n ** 53n, 2n ** 63n, 2n ** 64n - 1n].map((sequence, index) =>
      vector(`foreign-sequence-${["2-53", "2-63", "most"][index]}`, "a sequence above 2^53 - 1", [
        said,
        failing("foreign", web1, sequence, output(0, "hello\n")),
      ]),
    ),
    alone("flipped", "a hello with one bit of its ciphertext turned", flip(genuine, HEADER + MAC)),
    alone("flipped-authenticator", "a hello with one bit of its authenticator turned", flip(genuine, HEADER)),
    alone("flipped-reply-key", "a hello with one bit of its reply key turned", flip(genuine, 4)),
    alone("truncated", "a hello without its last byte", genuine.subarray(0, -1)),
    alone("other-session", "a hello of another session, replayed by the hub", elsewhere),
    alone(
      "sequence-as-0",
      "the item with sequence 1, renumbered as 0",
      concat(genuine.subarray(0, 36), u64(0n), sealBody(web1, 1, encode(hello(web1))).subarray(HEADER)),
    ),
    padded("padding-nonzero", "a hello whose padding ends in 1", (body) => flip(pad(body), -1)),
    padded("padding-twice", "a hello padded to 1024 where 512 is right", (body) => padTo(body, 1024)),
    padded("length-too-large", "a length beyond the end", (body) => concat(u32(509), pad(body).subarray(4))),
    ...Object.entries(X25519_LOW_ORDER).map(([name, publicKey]) => {
      const reply = { publicKey, secretKey: new Uint8Array(32) };
      const body = encode(hello({ ...web1, reply }));
      const envelope = replyEnvelope(publicKey, boxKey(new Uint8Array(32)), 0n, pad(body));
      return alone(`key-${name}`, `the reply public key has ${name.replaceAll("-", " ")}`, envelope);
    }),
  ];
}

/** Items of reply keys that have not said hello. */
function strangers(): ReplyVector[] {
  const shown = output(0, "hello\n");
  const highBit = web1.reply.publicKey.slice();
  highBit[31] = (highBit[31] ?? 0) | 0x80;
  return [
    vector("no-hello-output", "output of an agent that never said hello", [
      failing("no-hello", web1, 1, shown),
    ]),
    vector("no-hello-late", "the hello comes after the output", [
      failing("no-hello", web1, 1, shown),
      said,
      taken(web1, 1, shown),
    ]),
    vector("no-hello-other-agent", "another agent said hello", [said, failing("no-hello", web2, 1, shown)]),
    vector("no-hello-renamed", "an item of one agent under the reply key of another", [
      said,
      refused(
        "no-hello",
        concat(utf8("cb1r"), web2.reply.publicKey, sealBody(web1, 1, encode(shown)).subarray(36)),
      ),
    ]),
    vector("no-hello-high-bit", "the reply key with the bit that X25519 ignores", [
      said,
      refused("no-hello", concat(utf8("cb1r"), highBit, sealBody(web1, 1, encode(shown)).subarray(36))),
    ]),
    vector("no-hello-most", "the largest sequence, of an agent that never said hello", [
      failing("no-hello", web1, 2n ** 53n - 1n, shown),
    ]),
    vector("no-hello-after-foreign", "output after a hello that does not open", [
      refused("foreign", flip(sealBody(web1, 0, encode(hello(web1))), -1)),
      failing("no-hello", web1, 1, shown),
    ]),
    vector("foreign-then-hello", "the genuine hello comes after one that was altered", [
      refused("foreign", flip(sealBody(web1, 0, encode(hello(web1))), -1)),
      said,
      taken(web1, 1, shown),
    ]),
  ];
}

/** Later items that do not open. */
function altered(): ReplyVector[] {
  const body = encode(output(0, "hello\n"));
  const genuine = sealBody(web1, 1, body);
  const item = (name: string, comment: string, envelope: Uint8Array) =>
    vector(`altered-${name}`, comment, [said, refused("altered", envelope)]);
  const padded = (name: string, comment: string, bytes: Uint8Array) =>
    item(name, comment, sealPadded(web1, 1, bytes));
  const ahead = flip(sealBody(web1, 2, body), -1);
  const swapped = concat(web1.reply.publicKey, u64(1n), sealBody(web2, 1, body).subarray(HEADER));
  return [
    item("ciphertext", "one bit of the ciphertext differs", flip(genuine, HEADER + MAC)),
    item("authenticator", "one bit of the authenticator differs", flip(genuine, HEADER)),
    item("last-byte", "one bit of the last byte differs", flip(genuine, -1)),
    item("missing", "no box at all", genuine.subarray(0, HEADER)),
    item("hello", "the hello comes again, with one bit turned", flip(said.envelope, -1)),
    item("ahead", "an item above the expected sequence, with one bit turned", ahead),
    item(
      "truncated",
      "the last 32 bytes are missing",
      sealBody(web1, 1, encode(output(0, "x".repeat(600)))).subarray(0, -32),
    ),
    item("other-agent", "the box of another agent under the key of this one", concat(utf8("cb1r"), swapped)),
    item("renumbered", "the item with sequence 2, renumbered as 1", renumbered(body, 2n, 1n)),
    item("hello-as-1", "the hello, renumbered as 1", renumbered(encode(hello(web1)), 0n, 1n)),
    padded("padding-nonzero-first", "the first byte of the padding is 1", flip(pad(body), 4 + body.length)),
    padded("padding-nonzero-last", "the last byte of the padding is 1", flip(pad(body), -1)),
    padded("padding-byte-too-long", "padded with one zero more", padTo(body, 513)),
    padded(
      "padding-step-too-long",
      "padded to the next step above the right one",
      padTo(body, paddedLength(509)),
    ),
    padded("length-too-large", "a length beyond the end", concat(u32(509), pad(body).subarray(4))),
    vector("altered-old", "an item that was used comes again, with one bit turned", [
      said,
      taken(web1, 1, output(0, "hello\n")),
      refused("altered", flip(genuine, -1)),
      taken(web1, 2, output(6, "world\n")),
    ]),
    vector("altered-then-genuine", "the genuine item comes after one that was altered", [
      said,
      refused("altered", flip(genuine, -1)),
      taken(web1, 1, output(0, "hello\n")),
    ]),
  ];
}

function renumbered(body: Uint8Array, from: bigint, to: bigint): Uint8Array {
  return concat(utf8("cb1r"), web1.reply.publicKey, u64(to), sealBody(web1, from, body).subarray(HEADER));
}
