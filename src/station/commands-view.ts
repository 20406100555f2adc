/** `cb station commands`: collects the listings of agents, and shows at the end what they have, as a table or as JSON. */
import { type Color, paint } from "../core/colors.ts";
import { CbError } from "../core/errors.ts";
import { foldNames } from "../core/name-set.ts";
import type { Identity } from "../core/names.ts";
import { abridged, count, printable } from "../core/text.ts";
import { concatAll, hex, utf8 } from "../protocol/bytes.ts";
import { MAX_LISTING_BYTES } from "../protocol/limits.ts";
import type { ListedCommand } from "../protocol/listing.ts";
import type { Exit, Stream } from "../protocol/reply.ts";
import { type CommandVersion, CommandVersions } from "./command-versions.ts";
import type { Sink } from "./line-renderer.ts";
import { shownNames } from "./shown-names.ts";
import { table } from "./table.ts";
import type { View } from "./view.ts";

/** The forms in which it can be shown. */
export type CommandsForm = "commands" | "commands-json";

/** Digits of a digest that are shown in a table. */
const SHOWN_DIGITS = 12;
const TITLES = ["COMMAND", "SHA-256", "MANIFEST", "AGENTS"];
/** Lines of a terminal that names may take where somebody lacks something, about. */
const LACK_LINES = 2;
/** Before a version that differs from that of the most agents. */
const ODD = "≠";

type Collected = { readonly pieces: Uint8Array[]; bytes: number };

export class CommandsView implements View {
  readonly #stdout: Sink;
  readonly #form: CommandsForm;
  readonly #columns: () => number;
  readonly #collected = new Map<Identity, Collected>();
  readonly #versions = new CommandVersions();
  readonly #unreadable: Identity[] = [];

  /** @param columns of the terminal now */
  constructor(form: CommandsForm, stdout: Sink, columns: () => number) {
    this.#columns = columns;
    this.#form = form;
    this.#stdout = stdout;
  }

  get losses(): readonly string[] {
    return [
      ...this.#unreadable.map((identity) => `${identity}: its list of commands cannot be read`),
      ...this.#versions.omissions.map(
        ({ agents, omitted }) =>
          `${foldNames(agents).join(",")}: ${count(omitted, "more command")}, too many for one list`,
      ),
    ];
  }

  async start(): Promise<void> {}
  async hello(): Promise<void> {}
  async flush(): Promise<void> {}

  async output(identity: Identity, stream: Stream, data: Uint8Array): Promise<void> {
    const collected = this.#collected.get(identity) ?? { pieces: [], bytes: 0 };
    this.#collected.set(identity, collected);
    collected.bytes += data.length;
    // Whoever sends more than there can be, or to standard error, sends no listing: nothing of it is kept.
    if (stream === "stderr") collected.bytes = Infinity;
    if (collected.bytes <= MAX_LISTING_BYTES) collected.pieces.push(data);
    else collected.pieces.length = 0;
  }

  async exit(identity: Identity, { ending }: Exit): Promise<void> {
    const { pieces = [] } = this.#collected.get(identity) ?? {};
    this.#collected.delete(identity);
    if (ending !== "exited") return;
    try {
      this.#versions.add(identity, concatAll(pieces));
    } catch (error) {
      if (!(error instanceof CbError)) throw error;
      this.#unreadable.push(identity);
    }
  }

  async conclude(): Promise<void> {
    const { versions, agents } = this.#versions;
    const text = this.#form === "commands" ? this.#table(this.#versions) : commandsJson(versions, agents);
    await this.#stdout.write(utf8(text));
  }

  /** A terminal has titles, for somebody reads there. */
  #table({ versions, agents, lacks }: CommandVersions): string {
    const { isTerminal, hasColors } = this.#stdout;
    const lines = commandsTable(versions, agents, isTerminal);
    const room = isTerminal ? LACK_LINES * this.#columns() : undefined;
    const absences = lacks.map((lack) => {
      const [commands, names] = [lack.commands, lack.agents].map((all) => shownNames(all, room).join(", "));
      return `${commands}: not on ${names}`;
    });
    const painted = (line: string, color: Color) => (hasColors ? paint(line, color) : line);
    return lines
      .split("\n")
      .slice(0, -1)
      .map((line, at) => (isTerminal && at === 0 ? painted(line, "dim") : line))
      .map((line) => (line.startsWith(ODD) ? painted(line, "yellow") : line))
      .concat(absences.map((line) => painted(line, "yellow")))
      .map((line) => `${line}\n`)
      .join("");
  }
}

/**
 * @param agents how many have said what they have
 * @param isTitled whether the columns have titles; then what stands there needs no other word
 */
export function commandsTable(versions: readonly CommandVersion[], agents: number, isTitled = false): string {
  if (versions.length === 0) return "";
  const hasOdd = versions.some(({ isOdd }) => isOdd);
  const rows = versions.map(({ command, agents: its, isOdd }) => {
    const everybody = its.length === agents ? `all ${count(agents, "agent")}` : undefined;
    const some = `${its.length} of ${count(agents, "agent")}: ${foldNames(its).join(",")}`;
    const mark = hasOdd ? [isOdd ? ODD : ""] : [];
    return [...mark, command.name, ...stateOf(command, isTitled), everybody ?? some, descriptionOf(command)];
  });
  const hasDescriptions = rows.some((row) => row.at(-1) !== "");
  const titles = [...(hasOdd ? [""] : []), ...TITLES, ...(hasDescriptions ? ["DESCRIPTION"] : [])];
  return table(isTitled ? [titles, ...rows] : rows);
}

/** What is run, and by which manifest; or why nothing is. */
function stateOf({ problem, digest, manifest }: ListedCommand, isTitled: boolean): readonly [string, string] {
  const none = isTitled ? "none" : "-";
  if (problem !== undefined) return [problem.replaceAll("-", " "), isTitled ? "" : "-"];
  const shown = (bytes: Uint8Array) => hex(bytes).slice(0, SHOWN_DIGITS);
  const prefix = isTitled ? "" : "manifest ";
  return [digest ? shown(digest) : "unreadable", manifest ? `${prefix}${shown(manifest)}` : none];
}

function descriptionOf({ description, detail }: ListedCommand): string {
  return abridged(description ?? detail ?? "");
}

/** One object with all of them; what is not known is null. */
export function commandsJson(versions: readonly CommandVersion[], agents: number): string {
  const digits = (bytes: Uint8Array | undefined) => (bytes === undefined ? null : hex(bytes));
  const text = (value: string | undefined) => (value === undefined ? null : printable(value));
  const commands = versions.map(({ command, agents: its, isOdd }) => ({
    command: command.name,
    agents: its,
    differs: isOdd,
    sha256: digits(command.digest),
    manifest_sha256: digits(command.manifest),
    description: text(command.description),
    problem: command.problem ?? null,
    detail: text(command.detail),
  }));
  return `${JSON.stringify({ agents, commands })}\n`;
}
