/**
 * Keys as text files, and the only door to @scure/base.
 *
 *     # cb network secret key
 *     # created: 2026-11-21T22:15:42Z
 *     # id: 0123456789abcdef
 *     # It belongs on every agent, as network.key with mode 0600; …
 *     CB-NETWORK-SECRET1…
 *
 * A key line is bech32m (BIP 350) of 32 bytes; its prefix names the kind, and its checksum finds any error
 * in up to four characters. Secrets are in upper case, for eyes and for secret scanners. A key has one text:
 * the other case is refused. A file is comments and key lines, so that `cat new old` is how keys rotate.
 *
 * Nothing of a line ever becomes part of a message, for what does not parse may still be most of a key: the
 * library's own errors, which quote the line, are not used.
 * Source: PROTOCOL.md §1; the form of the files is that of age.
 */
import { bech32m } from "@scure/base";
import { CbError } from "../core/errors.ts";
import { ANY_NAME, parseNamePatterns } from "../core/name-pattern.ts";
import { type Identity, parseName } from "../core/names.ts";
import { shellWord } from "../core/shell-word.ts";
import { printable } from "../core/text.ts";
import type { AuthorisedStation, StationAttributes } from "./authorised-station.ts";
import { KEY_BYTES } from "./crypto.ts";
import { FORMS, type Form, isSecretKind, type KeyOf, kindNoun, publicKind } from "./key-forms.ts";
import { KEY_KINDS, type KeyKind, keyIdText } from "./keys.ts";

/** Bytes of a key file, at most: some 700 keys. */
export const MAX_KEY_FILE_BYTES = 64 * 1024;

/** A key line that was understood. */
export type KeyLine<Kind extends KeyKind = KeyKind> = {
  readonly kind: Kind;
  readonly key: KeyOf[Kind];
  readonly publicKey: Uint8Array;
  /** Key id of the public half, 16 hexadecimal digits. */
  readonly id: string;
};

/**
 * The text of a key file with one key.
 *
 * @param created milliseconds since the epoch
 */
export function formatKeyFile<Kind extends KeyKind>(kind: Kind, key: KeyOf[Kind], created: number): string {
  const form: Form<KeyOf[Kind]> = FORMS[kind];
  const comments = [
    `cb ${kindNoun(kind)}`,
    `created: ${new Date(created).toISOString().replace(/\.\d+/, "")}`,
    `id: ${keyIdText(publicKind(kind), form.publicKey(key))}`,
    ...form.belongs,
  ];
  const attributes = kind === "base-station-public" ? attributesText(key as AuthorisedStation) : "";
  return `${comments.map((text) => `# ${text}\n`).join("")}${keyText(kind, form.toBytes(key))}${attributes}\n`;
}

/**
 * The keys of a file that must hold keys of one kind, in the order of the file; at least one.
 *
 * @param file its name, for messages only
 * @throws {CbError} `key`, for anything but comments and intact, different keys of that kind
 */
export function parseKeyFile<Kind extends KeyKind>(
  text: string,
  kind: Kind,
  file: string,
): readonly KeyOf[Kind][] {
  const lines = parseKeyLines(text, file);
  const other = lines.find((line) => line.kind !== kind);
  if (other) throw refusal(file, `it holds a ${kindNoun(other.kind)}, expected a ${kindNoun(kind)}`);
  return lines.map((line) => line.key as KeyOf[Kind]);
}

/**
 * The key lines of a file, of whatever kinds; at least one.
 *
 * @param file its name, for messages only
 * @throws {CbError} `key`, for anything but comments and intact, different keys
 */
export function parseKeyLines(text: string, file: string): readonly KeyLine[] {
  if (text.length > MAX_KEY_FILE_BYTES) throw refusal(file, `it is longer than ${MAX_KEY_FILE_BYTES} bytes`);
  const keys: KeyLine[] = [];
  const lineOfId = new Map<string, number>();
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const number = index + 1;
    const key = readLine(line, number, file);
    const other = lineOfId.get(key.id);
    if (other !== undefined) throw refusal(file, `lines ${other} and ${number} hold keys with the same id`);
    lineOfId.set(key.id, number);
    keys.push(key);
  }
  if (keys.length === 0) throw refusal(file, "it holds no key");
  return keys;
}

/** The public half of a key as a line of a public key file. */
export function publicLine({ kind, key, publicKey }: KeyLine): string {
  const attributes = kind === "base-station-public" ? attributesText(key as AuthorisedStation) : "";
  return keyText(publicKind(kind), publicKey) + attributes;
}

/** @param bytes 32 of them, public key, X25519 secret key or Ed25519 seed; taken over, or wiped */
export function keyFromBytes<Kind extends KeyKind>(
  kind: Kind,
  bytes: Uint8Array,
  attributes: StationAttributes = {},
): KeyLine<Kind> {
  const form: Form<KeyOf[Kind]> = FORMS[kind];
  const key = form.fromBytes(bytes, attributes);
  const publicKey = form.publicKey(key);
  return { kind, key, publicKey, id: keyIdText(publicKind(kind), publicKey) };
}

/**
 * The 32 bytes in a key file of cbradio 0.1: base64 with padding, mostly without a newline.
 *
 * @returns undefined for any other text
 */
export function parseOriginalKey(text: string): Uint8Array | undefined {
  const line = text.trim();
  if (!/^[A-Za-z0-9+/]{43}=$/.test(line)) return undefined;
  const bytes = Buffer.from(line, "base64");
  return bytes.toString("base64") === line ? new Uint8Array(bytes) : undefined;
}

function keyText(kind: KeyKind, bytes: Uint8Array): string {
  const text = bech32m.encodeFromBytes(`cb-${kind}`, bytes);
  return isSecretKind(kind) ? text.toUpperCase() : text;
}

function attributesText({ id, name, commands }: AuthorisedStation): string {
  const all = commands.length === 1 && commands[0] === ANY_NAME;
  return (name === id ? "" : ` name=${name}`) + (all ? "" : ` commands=${commands.join(",")}`);
}

function readLine(line: string, number: number, file: string): KeyLine {
  const [text = "", ...words] = line.split(/[ \t]+/);
  const prefix = text.slice(0, text.lastIndexOf("1")).toLowerCase();
  const kind = KEY_KINDS.find((known) => prefix === `cb-${known}`);
  if (kind === undefined) {
    if (parseOriginalKey(line) !== undefined) {
      const hint = `Convert it with cb-keygen import ${shellWord(file)}`;
      throw refusal(file, "it is a key file of the original cbradio", { hint });
    }
    throw refusal(file, `line ${number} is neither a key nor a comment`);
  }
  // At most 81 characters: within 90, up to which the checksum keeps its promise and the library decodes.
  const decoded = bech32m.decodeUnsafe(text);
  const bytes = decoded && bech32m.fromWordsUnsafe(decoded.words);
  if (bytes?.length !== KEY_BYTES || keyText(kind, bytes) !== text) {
    throw refusal(file, `line ${number} is damaged: the checksum of the key does not match`);
  }
  return keyFromBytes(kind, bytes, readAttributes(words, kind, number, file));
}

function readAttributes(
  words: readonly string[],
  kind: KeyKind,
  number: number,
  file: string,
): StationAttributes {
  if (words.length > 0 && kind !== "base-station-public") {
    throw refusal(file, `line ${number} has more than a key`);
  }
  let attributes: StationAttributes = {};
  for (const word of words) {
    const [, attribute, value = ""] = /^(name|commands)=(.*)$/.exec(word) ?? [];
    if (attribute !== "name" && attribute !== "commands") {
      throw refusal(file, `line ${number} has an unknown word after the key, known are name= and commands=`);
    }
    if (attributes[attribute] !== undefined) throw refusal(file, `line ${number} has ${attribute}= twice`);
    attributes = { ...attributes, [attribute]: readAttribute(attribute, value, number, file) };
  }
  return attributes;
}

function readAttribute(attribute: keyof StationAttributes, text: string, number: number, file: string) {
  try {
    return attribute === "name" ? parseName<Identity>(text) : parseNamePatterns(text);
  } catch {
    const expected = attribute === "name" ? "a name" : "names with * and ?, separated by commas";
    throw refusal(file, `${attribute}= in line ${number} is not ${expected}`);
  }
}

function refusal(file: string, reason: string, options?: { readonly hint: string }): CbError {
  return new CbError("key", `Cannot use "${printable(file)}": ${reason}`, options);
}
