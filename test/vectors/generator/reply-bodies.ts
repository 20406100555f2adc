/** Replies whose body is no reply: step 7 of the table in PROTOCOL.md, section 6. */
import { concat, fromHex, utf8 } from "./bytes.ts";
import {
  head as cborHead,
  encode,
  encodeMap,
  entries,
  type Fields,
  longHead,
  raw,
  type Value,
} from "./cbor.ts";
import {
  ended,
  exit,
  failing,
  hello,
  type Item,
  NOW,
  output,
  type ReplyVector,
  running,
  sealBody,
  taken,
  vector,
  web1,
} from "./reply-scene.ts";

export function replyBodies(): ReplyVector[] {
  return [...forms(), ...items(), ...hellos(), ...states(), ...outputs(), ...exits(), ...silenced()];
}

/** A malformed reply of a running agent. */
function afterHello(name: string, comment: string, item: Item): ReplyVector {
  return vector(`malformed-${name}`, comment, [taken(web1, 0, hello(web1)), item]);
}

function later(name: string, comment: string, fields: Fields): ReplyVector {
  return afterHello(name, comment, failing("malformed", web1, 1, fields));
}

function forms(): ReplyVector[] {
  const genuine = output(0, "hello\n");
  const body = encode(genuine);
  const all = entries(genuine);
  const [first = body, second = body, ...rest] = all;
  const form = (name: string, comment: string, ...bytes: readonly Uint8Array[]) =>
    afterHello(name, comment, { event: "malformed", envelope: sealBody(web1, 1, ...bytes) });
  return [
    form("empty", "a body of no bytes"),
    form("not-a-map-array", "an array of the values", encode(["output", "stdout"])),
    form("not-a-map-bytes", "the map inside a byte string", encode(body)),
    form("empty-map", "a map of nothing", encode({})),
    form("indefinite-map", "a map of indefinite length", fromHex("bf"), ...all, fromHex("ff")),
    form(
      "long-form-map",
      "the number of entries in two bytes instead of one",
      longHead(5, all.length, 1),
      ...all,
    ),
    form("unsorted-keys", "the first two entries swapped", encodeMap([second, first, ...rest])),
    form("duplicate-key", "the first entry twice", encodeMap([first, first, second, ...rest])),
    form("trailing-byte", "a zero byte after the map", body, new Uint8Array(1)),
    form("trailing-map", "the map twice", body, body),
    form("cut", "the last byte of the map is missing", body.subarray(0, -1)),
    form("one-entry-more", "one more entry announced than there is", cborHead(5, all.length + 1), ...all),
    form("tag-around", "a tag around the map: self-described CBOR", fromHex("d9d9f7"), body),
    form("key-number", "a key that is a number", encodeMap([concat(encode(1), encode(1)), ...all])),
  ];
}

function items(): ReplyVector[] {
  const item = (name: string, comment: string, fields: Fields) => later(name, comment, fields);
  const shown = output(0, "hello\n");
  return [
    item("long-form-0", "0 in two bytes", { ...shown, offset: raw("1800") }),
    item("indefinite-bytes", "data in chunks", { ...shown, data: raw("5f4161ff") }),
    item("tag", "a tag on the data", { ...shown, data: raw("c24161") }),
    item("float", "an offset of 0.0", { ...shown, offset: raw("f90000") }),
    item("null", "null for a detail", exit({ detail: raw("f6") })),
    item("undefined", "undefined for a detail", exit({ detail: raw("f7") })),
    item("too-deep", "a fifth level", { ...shown, extra: [[[[1]]]] }),
    item("integer-2-53", "an offset of 2^53", { ...shown, offset: raw("1b0020000000000000") }),
    item("invalid-utf-8", "a detail with a byte that no UTF-8 holds", exit({ detail: raw("61ff") })),
    item("type-missing", "no type", without(shown, "type")),
    item("type-unknown", "a type that nobody has", { ...shown, type: "dance" }),
    item("type-prototype", "a type that every object has", { ...shown, type: "constructor" }),
    item("type-number", "a type that is a number", { ...shown, type: 1 }),
    item("type-run", "a request", { type: "run" }),
  ];
}

function hellos(): ReplyVector[] {
  const bad = (name: string, comment: string, fields: Fields) =>
    vector(`malformed-hello-${name}`, comment, [failing("malformed", web1, 0, fields)]);
  const field = (name: string, comment: string, change: Fields) => bad(name, comment, hello(web1, change));
  const named = (name: string, comment: string, identity: string) => {
    const one = { ...web1, identity };
    return bad(`identity-${name}`, comment, hello(one));
  };
  const tags = (name: string, comment: string, value: Value) =>
    field(`tags-${name}`, comment, { tags: value });
  const wrongTypes: Fields = {
    identity: utf8("web1"),
    tags: "web",
    software: 1,
    time: String(NOW),
    challenge: "c".repeat(32),
    key: "k".repeat(32),
    signature: "s".repeat(64),
    disposition: 1,
  };
  const missing = Object.keys(wrongTypes).map((key) =>
    bad(`no-${key}`, `a hello without ${key}`, without(hello(web1), key)),
  );
  return [
    ...missing,
    ...Object.entries(wrongTypes).map(([key, value]) =>
      field(`type-of-${key}`, `${key} is of another type`, { [key]: value }),
    ),
    named("empty", "an empty identity", ""),
    named("65-letters", "an identity of 65 letters", "w".repeat(65)),
    named("escape", "an identity with a terminal's escape", "web1\u001b[2J"),
    named("newline", "an identity with a line feed at its end", "web1\n"),
    named("slash", "an identity with a slash", "../web1"),
    tags(
      "65",
      "65 tags",
      Array.from({ length: 65 }, (_, index) => `t${100 + index}`),
    ),
    tags("unsorted", "tags that are not sorted", ["web", "eu"]),
    tags("repeated", "a tag twice", ["web", "web"]),
    tags("number", "a tag that is a number", [1]),
    tags("empty-tag", "an empty tag", [""]),
    tags("escape", "a tag with a terminal's escape", ["web\u001b[2J"]),
    field("software-65", "a version of 65 bytes", { software: "v".repeat(65) }),
    field("software-66", "a version of 33 characters in 66 bytes", { software: "ü".repeat(33) }),
    field("time-negative", "a clock before 1970", { time: -1 }),
    field("challenge-31", "a challenge of 31 bytes", { challenge: new Uint8Array(31) }),
    field("challenge-33", "a challenge of 33 bytes", { challenge: new Uint8Array(33) }),
    field("key-31", "an agent key of 31 bytes", { key: new Uint8Array(31) }),
    field("key-33", "an agent key of 33 bytes", { key: new Uint8Array(33) }),
    field("signature-63", "a signature of 63 bytes", { signature: new Uint8Array(63) }),
    field("signature-65", "a signature of 65 bytes", { signature: new Uint8Array(65) }),
    field("unknown-field", "a field that nobody has", { colour: "red" }),
    field("resumes", "the reserved field resumes", { resumes: new Uint8Array(32) }),
    field("disposition-unknown", "a disposition that nobody has", { disposition: "happy" }),
    field("disposition-prototype", "a disposition that every object has", { disposition: "constructor" }),
    ...["running", "queued", "held", "present", "not-targeted"].map((disposition) =>
      field(`${disposition}-reason`, `${disposition}, with a reason`, { disposition, reason: "busy" }),
    ),
    field("running-detail", "running, with a detail", { detail: "why not" }),
    field("running-bound", "running, with a bound", { bound: NOW }),
    field("declined-no-reason", "declined without a reason", { disposition: "declined" }),
    field("declined-unknown", "declined for a reason that nobody has", {
      disposition: "declined",
      reason: "tired",
    }),
    field("declined-refusal", "declined for a reason to refuse", {
      disposition: "declined",
      reason: "forbidden",
    }),
    field("declined-detail", "declined, with a detail", {
      disposition: "declined",
      reason: "busy",
      detail: "4 jobs",
    }),
    field("declined-bound", "declined, with a bound", {
      disposition: "declined",
      reason: "busy",
      bound: NOW,
    }),
    field("refused-no-reason", "refused without a reason", { disposition: "refused" }),
    field("refused-unknown", "refused for a reason that nobody has", {
      disposition: "refused",
      reason: "because",
    }),
    field("refused-declined", "refused for a reason to decline", { disposition: "refused", reason: "busy" }),
    field("refused-reason-number", "a reason that is a number", { disposition: "refused", reason: 1 }),
    ...details((detail) => ({ disposition: "refused", reason: "version", detail })).map(
      ([name, comment, change]) => field(`refused-${name}`, comment, change),
    ),
    field("refused-bound-negative", "a bound before 1970", {
      disposition: "refused",
      reason: "clock",
      bound: -1,
    }),
    field("refused-bound-text", "a bound in words", {
      disposition: "refused",
      reason: "clock",
      bound: "now",
    }),
  ];
}

/** Free text that is not allowed. */
function details(fields: (detail: Value) => Fields): (readonly [string, string, Fields])[] {
  return [
    ["detail-257", "a detail of 257 bytes", fields("d".repeat(257))],
    ["detail-258", "a detail of 129 characters in 258 bytes", fields("ü".repeat(129))],
    ["detail-bytes", "a detail that is a byte string", fields(utf8("why"))],
  ];
}

function states(): ReplyVector[] {
  return [
    later("state-no-state", "a state that says nothing", { type: "state" }),
    later("state-unknown", "a state that nobody has", { ...running, state: "dancing" }),
    later("state-held", "a state that only a hello has", { ...running, state: "held" }),
    later("state-true", "a state that is true", { ...running, state: true }),
    later("state-unknown-field", "a field that nobody has", { ...running, since: NOW }),
  ];
}

function outputs(): ReplyVector[] {
  const shown = output(0, "hello\n");
  const bad = (name: string, comment: string, change: Fields) =>
    later(`output-${name}`, comment, { ...shown, ...change });
  return [
    ...["stream", "offset", "data"].map((key) =>
      later(`output-no-${key}`, `output without ${key}`, without(shown, key)),
    ),
    bad("stream-stdin", "output of the standard input", { stream: "stdin" }),
    bad("stream-number", "a stream by its number", { stream: 1 }),
    bad("offset-negative", "an offset of -1", { offset: -1 }),
    bad("offset-text", "an offset in words", { offset: "0" }),
    bad("data-empty", "output of no bytes", { data: new Uint8Array() }),
    bad("data-text", "output that is a text", { data: "hello\n" }),
    bad("data-array", "output that is a list of numbers", { data: [104] }),
    bad("data-65537", "a byte more than 64 KiB of output", { data: new Uint8Array(65_537) }),
    bad("unknown-field", "a field that nobody has", { colour: "red" }),
  ];
}

function exits(): ReplyVector[] {
  const whole = (name: string, comment: string, fields: Fields) => later(`exit-${name}`, comment, fields);
  const bad = (name: string, comment: string, change: Fields) => whole(name, comment, exit(change));
  const signalled = ended("signalled", { signal: "SIGKILL" });
  const numbers = ["runTime", "stdout", "stderr", "dropped"];
  return [
    ...["ending", "status", ...numbers].map((key) =>
      whole(`no-${key}`, `an exit without ${key}`, without(exit(), key)),
    ),
    ...numbers.flatMap((key) => [
      bad(`${key}-negative`, `${key} is -1`, { [key]: -1 }),
      bad(`${key}-text`, `${key} is a text`, { [key]: "0" }),
    ]),
    bad("unknown-field", "a field that nobody has", { colour: "red" }),
    bad("ending-expired", "an ending that is a reason of the clock", { ending: "expired" }),
    bad("ending-unknown", "an ending that nobody has", { ending: "dancing" }),
    bad("ending-number", "an ending that is a number", { ending: 1 }),
    bad("status-256", "a status of 256", { status: 256 }),
    bad("status-negative", "a status of -1", { status: -1 }),
    bad("status-text", "a status in words", { status: "0" }),
    whole("no-signal", "signalled without a signal", without(signalled, "signal")),
    whole("signal-17", "a signal of 17 bytes", { ...signalled, signal: "S".repeat(17) }),
    whole("signal-18", "a signal of 9 characters in 18 bytes", { ...signalled, signal: "Ü".repeat(9) }),
    whole("signal-number", "a signal by its number", { ...signalled, signal: 9 }),
    bad("left-open-false", "leftOpen is false; it is absent then", { leftOpen: false }),
    bad("left-open-1", "leftOpen is 1", { leftOpen: 1 }),
    ...details((detail) => ({ detail })).map(([name, comment, change]) => bad(name, comment, change)),
  ];
}

/** After a malformed reply nothing more of that agent is used. */
function silenced(): ReplyVector[] {
  const nothing = failing("nothing", web1, 2, output(0, "hello\n"));
  const bad = failing("malformed", web1, 1, { type: "dance" });
  return [
    vector("malformed-then-output", "output after what was malformed", [
      taken(web1, 0, hello(web1)),
      bad,
      nothing,
    ]),
    vector("malformed-hello-then-output", "output after a hello that was malformed", [
      failing("malformed", web1, 0, without(hello(web1), "time")),
      failing("nothing", web1, 1, output(0, "hello\n")),
    ]),
  ];
}

function without(fields: Fields, key: string): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => name !== key));
}
