/**
 * Many names as few characters, and back: `web1 web2 web3 web7` ⇄ `web[1-3,7]`, `db01 … db12` ⇄ `db[01-12]`.
 *
 * As administrators of clusters write them. A range is padded to the width of its first number, so `db[08-12]` is
 * db08, db09, db10 …; `web1` and `web01` never stand in one range. One number of a name is folded, that which folds the
 * most names; several are unfolded (`rack[1-2]-node[1-4]`).
 */
import { abridged } from "./text.ts";

/** Names that one text may stand for. */
export const MAX_NAMES = 100_000;
/** Brackets in one name; the longest name has as many characters. */
const MAX_BRACKETS = 64;
/** A longer number counts nothing: it is an id, or the time of a build. */
const MAX_DIGITS = 9;

/** A name with one of its numbers taken out. */
type Slot = { readonly before: string; readonly digits: string; readonly after: string };

/** Each name once, folded where several differ in one number only, in the order of `compareNames`. */
export function foldNames(names: Iterable<string>): readonly string[] {
  const all = [...new Set(names)].sort(compareNames);
  const sizes = new Map<string, number>();
  for (const key of all.flatMap(slotsOf).map(keyOf)) sizes.set(key, (sizes.get(key) ?? 0) + 1);

  const groups = new Map<string, Slot[]>();
  for (const name of all) {
    const slot = bestSlot(name, sizes);
    const group = groups.get(keyOf(slot)) ?? [];
    groups.set(keyOf(slot), group);
    group.push(slot);
  }
  return [...groups.values()].flatMap(foldSlots);
}

/**
 * The names that a text stands for, each once, in the order in which they come up.
 *
 * @param text names with or without brackets, separated by commas: `web[1-3,7],db01`
 * @throws {SyntaxError} naming what is expected, also for more than 100 000 names
 */
export function unfoldNames(text: string): readonly string[] {
  const names = new Set<string>();
  for (const part of splitNames(text)) {
    if (part.split("[").length > MAX_BRACKETS + 1)
      throw new SyntaxError(`"${abridged(part)}": expected ${MAX_BRACKETS} pairs of brackets at most`);
    for (const name of unfold(part)) {
      names.add(name);
      if (names.size > MAX_NAMES) throw new SyntaxError(`expected ${MAX_NAMES} names at most`);
    }
  }
  return [...names];
}

/** How others write a range: as bash does, twice in full, or its end alone. */
const RANGES_OF_OTHERS = [
  /^(?<before>[^{}]*)\{(?<first>\d{1,9})(?<sign>\.\.|-)(?<last>\d{1,9})\}(?<after>[^{}]*)$/,
  /^(?<before>.*?)(?<first>\d{1,9})(?<after>\D*?)(?<sign>-|\.\.|:)\k<before>(?<last>\d{1,9})\k<after>$/,
  /^(?<before>.*?)(?<first>\d{1,9})(?<sign>-|\.\.|:)(?<last>\d{1,9})(?<after>\D*)$/,
];
/** Two of the longest names, and a sign between them. */
const MAX_RANGE = 130;

/**
 * The fold that somebody meant who wrote a range without brackets: `web[01-05]` for `web01-web05`, `web01..05`,
 * `web01:web05` or `web{01..05}`. The first two are names as well, so this is for names that nobody has.
 *
 * `isSure` is false for what is as likely a name: `rack1-2`.
 */
export function foldMeant(text: string): { readonly fold: string; readonly isSure: boolean } | undefined {
  if (text.length > MAX_RANGE) return undefined;
  for (const [at, form] of RANGES_OF_OTHERS.entries()) {
    const { before = "", first = "", last = "", after = "", sign } = form.exec(text)?.groups ?? {};
    const more = Number(last) - Number(first);
    if (first === "" || more < 1 || more >= MAX_NAMES) continue;
    const isTwice = at === 1 && before + after !== "";
    return { fold: `${before}[${first}-${last}]${after}`, isSure: isTwice || sign !== "-" };
  }
  return undefined;
}

/** The parts of a list; commas between brackets are no ends: `web[1-3,7],db01` has two. */
export function splitNames(text: string): readonly string[] {
  const parts: string[] = [];
  let begin = 0;
  let isOpen = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === "[" || character === "]") isOpen = character === "[";
    if (character !== "," || isOpen) continue;
    parts.push(text.slice(begin, at));
    begin = at + 1;
  }
  return [...parts, text.slice(begin)];
}

/** As people count: web2 before web10, and web1 before web01. */
export function compareNames(one: string, other: string): number {
  const [parts, others] = [one, other].map((name) => name.match(/\d+|\D+/g) ?? []);
  for (const [at, part] of (parts ?? []).entries()) {
    const its = others?.[at] ?? "";
    if (part === its) continue;
    const difference = BigInt(/\d/.test(part) ? part : 0) - BigInt(/\d/.test(its) ? its : 0);
    if (/\d/.test(part) && /\d/.test(its))
      return difference === 0n ? part.length - its.length : Number(difference);
    return part < its ? -1 : 1;
  }
  return one.length - other.length;
}

function slotsOf(name: string): readonly Slot[] {
  return [...name.matchAll(/\d+/g)]
    .filter(([digits]) => digits.length <= MAX_DIGITS)
    .map(({ 0: digits, index }) => ({
      before: name.slice(0, index),
      digits,
      after: name.slice(index + digits.length),
    }));
}

function keyOf({ before, digits, after }: Slot): string {
  return digits === "" ? before : `${before}\0${after}`;
}

/** The number that most other names have at the same place; the last of them, as in rack2-node17. */
function bestSlot(name: string, sizes: ReadonlyMap<string, number>): Slot {
  let best: Slot = { before: name, digits: "", after: "" };
  let size = 1;
  for (const slot of slotsOf(name)) {
    const its = sizes.get(keyOf(slot)) ?? 0;
    if (its > 1 && its >= size) [best, size] = [slot, its];
  }
  return best;
}

/** @param slots alike but for their digits, in order */
function foldSlots(slots: readonly Slot[]): readonly string[] {
  const [{ before, digits, after } = { before: "", digits: "", after: "" }] = slots;
  if (slots.length === 1) return [`${before}${digits}${after}`];
  const byWidth = new Map<number, string[]>();
  const padded = slots.map((slot) => slot.digits).filter(isPadded);
  const widths = [...new Set(padded.map(({ length }) => length))];
  for (const { digits: number } of slots) {
    const fitting = widths.filter((width) => width <= number.length);
    const width = isPadded(number) ? number.length : Math.max(1, ...fitting);
    const numbers = byWidth.get(width) ?? [];
    byWidth.set(width, numbers);
    numbers.push(number);
  }
  return [...byWidth.values()].map((numbers) => {
    const text = rangesOf(numbers).join(",");
    return numbers.length === 1 ? `${before}${text}${after}` : `${before}[${text}]${after}`;
  });
}

function isPadded(digits: string): boolean {
  return digits.length > 1 && digits.startsWith("0");
}

/** @param numbers in order */
function rangesOf(numbers: readonly string[]): readonly string[] {
  const ranges: { readonly first: string; last: string }[] = [];
  for (const number of numbers) {
    const range = ranges.at(-1);
    if (range !== undefined && Number(number) === Number(range.last) + 1) range.last = number;
    else ranges.push({ first: number, last: number });
  }
  return ranges.map(({ first, last }) => (first === last ? first : `${first}-${last}`));
}

function unfold(text: string): readonly string[] {
  const [, before = "", ranges, after = ""] = /^([^[\]]*)\[([^[\]]*)\](.*)$/s.exec(text) ?? [];
  if (ranges === undefined) {
    if (/[[\]]/.test(text))
      throw new SyntaxError(`"${abridged(text)}": expected brackets in pairs, as in web[1-3,7]`);
    return [text];
  }
  const numbers = ranges.split(",").flatMap(unfoldRange);
  const ends = unfold(after);
  if (numbers.length * ends.length > MAX_NAMES) throw new SyntaxError(`expected ${MAX_NAMES} names at most`);
  return numbers.flatMap((number) => ends.map((end) => `${before}${number}${end}`));
}

function unfoldRange(range: string): readonly string[] {
  const [, first = "", last = first] = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(range) ?? [];
  const count = Number(last) - Number(first) + 1;
  if (first === "" || count < 1)
    throw new SyntaxError(`"${abridged(range)}": expected a number or a range, as in 1-3`);
  if (count > MAX_NAMES) throw new SyntaxError(`expected ${MAX_NAMES} names at most`);
  const width = isPadded(first) ? first.length : 1;
  return Array.from({ length: count }, (_, at) => String(Number(first) + at).padStart(width, "0"));
}
