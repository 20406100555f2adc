/**
 * The wizard's part about executors: those that are there, Faraday's own, and command lines that become executors.
 */
import { CbError } from "../core/errors.ts";
import type { CommandName } from "../core/names.ts";
import { abridged } from "../core/text.ts";
import { customPlan } from "./custom-plan.ts";
import { EMPTY_MANIFEST, type ExecutorSetup, type VariableSetup } from "./dispatcher-setup.ts";
import { ask, askMany, type Plan, perform, say } from "./plan.ts";
import { type Choice, pathProblem } from "./question.ts";
import { variablePlan } from "./variable-plan.ts";
import type { FoundExecutor, Inventory } from "./work.ts";

export type ExecutorsStart = {
  /** As they are configured now. */
  readonly executors: readonly CommandName[];
  /** As it is configured now, or given by an option. */
  readonly python: string | undefined;
  /** Ids of variables that are given as secrets, whatever they are called. */
  readonly secrets: ReadonlySet<string>;
};

export type ChosenExecutors = {
  readonly executors: readonly CommandName[];
  readonly made: readonly ExecutorSetup[];
  /** Where one of them needs it, or it was set. */
  readonly python: string | undefined;
};

/** What a checkout or the executable alone does not bring. */
const COMING_WITH = "; nmap and sslscan come with the packages";

/** Names that are longer are not waited for. */
const NAME_COLUMN = 20;

export function* executorsPlan(start: ExecutorsStart): Plan<ChosenExecutors> {
  let { python } = start;
  let chosen = start.executors;
  const custom: ExecutorSetup[] = [];
  let inventory = yield* perform<"find">({ do: "find", python });
  yield* sayProblem(inventory);
  chosen = yield* choosePlan(inventory, chosen);
  for (;;) {
    const all = [...chosen, ...custom.map(({ name }) => name)];
    switch (yield* morePlan(inventory, all.length > 0)) {
      case "custom":
        custom.push(yield* customPlan([...inventory.executors, ...custom].map(({ name }) => name)));
        continue;
      case "python":
        python = yield* ask(PYTHON);
        inventory = yield* perform<"find">({ do: "find", python });
        yield* sayProblem(inventory);
        chosen = yield* choosePlan(inventory, chosen);
        continue;
    }
    const ready = yield* readyPlan(inventory, chosen, start.secrets);
    const executors = [...ready.names, ...custom.map(({ name }) => name)];
    if (executors.length === 0) {
      yield* say("warn", "No executor is left, and a dispatcher needs one");
      chosen = yield* choosePlan(inventory, []);
      continue;
    }
    const removed = start.executors.filter((name) => !executors.includes(name));
    if (removed.length > 0)
      yield* say(
        "warn",
        `No longer offered: ${removed.join(", ")}`,
        "The server deletes their schedules and history",
      );
    const needsPython = executors.some((name) => find(inventory, name)?.official !== undefined);
    return {
      executors,
      made: [...ready.made, ...custom],
      python: needsPython ? inventory.python?.path : start.python,
    };
  }
}

function find({ executors }: Inventory, name: string): FoundExecutor | undefined {
  return executors.find((executor) => executor.name === name);
}

function listed(places: readonly string[]): string {
  return places.map((place) => `"${place}"`).join(", ");
}

function* sayProblem({ problem }: Inventory): Plan<void> {
  if (problem !== undefined) yield* say("warn", problem);
}

function* choosePlan(inventory: Inventory, chosen: readonly CommandName[]): Plan<readonly CommandName[]> {
  // One that is offered now must not get lost because it does not work today: the server would delete its history.
  const width = Math.min(NAME_COLUMN, Math.max(0, ...inventory.executors.map(({ name }) => name.length)));
  const choices = inventory.executors.map(({ name, about, problem }): Choice => {
    const words = problem === undefined ? about : `cannot be used: ${problem}`;
    const label = words === "" ? name : `${name.padEnd(width)}   ${words}`;
    return { value: name, label, problem: chosen.includes(name) ? undefined : problem };
  });
  const gone = chosen.filter((name) => find(inventory, name) === undefined);
  for (const name of gone) choices.push({ value: name, label: `${name}   it is not there` });
  if (choices.every(({ problem }) => problem !== undefined)) {
    const none = choices.length === 0 ? "There are no executors" : "There are no executors that can be used";
    yield* say("warn", `${none} in ${listed(inventory.places)}`, ...choices.map(({ label }) => label));
    return [];
  }
  const initial = chosen.filter((name) => choices.some(({ value }) => value === name));
  const answer = yield* askMany({
    id: "executors",
    message: "Which executors may the server run?",
    form: { kind: "many", initial, choices },
    unasked: initial.length === 0 ? { option: "--executors" } : { answer: initial },
  });
  return answer as readonly CommandName[];
}

function* morePlan({ python, places }: Inventory, isEnough: boolean): Plan<string> {
  const choices: readonly Choice[] = [
    ...(isEnough ? [{ value: "done", label: "No, that is all" }] : []),
    { value: "custom", label: "A command line of my own" },
    ...(python === undefined
      ? [{ value: "python", label: "Faraday's own, which are installed in a Python environment" }]
      : []),
  ];
  return yield* ask({
    id: "more",
    message: isEnough ? "Another executor?" : "Which executor, then?",
    form: { kind: "choice", initial: choices[0]?.value ?? "", choices },
    unasked: isEnough
      ? { answer: "done" }
      : {
          error: `Cannot set up a dispatcher: no executor can be used, looked in ${listed(places)}${COMING_WITH}`,
        },
  });
}

const PYTHON = {
  id: "python",
  message: "The Python in which faraday-agent-dispatcher is installed?",
  form: {
    kind: "text",
    initial: "",
    placeholder: "/opt/faraday/bin/python",
    problem: pathProblem,
  },
  unasked: { option: "--python" },
} as const;

/** Sets up those of Faraday's own that are not, and has the checks of all run. */
function* readyPlan(
  inventory: Inventory,
  chosen: readonly CommandName[],
  secrets: ReadonlySet<string>,
): Plan<{ readonly names: readonly CommandName[]; readonly made: readonly ExecutorSetup[] }> {
  const names: CommandName[] = [];
  const made: ExecutorSetup[] = [];
  for (const name of chosen) {
    const executor = find(inventory, name);
    // Gone, and to be kept all the same.
    if (executor === undefined) {
      names.push(name);
      continue;
    }
    const variables = new Map<string, VariableSetup>();
    for (const variable of executor.wants ?? [])
      variables.set(variable, yield* variablePlan(name, variable, secrets));
    if (!(yield* checkPlan(executor, variables, inventory.python?.path))) continue;
    names.push(name);
    if (executor.wants !== undefined) made.push(officialSetup(executor, variables));
  }
  return { names, made };
}

function officialSetup(
  { name, official }: FoundExecutor,
  environment: ReadonlyMap<string, VariableSetup>,
): ExecutorSetup {
  if (official === undefined)
    throw new CbError("setting", `Cannot set up "${name}": it is none of Faraday's own`);
  const comment = [
    `One of Faraday's own: program, parameters and checks are those of the installed "${official}".`,
  ];
  return { name, program: undefined, manifest: { ...EMPTY_MANIFEST, comment, official, environment } };
}

/** @returns whether it is kept */
function* checkPlan(
  executor: FoundExecutor,
  variables: ReadonlyMap<string, VariableSetup>,
  python: string | undefined,
): Plan<boolean> {
  for (;;) {
    const { ok, detail } = yield* perform<"check">({ do: "check", executor, variables, python });
    yield* say(ok ? "done" : "warn", `${executor.name}: ${detail}`, ...(ok ? [] : explanation(detail)));
    if (ok) return true;
    const answer = yield* ask({
      id: `check ${executor.name}`,
      message: `What about ${abridged(executor.name)}?`,
      form: {
        kind: "choice",
        initial: "again",
        choices: [
          { value: "again", label: "Check again" },
          { value: "keep", label: "Offer it all the same; its runs are refused until that is mended" },
          { value: "leave", label: "Leave it out" },
        ],
      },
      unasked: { answer: "keep" },
    });
    if (answer !== "again") return answer === "keep";
  }
}

/** What the words of a shell mean for whoever sets it up. */
function explanation(detail: string): readonly string[] {
  if (/exit status 127\b|not found$/.test(detail))
    return ["It needs a program that is not installed here, or not in PATH"];
  if (/exit status 126\b|[Pp]ermission denied/.test(detail))
    return ["It needs a program that may not be run by this user"];
  if (/not finished after/.test(detail))
    return ["It waits for something, such as a service that does not answer"];
  if (/^check /.test(detail)) return ["It says itself that it cannot work here as things are"];
  return [];
}
