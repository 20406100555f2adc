/** From the name of a form of output to what shows it. */
import { type CommandsForm, CommandsView } from "./commands-view.ts";
import { FoldedView } from "./folded-view.ts";
import type { KeptOutputs } from "./kept-outputs.ts";
import type { Sink } from "./line-renderer.ts";
import { LiveView } from "./live-view.ts";
import { NdjsonView } from "./ndjson-view.ts";
import { QUIET, RawView } from "./raw-view.ts";
import type { OutputForm, View } from "./view.ts";

/** Besides what an operator can ask for, what a request has of its own. */
export type ShownForm = OutputForm | CommandsForm;

/**
 * @param columns of the terminal now
 * @param kept where a view beside it keeps outputs already
 */
export function openView(
  form: ShownForm,
  stdout: Sink,
  stderr: Sink,
  columns: () => number,
  kept?: KeptOutputs,
): View {
  switch (form) {
    case "live":
      return new LiveView(stdout, stderr);
    case "folded":
      return new FoldedView(stdout, columns, undefined, kept);
    case "both":
      return new FoldedView(stdout, columns, new LiveView(stdout, stderr), kept);
    case "raw":
      return new RawView(stdout, stderr);
    case "ndjson":
      return new NdjsonView(stdout);
    case "quiet":
      return QUIET;
    case "commands":
    case "commands-json":
      return new CommandsView(form, stdout, columns);
  }
}

/** Whether a status line can stand below it: not where bytes go out that need not end with a newline. */
export function leavesWholeLines(form: ShownForm): boolean {
  return form !== "raw";
}
