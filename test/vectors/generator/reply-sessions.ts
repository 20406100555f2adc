/**
 * Sessions with hellos that lie and replies out of turn: steps 5, 6 and 8 to 14 of the table in PROTOCOL.md,
 * section 6.
 */
import { concat, flip, seed, utf8 } from "./bytes.ts";
import { encode, type Fields } from "./cbor.ts";
import { ED25519_SMALL_ORDER, signWithPoint, signWithSmallOrder, withLargeScalar } from "./curves.ts";
import {
  type Agent,
  exit,
  failing,
  hello,
  type Item,
  otherChallenge,
  otherSession,
  output,
  type ReplyVector,
  renewed,
  running,
  sealBody,
  taken,
  used,
  vector,
  web1,
  web2,
} from "./reply-scene.ts";
import { sign } from "./wire.ts";

export function replySessions(): ReplyVector[] {
  return [...hellos(), ...targets(), ...turns(), ...counts()];
}

const said: Item = taken(web1, 0, hello(web1));

/** Hellos that open and are not what they say. */
function hellos(): ReplyVector[] {
  const bad = (name: string, comment: string, fields: Fields, one = web1) =>
    vector(`bad-signature-${name}`, comment, [failing("bad-signature", one, 0, fields)]);
  const signature = (name: string, comment: string, how: (message: Uint8Array) => Uint8Array) =>
    bad(name, comment, hello(web1, {}, { signature: how }));
  const stolen = { ...web1, key: { ...web1.key, publicKey: web2.key.publicKey } };
  return [
    vector("wrong-challenge-other", "the challenge of another request", [
      failing(
        "wrong-challenge",
        web1,
        0,
        hello(web1, { challenge: otherChallenge }, { challenge: otherChallenge }),
      ),
    ]),
    vector("wrong-challenge-zeros", "a challenge of zeros", [
      failing("wrong-challenge", web1, 0, hello(web1, { challenge: new Uint8Array(32) })),
    ]),
    vector("wrong-challenge-flipped", "one bit of the challenge differs", [
      failing("wrong-challenge", web1, 0, hello(web1, { challenge: flip(seed("challenge", 32), 31) })),
    ]),
    vector(
      "wrong-challenge-before-bad-signature",
      "challenge and signature are wrong: the challenge decides",
      [
        failing(
          "wrong-challenge",
          web1,
          0,
          hello(web1, { challenge: otherChallenge, signature: new Uint8Array(64) }),
        ),
      ],
    ),
    bad(
      "other-session",
      "the signature of a hello for another session",
      hello(web1, {}, { session: otherSession.publicKey }),
    ),
    bad(
      "other-reply-key",
      "the signature of a hello with another reply key",
      hello(web1, {}, { replyKey: web2.reply.publicKey }),
    ),
    bad(
      "other-challenge",
      "the signature of a hello with another challenge",
      hello(web1, {}, { challenge: otherChallenge }),
    ),
    bad(
      "other-identity",
      "the signature of a hello under another identity",
      hello(web1, {}, { identity: "web2" }),
    ),
    bad("other-agent-key", "the key of another agent", hello(web1, { key: web2.key.publicKey })),
    bad(
      "impersonated",
      "another agent's identity and key, without its secret",
      hello(stolen, { key: web2.key.publicKey }),
    ),
    signature("flipped-r", "one bit of R differs", (message) => flip(sign(web1.key, message), 0)),
    signature("flipped-s", "one bit of S differs", (message) => flip(sign(web1.key, message), 32)),
    signature("zeros", "a signature of zeros", () => new Uint8Array(64)),
    signature("large-s", "S + L for S", (message) => withLargeScalar(sign(web1.key, message))),
    signature("other-purpose", "signed as a request", (message) =>
      sign(web1.key, concat(utf8("cb/1 request\0"), message.subarray("cb/1 hello\0".length))),
    ),
    signature("no-purpose", "signed without the words in front", (message) =>
      sign(web1.key, message.subarray("cb/1 hello\0".length)),
    ),
    ...Object.entries(ED25519_SMALL_ORDER).flatMap(([name, point]) => [
      signature(`r-${name}`, `R has ${name.replaceAll("-", " ")}`, (message) =>
        signWithPoint(point, web1.key.secretKey, message),
      ),
      bad(
        `key-${name}`,
        `the agent key has ${name.replaceAll("-", " ")}`,
        hello(web1, { key: point }, { signature: (message) => signWithSmallOrder(point, message) }),
      ),
    ]),
  ];
}

function goneTwice(): Item[] {
  const gone = { disposition: "refused", reason: "gone" };
  const [again, third] = [renewed(web1), { ...web1, reply: web2.reply }];
  return [
    taken(web1, 0, hello(web1, { disposition: "held" })),
    failing("gone", again, 0, hello(again, gone)),
    failing("conflict", third, 0, hello(third, gone)),
  ];
}

/** Hellos that are genuine and must not be there. */
function targets(): ReplyVector[] {
  const web3: Agent = { ...web2, identity: "web1" };
  const again = renewed(web1);
  const renamed: Agent = { ...web2, key: web1.key };
  return [
    vector(
      "not-targeted-running",
      "it runs our request, and has not all tags",
      [failing("not-targeted", web1, 0, hello(web1, { tags: ["eu"] }))],
      { targetTags: ["eu", "web"] },
    ),
    vector(
      "not-targeted-queued",
      "it will run our request, and has no tags",
      [failing("not-targeted", web1, 0, hello(web1, { tags: [], disposition: "queued" }))],
      { targetTags: ["web"] },
    ),
    vector(
      "not-targeted-present",
      "it says that it was meant by our ping, and has not the tag",
      [failing("not-targeted", web1, 0, hello(web1, { tags: ["eu"], disposition: "present" }))],
      { type: "ping", targetTags: ["web"] },
    ),
    vector("not-targeted-everybody", "it says that it was not meant, though everybody was", [
      failing("not-targeted", web1, 0, hello(web1, { disposition: "not-targeted" })),
    ]),
    vector(
      "not-targeted-meant",
      "it says that it was not meant, and has all tags",
      [failing("not-targeted", web1, 0, hello(web1, { tags: ["eu", "web"], disposition: "not-targeted" }))],
      { targetTags: ["web"] },
    ),
    vector(
      "not-targeted-then-output",
      "the output of an agent that we did not target",
      [
        failing("not-targeted", web1, 0, hello(web1, { tags: ["web2"] })),
        failing("nothing", web1, 1, output(0, "hello\n")),
      ],
      { targetTags: ["web"] },
    ),
    vector("conflict-same-agent", "one agent with two reply keys: a clone, or a restart", [
      said,
      failing("conflict", again, 0, hello(again)),
    ]),
    vector(
      "conflict-gone-other-key",
      "another agent says that the run is gone which this one holds",
      [
        taken(web1, 0, hello(web1, { disposition: "held" })),
        failing("conflict", web3, 0, hello(web3, { disposition: "refused", reason: "gone" })),
        taken(web1, 1, running),
      ],
      { isHeld: true },
    ),
    vector("conflict-gone-twice", "it says twice that the run is gone", goneTwice(), { isHeld: true }),
    vector(
      "conflict-gone-over",
      "it says that the run is gone which it has ended",
      [
        taken(web1, 0, hello(web1, { disposition: "held" })),
        taken(web1, 1, running),
        taken(web1, 2, exit()),
        failing("conflict", again, 0, hello(again, { disposition: "refused", reason: "gone" })),
      ],
      { isHeld: true },
    ),
    vector(
      "conflict-refused-again",
      "it holds the run, and refuses it for another reason under another reply key",
      [
        taken(web1, 0, hello(web1, { disposition: "held" })),
        failing("conflict", again, 0, hello(again, { disposition: "refused", reason: "state" })),
      ],
      { isHeld: true },
    ),
    vector("conflict-then-output", "the output of the second of two agents", [
      said,
      failing("conflict", web3, 0, hello(web3)),
      failing("nothing", web3, 1, output(0, "forged\n")),
      taken(web1, 1, output(0, "hello\n")),
    ]),
    vector("conflict-same-identity", "two agents under one identity", [
      said,
      failing("conflict", web3, 0, hello(web3)),
    ]),
    vector("conflict-same-key", "one agent under two identities", [
      said,
      failing("conflict", renamed, 0, hello(renamed)),
    ]),
  ];
}

/** Replies that are well made and come at the wrong time. */
function turns(): ReplyVector[] {
  const shown = output(0, "hello\n");
  const out = (name: string, comment: string, ...items: readonly Item[]) =>
    vector(`out-of-order-${name}`, comment, items);
  const done = taken(web1, 1, exit());
  const last = (name: string, disposition: Fields, request: Parameters<typeof vector>[3] = {}) =>
    vector(
      `out-of-order-${name}`,
      `output after ${name.replaceAll("-", " ")}`,
      [taken(web1, 0, hello(web1, disposition)), failing("out-of-order", web1, 1, shown)],
      request,
    );
  const queued = taken(web1, 0, hello(web1, { disposition: "queued" }));
  return [
    ...["running", "queued"].map((disposition) =>
      vector(
        `out-of-order-unreleased-${disposition}`,
        `${disposition}, where it was to wait for a release`,
        [failing("out-of-order", web1, 0, hello(web1, { disposition }))],
        { isHeld: true },
      ),
    ),
    out(
      "held",
      "it waits for a release that nobody will send",
      failing("out-of-order", web1, 0, hello(web1, { disposition: "held" })),
    ),
    vector(
      "out-of-order-held-output",
      "output before it is released",
      [taken(web1, 0, hello(web1, { disposition: "held" })), failing("out-of-order", web1, 1, shown)],
      { isHeld: true },
    ),
    vector(
      "out-of-order-queued-again",
      "it waits its turn, and has run already",
      [
        taken(web1, 0, hello(web1, { disposition: "held" })),
        taken(web1, 1, running),
        failing("out-of-order", web1, 2, { ...running, state: "queued" }),
      ],
      { isHeld: true },
    ),
    vector(
      "out-of-order-state-over",
      "it says that it runs, and has ended",
      [
        taken(web1, 0, hello(web1, { disposition: "held" })),
        taken(web1, 1, running),
        taken(web1, 2, exit()),
        failing("out-of-order", web1, 3, running),
      ],
      { isHeld: true },
    ),
    out("queued-queued", "it waits its turn, and says so again", queued, {
      ...failing("out-of-order", web1, 1, { ...running, state: "queued" }),
    }),
    out("output-first", "output in the place of a hello", failing("out-of-order", web1, 0, shown)),
    out("exit-first", "an exit in the place of a hello", failing("out-of-order", web1, 0, exit())),
    out("second-hello", "a second hello", said, failing("out-of-order", web1, 1, hello(web1))),
    out("running-twice", "running, of an agent that runs", said, failing("out-of-order", web1, 1, running)),
    out("queued-output", "output before it runs", queued, failing("out-of-order", web1, 1, shown)),
    last("present", { disposition: "present" }, { type: "ping" }),
    last("not-targeted", { disposition: "not-targeted", tags: [] }, { targetTags: ["web"] }),
    last("declined", { disposition: "declined", reason: "busy" }),
    last("refused", { disposition: "refused", reason: "forbidden" }),
    out("output-after-exit", "output after the exit", said, done, failing("out-of-order", web1, 2, shown)),
    out("exit-after-exit", "a second exit", said, done, failing("out-of-order", web1, 2, exit())),
    out(
      "running-after-exit",
      "running after the exit",
      said,
      done,
      failing("out-of-order", web1, 2, running),
    ),
  ];
}

/** Sequences, offsets and totals. */
function counts(): ReplyVector[] {
  const first = taken(web1, 1, output(0, "hello\n"));
  const again = (item: Item): Item => ({ event: "repeat", envelope: item.envelope });
  const item = (name: string, comment: string, ...items: readonly Item[]) =>
    vector(name, comment, [said, ...items]);
  return [
    item("gap-one", "one item is missing", used("gap", web1, 2, output(0, "hello\n"))),
    item(
      "gap-later",
      "the second of three outputs is missing",
      first,
      used("gap+hole", web1, 3, output(12, "c\n")),
    ),
    item("gap-most", "the largest sequence", used("gap", web1, 2n ** 53n - 1n, output(0, "hello\n"))),
    item(
      "gap-goes-on",
      "after a gap the sequence goes on from there",
      used("gap", web1, 2, output(0, "hello\n")),
      taken(web1, 3, output(6, "world\n")),
    ),
    item(
      "gap-filled-late",
      "the missing item comes after all, too late",
      used("gap+hole", web1, 2, output(6, "world\n")),
      again(first),
      taken(web1, 3, output(12, "!\n")),
    ),
    item(
      "gap-then-malformed",
      "what comes after a gap is malformed",
      failing("gap+malformed", web1, 2, { type: "dance" }),
    ),
    item("repeat-hello", "the hello twice", again(said), first),
    item("repeat-output", "an output twice", first, again(first), taken(web1, 2, output(6, "world\n"))),
    item(
      "repeat-old",
      "an old output again",
      first,
      taken(web1, 2, output(6, "world\n")),
      again(first),
      again(said),
    ),
    item("repeat-exit", "the exit twice", taken(web1, 1, exit()), again(taken(web1, 1, exit()))),
    item("repeat-other-bytes", "another body under a sequence that was used is not looked at", first, {
      event: "repeat",
      envelope: sealBody(web1, 1, encode(output(0, "other\n"))),
    }),
    item("hole-first", "the first output does not begin at 0", used("hole", web1, 1, output(1, "ello\n"))),
    item(
      "hole-later",
      "a byte is missing between two outputs",
      first,
      used("hole", web1, 2, output(7, "x\n")),
    ),
    item(
      "hole-goes-on",
      "after a hole the offsets go on from there",
      used("hole", web1, 1, output(10, "x\n")),
      taken(web1, 2, output(12, "y\n")),
    ),
    item(
      "hole-other-stream",
      "an offset of the other stream",
      first,
      used("hole", web1, 2, output(6, "warning\n", "stderr")),
    ),
    item(
      "out-of-order-overlap",
      "an output begins before the end of the last one",
      first,
      failing("out-of-order", web1, 2, output(5, "x\n")),
    ),
    item(
      "out-of-order-again",
      "the same output under another sequence",
      first,
      failing("out-of-order", web1, 2, output(0, "hello\n")),
    ),
    item(
      "incomplete-stdout",
      "an exit that counts more than arrived",
      first,
      used("incomplete", web1, 2, exit({ stdout: 7 })),
    ),
    item(
      "incomplete-less",
      "an exit that counts less than arrived",
      first,
      used("incomplete", web1, 2, exit({ stdout: 5 })),
    ),
    item(
      "incomplete-stderr",
      "an exit that counts errors that did not arrive",
      used("incomplete", web1, 1, exit({ stderr: 1 })),
    ),
    item(
      "incomplete-swapped",
      "an exit that counts the bytes for the wrong stream",
      first,
      used("incomplete", web1, 2, exit({ stderr: 6 })),
    ),
    item(
      "incomplete-dropped",
      "the agent has dropped bytes",
      first,
      used("incomplete", web1, 2, exit({ stdout: 9, dropped: 3 })),
    ),
  ];
}
