/**
 * `cb dispatcher wizard`: walks the plan of `setup/wizard-plan.ts` with a person at a terminal, or with options alone,
 * and writes what came of it.
 */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { wantsColors } from "../core/colors.ts";
import { CbError, ExitStatus } from "../core/errors.ts";
import { abridged, printable } from "../core/text.ts";
import { Walk } from "../setup/plan.ts";
import { Prompts } from "../setup/prompts.ts";
import type { Answer, Question } from "../setup/question.ts";
import { type Agreement, wizardPlan } from "../setup/wizard-plan.ts";
import type { Context } from "./command.ts";
import { stopSignal } from "./stop-signal.ts";
import { finishWizard } from "./wizard-end.ts";
import { outline, registerFor } from "./wizard-files.ts";
import { plainScreen, type Screen, terminalScreen } from "./wizard-screen.ts";
import { type Beginning, beginning, type WizardInvocation } from "./wizard-start.ts";
import { WizardWork } from "./wizard-work.ts";

/** @returns 0, or 1 where what was set up would not work yet; 130 where a person ended it, and nothing was changed */
export async function runWizard({ settings, origins, context }: WizardInvocation): Promise<number> {
  const begun = beginning({ settings, origins, context });
  const isAsking = !settings.yes && isTerminal(context);
  const screen = isAsking ? terminalOf(context) : plainScreen(context.stdout, settings["errors-only"]);
  const replace = isAsking || settings.replace;
  const stop = stopSignal(context.signal);
  let outcome: Agreement | "declined" | "ended";
  try {
    const work = new WizardWork({
      settings,
      directories: begun.directories,
      environment: context.environment,
      outline: (draft) => outline(begun.place, draft, replace),
      register: async (draft, code, http) => {
        const registered = await registerFor(begun.place, draft, code, http, stop.signal);
        if (registered.ok || isAsking) return registered;
        const { problem, hint } = registered;
        throw new CbError("server", problem, hint === undefined ? {} : { hint });
      },
      signal: stop.signal,
    });
    await greet(screen, begun, context);
    outcome = await converse(begun, screen, work, isAsking, stop.signal);
  } catch (error) {
    // What is under way ends with the reason of the signal.
    if (!stop.signal.aborted || error instanceof CbError) throw error;
    outcome = "ended";
  } finally {
    stop.release();
  }
  if (outcome === "declined" || outcome === "ended") {
    await screen.end("Nothing was changed");
    return outcome === "declined" ? ExitStatus.ok : stop.status() || ExitStatus.interrupted;
  }
  return finishWizard(outcome, { place: begun.place, replace }, screen, context);
}

/** What cannot move its cursor shows questions line below line, and takes no more than letters. */
function isTerminal({ stdout, environment }: Context): boolean {
  return process.stdin.isTTY === true && stdout.isTTY === true && environment["TERM"] !== "dumb";
}

function terminalOf({ stdout, environment }: Context): Screen {
  // A serial console says that it has none, and all would be drawn in a column.
  if (!stdout.columns) Object.defineProperty(stdout, "columns", { value: 80 });
  if (!stdout.rows) Object.defineProperty(stdout, "rows", { value: 24 });
  return terminalScreen(new Prompts(process.stdin, stdout, wantsColors(environment, true, false)));
}

async function greet(screen: Screen, { isNew, place }: Beginning, { environment }: Context): Promise<void> {
  const { config } = place.place;
  await screen.begin(`cb dispatcher wizard: ${isNew ? "makes" : "edits"} ${printable(config)}`);
  const original = join(environment["FARADAY_HOME"] || join(homedir(), ".faraday"), "config/dispatcher.yaml");
  if (!isNew || !existsSync(original)) return;
  const lines = [
    `Faraday's own agent is configured here: ${printable(original)}`,
    "cb dispatcher import takes that over",
  ];
  await screen.say({ tone: "warn", lines });
}

/** The way through the plan; "declined" and "ended" both leave everything as it is. */
async function converse(
  { start, given }: Beginning,
  screen: Screen,
  work: WizardWork,
  isAsking: boolean,
  signal: AbortSignal,
): Promise<Agreement | "declined" | "ended"> {
  const walk = new Walk(() => wizardPlan(start));
  for (;;) {
    if (signal.aborted) return "ended";
    const { turn } = walk;
    switch (turn.kind) {
      case "done":
        return turn.result ?? "declined";
      case "say":
        await screen.say(turn);
        walk.reply(undefined);
        break;
      case "do":
        walk.reply(await work.perform(turn.work));
        break;
      case "ask": {
        const { question } = turn;
        const answer = takeGiven(given, question);
        if (answer !== undefined) {
          walk.reply(answer);
          break;
        }
        if (!isAsking && question.id === "confirm") refuseUnused(given);
        const { canGoBack } = walk;
        const reaction = await screen.ask(question, { canGoBack, isKept: walk.hasBefore(question), signal });
        if (reaction.kind === "end") return "ended";
        if (reaction.kind === "back") walk.back();
        else walk.reply(reaction.answer);
      }
    }
  }
}

/** The answer that an option has given; a question that comes again is asked. @throws {CbError} `usage` */
function takeGiven(given: Map<string, Answer>, { id, form }: Question): Answer | undefined {
  const answer = given.get(id);
  if (answer === undefined) return undefined;
  given.delete(id);
  const problem =
    form.kind === "many"
      ? problemOfChoices(form.choices, answer)
      : "problem" in form
        ? form.problem(String(answer))
        : undefined;
  if (problem === undefined) return answer;
  const shown = form.kind === "text" ? ` "${abridged(String(answer))}"` : "";
  throw new CbError("usage", `Cannot use ${optionOf(id)}${shown}: ${problem}`);
}

function problemOfChoices(
  choices: readonly { readonly value: string; readonly problem?: string | undefined }[],
  answer: Answer,
) {
  for (const name of [answer].flat()) {
    const choice = choices.find(({ value }) => value === name);
    if (choice === undefined) return `there is no executor "${abridged(name)}"`;
    if (choice.problem !== undefined) return `"${name}": ${choice.problem}`;
  }
  return undefined;
}

function optionOf(id: string): string {
  return id.startsWith("variable ") ? `--variable ${id.slice("variable ".length)}` : `--${id}`;
}

/** A mistyped name must not go by unnoticed. */
function refuseUnused(given: ReadonlyMap<string, Answer>): void {
  const unused = [...given.keys()].find((id) => id.startsWith("variable "));
  if (unused !== undefined)
    throw new CbError("usage", `Cannot use ${optionOf(unused)}: no executor that is set up now wants it`);
}
