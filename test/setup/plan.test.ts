import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ask, askMany, type Plan, perform, say, Walk } from "../../src/setup/plan.ts";
import type { Form, Question } from "../../src/setup/question.ts";

const NO_PROBLEM = () => undefined;
const TEXT: Form = { kind: "text", initial: "", problem: NO_PROBLEM };
const SECRET: Form = { kind: "secret", problem: NO_PROBLEM };

function question(id: string, form: Form = TEXT): Question {
  return { id, message: `${id}?`, form, unasked: { option: `--${id}` } };
}

/** As many words as were asked for, and what was found out about them; then a secret. */
function* words(): Plan<readonly string[]> {
  const count = yield* ask(question("count"));
  yield* say("done", `${count} it is`);
  const collected: string[] = [];
  for (let index = 0; index < Number(count); index++) {
    collected.push(yield* ask(question("word")));
    const { places } = yield* perform<"find">({ do: "find", python: collected.at(-1) });
    collected.push(...places);
  }
  const chosen = yield* askMany(question("many", { kind: "many", initial: ["a"], choices: [] }));
  return [...collected, ...chosen, yield* ask(question("secret", SECRET))];
}

const FOUND = { places: [], python: undefined, problem: undefined, executors: [] };

/** Goes on until something is asked; gives its id, or the result. */
function next(walk: Walk<readonly string[]>, said: string[] = []): string | readonly string[] {
  for (;;) {
    const { turn } = walk;
    if (turn.kind === "ask") return turn.question.id;
    if (turn.kind === "done") return turn.result;
    if (turn.kind === "say") said.push(...turn.lines);
    walk.reply(turn.kind === "do" ? { ...FOUND, places: ["found"] } : undefined);
  }
}

function initialOf(walk: Walk<readonly string[]>): unknown {
  const { turn } = walk;
  assert(turn.kind === "ask");
  return "initial" in turn.question.form ? turn.question.form.initial : "(secret)";
}

test("Walk goes from question to question and gives what the plan makes of the answers", () => {
  const walk = new Walk(words);
  const said: string[] = [];
  assert.equal(walk.canGoBack, false);
  assert.equal(next(walk, said), "count");
  walk.reply("1");
  assert.equal(next(walk, said), "word");
  walk.reply("one");
  assert.equal(next(walk, said), "many");
  walk.reply(["b", "c"]);
  assert.equal(next(walk, said), "secret");
  walk.reply("hush");
  assert.deepEqual(next(walk, said), ["one", "found", "b", "c", "hush"]);
  assert.deepEqual(said, ["1 it is"]);
});

test("Walk.back() asks again with what was answered, and has done again what came in between", () => {
  const walk = new Walk(words);
  const said: string[] = [];
  const answer = (text: string | readonly string[]) => {
    next(walk, said);
    walk.reply(text);
  };
  for (const text of ["2", "one", "two", ["b"], "hush"]) answer(text);
  walk.back();
  assert.equal(next(walk), "secret");
  const { turn } = walk;
  assert(turn.kind === "ask" && walk.hasBefore(turn.question));
  walk.back();
  assert.deepEqual([next(walk), initialOf(walk)], ["many", ["b"]]);
  walk.back();
  assert.deepEqual([next(walk), initialOf(walk)], ["word", "two"]);
  walk.back();
  // The one before has the same id, and its own answer.
  assert.deepEqual([next(walk), initialOf(walk)], ["word", "one"]);
  walk.back();
  assert.deepEqual([next(walk), initialOf(walk)], ["count", "2"]);
  walk.back();
  assert.deepEqual([next(walk), walk.canGoBack], ["count", false]);
  assert.deepEqual(said, ["2 it is"]);
  answer("2");
  answer("three");
  assert.deepEqual([next(walk), initialOf(walk)], ["word", "two"]);
  walk.back();
  walk.back();
  answer("1");
  answer("three");
  assert.deepEqual([next(walk, said), initialOf(walk)], ["many", ["b"]]);
  answer(["c"]);
  assert.equal(next(walk), "secret");
  // An empty one is the one before.
  walk.reply("");
  assert.deepEqual(next(walk), ["three", "found", "c", "hush"]);
  assert.deepEqual(said, ["2 it is", "2 it is", "1 it is"]);
});

test("Walk ends where the last answers lead, however often it went back", () => {
  const answers = fc.array(fc.oneof(fc.constant("back" as const), fc.integer({ min: 0, max: 3 })), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(answers, (steps) => {
      const walk = new Walk(words);
      const kept: string[] = [];
      for (const step of steps) {
        if (typeof next(walk) !== "string") break;
        if (step === "back") {
          kept.pop();
          walk.back();
        } else {
          kept.push(String(step));
          walk.reply(
            walk.turn.kind === "ask" && walk.turn.question.id === "many" ? [String(step)] : String(step),
          );
        }
      }
      const straight = new Walk(words);
      for (const answer of kept) {
        next(straight);
        const isMany = straight.turn.kind === "ask" && straight.turn.question.id === "many";
        straight.reply(isMany ? [answer] : answer);
      }
      assert.deepEqual(next(walk), next(straight));
    }),
  );
});
