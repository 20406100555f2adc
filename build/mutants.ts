/**
 * `npm run test:mutants [-- PATH…]`: takes every check of the receive paths out in turn and runs the tests
 * that must notice. Ends with `killed N of N`.
 *
 * A check that cannot be missed by any test, as a later one gives the same result, carries the remark
 * `// mutant: equivalent, <reason>` at the end of its line and is only counted.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Check, findChecks } from "./find-checks.ts";
import { PINNED, ROOT } from "./paths.ts";
import { plantTree } from "./planted-tree.ts";
import { Failure, program, run, temporaryDirectory } from "./program.ts";

/** What bytes from the hub go through, on an agent and on a station. */
const FILES = [
  "src/agent/open.ts",
  "src/agent/admit.ts",
  "src/agent/live-session.ts",
  "src/agent/freshness.ts",
  "src/agent/hold.ts",
  "src/agent/find-command.ts",
  "src/agent/command-list.ts",
  "src/agent/list-answer.ts",
  "src/agent/turn.ts",
  "src/agent/responder.ts",
  "src/exec/parameters.ts",
  "src/exec/parameter-types.ts",
  "src/protocol/request-envelope.ts",
  "src/protocol/reply-envelope.ts",
  "src/protocol/padding.ts",
  "src/protocol/cbor.ts",
  "src/protocol/fields.ts",
  "src/protocol/request.ts",
  "src/protocol/target.ts",
  "src/protocol/listing.ts",
  "src/protocol/reply.ts",
  "src/station/reply-reader.ts",
  "src/station/hub-watch.ts",
  "src/station/session.ts",
  "src/station/rollout.ts",
  "src/station/roster.ts",
  "src/station/attendance.ts",
  "src/station/command-versions.ts",
  "src/station/discovery.ts",
  "src/station/pins.ts",
];
const TESTS = ["test/protocol", "test/agent", "test/station"];

/** Milliseconds for one test: these are units, and many a mutant hangs. */
const TEST_LIMIT = 5_000;

/** The cores of the smallest machine that this must be quick on. */
const AT_ONCE = 2;

type Mutant = { readonly file: string; readonly text: string; readonly check: Check };

async function mutants(filters: readonly string[], signal: AbortSignal): Promise<number> {
  const checks = FILES.flatMap((file) => {
    if (!existsSync(join(ROOT, file))) throw new Failure(`Cannot find ${file}, listed in build/mutants.ts`);
    const text = readFileSync(join(ROOT, file), "utf8");
    return findChecks(file, text).map((check): Mutant => ({ file, text, check }));
  }).filter(({ file }) => filters.length === 0 || filters.some((filter) => file.includes(filter)));
  const waiting = checks.filter(({ check }) => check.equivalent === undefined);
  const total = waiting.length;
  const equivalent = checks.length - total;
  process.stdout.write(`${total} checks, besides ${equivalent} said to be equivalent\n`);

  const scratch = temporaryDirectory(tmpdir());
  try {
    const trees = Array.from({ length: AT_ONCE }, (_, index) => plantTree(join(scratch, String(index))));
    const limit = await limitFor(trees[0] as string, signal);
    let killed = 0;
    await Promise.all(
      trees.map(async (tree) => {
        for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
          if (await isKilled(mutant, tree, limit, signal)) killed += 1;
          else process.stdout.write(`survived  ${describe(mutant)}\n`);
        }
      }),
    );
    process.stdout.write(`killed ${killed} of ${total}\n`);
    return killed === total && total > 0 ? 0 : 1;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** Milliseconds after which a mutant is taken to hang, from how long the tests take on the true sources. */
async function limitFor(tree: string, signal: AbortSignal): Promise<number> {
  const start = performance.now();
  const { status, output } = await runTests(TESTS, tree, 600_000, signal);
  if (status !== 0) throw new Failure(`Cannot judge mutants: the tests fail without one\n${output}`);
  return 30_000 + 5 * (performance.now() - start);
}

async function isKilled({ file, text, check }: Mutant, tree: string, limit: number, signal: AbortSignal) {
  const mutated = `${text.slice(0, check.start)}false${text.slice(check.end)}`;
  writeFileSync(join(tree, file), mutated);
  try {
    // Its own tests first, then those of its room, as most mutants die there.
    const own = file.replace("src/", "test/").replace(/ts$/, "test.ts");
    const room = dirname(own);
    const rounds = [
      existsSync(join(tree, own)) ? [own] : [],
      [room],
      TESTS.filter((tests) => tests !== room),
    ];
    for (const tests of rounds.filter(({ length }) => length > 0)) {
      const { status } = await runTests(tests, tree, limit, signal);
      if (status !== 0) return true;
    }
    return false;
  } finally {
    writeFileSync(join(tree, file), text);
  }
}

async function runTests(tests: readonly string[], tree: string, limit: number, signal: AbortSignal) {
  const temporary = temporaryDirectory(tree);
  mkdirSync(join(temporary, "home"));
  try {
    const paths = tests.map((path) => `./${path}`);
    return await run([PINNED.bun, "test", "--bail", "--only-failures", `--timeout=${TEST_LIMIT}`, ...paths], {
      signal,
      cwd: tree,
      env: { HOME: join(temporary, "home"), TMPDIR: temporary },
      limit,
    });
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function describe({ file, text, check }: Mutant): string {
  return `${file}:${check.line}: ${text.slice(check.start, check.end)}`;
}

await program((signal) => mutants(process.argv.slice(2), signal));
