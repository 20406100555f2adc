/** The end of the wizard: everything is written, checked as a dispatcher would find it, and said what comes next. */
import { readConfigFile } from "../core/config-file.ts";
import { ExitStatus } from "../core/errors.ts";
import { resolve } from "../core/settings.ts";
import { count } from "../core/text.ts";
import type { Agreement } from "../setup/wizard-plan.ts";
import type { Context } from "./command.ts";
import { checkDispatcher } from "./dispatcher-check-command.ts";
import { write } from "./output.ts";
import { dispatcherCheckSettings, dispatcherSettings } from "./settings/dispatcher.ts";
import { configOption, startCommand } from "./setup-report.ts";
import { type WizardPlace, writeAgreed } from "./wizard-files.ts";
import type { Screen } from "./wizard-screen.ts";

type End = {
  readonly place: WizardPlace;
  readonly replace: boolean;
};

/** @returns 0 where it would work; what it still lacks makes 1 */
export async function finishWizard(
  { draft, registration }: Agreement,
  { place, replace }: End,
  screen: Screen,
  context: Context,
): Promise<number> {
  const made = typeof registration === "string" ? undefined : registration;
  const paths = writeAgreed(place, draft, made, replace);
  await screen.say({ tone: "done", lines: [`Wrote ${count(paths.length, "file")}`, ...paths] });
  const { config, stateDirectory } = place.place;
  const option = configOption(place.place, context.environment);
  const next = [startCommand(place.place, option)];
  if (registration === "later") {
    await screen.end("Not registered yet");
    const register = `cb dispatcher register${option} --token CODE`;
    await show(context, [register, `cb dispatcher check${option}`, ...next]);
    return ExitStatus.ok;
  }
  await screen.end(`cb dispatcher check${option}`);
  const file = readConfigFile(config, dispatcherSettings);
  const state = new Map([["state-directory", [stateDirectory]]]);
  const sources = { arguments: state, environment: context.environment, file };
  const settings = resolve(dispatcherCheckSettings, sources).values;
  const status = await checkDispatcher({ settings, context });
  await show(context, status === ExitStatus.ok ? next : [`cb dispatcher check${option}`, ...next]);
  return status;
}

async function show({ stdout }: Context, next: readonly string[]): Promise<void> {
  await write(stdout, `\nNext:\n${next.map((line) => `  ${line}\n`).join("")}`);
}
