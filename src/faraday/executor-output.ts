/** What an executor prints, drained to its end: standard output as lines of results, standard error as words without secrets. */
import type { ExecutionEnd, ExecutionOptions, execute } from "../exec/execution.ts";
import type { Executor } from "./executor-catalog.ts";
import { type ResultLine, ResultLines } from "./result-lines.ts";
import { LinesWithoutSecrets } from "./secrets.ts";

export type ExecutorEvent =
  /** Those that came together. */
  | { readonly kind: "results"; readonly lines: readonly ResultLine[] }
  /** `text` as it came, with secrets; `lines` without. */
  | { readonly kind: "said"; readonly text: string; readonly lines: readonly string[] }
  | { readonly kind: "end"; readonly end: ExecutionEnd };

type Surroundings = Omit<ExecutionOptions, "arguments"> & {
  readonly execute: typeof execute;
  /** What may not be shown of standard error. */
  readonly secrets: readonly string[];
};

/** The last event is the end. */
export async function* executorOutput(
  { path, arguments: args, manifest }: Executor,
  { execute, secrets, ...surroundings }: Surroundings,
): AsyncGenerator<ExecutorEvent> {
  const results = new ResultLines({ longestLine: manifest.longestLine, blankLine: manifest.blankLine });
  const said = new LinesWithoutSecrets(secrets);
  const decoder = new TextDecoder();
  for await (const event of execute(path, { ...surroundings, arguments: args })) {
    if (event.kind === "end") {
      yield { kind: "results", lines: results.end() };
      yield { kind: "said", text: "", lines: said.end() };
      yield { kind: "end", end: event };
    } else if (event.stream === "stdout") {
      yield { kind: "results", lines: results.push(event.data) };
    } else {
      const text = decoder.decode(event.data, { stream: true });
      yield { kind: "said", text, lines: said.push(text) };
    }
  }
}
