/** What the wizard asks and says, as values: a terminal shows them, and so does a test. */

/** An answer to `many` is a list. */
export type Answer = string | readonly string[];

export type Choice = {
  readonly value: string;
  readonly label: string;
  /** Why it cannot be chosen. */
  readonly problem?: string | undefined;
};

/** `initial` is there from the start; a placeholder is shown until something is typed, and is no answer. */
export type Form =
  | {
      readonly kind: "text";
      readonly initial: string;
      readonly placeholder?: string;
      /** What is wrong with an answer: `expected …`. */
      readonly problem: (text: string) => string | undefined;
    }
  | {
      /** What is typed is not shown. */
      readonly kind: "secret";
      readonly problem: (text: string) => string | undefined;
    }
  | { readonly kind: "choice"; readonly initial: string; readonly choices: readonly Choice[] }
  | { readonly kind: "many"; readonly initial: readonly string[]; readonly choices: readonly Choice[] };

/** What is done where nobody can be asked: an answer is taken, or an error ends it, which may name the option that is missing. */
export type Unasked =
  | { readonly answer: Answer }
  | { readonly option: string }
  | { readonly error: string; readonly hint?: string | undefined };

export type Question = {
  /** Finds the option that answers it, and what was answered before; need not be the only one of its name. */
  readonly id: string;
  /** One short line. */
  readonly message: string;
  readonly form: Form;
  readonly unasked: Unasked;
};

/** `step`: it begins; `done`: it went well; `warn`: look at it; `note`: a box of lines, the first of which is its title. */
export type Tone = "step" | "done" | "warn" | "note";

export type Remark = { readonly tone: Tone; readonly lines: readonly string[] };

/** What is written has to be found from anywhere, by whoever starts the dispatcher. */
export function pathProblem(text: string): string | undefined {
  return text.startsWith("/") && !text.includes("\0") ? undefined : "expected a path from / on";
}
