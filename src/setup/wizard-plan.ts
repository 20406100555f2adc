/**
 * The wizard from its first question to its last. Nothing is changed on the way: a registration, the last thing that
 * is done, is handed back with what was agreed on, and whoever walks the plan writes all of it.
 */
import { printable } from "../core/text.ts";
import { type ConnectionStart, connectionPlan } from "./connection-plan.ts";
import type { Registration } from "./dispatcher-setup.ts";
import { type ExecutorsStart, executorsPlan } from "./executors-plan.ts";
import { ask, type Plan, perform, say } from "./plan.ts";
import type { Question } from "./question.ts";
import { summaryLines } from "./wizard-summary.ts";
import type { Draft } from "./work.ts";

export type Start = ConnectionStart &
  ExecutorsStart & {
    /** As it is configured now, or given by options; else the host's. */
    readonly name: string;
    readonly description: string;
    /** The agent that is registered, and stays where its server does. */
    readonly registered: { readonly server: string } | undefined;
    /** Whether the service, if it is one, cannot see a file. */
    readonly isHidden: (path: string) => boolean;
    /** What `dispatcher.toml` says now, for the summary. */
    readonly now: ReadonlyMap<string, string>;
  };

export type Agreement = {
  readonly draft: Draft;
  /** `kept`: one that was there; `later`: none yet. */
  readonly registration: Registration | "kept" | "later";
};

/** Undefined where nothing is to be done. */
export function* wizardPlan(start: Start): Plan<Agreement | undefined> {
  const connection = yield* connectionPlan(start);
  const name = yield* ask(nameQuestion(start.name));
  const description = yield* ask(descriptionQuestion(start.description));
  const chosen = yield* executorsPlan(start);
  const draft: Draft = { connection, name, description, ...chosen };
  const isNew = yield* isNewAgent(start, connection.server);
  const files = yield* perform<"outline">({ do: "outline", draft });
  const agent = isNew ? "a new one" : "the one that is registered";
  yield* say("note", "To be written", ...summaryLines(draft, start.now, files, agent));
  yield* warnPlan(start, draft, isNew);
  if ((yield* ask(CONFIRM)) === "no") return undefined;
  if (!isNew) return { draft, registration: "kept" };
  return { draft, registration: yield* registerPlan(draft) };
}

function nameQuestion(initial: string): Question {
  const problem = (text: string) =>
    text.trim() === "" || text.length > 250 ? "expected 1 to 250 characters" : controlProblem(text);
  return {
    id: "name",
    message: "What is this agent called at the server?",
    form: { kind: "text", initial, problem },
    unasked: { answer: initial },
  };
}

function descriptionQuestion(initial: string): Question {
  return {
    id: "description",
    message: "A description of it?",
    form: { kind: "text", initial, placeholder: "none", problem: controlProblem },
    unasked: { answer: initial },
  };
}

/** What a key leaves that means something elsewhere. */
function controlProblem(text: string): string | undefined {
  return printable(text) === text ? undefined : "expected no control characters";
}

/** The server makes a further agent for each registration, so a good one is kept. */
function* isNewAgent({ registered }: Start, server: string): Plan<boolean> {
  if (registered === undefined) return true;
  if (registered.server === server) return false;
  const answer = yield* ask({
    id: "registered",
    message: `An agent is registered here, at ${registered.server}`,
    form: {
      kind: "choice",
      initial: "new",
      choices: [
        { value: "new", label: `Register a new one at ${server}` },
        { value: "keep", label: "Keep it: that is the same server under another name" },
      ],
    },
    unasked: {
      error: `Cannot serve "${server}": the agent here is registered at "${registered.server}"`,
      hint: "Add --token CODE --register-again to make a new one",
    },
  });
  return answer === "new";
}

/** What is right as it stands, and will not do what the person may think. */
function* warnPlan(start: Start, draft: Draft, isNew: boolean): Plan<void> {
  const { name, description, python, connection } = draft;
  const isOther = (key: string, value: string) => start.now.has(key) && start.now.get(key) !== value;
  if (!isNew && (isOther("name", name) || isOther("description", description)))
    yield* say("warn", "The server goes on showing name and description as they were registered");
  const { trust } = connection;
  const files = [python, trust.kind === "file" ? trust.path : undefined].filter((path) => path !== undefined);
  for (const path of files.filter(start.isHidden))
    yield* say(
      "warn",
      `The service cannot see ${path}`,
      "It has no access to home directories: move that elsewhere",
    );
}

const CONFIRM: Question = {
  id: "confirm",
  message: "Write that?",
  form: {
    kind: "choice",
    initial: "yes",
    choices: [
      { value: "yes", label: "Yes" },
      { value: "no", label: "No, end and change nothing" },
    ],
  },
  unasked: { answer: "yes" },
};

/** The code is good for a minute or two, so it is asked for when all else is settled. */
function* registerPlan(draft: Draft): Plan<Registration | "later"> {
  const { server } = draft.connection;
  for (;;) {
    const code = yield* ask(CODE);
    if (code === "") return "later";
    yield* say("step", `Registering "${draft.name}" at ${server}`);
    const registered = yield* perform<"register">({ do: "register", draft, code });
    if (registered.ok) {
      const { token, id } = registered;
      yield* say("done", id === undefined ? "Registered" : `Registered as agent ${id}`);
      return { token, server, ...(id !== undefined && { id }) };
    }
    yield* say("warn", registered.problem, ...(registered.hint === undefined ? [] : [registered.hint]));
  }
}

const CODE: Question = {
  id: "token",
  message: "The six digits of Faraday's page Agents?",
  form: {
    kind: "text",
    initial: "",
    placeholder: "empty: register later",
    problem: (text) => (text === "" || /^\d{6}$/.test(text) ? undefined : "expected six digits"),
  },
  unasked: { option: "--token" },
};
