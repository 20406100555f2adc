/**
 * The wizard's questions on a terminal. The only door to @clack/prompts.
 *
 * Traps of clack 1.9 that are met here:
 * - Escape and Ctrl-C are one and the same to it; the key is looked at before it does;
 * - at Ctrl-D, and where the terminal goes away, a question is never answered, and the program would just end;
 * - its spinner ends the process by itself at Ctrl-C, so there is none;
 * - without colours nothing shows which line of a searchable list the keys are on, but its hint;
 * - a line that is longer than the terminal is wide breaks the frame of such a list.
 * Source: node_modules/@clack/core/dist/index.mjs, Prompt.
 */
import { styleText } from "node:util";
import {
  autocompleteMultiselect,
  intro,
  log,
  note,
  outro,
  password,
  select,
  text,
  unicode,
} from "@clack/prompts";
import { printable } from "../core/text.ts";
import type { Answer, Choice, Form, Question, Remark } from "./question.ts";

type Input = NodeJS.ReadStream;
type Output = NodeJS.WriteStream;

export type Reaction =
  | { readonly kind: "answer"; readonly answer: Answer }
  | { readonly kind: "back" }
  /** Ctrl-C, Ctrl-D, or the signal. */
  | { readonly kind: "end" };

type AskOptions = {
  readonly canGoBack: boolean;
  /** A secret was given before, and an empty answer keeps it. */
  readonly isKept: boolean;
  readonly signal: AbortSignal;
};

/** Lines of a list that are shown at once; the rest is paged. */
const PAGE = 10;
/** Of a terminal that does not know how wide it is. */
const FALLBACK_COLUMNS = 80;
/** The frame, and with it the box of a choice. */
const BESIDES_TEXT = 3;
const BESIDES_LABEL = 6;
const LAST_KEYS: ReadonlySet<string> = new Set(["return", "escape", "ctrl-c"]);

export class Prompts {
  readonly #input: Input;
  readonly #output: Output;
  readonly #hasColors: boolean;

  /** @param hasColors as NO_COLOR says, which clack itself asks for, too */
  constructor(input: Input, output: Output, hasColors: boolean) {
    this.#input = input;
    this.#output = output;
    this.#hasColors = hasColors;
  }

  begin(title: string): void {
    intro(title, { output: this.#output });
  }

  say({ tone, lines }: Remark): void {
    const output = { output: this.#output };
    const [title = "", ...rest] = lines.map(printable);
    if (tone === "note") {
      note(rest.join("\n"), title, output);
      return;
    }
    const text = [title, ...rest].flatMap((line) => wrapped(line, this.#columns - BESIDES_TEXT)).join("\n");
    if (tone === "warn") log.warn(text, output);
    // clack's own is that of a question.
    else if (tone === "done")
      log.message(text, { ...output, symbol: styleText("green", unicode ? "✓" : "v") });
    else log.info(text, output);
  }

  end(line: string): void {
    outro(line, { output: this.#output });
  }

  get #columns(): number {
    return this.#output.columns || FALLBACK_COLUMNS;
  }

  async ask({ message, form }: Question, { canGoBack, isKept, signal }: AskOptions): Promise<Reaction> {
    let key = "";
    let isOver = false;
    const end = new AbortController();
    const onEnd = () => end.abort();
    const onKey = (_text: string | undefined, { name = "", ctrl }: { name?: string; ctrl?: boolean }) => {
      key = ctrl ? `ctrl-${name}` : name;
    };
    // readline lets go of the input after an answer, too, but then there is one.
    const onPause = () => {
      setImmediate(() => {
        if (!isOver) onEnd();
      });
    };
    const keys = [
      ...(isKept ? ["Enter: as before"] : []),
      ...(canGoBack ? ["Esc: back"] : []),
      "Ctrl-C: end",
    ];
    const hint = styleText("dim", `(${keys.join(", ")})`);
    // Asked whenever it is drawn: what was answered needs no hint.
    const words = printable(message);
    const whole = () => (LAST_KEYS.has(key) ? words : `${words}  ${hint}`);
    this.#input.on("keypress", onKey).on("pause", onPause);
    signal.addEventListener("abort", onEnd, { once: true });
    if (signal.aborted) onEnd();
    try {
      const answer = await this.#show(form, whole, end.signal, isKept);
      if (typeof answer !== "symbol") return { kind: "answer", answer };
      return { kind: key === "escape" && !end.signal.aborted ? "back" : "end" };
    } finally {
      isOver = true;
      this.#input.off("keypress", onKey).off("pause", onPause);
      // clack would close the prompt once more, and the next one's terminal with it.
      signal.removeEventListener("abort", onEnd);
    }
  }

  #show(form: Form, message: () => string, signal: AbortSignal, isKept: boolean): Promise<Answer | symbol> {
    const common = { input: this.#input, output: this.#output, signal };
    switch (form.kind) {
      case "text": {
        const { initial, placeholder = "", problem } = form;
        const validate = (value: string | undefined) => problem(value ?? "");
        return text(asking(message, { ...common, initialValue: initial, placeholder, validate }));
      }
      case "secret": {
        const { problem } = form;
        const validate = (value: string | undefined) => (isKept && !value ? undefined : problem(value ?? ""));
        return password(asking(message, { ...common, validate }));
      }
      case "choice": {
        const options = form.choices.map((choice) => this.#option(choice, 0));
        return select(
          asking(message, { ...common, options, initialValue: form.initial, showInstructions: false }),
        );
      }
      case "many": {
        const here = this.#hasColors ? undefined : "here";
        const options = form.choices.map((choice) => this.#option(choice, 7, here));
        const filter = nameFilter(form.choices);
        const more = { initialValues: [...form.initial], maxItems: PAGE, filter };
        return autocompleteMultiselect(asking(message, { ...common, ...more, options }));
      }
    }
  }

  /** @param room columns that something else needs behind the label */
  #option({ value, label, problem }: Choice, room: number, hint?: string) {
    const fits = this.#columns - BESIDES_LABEL - room;
    const words = printable(label);
    const cut = words.length <= fits ? words : `${words.slice(0, Math.max(fits - 1, 1))}…`;
    return { value, label: cut, disabled: problem !== undefined, ...(hint !== undefined && { hint }) };
  }
}

/** Of what is searched for the names count first: others are found by what is said of them only where no name is. */
function nameFilter(choices: readonly Choice[]) {
  return (typed: string, { value, label = value }: { readonly value: string; readonly label?: string }) => {
    const search = typed.toLowerCase();
    const isInName = (name: string) => name.toLowerCase().includes(search);
    return choices.some((choice) => isInName(choice.value)) ? isInName(value) : isInName(label);
  };
}

/** A line in pieces that fit, broken between words where there are any; all but the first are indented as it is. */
function wrapped(line: string, columns: number): readonly string[] {
  const indent = /^ */.exec(line)?.[0] ?? "";
  // However narrow it is, each piece takes something.
  const most = Math.max(columns, indent.length + 10);
  const pieces: string[] = [];
  let piece = line;
  while (piece.length > most) {
    const blank = piece.lastIndexOf(" ", most);
    const end = blank > indent.length ? blank : most;
    pieces.push(piece.slice(0, end));
    piece = indent + piece.slice(end).trimStart();
  }
  return [...pieces, piece];
}

/** Of the options only the message may change while it is asked; clack reads it each time. */
function asking<Options extends object>(
  message: () => string,
  options: Options,
): Options & { readonly message: string } {
  return Object.defineProperty(options, "message", { get: message }) as Options & {
    readonly message: string;
  };
}
