/**
 * Writes mdoc(7), and fills in the marks of our sources in packaging/man:
 *
 *     .Dd                                  alone in its line: gets the date
 *     .\"@ options station                 a block, which the tables of the program fill in
 *     .\"@ about reply-wait                what a person adds to one of its items
 *     It is told when …
 *     .\"@ end
 *
 * To mdoc a mark is a comment, so that a source can be read with man(1) as it is.
 */
import { Failure } from "./program.ts";

/** One item of a list. */
export type Item = {
  /** By which a person adds to it. */
  readonly name: string;
  /** Arguments of `.It`, macros and all. */
  readonly head: string;
  /** Lines of mdoc. */
  readonly body: readonly string[];
  /** Lines in front of it, such as the end of one list, a title and the beginning of another. */
  readonly before?: readonly string[];
};

/** The items of a block, by the words of its mark; undefined for one that is not known. */
export type Blocks = (words: readonly string[]) => readonly Item[] | undefined;

const MARK = '.\\"@ ';

/**
 * The page that a source becomes.
 *
 * @param name of the source, for messages
 * @param date seconds since the epoch
 * @throws {Failure} for a mark that is not known, and for what is said about an item that is not there
 */
export function fillIn(source: string, name: string, date: number, blocks: Blocks): string {
  const lines: string[] = [];
  const input = source.split("\n");
  const refuse = (index: number, why: string) =>
    new Failure(`Cannot make ${name}: line ${index + 1}: ${why}`);
  for (let index = 0; index < input.length; index += 1) {
    const line = input[index] ?? "";
    if (line === ".Dd") lines.push(`.Dd ${dateText(date)}`);
    else if (!line.startsWith(MARK)) lines.push(line);
    else {
      const words = line.slice(MARK.length).split(" ");
      const items = blocks(words);
      if (items === undefined) throw refuse(index, `no such block as "${words.join(" ")}"`);
      const end = input.indexOf(`${MARK}end`, index);
      if (end < 0) throw refuse(index, "its block has no end");
      const added = additions(input.slice(index + 1, end));
      const stranger = [...added.keys()].find((key) => !items.some((item) => item.name === key));
      if (stranger !== undefined) throw refuse(index, `its block has no "${stranger}"`);
      for (const { name: its, head, body, before = [] } of items)
        lines.push(...before, `.It ${head}`, ...body, ...(added.get(its) ?? []));
      index = end;
    }
  }
  return wrapped(lines).join("\n");
}

/** Lines of text as short as mandoc(1) wants them; what they look like in the end does not change. */
function wrapped(lines: readonly string[]): readonly string[] {
  let isLiteral = false;
  return lines.flatMap((line) => {
    if (line.startsWith(".Bd -literal")) isLiteral = true;
    if (line === ".Ed") isLiteral = false;
    return isLiteral || line.startsWith(".")
      ? [line]
      : (line.match(/.{1,79}(?= |$)/g) ?? [line]).map(unindented);
  });
}

function unindented(line: string): string {
  // A word that has come to the front may look like a macro.
  return line.trimStart().replace(/^(?=[.'])/, "\\&");
}

/** What stands in a block, by the names of its items. */
function additions(lines: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const added = new Map<string, string[]>();
  let current: string[] = [];
  for (const line of lines) {
    if (line.startsWith(`${MARK}about `)) {
      current = [];
      added.set(line.slice(`${MARK}about `.length), current);
    } else {
      current.push(line);
    }
  }
  return added;
}

/** Plain text as lines of mdoc, each sentence in its own, as mandoc(1) wants it. */
export function prose(text: string): readonly string[] {
  return escapeText(text)
    .split(/(?<=[^.]{3}\.) +/)
    .map((line) => line.replace(/^(?=[.'])/, "\\&"));
}

/** Text that stands for itself, also as an argument of a macro. */
export function escapeText(text: string): string {
  return (
    text
      .replaceAll("\\", "\\e")
      // As typed: elsewhere they may become typographic ones.
      .replace(/(?<![\w-])--?[a-z][a-z-]*/gi, (option) => option.replaceAll("-", "\\-"))
      .replaceAll('"', "\\(dq")
      .replaceAll("~", "\\(ti")
      .replaceAll("^", "\\(ha")
  );
}

function dateText(seconds: number): string {
  const format = { year: "numeric", month: "long", day: "numeric", timeZone: "UTC" } as const;
  return new Intl.DateTimeFormat("en-US", format).format(new Date(seconds * 1000));
}
