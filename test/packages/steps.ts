/** Steps in order, a line each, and the sum of them. */
import { inspect } from "node:util";
import { Failure } from "../../build/program.ts";

/** A step's name and what it does to the subject; it throws what is wrong. */
export type Step<Subject> = readonly [name: string, run: (subject: Subject) => Promise<void>];

export class Tally {
  passed = 0;
  failed = 0;

  /**
   * Runs all steps, up to the first that fails: those after it build on it, so they count as failed, too.
   *
   * @param title of the whole list
   */
  async run<Subject>(title: string, steps: readonly Step<Subject>[], subject: Subject): Promise<void> {
    for (const [index, [name, step]] of steps.entries()) {
      const begin = Date.now();
      try {
        await step(subject);
      } catch (error) {
        const after = steps.length - index - 1;
        this.#fail(`${title}: ${name}`, error);
        if (after > 0)
          process.stdout.write(`failed  ${title}: ${after} steps after it, which were not run\n`);
        this.failed += after;
        return;
      }
      this.passed += 1;
      const seconds = ((Date.now() - begin) / 1000).toFixed(1).padStart(5);
      process.stdout.write(`ok  ${seconds} s  ${title}: ${name}\n`);
    }
  }

  /** Runs what makes the subject and runs steps on it; where that fails, so has one step. */
  async attempt(title: string, body: () => Promise<void>): Promise<void> {
    try {
      await body();
    } catch (error) {
      this.#fail(title, error);
    }
  }

  #fail(name: string, error: unknown): void {
    const why = error instanceof Failure || isAssertion(error) ? error.message : inspect(error);
    process.stdout.write(`failed  ${name}\n${why.replaceAll(/^/gm, "    ")}\n`);
    this.failed += 1;
  }
}

function isAssertion(error: unknown): error is Error {
  return error instanceof Error && error.name === "AssertionError";
}
