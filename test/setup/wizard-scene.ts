/** A person who answers the wizard's questions, in a world that is made up: no terminal, no server, no files. */
import assert from "node:assert/strict";
import type { CommandName } from "../../src/core/names.ts";
import type { ShownCertificate } from "../../src/faraday/shown-certificates.ts";
import { Walk } from "../../src/setup/plan.ts";
import type { Answer, Question } from "../../src/setup/question.ts";
import { type Agreement, type Start, wizardPlan } from "../../src/setup/wizard-plan.ts";
import type { Connection, FoundExecutor, Inventory, Reach, Results, Work } from "../../src/setup/work.ts";

export const name = (text: string) => text as CommandName;

export const START: Start = {
  server: undefined,
  proxy: undefined,
  trust: { kind: "system" },
  wasInsecure: false,
  proxyOfEnvironment: undefined,
  name: "pentest-box",
  description: "",
  executors: [],
  python: undefined,
  secrets: new Set(),
  registered: undefined,
  isHidden: () => false,
  now: new Map(),
};

export function found(text: string, changes: Partial<FoundExecutor> = {}): FoundExecutor {
  return {
    name: name(text),
    about: "",
    problem: undefined,
    official: undefined,
    wants: undefined,
    ...changes,
  };
}

export function certificate(subject: string, digit: string): ShownCertificate {
  const fingerprint = Array(32).fill(digit.repeat(2)).join(":");
  const days = { from: "2026-01-01", to: "2027-01-01" };
  return {
    subject,
    issuer: "CN=root",
    isSelfSigned: false,
    names: "",
    ...days,
    fingerprint,
    pem: `PEM of ${subject}`,
  };
}

type World = {
  readonly reach?: (connection: Connection) => Reach;
  readonly inventory?: (python: string | undefined) => Partial<Inventory>;
  /** What is wrong with an executor, at the first check, at the second … */
  readonly problems?: Readonly<Record<string, readonly string[]>>;
  /** The code that the server takes. */
  readonly code?: string;
};

/** An answer; or `back`. Questions that are not in the script take what is there already. */
export type Script = readonly (readonly [id: string, answer: Answer])[];

export type Told = {
  readonly agreement: Agreement | undefined;
  /** Ids, in the order in which they were asked. */
  readonly asked: readonly string[];
  readonly said: readonly string[];
  readonly work: readonly Work[];
  readonly questions: readonly Question[];
};

export const BACK = "\u0000back";

/** Walks to the end; each line of the script must be used, in order. */
export function tell(script: Script, start: Partial<Start> = {}, world: World = {}): Told {
  const walk = new Walk(() => wizardPlan({ ...START, ...start }));
  const rest = [...script];
  const [asked, said, work, questions]: [string[], string[], Work[], Question[]] = [[], [], [], []];
  const checks = new Map<string, number>();
  for (let steps = 0; steps < 1000; steps++) {
    const { turn } = walk;
    switch (turn.kind) {
      case "done":
        assert.deepEqual(rest, [], `was never asked; asked were ${asked.join()}`);
        return { agreement: turn.result, asked, said, work, questions };
      case "say":
        said.push(...turn.lines);
        walk.reply(undefined);
        break;
      case "do":
        work.push(turn.work);
        walk.reply(perform(turn.work, world, checks));
        break;
      case "ask": {
        const { question } = turn;
        asked.push(question.id);
        questions.push(question);
        const answer = rest[0]?.[0] === question.id ? rest.shift()?.[1] : initialOf(question);
        if (answer === BACK) walk.back();
        else {
          const isKept = answer === "" && walk.hasBefore(question);
          if (!isKept) judge(question, answer ?? "");
          walk.reply(answer ?? "");
        }
      }
    }
  }
  throw new Error(`there is no end: ${asked.slice(-10).join()}`);
}

function initialOf({ form }: Question): Answer {
  return "initial" in form ? form.initial : "";
}

/** As a terminal would: nothing gets through that is not offered, or that is wrong. */
function judge({ id, form }: Question, answer: Answer): void {
  if ("choices" in form) {
    const usable = form.choices.filter(({ problem }) => problem === undefined).map(({ value }) => value);
    for (const one of [answer].flat())
      assert(usable.includes(one), `${id}: ${one} is not offered: ${usable.join()}`);
  } else assert.equal(form.problem(String(answer)), undefined, `${id}: ${String(answer)}`);
}

function perform(work: Work, world: World, checks: Map<string, number>): Results[keyof Results] {
  switch (work.do) {
    case "reach": {
      const { trust } = work.connection;
      return world.reach?.(work.connection) ?? { kind: "reached", words: "Faraday answers", trust };
    }
    case "find": {
      const nothing = { places: ["/etc/cb/run.d"], python: undefined, problem: undefined };
      return { ...nothing, executors: [found("ports")], ...world.inventory?.(work.python) };
    }
    case "check": {
      const count = checks.get(work.executor.name) ?? 0;
      checks.set(work.executor.name, count + 1);
      const detail = world.problems?.[work.executor.name]?.[count];
      return detail === undefined ? { ok: true, detail: "1 check passed" } : { ok: false, detail };
    }
    case "outline":
      return [{ path: "/etc/cb/dispatcher.toml", isNew: true }];
    case "register":
      return work.code === (world.code ?? "123456")
        ? { ok: true, token: "t".repeat(64), id: 7 }
        : { ok: false, problem: "the code is wrong", hint: "take a new one" };
  }
}
