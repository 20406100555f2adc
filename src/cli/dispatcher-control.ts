/** What a running dispatcher can be asked, over the socket in its state directory. */
import { CbError } from "../core/errors.ts";
import { dispatcherSocket } from "./dispatcher-state.ts";
import { askAt } from "./unix-answers.ts";

export type DispatcherQuestion =
  | { readonly ask: "status" }
  | { readonly ask: "stop"; readonly run: string }
  | { readonly ask: "list" }
  | { readonly ask: "show" | "retry" | "drop"; readonly item: string };

/** Milliseconds for an answer; whoever has a post made again waits for the server. */
export const ANSWER_MS = 75_000;

/**
 * The dispatcher's answer, which is of our own making and version.
 *
 * @throws {CbError} `file` where no dispatcher answers, `usage` for what it says to the question
 */
export async function askDispatcher<Answer>(
  stateDirectory: string,
  question: DispatcherQuestion,
): Promise<Answer> {
  const answer = await askAt(dispatcherSocket(stateDirectory), "dispatcher", question, ANSWER_MS);
  if (typeof answer === "object" && answer !== null && "problem" in answer)
    throw new CbError("usage", String(answer.problem));
  return answer as Answer;
}
