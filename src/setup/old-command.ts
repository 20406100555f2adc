/**
 * The command of an old executor of somebody's own (`cmd`), as a script.
 *
 * The original gives it to `/bin/sh -c`; a script of the same text does the same. What differs is where it starts: there
 * in the directory in which the agent was started, here in an empty one of the run. Paths that say "from where I am"
 * are looked for where that may have been.
 */
import { join } from "node:path";
import { shellWord } from "../core/shell-word.ts";
import { abridged } from "../core/text.ts";
import type { ImportSurroundings } from "./import-surroundings.ts";
import { holdsSecret } from "./open-value.ts";

export type OldCommand = {
  /** A whole executable. */
  readonly script: string;
  readonly remarks: readonly { readonly kind: "changed" | "lost"; readonly text: string }[];
};

type Look = Pick<ImportSurroundings, "isFile" | "home" | "places" | "isHidden">;

const OPEN_SECRET =
  "it seems to hold a secret, and all users can read the script: a variable would be better";

/** @param command not empty, without NUL */
export function scriptOf(command: string, look: Look): OldCommand {
  const { directory, remarks } = placeOf(command, look);
  const lines = [
    "#!/bin/sh",
    "# The command of an executor of Faraday's agent dispatcher, as it stood.",
    ...(directory === undefined ? [] : [`cd ${shellWord(directory)} || exit`]),
    command.replace(/\n+$/, ""),
  ];
  const hidden = [...wordsOf(command), directory ?? ""].find((word) =>
    look.isHidden(word.replace(/^(?:~|\$HOME|\$\{HOME\})(?=\/|$)/, () => look.home)),
  );
  return {
    script: `${lines.join("\n")}\n`,
    remarks: [
      ...remarks,
      ...(hidden === undefined
        ? []
        : [{ kind: "lost", text: `${hiddenFrom(hidden)}, and change the script` } as const]),
      ...(holdsSecret(command) ? [changed(OPEN_SECRET)] : []),
    ],
  };
}

/** The first half of what is said of a path that the service cannot reach. */
export function hiddenFrom(path: string): string {
  return `the service does not see "${abridged(path)}": move it out of people's homes`;
}

type Place = { readonly directory: string | undefined; readonly remarks: OldCommand["remarks"] };

/** Where the script must go first for its relative paths to lead where they led. */
function placeOf(command: string, { isFile, places }: Look): Place {
  // It takes care of itself.
  if (/^\s*cd\s/.test(command)) return { directory: undefined, remarks: [] };
  const words = wordsOf(command);
  const program = programOf(command);
  const isRelativeProgram = program.includes("/") && !/^[/~$]/.test(program);
  const arguments_ = words.filter((word) => word !== program && !/^[-/~$]|:\/\//.test(word));
  // A bare word is rather the name of something else.
  const wanted = isRelativeProgram ? [program] : arguments_.filter((word) => /[./]/.test(word));
  for (const directory of places) {
    const word = wanted.find((candidate) => isFile(join(directory, candidate)));
    if (word === undefined) continue;
    const why = `"${abridged(word)}" is there, and a run starts in a directory of its own`;
    return { directory, remarks: [changed(`the script goes to "${abridged(directory)}" first: ${why}`)] };
  }
  if (isRelativeProgram) {
    const looked = places.map((place) => `"${abridged(place)}"`).join(", ");
    const text = `"${abridged(program)}" is not in ${looked}: put its whole path into the script`;
    return { directory: undefined, remarks: [{ kind: "lost", text }] };
  }
  const relative = arguments_.find((word) => /^\.{1,2}\//.test(word));
  if (relative === undefined) return { directory: undefined, remarks: [] };
  const text = `"${abridged(relative)}" is in the run's own directory, which is empty at the start`;
  return { directory: undefined, remarks: [changed(text)] };
}

function changed(text: string) {
  return { kind: "changed", text } as const;
}

/** The words of a command, roughly, and each once: what stands between blanks, quotes and what else ends one in a shell. */
function wordsOf(command: string): readonly string[] {
  return [...new Set(command.split(/[\s"'`;|&()<>=,]+/).filter((word) => word !== ""))];
}

/** The first word that is no variable. */
function programOf(command: string): string {
  const words = command.split(/[\s"'`;|&()<>]+/).filter((word) => word !== "");
  return words.find((word) => !/^\w+=/.test(word)) ?? "";
}
