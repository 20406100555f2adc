/**
 * `npm run test:hostile-mutants [-- WORD…]`: plants defects, one at a time, by which a hub alone can do harm, and
 * has test/hostile/ find each. Ends with `found N of N`.
 *
 * A defect is found only where a schedule fails that can be repeated: a tree that does not even load finds nothing.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PINNED, ROOT } from "./paths.ts";
import { plantTree } from "./planted-tree.ts";
import { Failure, program, run, temporaryDirectory } from "./program.ts";

type Defect = {
  readonly what: string;
  readonly file: string;
  /** Stands in the file once. */
  readonly sound: string;
  readonly defective: string;
};

const ADMIT = "src/agent/admit.ts";
const FRESHNESS = "src/agent/freshness.ts";
const READER = "src/station/reply-reader.ts";
const SESSION = "src/station/session.ts";

const DEFECTS: readonly Defect[] = [
  {
    what: "an agent runs a request again",
    file: ADMIT,
    sound: 'if (moment.replay.has(id)) return ignored("replayed");',
    defective: "",
  },
  {
    what: "an agent obeys whoever knows its public keys",
    file: ADMIT,
    sound: 'if (!isSignedBy(station.publicKey, claimed)) return ignored("bad-signature");',
    defective: "",
  },
  {
    what: "an agent runs a request that the hub has held back until it expired",
    file: FRESHNESS,
    sound: 'if (expires <= now) return stale("expired", now);',
    defective: "",
  },
  {
    what: "an agent runs a request from before its start",
    file: FRESHNESS,
    sound: 'if (now - issued > uptime) return stale("uptime", Math.floor(now - uptime));',
    defective: "",
  },
  {
    what: "an agent runs a request for another channel",
    file: ADMIT,
    sound: 'if (head.channel !== policy.channel) return ignored("wrong-channel");',
    defective: "",
  },
  {
    what: "a station passes over altered replies",
    file: READER,
    sound: 'if (body === undefined) return [fault("altered", identity)];',
    defective: "if (body === undefined) return [];",
  },
  {
    what: "a station passes over gaps",
    file: READER,
    sound: "const gap = missing > 0 ?",
    defective: "const gap = missing > 1_000_000 ?",
  },
  {
    what: "a station takes a repeat for a new reply",
    file: READER,
    sound: 'if (missing < 0) return [{ kind: "repeat", identity }];',
    defective: "",
  },
  {
    what: "a station believes a hello without its challenge",
    file: READER,
    sound: 'if (!equalBytes(hello.challenge, request.challenge)) return fault("wrong-challenge");',
    defective: "",
  },
  {
    what: "a station believes a hello without a good signature",
    file: READER,
    sound: 'if (!isHelloGenuine(hello, session.publicKey, replyKey)) return fault("bad-signature");',
    defective: "",
  },
  {
    what: "a station counts the first gap alone",
    file: "src/station/roster.ts",
    sound: "known.missing += missing;",
    defective: "",
  },
  {
    what: "a station forgets the hello behind the reply that ended its session",
    file: SESSION,
    sound: "if (session.end !== undefined && !isReply) return session;",
    defective: "if (session.end !== undefined) return session;",
  },
  {
    what: "a station lets forged hellos renew its waits",
    file: SESSION,
    sound: 'const lastSign = isReply && event.kind !== "worthless-hello" ? now : session.lastSign;',
    defective: "const lastSign = isReply ? now : session.lastSign;",
  },
];

/** Milliseconds for all schedules; they take a minute at most. */
const LIMIT = 300_000;

async function hostileMutants(words: readonly string[], signal: AbortSignal): Promise<number> {
  const wanted = DEFECTS.filter(
    ({ what }) => words.length === 0 || words.some((word) => what.includes(word)),
  );
  const scratch = temporaryDirectory(tmpdir());
  try {
    const tree = plantTree(join(scratch, "tree"));
    const sound = await playAll(tree, signal);
    if (sound.status !== 0)
      throw new Failure(`Cannot judge defects: without one, a schedule fails\n${sound.output}`);
    let found = 0;
    for (const defect of wanted) {
      const seed = await seedThatFinds(defect, tree, signal);
      process.stdout.write(
        `${seed === undefined ? "not found " : `seed ${seed}`.padEnd(10)}  ${defect.what}\n`,
      );
      if (seed !== undefined) found += 1;
    }
    process.stdout.write(`found ${found} of ${wanted.length}\n`);
    return found === wanted.length && found > 0 ? 0 : 1;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

async function seedThatFinds(defect: Defect, tree: string, signal: AbortSignal): Promise<string | undefined> {
  const text = readFileSync(join(ROOT, defect.file), "utf8");
  const [before, after, ...more] = text.split(defect.sound);
  if (after === undefined || more.length > 0) {
    throw new Failure(`Cannot plant a defect in ${defect.file}: expected once ${defect.sound}`);
  }
  writeFileSync(join(tree, defect.file), `${before}${defect.defective}${after}`);
  try {
    const { status, output } = await playAll(tree, signal);
    return status === 0 ? undefined : /HOSTILE_SEED=(\d+)/.exec(output)?.[1];
  } finally {
    writeFileSync(join(tree, defect.file), text);
  }
}

async function playAll(tree: string, signal: AbortSignal) {
  const temporary = temporaryDirectory(tree);
  mkdirSync(join(temporary, "home"));
  try {
    return await run(
      // The schedules alone: what else is in that folder fails without a seed, and would end it before.
      [PINNED.bun, "test", "--bail", "--only-failures", "--timeout=120000", "./test/hostile/hostile.test.ts"],
      {
        signal,
        cwd: tree,
        env: { HOME: join(temporary, "home"), TMPDIR: temporary },
        limit: LIMIT,
      },
    );
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

await program((signal) => hostileMutants(process.argv.slice(2), signal));
