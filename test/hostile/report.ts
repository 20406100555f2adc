/** What a station has said: the facts in its report, and the output of agents that it showed. */
import { unfoldNames } from "../../src/core/name-set.ts";
import type { Stream } from "../../src/protocol/reply.ts";
import type { Facts } from "./expectation.ts";
import type { Told } from "./station.ts";

type Sentence = {
  readonly fact: string;
  /** What it adds to the exit status. */
  readonly bit: number;
  /** With `times` and `who`, where it has them. */
  readonly pattern: RegExp;
};

const SENTENCES: readonly Sentence[] = [
  {
    fact: "foreign",
    bit: 32,
    pattern: /^(?<times>\d+) items? in the reply list, not from any agent of this network$/,
  },
  { fact: "no-hello", bit: 32, pattern: /^(?<times>\d+) repl(?:y|ies) without a hello before$/ },
  { fact: "altered", bit: 32, pattern: /^(?<times>\d+) repl(?:y|ies) altered on the way from (?<who>\S+)$/ },
  { fact: "gap", bit: 32, pattern: /^replies lost on the way from (?<who>\S+): (?<times>\d+) missing$/ },
  { fact: "wrong-challenge", bit: 32, pattern: /^(?<times>\d+) repl(?:y|ies) to another request$/ },
  { fact: "bad-signature", bit: 32, pattern: /^(?<times>\d+) repl(?:y|ies) with a bad signature$/ },
  { fact: "hole", bit: 32, pattern: /^output incomplete from (?<who>\S+): \d+ bytes?(?: of \w+)? missing$/ },
  { fact: "short", bit: 32, pattern: /^output incomplete from (?<who>\S+): \d+ of \d+ bytes? of .+ came$/ },
  { fact: "dropped", bit: 32, pattern: /^output incomplete from (?<who>\S+): the agent dropped \d+ bytes?$/ },
  { fact: "lost", bit: 32, pattern: /^replies may be missing: .+$/ },
  { fact: "repeat", bit: 0, pattern: /^(?<times>\d+) repl(?:y|ies) came more than once, shown once$/ },
  {
    fact: "silent",
    bit: 8,
    pattern:
      /^(?<who>\S+) is running and (?:said nothing for [\d.]+ s|could not be heard any more), its command may still run$/,
  },
  {
    fact: "unconfirmed",
    bit: 0,
    pattern: /^(?<who>\S+) (?:is running|has not confirmed the cancel), its command may still run$/,
  },
  { fact: "failed", bit: 4, pattern: /^(?<who>\S+): exit status 3 after .+$/ },
  { fact: "cancelled", bit: 4, pattern: /^(?<who>\S+): cancelled after .+$/ },
  { fact: "missing", bit: 2, pattern: /^(?<who>\S+) is missing, last seen .+$/ },
  { fact: "unheard", bit: 64, pattern: /^(?<times>\d+) of \d+ that listen did not answer: .+$/ },
  { fact: "nobody", bit: 64, pattern: /^nobody answered(?:: nobody listens on channel ".+")?$/ },
  {
    fact: "nobody",
    bit: 64,
    pattern: /^no agent (?:that answered )?(?:was meant|has the tags? \S+) \(\d+ agents? answered\)$/,
  },
  { fact: "new", bit: 0, pattern: /^(?<times>\d+) new agents?: .+$/ },
];

/** What is said while nothing is heard, and taken back. */
const STANDSTILL = /^cb: (no sign of life from the hub for|the hub answers again, after) [\d.]+ s/;
/** What is missing while others run is only so until it answers. */
const LATE = /^cb: (\S+) has answered after all$/;

export type Report = {
  readonly facts: Facts;
  /** The exit status that these facts make. */
  readonly status: number;
  /** Lines of the station's own that tell no fact. */
  readonly strange: readonly string[];
};

/** `a[1-2] (2 agents) are missing`: what is said of several at once, as it is said of each. */
function ofEach(line: string): readonly string[] {
  const [, names, rest = ""] = /^cb: (\S+(?:, \S+)*) \(\d+ agents\)(.*)$/.exec(line) ?? [];
  if (names === undefined) return [line];
  const singular = rest
    .replace(/^ are /, " is ")
    .replace(/^ have /, " has ")
    .replace("their commands", "its command")
    .replace(/^(: exit status \d+|: cancelled)/, "$1 after some time");
  return unfoldNames(names.replaceAll(", ", ",")).map((name) => `cb: ${name}${singular}`);
}

export function readReport({ stderr }: Pick<Told, "stderr">): Report {
  const facts: Facts = new Map();
  const strange: string[] = [];
  const bits = new Map<string, number>();
  for (const line of textOf(stderr).split("\n").flatMap(ofEach)) {
    if (!line.startsWith("cb: ") || STANDSTILL.test(line)) continue;
    const [, late] = LATE.exec(line) ?? [];
    if (late !== undefined) {
      facts.delete(`missing ${late}`);
      bits.delete(`missing ${late}`);
      continue;
    }
    const [found] = SENTENCES.flatMap(({ fact, bit, pattern }) => {
      const match = pattern.exec(line.slice("cb: ".length));
      return match === null ? [] : ([{ fact, bit, ...match.groups }] as readonly Found[]);
    });
    if (found === undefined) {
      strange.push(line);
      continue;
    }
    const { fact, bit, who, times } = found;
    const key = who === undefined ? fact : `${fact} ${who}`;
    facts.set(key, Number(times ?? 1));
    bits.set(key, bit);
  }
  const status = [...bits.values()].reduce((sum, bit) => sum | bit, 0);
  return { facts, status, strange };
}

type Found = {
  readonly fact: string;
  readonly bit: number;
  readonly who?: string;
  readonly times?: string;
};

/** By identity, what a station showed of a stream. */
export function shownBy(
  { stdout, stderr }: Pick<Told, "stdout" | "stderr">,
  stream: Stream,
): ReadonlyMap<string, Uint8Array> {
  const shown = new Map<string, string>();
  const pattern = stream === "stdout" ? /^(\S+) │ (.*)$/ : /^(\S+) ! (.*)$/;
  for (const line of textOf(stream === "stdout" ? stdout : stderr).split("\n")) {
    const [, identity, text] = pattern.exec(line) ?? [];
    if (identity !== undefined) shown.set(identity, `${shown.get(identity) ?? ""}${text}\n`);
  }
  return new Map([...shown].map(([identity, text]) => [identity, Buffer.from(text)]));
}

/** How what is shown resembles what was printed. A line that broke off is ended by the station. */
export function compare(
  shown: Uint8Array,
  printed: Uint8Array,
): "whole" | "prefix" | "with holes" | "altered" {
  const original = Buffer.from(printed);
  if (original.equals(shown)) return "whole";
  let rest = shown;
  let at = 0;
  for (let pieces = 1; ; pieces += 1) {
    const length = commonLength(rest, original.subarray(at));
    rest = rest.subarray(length);
    const isOver = rest.length === 0 || (rest.length === 1 && rest[0] === 10);
    if (isOver) return pieces === 1 ? "prefix" : "with holes";
    // Lines have more in them that is their own than this.
    at = original.indexOf(rest.subarray(0, 16), at + length);
    if (at < 0) return "altered";
  }
}

function commonLength(one: Uint8Array, other: Uint8Array): number {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length += 1;
  return length;
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}
