/** The lines that `cb complete` prints; what they look like is said in `complete-command.ts`. */
import { ExitStatus } from "../core/errors.ts";
import { parseChoice } from "../core/parse.ts";
import { cryptoReady } from "../protocol/crypto.ts";
import { type Command, type Context, parseOperand } from "./command.ts";
import { type Candidate, complete } from "./complete.ts";
import { knownTo, RUN_DIRECTORIES } from "./complete-known.ts";
import { write } from "./output.ts";

const parseShell = parseChoice("bash", "zsh", "fish");

/**
 * @param operands the shell, and the words
 * @throws {CbError} `usage` for another shell, `output`
 */
export async function printCandidates(
  [shellText = "", ...typed]: readonly string[],
  commands: readonly Command[],
  { environment, stdout }: Context,
): Promise<number> {
  const shell = parseOperand("shell", shellText, parseShell);
  // The keys of known_agents are told apart by their ids.
  await cryptoReady();
  const isBash = shell === "bash";
  const words = isBash ? typed.map(unquoted) : typed;
  const { candidates, paths } = complete(words, commands, (line) =>
    knownTo(commands, line, environment, RUN_DIRECTORIES),
  );
  const typedLast = words.at(-1) ?? "";
  const lines = isBash
    ? candidates.map(({ text }) => text).filter((text) => text.startsWith(typedLast))
    : candidates.map(described);
  const all = paths === undefined ? lines : [...lines, `:${paths}`];
  await write(stdout, all.map((line) => `${line}\n`).join(""));
  return ExitStatus.ok;
}

function described({ text, about }: Candidate): string {
  return about === undefined ? text : `${text}\t${about}`;
}

/** A word without the quotes of a shell, open ones included; nothing in it is expanded. */
function unquoted(word: string): string {
  return word.replace(
    /\\(.)|'([^']*)'?|"((?:[^"\\]|\\.)*)"?/gs,
    (_, escaped?: string, single?: string, double?: string) =>
      escaped ?? single ?? (double ?? "").replace(/\\(["\\$`])/g, "$1"),
  );
}
