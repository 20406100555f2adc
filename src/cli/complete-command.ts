/**
 * `cb complete SHELL -- WORD...`: prints what may stand at the cursor, one candidate a line; a hidden command, which
 * the completions of the shells call (packaging/completions).
 *
 *     $ cb complete bash -- cb station --ta        $ cb complete zsh -- cb station agents forget ''
 *     --tags                                       web1<TAB>eu,web
 *     $ cb complete fish -- cb --config=           web2<TAB>us,web
 *     :files
 *
 * The words go from the program's name to the cursor, where the last one ends; it may be empty. A candidate is a
 * whole word, of the characters of names and options alone. A last line `:files` or `:directories`, which is no
 * candidate, says that the shell is to offer its own. zsh and fish get a description after a tab, and all that
 * may stand there, as they find a word by other parts than its beginning; bash gets what begins like the last word.
 * bash also hands words over as they were typed, quotes and all.
 *
 * Whatever the line is, nothing is said on standard error, nothing is written, and Redis is not asked.
 */
import { type Command, defineCommand } from "./command.ts";

/** @param commands those to complete */
export function completeCommand(commands: readonly Command[]): Command {
  return defineCommand({
    words: ["complete"],
    operands: [{ name: "shell" }, { name: "word", repeatable: true }],
    summary: "Print what may stand at the cursor of a command line",
    description: ["For the completions of bash, zsh and fish. The last word ends at the cursor."],
    examples: ["cb complete bash -- cb station --ta"],
    settings: {},
    // Loaded when it is run: it reads what no other command needs.
    run: async ({ operands, context }) =>
      (await import("./complete-lines.ts")).printCandidates(operands, commands, context),
  });
}
