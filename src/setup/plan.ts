/**
 * The wizard's way from the first question to the last, which can be walked back.
 *
 * A plan is a generator: it asks, says, has work done, and goes on with what it is given, so that it reads from top to
 * bottom like a conversation. It must be pure: to go on, it is run anew with all the replies so far, and to go back,
 * with fewer of them. What was answered before is offered again.
 *
 *     next() ──▶ ask ── reply(answer) ─┐
 *       ▲         └──── back() ────────┤
 *       │  ◀── say ──── reply() ───────┤
 *       │  ◀── do ───── reply(result) ─┘
 *       └──▶ done
 */
import type { Answer, Question, Remark } from "./question.ts";
import type { Results, Work } from "./work.ts";

type Request =
  | { readonly kind: "ask"; readonly question: Question }
  | ({ readonly kind: "say" } & Remark)
  | { readonly kind: "do"; readonly work: Work };

type Reply = Answer | Results[keyof Results] | undefined;

export type Plan<Result> = Generator<Request, Result, Reply>;

/** Asks for a text, a secret or one of several. */
export function* ask(question: Question): Plan<string> {
  return (yield { kind: "ask", question }) as string;
}

export function* askMany(question: Question): Plan<readonly string[]> {
  return (yield { kind: "ask", question }) as readonly string[];
}

export function* say(tone: Remark["tone"], ...lines: readonly string[]): Plan<void> {
  yield { kind: "say", tone, lines };
}

export function* perform<Kind extends Work["do"]>(work: Extract<Work, { do: Kind }>): Plan<Results[Kind]> {
  return (yield { kind: "do", work: work as Work }) as Results[Kind];
}

type Entry = { readonly reply: Reply; readonly asked: Question | undefined };

export type Turn<Result> = Request | { readonly kind: "done"; readonly result: Result };

export class Walk<Result> {
  readonly #plan: () => Plan<Result>;
  readonly #entries: Entry[] = [];
  /** By the id of the question: the answers that were walked back over, of which the last is the next one's. */
  readonly #before = new Map<string, Answer[]>();
  #turn: Turn<Result>;

  constructor(plan: () => Plan<Result>) {
    this.#plan = plan;
    this.#turn = this.#replay();
  }

  /** What is to be done now; the same until there is a reply. */
  get turn(): Turn<Result> {
    return this.#turn;
  }

  get canGoBack(): boolean {
    return this.#entries.some(({ asked }) => asked !== undefined);
  }

  /** @param reply to a secret that was given before, an empty one is that again */
  reply(reply: Reply): void {
    const asked = this.#turn.kind === "ask" ? this.#turn.question : undefined;
    const before = asked && this.#before.get(asked.id)?.pop();
    const isKept = asked?.form.kind === "secret" && reply === "" && before !== undefined;
    this.#entries.push({ reply: isKept ? before : reply, asked });
    this.#turn = this.#replay();
  }

  /** To the last question before this one; where there is none, nothing happens. */
  back(): void {
    while (this.canGoBack) {
      const { asked, reply } = this.#entries.pop() as Entry;
      if (asked === undefined) continue;
      this.#before.set(asked.id, [...(this.#before.get(asked.id) ?? []), reply as Answer]);
      break;
    }
    this.#turn = this.#replay();
  }

  /** Whether a secret was given before, so that it need not be typed again. */
  hasBefore({ id }: Question): boolean {
    return this.#before.get(id)?.at(-1) !== undefined;
  }

  #replay(): Turn<Result> {
    const walk = this.#plan();
    let step = walk.next();
    for (const { reply } of this.#entries) step = walk.next(reply);
    if (step.done) return { kind: "done", result: step.value };
    if (step.value.kind !== "ask") return step.value;
    return { kind: "ask", question: this.#remembering(step.value.question) };
  }

  #remembering(question: Question): Question {
    const { id, form } = question;
    const before = this.#before.get(id)?.at(-1);
    if (before === undefined || form.kind === "secret") return question;
    return { ...question, form: { ...form, initial: before } as Question["form"] };
  }
}
