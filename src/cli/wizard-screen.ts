/** Where the wizard is read and answered: at a terminal, or nowhere, and then options and defaults have to do. */
import { CbError } from "../core/errors.ts";
import { printable } from "../core/text.ts";
import type { Prompts, Reaction } from "../setup/prompts.ts";
import type { Question, Remark } from "../setup/question.ts";
import { type Stream, write } from "./output.ts";

export type Screen = {
  readonly begin: (title: string) => Promise<void>;
  readonly say: (remark: Remark) => Promise<void>;
  readonly ask: Prompts["ask"];
  /** The last that is said. */
  readonly end: (line: string) => Promise<void>;
};

export function terminalScreen(prompts: Prompts): Screen {
  return {
    begin: async (title) => prompts.begin(title),
    say: async (remark) => prompts.say(remark),
    ask: (question, options) => prompts.ask(question, options),
    end: async (line) => prompts.end(line),
  };
}

/** For a log: what is said, in lines, unless it is to be quiet; nothing is asked. */
export function plainScreen(stdout: Stream, isQuiet: boolean): Screen {
  const show = async (lines: readonly string[]) => {
    if (!isQuiet) await write(stdout, lines.map((line) => `${printable(line)}\n`).join(""));
  };
  return {
    begin: async () => {},
    say: ({ tone, lines: [first = "", ...rest] }) => {
      const indented = rest.map((line) => (line === "" ? "" : `  ${line}`));
      return show([tone === "note" ? `${first}:` : first, ...indented]);
    },
    ask: async (question) => unasked(question),
    end: (line) => show([line]),
  };
}

/** @throws {CbError} `usage` where only a person could say, naming the option that says it, too */
function unasked({ message, unasked }: Question): Reaction {
  if ("answer" in unasked) return { kind: "answer", answer: unasked.answer };
  if ("option" in unasked)
    throw new CbError("usage", `Cannot set up a dispatcher: ${unasked.option} is missing`, {
      hint: `It answers "${message}"; without --yes, and at a terminal, the wizard asks`,
    });
  throw new CbError("server", unasked.error, unasked.hint === undefined ? {} : { hint: unasked.hint });
}
