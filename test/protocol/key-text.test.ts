import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "fast-check";
import { CbError } from "../../src/core/errors.ts";
import { parseNamePatterns } from "../../src/core/name-pattern.ts";
import { authorisedStation, mayRun } from "../../src/protocol/authorised-station.ts";
import { boxKeyPair, cryptoReady, KEY_BYTES, signKeyPair } from "../../src/protocol/crypto.ts";
import type { KeyOf } from "../../src/protocol/key-forms.ts";
import {
  formatKeyFile,
  keyFromBytes,
  MAX_KEY_FILE_BYTES,
  parseKeyFile,
  parseKeyLines,
  parseOriginalKey,
  publicLine,
} from "../../src/protocol/key-text.ts";
import {
  agentKeyPair,
  KEY_KINDS,
  type KeyKind,
  type StationPublicKey,
  stationKeyPair,
} from "../../src/protocol/keys.ts";

const CREATED = Date.UTC(2026, 10, 21, 22, 15, 42, 123);
const kinds = fc.constantFrom(...KEY_KINDS);
const seeds = fc.uint8Array({ minLength: KEY_BYTES, maxLength: KEY_BYTES });

before(cryptoReady);

test("formatKeyFile() writes comments and one key line", () => {
  const { key, id } = keyFromBytes("network-secret", new Uint8Array(32).fill(7));
  const lines = formatKeyFile("network-secret", key, CREATED).split("\n");
  assert.deepEqual(lines.slice(0, 3), [
    "# cb network secret key",
    "# created: 2026-11-21T22:15:42Z",
    `# id: ${id}`,
  ]);
  assert.match(lines[3] ?? "", /^# It belongs on every agent, as network.key, mode 0600;/);
  assert.match(lines.at(-2) ?? "", /^CB-NETWORK-SECRET1[0-9A-Z]{58}$/);
  assert.equal(lines.at(-1), "");
});

test("formatKeyFile() writes public keys in lower case, and secret ones in upper case", () => {
  for (const kind of KEY_KINDS) {
    const line = keyLineOf(kind, new Uint8Array(32).fill(1));
    const prefix = `cb-${kind}1`;
    assert.ok(line.startsWith(kind.endsWith("secret") ? prefix.toUpperCase() : prefix), line);
  }
});

test("formatKeyFile() writes the text that BIP 350 defines", () => {
  assert.equal(
    keyLineOf("base-station-public", new Uint8Array(32).fill(1)),
    referenceBech32m("cb-base-station-public", new Uint8Array(32).fill(1)),
  );
});

test("parseKeyFile() inverts formatKeyFile(), for every kind", () => {
  fc.assert(
    fc.property(kinds, seeds, (kind, bytes) => {
      const { key } = keyFromBytes(kind, bytes.slice());
      assert.deepEqual(parseKeyFile(formatKeyFile(kind, key, CREATED), kind, "file"), [key]);
    }),
  );
});

test("parseKeyFile() gives pairs whose public half fits their secret one", () => {
  const network = boxKeyPair();
  const seed = new Uint8Array(32).fill(9);
  const [pair] = parseKeyFile(
    keyLineOf("network-secret", network.secretKey.slice()),
    "network-secret",
    "file",
  );
  assert.deepEqual({ ...pair }, { ...network });
  const [station] = parseKeyFile(
    keyLineOf("base-station-secret", seed.slice()),
    "base-station-secret",
    "file",
  );
  assert.deepEqual(station, stationKeyPair(seed));
  const [agent] = parseKeyFile(keyLineOf("agent-secret", seed.slice()), "agent-secret", "file");
  assert.deepEqual(agent, agentKeyPair(seed));
});

test("parseKeyFile() refuses any key line with one character changed", () => {
  const character = fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code));
  fc.assert(
    fc.property(kinds, seeds, fc.nat(), character, (kind, bytes, position, replacement) => {
      const line = keyLineOf(kind, bytes.slice());
      const at = position % line.length;
      fc.pre(line[at] !== replacement);
      const changed = line.slice(0, at) + replacement + line.slice(at + 1);
      for (const asked of [kind, ...KEY_KINDS]) refuses(() => parseKeyFile(changed, asked, "file"), line);
    }),
    { numRuns: 500 },
  );
});

test("parseKeyFile() refuses a key line with a character left out, doubled or in the other case", () => {
  for (const kind of KEY_KINDS) {
    const line = keyLineOf(kind, new Uint8Array(32).fill(5));
    for (let at = 0; at < line.length; at += 1) {
      refuses(() => parseKeyFile(line.slice(0, at) + line.slice(at + 1), kind, "file"), line);
      refuses(() => parseKeyFile(line.slice(0, at + 1) + line.slice(at), kind, "file"), line);
    }
    refuses(
      () => parseKeyFile(line.toLowerCase() === line ? line.toUpperCase() : line.toLowerCase(), kind, "file"),
      line,
    );
  }
});

test("parseKeyFile() refuses every other kind, and names both", () => {
  for (const kind of KEY_KINDS) {
    const line = keyLineOf(kind, new Uint8Array(32).fill(3));
    for (const asked of KEY_KINDS.filter((other) => other !== kind)) {
      const { message } = refuses(() => parseKeyFile(line, asked, "/x/file"), line);
      const [holds, expected] = [kind, asked].map((one) => `a ${one.replaceAll("-", " ")} key`);
      assert.equal(message, `Cannot use "/x/file": it holds ${holds}, expected ${expected}`);
    }
  }
});

test("parseKeyFile() takes one file after the other, blank lines, CRLF and blanks around", () => {
  const files = [1, 2, 3].map((fill) => {
    const { key } = keyFromBytes("network-secret", new Uint8Array(32).fill(fill));
    return formatKeyFile("network-secret", key, CREATED);
  });
  const all = parseKeyFile(files.join(""), "network-secret", "file");
  assert.deepEqual(
    all.map((pair) => pair.secretKey[0]),
    [1, 2, 3],
  );
  const untidy = `\ufeff\n  ${files.join("\n\t ").replaceAll("\n", " \r\n")}`;
  assert.deepEqual(parseKeyFile(untidy, "network-secret", "file"), all);
});

test("parseKeyFile() refuses two keys with one id, and gives their lines", () => {
  const one = keyLineOf("network-secret", new Uint8Array(32).fill(1));
  const two = keyLineOf("network-secret", new Uint8Array(32).fill(2));
  const { message } = refuses(() => parseKeyFile(`#\n${one}\n${two}\n${one}\n`, "network-secret", "f"), one);
  assert.equal(message, 'Cannot use "f": lines 2 and 4 hold keys with the same id');
});

for (const text of ["", "\n\n", "# cb network public key\n", " # a comment"]) {
  test(`parseKeyFile() refuses ${JSON.stringify(text)} as holding no key`, () => {
    assert.equal(
      refuses(() => parseKeyFile(text, "network-public", "f")).message,
      'Cannot use "f": it holds no key',
    );
  });
}

test("parseKeyFile() refuses a key file of the original, and says how to convert it", () => {
  const original = Buffer.from(new Uint8Array(32).fill(250)).toString("base64");
  for (const text of [original, `${original}\n`]) {
    const error = refuses(() => parseKeyFile(text, "network-secret", "/x y/cbradio-network.key"), original);
    assert.equal(
      error.message,
      'Cannot use "/x y/cbradio-network.key": it is a key file of the original cbradio',
    );
    assert.equal(error.hint, "Convert it with cb-keygen import '/x y/cbradio-network.key'");
  }
});

test("parseKeyFile() names the line that is no key, and never quotes it", () => {
  const line = keyLineOf("agent-secret", new Uint8Array(32).fill(8));
  for (const wrong of [
    `x ${line}`,
    line.slice(3),
    `"${line}"`,
    "hello",
    "AGE-SECRET-KEY-1QQQ",
    "cb-foo-public1qqqqqq",
  ]) {
    const { message } = refuses(() => parseKeyFile(`# one\n${wrong}\n`, "agent-secret", "f"), line);
    assert.equal(message, 'Cannot use "f": line 2 is neither a key nor a comment');
  }
  const { message } = refuses(() => parseKeyFile(`\n\n${line} ${line}`, "agent-secret", "f"), line);
  assert.equal(message, 'Cannot use "f": line 3 has more than a key');
});

test("parseKeyFile() refuses a key of another length with a good checksum", () => {
  for (const length of [0, 1, 31, 33, 36]) {
    const line = referenceBech32m("cb-network-public", new Uint8Array(length));
    assert.match(refuses(() => parseKeyFile(line, "network-public", "f")).message, /line 1 is damaged/);
  }
});

test("parseKeyFile() refuses what is too long", () => {
  const line = keyLineOf("network-public", new Uint8Array(32).fill(8));
  const comment = `#${"x".repeat(MAX_KEY_FILE_BYTES - line.length - 2)}\n`;
  assert.equal(parseKeyFile(comment + line, "network-public", "f").length, 1);
  assert.match(
    refuses(() => parseKeyFile(`#${comment}${line}`, "network-public", "f")).message,
    /longer than 65536/,
  );
});

test("parseKeyFile() answers any text with keys or a refusal", () => {
  const piece = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("\n", " ", "#", "1", "cb-network-public1", "name=", "commands=", "=", ","),
    fc.tuple(kinds, seeds).map(([kind, bytes]) => keyLineOf(kind, bytes.slice())),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), kinds, (pieces, kind) => {
      try {
        assert.ok(parseKeyFile(pieces.join(""), kind, "f").length > 0);
      } catch (error) {
        if (!(error instanceof CbError)) throw error;
      }
    }),
    { numRuns: 2_000 },
  );
});

test("parseKeyFile() names a base station by its id and lets it run anything, unless its line says more", () => {
  const station = parseStation("");
  assert.match(station.name, /^[0-9a-f]{16}$/);
  assert.equal(station.name, station.id);
  assert.ok(mayRun(station, "anything"));
});

test("parseKeyFile() reads name= and commands=, in any order", () => {
  for (const attributes of [" name=ops commands=restart-*,reload", "\tcommands=reload,restart-*  name=ops"]) {
    const station = parseStation(attributes);
    assert.equal(station.name, "ops");
    assert.deepEqual(station.commands, ["reload", "restart-*"]);
    assert.ok(mayRun(station, "reload"));
    assert.ok(mayRun(station, "restart-nginx"));
    assert.ok(!mayRun(station, "reload2"));
  }
});

test("formatKeyFile() writes the attributes of a base station, and parseKeyFile() reads them back", () => {
  const { publicKey } = signKeyPair(new Uint8Array(32));
  const attributes = { name: "ops", commands: parseNamePatterns("reload,restart-*") };
  const station = authorisedStation(publicKey as StationPublicKey, attributes);
  const text = formatKeyFile("base-station-public", station, CREATED);
  assert.match(text, / name=ops commands=reload,restart-\*\n$/);
  assert.deepEqual(parseKeyFile(text, "base-station-public", "f"), [station]);
});

const badAttributes: readonly (readonly [string, RegExp])[] = [
  [" nmae=ops", /line 1 has an unknown word after the key, known are name= and commands=$/],
  [" ops", /unknown word/],
  [" name", /unknown word/],
  [" # a comment", /unknown word/],
  [" name=a name=a", /line 1 has name= twice$/],
  [" commands=a commands=b", /line 1 has commands= twice$/],
  [" name=", /name= in line 1 is not a name$/],
  [" name=-x", /name= in line 1 is not a name$/],
  [" commands=", /commands= in line 1 is not names with \* and \?, separated by commas$/],
  [" commands=a,", /commands= in line 1/],
  [" commands=../x", /commands= in line 1/],
];
for (const [attributes, reason] of badAttributes) {
  test(`parseKeyFile() refuses a base station line that goes on with "${attributes}"`, () => {
    assert.match(refuses(() => parseStation(attributes)).message, reason);
  });
}

test("parseKeyFile() refuses attributes on any other kind", () => {
  for (const kind of KEY_KINDS.filter((one) => one !== "base-station-public")) {
    const line = keyLineOf(kind, new Uint8Array(32).fill(8));
    assert.match(
      refuses(() => parseKeyFile(`${line} name=ops`, kind, "f"), line).message,
      /line 1 has more than a key$/,
    );
  }
});

test("parseKeyLines() shows every key of a file by its public half, and publicLine() gives no secret", () => {
  const lines = KEY_KINDS.map((kind, index) => keyLineOf(kind, new Uint8Array(32).fill(index + 1)));
  const shown = parseKeyLines(lines.join("\n"), "f");
  assert.deepEqual(
    shown.map(({ kind }) => kind),
    KEY_KINDS,
  );
  for (const line of shown) {
    const text = publicLine(line);
    const [read] = parseKeyLines(text, "f");
    assert.equal(read?.kind, line.kind.replace("secret", "public"));
    assert.equal(read?.id, line.id);
  }
});

test("parseOriginalKey() reads base64 of 32 bytes, with or without a newline, and nothing else", () => {
  const bytes = new Uint8Array(32).fill(251);
  const text = Buffer.from(bytes).toString("base64");
  assert.deepEqual(parseOriginalKey(text), bytes);
  assert.deepEqual(parseOriginalKey(`${text}\r\n`), bytes);
  const urlSafe = text.replaceAll("+", "-").replaceAll("/", "_");
  const others = [
    "",
    text.slice(1),
    text.slice(0, -1),
    `${text}=`,
    `${text}\n${text}`,
    urlSafe,
    text.replace(/.=$/, "9="),
  ];
  for (const other of others) assert.equal(parseOriginalKey(other), undefined, other);
});

function keyLineOf(kind: KeyKind, bytes: Uint8Array): string {
  return (function line<Kind extends KeyKind>(one: Kind): string {
    const key: KeyOf[Kind] = keyFromBytes(one, bytes).key;
    return formatKeyFile(one, key, CREATED).trimEnd().split("\n").at(-1) ?? "";
  })(kind);
}

function parseStation(attributes: string) {
  const line = keyLineOf("base-station-public", new Uint8Array(32).fill(4));
  const [station] = parseKeyFile(line + attributes, "base-station-public", "f");
  assert.ok(station);
  return station;
}

/** Insists on a `CbError` of code `key` in which no six characters of the key's own part stand together. */
function refuses(action: () => unknown, key = ""): CbError {
  let error: unknown;
  try {
    action();
  } catch (thrown) {
    error = thrown;
  }
  assert.ok(error instanceof CbError, "no refusal");
  assert.equal(error.code, "key");
  assert.equal(error.cause, undefined);
  const said = `${error.message} ${error.hint} ${error.stack}`.toLowerCase();
  const secret = key.slice(key.lastIndexOf("1") + 1).toLowerCase();
  for (let at = 0; at + 6 <= secret.length; at += 1) {
    assert.ok(!said.includes(secret.slice(at, at + 6)), `the message quotes the key: ${error.message}`);
  }
  return error;
}

/** BIP 350 from its text, so that the library is not its own witness. */
function referenceBech32m(prefix: string, bytes: Uint8Array): string {
  const generators = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const data = (bits.match(/.{1,5}/g) ?? []).map((five) => Number.parseInt(five.padEnd(5, "0"), 2));
  const codes = [...prefix].map((character) => character.charCodeAt(0));
  const expanded = [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)];
  let sum = 1;
  for (const value of [...expanded, ...data, 0, 0, 0, 0, 0, 0]) {
    const top = sum >>> 25;
    sum = ((sum & 0x1ffffff) << 5) ^ value;
    for (const [bit, generator] of generators.entries()) if ((top >>> bit) & 1) sum ^= generator;
  }
  sum ^= 0x2bc830a3;
  const checksum = [25, 20, 15, 10, 5, 0].map((shift) => (sum >>> shift) & 31);
  return `${prefix}1${[...data, ...checksum].map((value) => "qpzry9x8gf2tvdw0s3jn54khce6mua7l"[value]).join("")}`;
}
