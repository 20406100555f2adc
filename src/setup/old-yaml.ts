/**
 * YAML to values with lines; the only door to `yaml`.
 *
 * The schema is the one in which every scalar is a text, for the original's reader follows YAML 1.1 and this library
 * 1.2: what `yes`, `5985` and `~` are is decided by key. Of a key that is there twice the last counts, as there; there
 * it was not said. Merged tables (`<<`) and references are followed; what they unfold to is counted, as a page of them
 * can unfold to more than any memory holds. No message quotes the file: its values may be secrets.
 * Source: YAML 1.1; PyYAML's safe_load, by its answers; the library's src/compose.
 */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
} from "yaml";
import type { Notes } from "./notes.ts";
import { importError, MAX_PIECES, type OldEntry, type OldTable, type OldValue } from "./old-value.ts";

const MAX_DEPTH = 50;
const TEXT_TAG = "tag:yaml.org,2002:str";
const TAGS = /^(?:!|tag:yaml\.org,2002:(?:str|int|float|bool|null|map|seq))$/;

/** By the library's codes; what is not here is said in general. */
const PROBLEMS: Readonly<Record<string, string>> = {
  BAD_INDENT: "its indentation does not fit the lines above",
  BAD_SCALAR_START: "a value begins with a character that needs quotes around it",
  BLOCK_AS_IMPLICIT_KEY: "a second colon: put the value into quotes",
  MISSING_CHAR: "a quote or a bracket is not closed",
  MULTIPLE_DOCS: "a second document begins, expected one",
  RESOURCE_EXHAUSTION: "nested too deep",
  TAB_AS_INDENT: "a tab stands where blanks are expected",
};

/**
 * @param path for messages
 * @param notes get the keys that are there twice
 * @returns undefined for a file in which there is nothing
 * @throws {CbError} `setting`, with the line
 */
export function readYaml(text: string, path: string, notes: Notes): OldValue | undefined {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    schema: "failsafe",
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: "error",
    lineCounter: lines,
  });
  return new YamlReader(path, lines, notes).read(document);
}

type Place = {
  /** Of what stands before, for what is empty. */
  readonly line: number;
  readonly depth: number;
  /** The keys that lead there. */
  readonly name: string;
};

class YamlReader {
  readonly #path: string;
  readonly #lines: LineCounter;
  readonly #notes: Notes;
  /** What can be referred to, and how many pieces it is. */
  readonly #anchors = new Map<string, { readonly value: OldValue; readonly pieces: number }>();
  #pieces = 0;

  constructor(path: string, lines: LineCounter, notes: Notes) {
    this.#path = path;
    this.#lines = lines;
    this.#notes = notes;
  }

  read({ errors: [error], contents }: Document.Parsed): OldValue | undefined {
    if (error !== undefined) {
      const why = PROBLEMS[error.code] ?? "it is no YAML from here on";
      throw importError(this.#path, this.#lineAt(error.pos[0]), why);
    }
    return contents === null ? undefined : this.#value(contents, { line: 1, depth: 0, name: "" });
  }

  #value(node: Node | null, place: Place): OldValue {
    const { line, depth } = place;
    if (node === null) return { kind: "text", line, text: "", isPlain: true };
    const start = node.range?.[0];
    const at = start === undefined ? line : this.#lineAt(start);
    if (depth > MAX_DEPTH) throw this.#error(at, "nested too deep");
    const before = this.#pieces;
    this.#count(1, at);
    if (isAlias(node)) {
      const anchor = this.#anchors.get(node.source);
      if (anchor === undefined)
        throw this.#error(at, "it refers to what is not above: put it into quotes if it begins with *");
      this.#count(anchor.pieces, at);
      return anchor.value;
    }
    if (node.tag !== undefined && !TAGS.test(node.tag))
      throw this.#error(at, "a tag that is not known: put the value into quotes if it begins with !");
    const value = this.#unnamed(node, at, place);
    if ("anchor" in node && node.anchor !== undefined)
      this.#anchors.set(node.anchor, { value, pieces: this.#pieces - before });
    return value;
  }

  #unnamed(node: Node, at: number, place: Place): OldValue {
    if (isScalar(node)) {
      const text = String(node.value ?? "");
      const isPlain = node.type === "PLAIN" && node.tag !== TEXT_TAG;
      return { kind: "text", line: text === "" ? place.line : at, text, isPlain };
    }
    if (isSeq<Node | Pair<Node, Node | null>>(node)) {
      const items = node.items.map((item) => {
        if ("key" in item) throw this.#error(at, "it is no YAML from here on");
        return this.#value(item, { ...place, line: at, depth: place.depth + 1 });
      });
      return { kind: "list", line: at, items };
    }
    if (isMap<Node, Node | null>(node))
      return this.#table(node.items, { ...place, line: at, depth: place.depth + 1 });
    throw this.#error(at, "it is no YAML from here on");
  }

  #table(pairs: readonly Pair<Node, Node | null>[], place: Place): OldTable {
    const merged: OldEntry[] = [];
    const own = new Map<string, OldEntry>();
    for (const { key: keyNode, value: valueNode } of pairs) {
      const key = this.#value(keyNode, place);
      if (key.kind !== "text") throw this.#error(key.line, "expected a word before the colon");
      const name = place.name === "" ? key.text : `${place.name}.${key.text}`;
      const value = this.#value(valueNode, { ...place, line: key.line, name });
      const earlier = own.get(key.text);
      // One by one: as arguments of one call they may be too many.
      if (key.text === "<<" && key.isPlain) for (const entry of this.#merged(value)) merged.push(entry);
      else own.set(key.text, { key: key.text, line: key.line, value });
      if (earlier !== undefined)
        this.#notes.add("left", earlier.line, name, `it stands again on line ${key.line}, which counts`);
    }
    const all = new Map([...merged, ...own.values()].map((entry) => [entry.key, entry]));
    return { kind: "table", line: place.line, entries: [...all.values()] };
  }

  /** Of several tables the first is the strongest, so it comes last. */
  #merged(value: OldValue): readonly OldEntry[] {
    const tables = value.kind === "list" ? value.items.toReversed() : [value];
    return tables.flatMap((table) => {
      if (table.kind !== "table") throw this.#error(value.line, "expected a table to merge");
      return table.entries;
    });
  }

  #count(pieces: number, line: number): void {
    this.#pieces += pieces;
    if (this.#pieces > MAX_PIECES)
      throw this.#error(line, `it has more than ${MAX_PIECES} values, references counted each time`);
  }

  #lineAt(offset: number): number {
    return Math.max(this.#lines.linePos(offset).line, 1);
  }

  #error(line: number, why: string) {
    return importError(this.#path, line, why);
  }
}
