/**
 * A report in XML, child of the root by child, while it is still being written; the only door to saxes.
 *
 * What stands in it comes from whoever was scanned, so memory is bounded by the largest child that is allowed, and
 * no entity is expanded but the five of XML itself. Nothing is thrown: a fault ends the reading, and whatever was
 * complete before it has been given out.
 */
import { SaxesParser } from "saxes";
import { shortened } from "../core/text.ts";

export type XmlElement = {
  readonly name: string;
  /** Without a prototype: names are the report's. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  /** Of the element itself, not of its children. */
  readonly text: string;
};

type OpenElement = {
  name: string;
  attributes: Record<string, string>;
  children: OpenElement[];
  text: string;
};

/** Characters of one child of the root. */
const LONGEST_CHILD = 64 * 1024 * 1024;
/** Levels below the root; deeper ones are passed over. Scripts of nmap need 8. */
const MAX_DEPTH = 40;
/** Where reading ends: saxes remembers each element that is open, at 200 bytes for the 3 of "<a>". */
const DEEPEST = 256;
/** Characters between two looks at whether to go on: saxes does not stop at a fault. */
const PIECE = 64 * 1024;

export class XmlStream {
  readonly #parser = new SaxesParser();
  readonly #decoder = new TextDecoder();
  readonly #longestChild: number;
  /** From the child of the root down to the innermost element. */
  readonly #open: OpenElement[] = [];
  /** Levels below the root, also those that are passed over. */
  #depth = -1;
  #hasEnded = false;
  #complete: XmlElement[] = [];
  /** Where the last of them ended. */
  #completedAt = -1;
  #length = 0;
  #problem: string | undefined;

  /** @param root the name that the root must have */
  constructor(root: string, longestChild = LONGEST_CHILD) {
    this.#longestChild = longestChild;
    this.#parser.on("error", ({ message }) => this.#fail(message));
    this.#parser.on("opentag", ({ name, attributes }) => {
      if (this.#depth < 0 && name !== root) this.#fail(`expected <${root}>, found <${name}>`);
      if (this.#problem === undefined) this.#begin({ name, attributes, children: [], text: "" });
    });
    const onText = (text: string) => {
      const element = this.#depth === this.#open.length ? this.#open.at(-1) : undefined;
      if (element !== undefined) element.text += text;
    };
    this.#parser.on("text", onText);
    this.#parser.on("cdata", onText);
    this.#parser.on("closetag", () => {
      if (this.#problem === undefined) this.#end();
    });
  }

  /** What is wrong, in one harmless line; from then on nothing is read. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Takes the next bytes, in UTF-8; the children of the root that they complete. */
  push(bytes: Uint8Array): readonly XmlElement[] {
    return this.#read(this.#decoder.decode(bytes, { stream: true }));
  }

  /** To be called at the end of the input; then `problem` is all that can be wrong with it. */
  end(): readonly XmlElement[] {
    const last = this.#read(this.#decoder.decode());
    if (!this.#hasEnded) this.#fail(this.#depth < 0 ? "it is empty" : "it ends in the middle");
    return last;
  }

  #read(text: string): readonly XmlElement[] {
    if (this.#problem !== undefined) return [];
    this.#length += text.length;
    for (let at = 0; at < text.length && this.#problem === undefined; at += PIECE)
      this.#parser.write(text.slice(at, at + PIECE));
    if (this.#length > this.#longestChild)
      this.#fail(`an element is longer than ${this.#longestChild} characters`);
    const complete = this.#complete;
    this.#complete = [];
    return complete;
  }

  #begin(element: OpenElement): void {
    this.#depth += 1;
    if (this.#depth > DEEPEST) this.#fail(`elements are nested deeper than ${DEEPEST}`);
    if (this.#depth === 0 || this.#depth > MAX_DEPTH) return;
    this.#open.at(-1)?.children.push(element);
    this.#open.push(element);
  }

  #end(): void {
    const element = this.#depth === this.#open.length ? this.#open.pop() : undefined;
    this.#depth -= 1;
    if (this.#depth < 0) this.#hasEnded = true;
    if (this.#depth !== 0 || element === undefined) return;
    this.#complete.push(element);
    this.#completedAt = this.#parser.position;
    this.#length = 0;
  }

  #fail(problem: string): void {
    if (this.#problem !== undefined) return;
    this.#problem = shortened(problem);
    // saxes ends an element at any closing tag, and then says that it was another's.
    if (this.#parser.position === this.#completedAt) this.#complete.pop();
  }
}

/** The children of that name. */
export function childrenOf(element: XmlElement | undefined, name: string): readonly XmlElement[] {
  return element?.children.filter((child) => child.name === name) ?? [];
}

/** An attribute, or "" where there is none. */
export function attribute(element: XmlElement | undefined, name: string): string {
  return element?.attributes[name] ?? "";
}
