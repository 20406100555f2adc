/** Requests whose body is deterministic CBOR, and wrong: steps 6, 7, 9 and 10 of PROTOCOL.md, section 5. */
import { utf8 } from "./bytes.ts";
import { encode, type Fields, type Value } from "./cbor.ts";
import { head, ISSUED, ping, type RequestVector, run, sealFields, vector, without } from "./request-scene.ts";

export function requestBodies(): RequestVector[] {
  return [...heads(), ...channels(), ...versions(), ...refused()];
}

/** Deterministic CBOR that has no head. */
function heads(): RequestVector[] {
  const bad = (name: string, comment: string, change: (fields: Fields) => Fields) =>
    vector(
      `malformed-${name}`,
      "malformed",
      comment,
      sealFields(`head ${name}`, change(run(`head ${name}`))),
    );
  const field = (name: string, comment: string, change: Fields) =>
    bad(name, comment, (fields) => ({ ...fields, ...change }));
  const wrongTypes: Fields = {
    version: "1",
    type: 1,
    channel: utf8("default"),
    sequence: "0",
    issued: String(ISSUED),
    expires: utf8("60000"),
    challenge: "c".repeat(32),
    reply: "r".repeat(16),
  };
  const notNames: Readonly<Record<string, string>> = {
    empty: "",
    "65-letters": "c".repeat(65),
    "dash-first": "-default",
    "dot-first": ".default",
    space: "my channel",
    slash: "a/b",
    braces: "{default}",
    umlaut: "kanäle",
    newline: "default\n",
    nul: "default\0",
  };
  return [
    ...Object.keys(head("")).map((key) => bad(`no-${key}`, `${key} is missing`, (all) => without(all, key))),
    ...Object.entries(wrongTypes).map(([key, value]) =>
      field(`type-of-${key}`, `${key} is of another type`, { [key]: value }),
    ),
    ...Object.entries(notNames).map(([name, value]) =>
      field(`channel-${name}`, `the channel is no name: ${name.replaceAll("-", " ")}`, { channel: value }),
    ),
    field("version-negative", "the version is -1", { version: -1 }),
    field("version-true", "the version is true", { version: true }),
    field("sequence-negative", "the sequence is -1", { sequence: -1 }),
    field("issued-negative", "issued before 1970", { issued: -1 }),
    field("expires-negative", "expired before 1970", { expires: -1 }),
    field("challenge-31", "a challenge of 31 bytes", { challenge: new Uint8Array(31) }),
    field("challenge-33", "a challenge of 33 bytes", { challenge: new Uint8Array(33) }),
    field("challenge-empty", "a challenge of no bytes", { challenge: new Uint8Array() }),
    field("reply-15", "a reply address of 15 bytes", { reply: new Uint8Array(15) }),
    field("reply-17", "a reply address of 17 bytes", { reply: new Uint8Array(17) }),
    field("reply-hex", "a reply address in hexadecimal", { reply: "00".repeat(16) }),
    bad("head-in-a-map", "the head in a map of its own", (fields) => ({ head: fields })),
  ];
}

function channels(): RequestVector[] {
  const wrong = (name: string, comment: string, channel: string) =>
    vector(
      `wrong-channel-${name}`,
      "wrong-channel",
      comment,
      sealFields(name, { ...run(`channel ${name}`), channel }),
    );
  return [
    wrong("other", "for another channel", "staging"),
    wrong("case", "the channel in capitals", "DEFAULT"),
    wrong("longer", "a name that begins with the channel", "default2"),
    wrong("shorter", "a name that the channel begins with", "defaul"),
  ];
}

function versions(): RequestVector[] {
  const unknown = (name: string, comment: string, fields: Fields) =>
    vector(`refused-version-${name}`, "refused version", comment, sealFields(`version ${name}`, fields));
  const some = run("versions");
  const target = { tags: ["web"] };
  return [
    unknown("2", "version 2", { ...some, version: 2 }),
    unknown("0", "version 0", { ...some, version: 0 }),
    unknown("max", "version 2^53 - 1", { ...some, version: Number.MAX_SAFE_INTEGER }),
    unknown("2-more-fields", "version 2 with fields of its own", { ...head("2"), version: 2, cargo: [true] }),
    unknown("type-unknown", "a type that nobody has", { ...some, type: "dance" }),
    unknown("type-empty", "an empty type", { ...some, type: "" }),
    unknown("type-case", "a type in capitals", { ...some, type: "RUN" }),
    unknown("type-cancel-case", "cancel in capitals", { ...head("cancel"), type: "CANCEL" }),
    unknown("type-prototype", "a type that every object has", { ...some, type: "constructor" }),
    unknown("type-go-case", "go in capitals", { ...head("go"), type: "GO" }),
    unknown("list-command", "a list with a command", { ...ping("list"), type: "list", command: "reload" }),
    unknown("field-unknown", "a field that nobody has", { ...some, colour: "red" }),
    unknown("field-empty", "a field without a name", { ...some, "": 1 }),
    unknown("field-prototype", "a field that every object has", { ...some, ["__proto__"]: 1 }),
    unknown("field-false", "an unknown field that is false", { ...some, verbose: false }),
    unknown("field-deep", "an unknown field with all levels that are allowed", { ...some, extra: [[[]]] }),
    unknown("late", "the reserved field late", { ...some, late: true }),
    unknown("keep", "the reserved field keep", { ...some, keep: 60_000 }),
    unknown("target-unknown", "a field of target that nobody has", {
      ...some,
      target: { ...target, colour: "red" },
    }),
    unknown("target-camel-case", "a field of target in another spelling", {
      ...some,
      target: { ...target, excludedTags: ["eu"] },
    }),
    unknown("ping-command", "a ping with a command", { ...ping("ping"), command: "reload" }),
    unknown("ping-limit", "a ping with a limit", { ...ping("ping"), limit: 1000 }),
    unknown("ping-parameters", "a ping with parameters", { ...ping("ping"), parameters: { target: "a" } }),
    unknown("largest", "an unknown field, in the largest envelope there is", {
      ...some,
      extra: new Uint8Array(largestExtra()),
    }),
  ];
}

/** The padded length 63 488 is the largest in 64 KiB; the body has what key id, signature and length leave. */
function largestExtra(): number {
  const room = 63_488 - 4 - 8 - 64;
  return room - encode({ ...run("versions"), extra: new Uint8Array(60_000) }).length + 60_000;
}

function refusedParameters(): readonly (readonly [name: string, comment: string, parameters: Value])[] {
  const named = (name: string) => ({ [name]: "a" });
  const many = Array.from({ length: 33 }, (_, index): [string, string] => [`p${index}`, ""]);
  return [
    ["empty", "no parameters; the field is absent then", {}],
    ["33", "33 parameters", Object.fromEntries(many)],
    ["array", "a list of parameters", ["target=a"]],
    ["text", "parameters in one text", "target=a"],
    ["false", "parameters of false", false],
    ["value-number", "a value that is a number", { target: 1 }],
    ["value-bytes", "a value that is a byte string", { target: utf8("a") }],
    ["value-list", "a value that is a list", { target: ["a"] }],
    ["value-4097", "a value of 4097 bytes", { target: "a".repeat(4097) }],
    ["value-4098-umlauts", "a value of 2049 letters of two bytes", { target: "ü".repeat(2049) }],
    ["name-empty", "a parameter without a name", named("")],
    ["name-65-letters", "a name of 65 letters", named("a".repeat(65))],
    ["name-digit-first", "a name that begins with a digit", named("1target")],
    ["name-dash", "a name with a dash", named("a-b")],
    ["name-dot", "a name with a dot", named("a.b")],
    ["name-equals", "a name with an equals sign", named("a=b")],
    ["name-newline", "a name with a newline", named("a\n")],
    ["name-umlaut", "a name with an umlaut", named("größe")],
  ];
}

/** Targets of which one list is wrong, beside one that is right. */
function refusedTargets(): readonly (readonly [name: string, comment: string, target: Fields])[] {
  const many = (count: number) => Array.from({ length: count }, (_, index) => `${10_000 + index}`);
  const keys = ["excluded-tags", "identities", "excluded-identities"];
  const each = (name: string, comment: string, value: Value) =>
    keys.map((key) => [`${key}-${name}`, `${key}: ${comment}`, { tags: ["web"], [key]: value }] as const);
  return [
    ...each("empty", "an empty list", []),
    ...each("text", "a text", "web1"),
    ...each("unsorted", "not sorted", ["web2", "web1"]),
    ...each("repeated", "a name twice", ["web1", "web1"]),
    ...each("number", "a number in the list", [1]),
    ...each("bytes", "a byte string in the list", [utf8("web1")]),
    ...each("name-empty", "an empty name", [""]),
    ...each("name-65-letters", "a name of 65 letters", ["n".repeat(65)]),
    ...each("name-comma", "a comma in a name", ["web1,web2"]),
    ...each("name-brackets", "a fold, which the station expands", ["web[1-3]"]),
    ...each("name-newline", "a line feed at the end", ["web1\n"]),
    ["excluded-tags-pattern", "a pattern among tags", { "excluded-tags": ["e*"] }],
    ["tags-pattern", "a pattern among tags", { tags: ["e*"] }],
    ["excluded-tags-65", "65 excluded tags", { "excluded-tags": many(65) }],
    ["identities-8193", "8193 identities", { identities: many(8193) }],
    ["excluded-identities-8193", "8193 excluded identities", { "excluded-identities": many(8193) }],
  ];
}

/** All fields are known, but a value is not allowed. */
function refused(): RequestVector[] {
  const bad = (name: string, comment: string, fields: Fields) =>
    vector(`refused-malformed-${name}`, "refused malformed", comment, sealFields(`value ${name}`, fields));
  const field = (name: string, comment: string, change: Fields) =>
    bad(name, comment, { ...run(`value ${name}`), ...change });
  const tags = (name: string, comment: string, value: Value) =>
    field(name, comment, { target: { tags: value } });
  const many = (count: number) => Array.from({ length: count }, (_, index) => `t${100 + index}`);
  const some = run("refused");
  return [
    bad("no-command", "a run without a command", without(some, "command")),
    bad("no-station", "no station", without(some, "station")),
    bad("list-no-station", "a list without a station", { ...head("no station"), type: "list" }),
    bad("ping-no-station", "a ping without a station", without(ping("no station"), "station")),
    field("sequence-1", "a first message of a session with sequence 1", { sequence: 1 }),
    field("limit-0", "a limit of 0", { limit: 0 }),
    field("limit-negative", "a limit of -1", { limit: -1 }),
    field("limit-text", "a limit in words", { limit: "1000" }),
    field("limit-true", "a limit of true", { limit: true }),
    ...refusedParameters().map(([name, comment, parameters]) =>
      field(`parameters-${name}`, comment, { parameters }),
    ),
    field("census-false", "census is false; it is absent then", { census: false }),
    field("census-1", "census is 1", { census: 1 }),
    field("target-text", "a target that is a text", { target: "web" }),
    field("target-array", "a target that is a list of tags", { target: ["web"] }),
    field("target-false", "a target that is false", { target: false }),
    field("target-empty", "a target of nothing: not everybody", { target: {} }),
    tags("tags-empty", "no tags: not everybody", []),
    tags("tags-text", "tags that are a text", "web"),
    tags("tags-65", "65 tags", many(65)),
    tags("tags-unsorted", "tags that are not sorted", ["web", "eu"]),
    tags("tags-repeated", "a tag twice", ["web", "web"]),
    tags("tags-number", "a tag that is a number", [1]),
    tags("tags-bytes", "a tag that is a byte string", [utf8("web")]),
    tags("tags-nested", "a list in the list", [["web"]]),
    tags("tag-empty", "an empty tag", [""]),
    tags("tag-comma", "a tag with a comma", ["eu,web"]),
    tags("tag-65-letters", "a tag of 65 letters", ["t".repeat(65)]),
    ...refusedTargets().map(([name, comment, target]) => field(`target-${name}`, comment, { target })),
    field("command-parent", "a command outside the directory", { command: "../x" }),
    field("command-absolute", "a command with a path", { command: "/bin/sh" }),
    field("command-dots", "the directory above", { command: ".." }),
    field("command-hidden", "a hidden command", { command: ".profile" }),
    field("command-option", "a command that looks like an option", { command: "-x" }),
    field("command-arguments", "a command with arguments", { command: "reload now" }),
    field("command-empty", "an empty command", { command: "" }),
    field("command-nul", "a command with a zero byte", { command: "reload\0" }),
    field("command-newline", "a command with a line feed at its end", { command: "reload\n" }),
    field("command-65-letters", "a command of 65 letters", { command: "c".repeat(65) }),
    field("command-bytes", "a command that is a byte string", { command: utf8("reload") }),
    field("command-fullwidth", "a command in letters that look like ASCII", { command: "ｒeload" }),
    field("station-empty", "an empty station", { station: "" }),
    field("station-escape", "a station with a terminal's escape", { station: "a\u001b[31m" }),
    field("station-65-letters", "a station of 65 letters", { station: "s".repeat(65) }),
    field("station-number", "a station that is a number", { station: 1 }),
  ];
}
