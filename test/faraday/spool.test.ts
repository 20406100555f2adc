import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { RunSpool } from "../../src/faraday/run-spool.ts";
import { facts, NOW, OUTCOME, result, Scene } from "./scene.ts";

/** What the first lane of a run would post now, and goes on to the next. */
async function next(run: RunSpool): Promise<Readonly<Record<string, unknown>> | undefined> {
  const [lane] = run.lanes;
  assert.ok(lane !== undefined);
  const due = run.due(lane, 0);
  if (due === undefined) return undefined;
  const body = JSON.parse(Buffer.from(await due.body()).toString());
  due.answered("posted");
  return body;
}

/** All that the first lane would post. */
async function drained(run: RunSpool): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const bodies = [];
  for (let body = await next(run); body !== undefined; body = await next(run)) bodies.push(body);
  return bodies;
}

/** The host of a result, as `result` makes it. */
function ipOf(body: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const [host] = (body?.["hosts"] ?? []) as readonly { readonly ip: string }[];
  return host?.ip;
}

function only(runs: readonly RunSpool[]): RunSpool {
  const [run, ...more] = runs;
  assert.ok(run !== undefined && more.length === 0, `${runs.length} runs`);
  return run;
}

const journal = (scene: Scene, id = "r1") => join(scene.spoolDirectory, `${id}.ndjson`);

test("RunSpool gives each result as a body of its run, in order, then the closing post", async () => {
  await using scene = new Scene();
  const run = scene.spool().begin(facts());
  await Promise.all([
    run.add(result(1)),
    run.add({ ...result(2), command: 1, execution_id: 1 }),
    run.add({}),
  ]);
  const [first, second] = run.lanes;
  assert.ok(first !== undefined && second !== undefined);
  assert.deepEqual([first.workspace, second.workspace], ["w1", "w2"]);

  const command = {
    ...{ tool: "lab", command: "nmap1", user: "", hostname: "", params: "TARGET=10.0.0.1" },
    ...{ import_source: "agent", start_date: "2026-01-02T03:04:05.678000" },
  };
  assert.deepEqual(await drained(run), [
    { ...result(1), execution_id: 41, command },
    { ...result(2), execution_id: 41, command },
    { execution_id: 41, command },
  ]);
  await run.end({ ...OUTCOME, duration: 1500.0004 });
  assert.deepEqual(await drained(run), [
    { hosts: [], execution_id: 41, command: { ...command, duration: 1_500_000 } },
  ]);
  const due = run.due(second, 0);
  assert.equal(due?.id, "r1-1-0");
  assert.equal(JSON.parse(Buffer.from(await due.body()).toString()).execution_id, 42);
});

test("RunSpool closes a run of negative length with no duration below 0, and posts no NUL in params", async () => {
  await using scene = new Scene();
  const run = scene.spool().begin(facts({ params: "A=\0\ud800" }));
  await run.end({ ...OUTCOME, duration: -5 });
  const [body] = await drained(run);
  const { duration, params } = (body?.["command"] ?? {}) as Readonly<Record<string, unknown>>;
  assert.deepEqual([duration, params], [0, "A=\ufffd"]);
});

test("Spool.open() finds a run as it was: process, results, what is posted, outcome", async () => {
  await using scene = new Scene();
  const run = scene.spool().begin(facts());
  const process = { pid: 123, startTime: "456", bootId: "abc" };
  await run.started(process);
  for (let number = 0; number < 5; number++) await run.add(result(number));
  await next(run);
  await next(run);
  // What is noted without a sync is in the file once a later record is.
  await run.add(result(5));

  const again = only(scene.spool().runs);
  assert.deepEqual([again.facts, again.process, again.outcome], [facts(), process, undefined]);
  assert.equal((await next(again))?.["execution_id"], 41);
  assert.equal(ipOf(await next(again)), "192.0.2.3");
  await again.add(result(6));
  await again.end(OUTCOME);
  const third = only(scene.spool().runs);
  const { successful, message, duration } = third.outcome ?? {};
  assert.deepEqual({ successful, message, duration }, OUTCOME);
  assert.equal(third.isSettled, false);
  assert.equal((await drained(third)).length, 4);
});

test("RunSpool.told() deletes the journal, and only when all has been answered", async () => {
  await using scene = new Scene();
  const spool = scene.spool();
  const run = spool.begin(facts({ workspaces: ["w1"], executionIds: [41] }));
  await run.add(result(1));
  await run.end(OUTCOME);
  await assert.rejects(run.told(), /has posts that were not answered/);
  await drained(run);
  assert.equal(run.isSettled, true);
  await run.told();
  // Somebody else may have deleted it, and the run is over all the same.
  await run.told();
  assert.deepEqual([spool.runs, readdirSync(scene.spoolDirectory)], [[], []]);
});

test("RunSpool.end() counts once, and nothing can be added behind it", async () => {
  await using scene = new Scene();
  const run = scene.spool().begin(facts());
  const added = run.add(result(1));
  const ended = run.end(OUTCOME);
  await run.end({ successful: false, message: "late", duration: 5 });
  await assert.rejects(run.add(result(2)), /has ended and takes no more results/);
  await Promise.all([added, ended]);
  assert.equal(run.outcome?.message, "done");
  assert.equal(only(scene.spool().runs).outcome?.message, "done");
});

test("Spool keeps its files to itself", async () => {
  await using scene = new Scene();
  scene.spool().begin(facts());
  assert.equal(statSync(scene.spoolDirectory).mode & 0o777, 0o700);
  assert.equal(statSync(journal(scene)).mode & 0o777, 0o600);
});

test("Spool.begin() refuses a run that is there, and a name that is no file of the spool", async () => {
  await using scene = new Scene();
  const spool = scene.spool();
  spool.begin(facts());
  assert.throws(() => spool.begin(facts()), {
    code: "file",
    message: /^Cannot create ".*r1\.ndjson": file already exists$/,
  });
  for (const id of ["", "../r2", "a/b", "x".repeat(129)]) {
    assert.throws(() => spool.begin(facts({ id })), /is no id of a run/);
  }
});

test("Spool.begin() refuses runs beyond the limit in one line, and lets those go on that have begun", async () => {
  await using scene = new Scene();
  const spool = scene.spool({ limitBytes: 1000 });
  const run = spool.begin(facts());
  await run.add({ text: "x".repeat(1000) });
  const { bytes, results } = spool.depth;
  assert.equal(results, 1);
  assert.equal(bytes, statSync(journal(scene)).size);
  assert.throws(() => spool.begin(facts({ id: "r2" })), {
    code: "file",
    message: `Cannot start "nmap1": the spool holds ${bytes} bytes of 1 run, its limit is 1000`,
  });
  await run.add(result(2));
  await run.end(OUTCOME);
  assert.equal(scene.spool().depth.results, 2);
  assert.deepEqual(readdirSync(scene.spoolDirectory), ["r1.ndjson"]);
});

test("Spool.open() gives runs in the order of their start", async () => {
  await using scene = new Scene();
  const spool = scene.spool();
  for (const [id, startedAt] of [
    ["b", NOW + 2],
    ["c", NOW],
    ["a", NOW + 1],
  ] as const)
    spool.begin(facts({ id, startedAt }));
  const ids = (of: typeof spool) => of.runs.map((run) => run.facts.id);
  assert.deepEqual(
    [ids(spool), ids(scene.spool())],
    [
      ["b", "c", "a"],
      ["c", "a", "b"],
    ],
  );
});

/** A run with three results of which one is posted; the text of its journal. */
async function threeResults(scene: Scene): Promise<Buffer> {
  const run = scene.spool().begin(facts());
  for (let number = 0; number < 2; number++) await run.add(result(number));
  await next(run);
  await run.add(result(2));
  await scene.closeSpools();
  return readFileSync(journal(scene));
}

test("Spool.open() loses of a journal that was cut anywhere only the record that was cut", async () => {
  await using scene = new Scene();
  const whole = await threeResults(scene);
  const ends = [...whole.entries()].filter(([, byte]) => byte === 0x0a).map(([index]) => index + 1);
  for (let length = whole.length; length > 0; length--) {
    truncateSync(journal(scene), length);
    const records = ends.filter((end) => end <= length).length;
    const { runs, depth } = scene.spool();
    // Without a whole first record nothing was promised.
    assert.equal(runs.length, records > 0 ? 1 : 0, `cut at ${length}`);
    // Run, two results, one posted, one more result; the second lane has none.
    const expected = records >= 5 ? 3 : Math.max(0, Math.min(records - 1, 2));
    assert.equal(depth.results, expected, `cut at ${length}`);
    if (records > 0) assert.equal(statSync(journal(scene)).size, ends[records - 1]);
    else assert.deepEqual(readdirSync(scene.spoolDirectory), []);
    if (!existsSync(journal(scene))) writeFileSync(journal(scene), whole.subarray(0, length));
  }
  assert.deepEqual(scene.logged, []);
});

test("Spool.open() goes on behind what was cut, and behind zeros that a file system left", async () => {
  await using scene = new Scene();
  const whole = await threeResults(scene);
  appendFileSync(journal(scene), new Uint8Array(5000));
  const run = only(scene.spool().runs);
  assert.equal(statSync(journal(scene)).size, whole.length);
  await run.add(result(3));
  assert.equal(scene.spool().depth.results, 4);
});

test("Spool.open() keeps a journal aside that is damaged anywhere, says so, and goes on with the rest of it", async () => {
  await using scene = new Scene();
  const whole = await threeResults(scene);
  const starts = [0, ...[...whole.entries()].filter(([, byte]) => byte === 0x0a).map(([index]) => index + 1)];
  // The first, a middle and the last byte of each line, and its newline.
  const places = starts.slice(0, -1).flatMap((start, line) => {
    const end = Number(starts[line + 1]);
    return [start, Math.floor((start + end) / 2), end - 2, end - 1].map((at) => ({ line, at }));
  });
  for (const { line, at } of places) {
    const damaged = Buffer.from(whole);
    damaged[at] = Number(damaged[at]) ^ 1;
    writeFileSync(journal(scene), damaged);
    scene.logged.length = 0;
    const { runs } = scene.spool();
    const where = `line ${line}, byte ${at}`;
    const aside = `${journal(scene)}.damaged-${NOW}`;
    const isCut = at === whole.length - 1;
    assert.equal(existsSync(aside), !isCut, where);
    assert.deepEqual(
      scene.logged.map(({ level, event }) => [level, event]),
      isCut ? [] : [["error", "journal-damaged"]],
      where,
    );
    if (!isCut) assert.deepEqual(readFileSync(aside), damaged, where);
    if (line === 0) {
      assert.deepEqual(runs, []);
    } else {
      const run = only(runs);
      assert.equal(run.damage, isCut ? undefined : aside);
      await run.add(result(9));
      const ips = (await drained(run)).map((body) => ipOf(body)?.at(-1));
      // The newline that is gone takes the line behind it along.
      const lost = at === Number(starts[line + 1]) - 1 && !isCut ? [line, line + 1] : [line];
      const posted = lost.includes(3) ? [] : [0];
      const expected = [0, 1, undefined, 2].flatMap((ip, index) =>
        ip === undefined || lost.includes(index + 1) || posted.includes(ip) ? [] : [`${ip}`],
      );
      // What `posted` says holds for the results that are left.
      assert.deepEqual(ips, [...expected, "9"], where);
      // Known still after another start, which finds nothing more.
      assert.equal(only(scene.spool().runs).damage, run.damage, where);
    }
    await scene.closeSpools();
    rmSync(scene.spoolDirectory, { recursive: true });
    mkdirSync(scene.spoolDirectory, { mode: 0o700 });
  }
});

test("Spool.open() keeps a journal of a later version aside", async () => {
  await using scene = new Scene();
  scene.spool().begin(facts());
  const text = readFileSync(journal(scene), "utf8");
  writeFileSync(journal(scene), text.replace('"version":1', '"version":2'));
  assert.deepEqual(scene.spool().runs, []);
  assert.deepEqual(readdirSync(scene.spoolDirectory), [`r1.ndjson.damaged-${NOW}`]);
});

test("Spool.open() says in one line that it cannot", async () => {
  await using scene = new Scene();
  writeFileSync(scene.spoolDirectory, "");
  assert.throws(() => scene.spool(), { code: "file", message: /^Cannot read ".*spool": not a directory$/ });
});

/** Has methods of files replaced while `action` runs; each is given the original. */
async function withFileMethods(
  replaced: Partial<
    Record<"write" | "truncate" | "datasync", (original: () => Promise<unknown>) => Promise<unknown>>
  >,
  action: () => Promise<void>,
): Promise<void> {
  await using scene = new Scene();
  const handle = await open(scene.directory);
  const prototype = Object.getPrototypeOf(handle);
  await handle.close();
  const originals = { ...replaced };
  for (const [name, method] of Object.entries(replaced)) {
    const original = prototype[name];
    Object.assign(originals, { [name]: original });
    prototype[name] = function replacement(this: unknown, ...args: unknown[]) {
      return method(() => original.apply(this, args));
    };
  }
  try {
    await action();
  } finally {
    Object.assign(prototype, originals);
  }
}

test("RunSpool.add() shares writes and syncs among results that wait, and each one has its own if it is alone", async () => {
  await using scene = new Scene();
  const run = scene.spool().begin(facts());
  let [writes, syncs] = [0, 0];
  const write = (original: () => Promise<unknown>) => {
    writes += 1;
    return original();
  };
  const datasync = (original: () => Promise<unknown>) => {
    syncs += 1;
    return original();
  };
  await withFileMethods({ write, datasync }, async () => {
    await Promise.all(Array.from({ length: 10_000 }, () => run.add({ text: "x".repeat(180) })));
    assert.deepEqual([writes, syncs], [1, 1]);
    for (let number = 0; number < 20; number++) await run.add(result(number));
    assert.deepEqual([writes, syncs], [21, 21]);
    // What a loss of power may take is not synced.
    await run.started({ pid: 1, startTime: "", bootId: "" });
    assert.deepEqual([writes, syncs], [22, 21]);
  });
  await scene.closeSpools();
  const [again] = scene.spool().runs;
  assert.equal(again?.waiting, 10_020);
});

const NO_SPACE = Object.assign(new Error("ENOSPC: no space left on device, write"), {
  code: "ENOSPC",
  errno: -28,
});

for (const [when, fails] of [
  ["a write that fails half-way", "write"],
  ["a sync that fails", "datasync"],
] as const) {
  test(`RunSpool.add() cuts off what ${when} has left, at once, or else before the next record`, async () => {
    await using scene = new Scene();
    const run = scene.spool().begin(facts());
    await run.add(result(1));
    const { size } = statSync(journal(scene));
    const half = async (original: () => Promise<unknown>) => {
      await original();
      throw NO_SPACE;
    };
    const message = /^Cannot write ".*r1\.ndjson": no space left on device$/;
    await withFileMethods({ [fails]: half }, async () => {
      await assert.rejects(run.add(result(2)), { code: "file", message });
    });
    assert.equal(statSync(journal(scene)).size, size);
    const stuck = async () => {
      throw NO_SPACE;
    };
    await withFileMethods({ [fails]: half, truncate: stuck }, async () => {
      await assert.rejects(run.add({ text: "x".repeat(1000) }), { code: "file", message });
      await assert.rejects(run.add(result(4)), { code: "file", message });
    });
    assert.notEqual(statSync(journal(scene)).size, size);
    await run.add(result(5));
    assert.equal(run.waiting, 2);
    await scene.closeSpools();
    const again = only(scene.spool().runs);
    assert.equal(again.damage, undefined);
    assert.deepEqual((await drained(again)).map(ipOf), ["192.0.2.1", "192.0.2.5"]);
  });
}

test("RunSpool holds no bodies in memory", async () => {
  await using scene = new Scene();
  const run = scene.spool().begin(facts());
  const collect = (globalThis as { Bun?: { gc: (isSynchronous: boolean) => void } }).Bun?.gc;
  collect?.(true);
  const before = process.memoryUsage().rss;
  // 160 MB in all.
  for (let number = 0; number < 40; number++) await run.add({ text: "x".repeat(4_000_000) });
  collect?.(true);
  assert.ok(process.memoryUsage().rss - before < 100_000_000, `${process.memoryUsage().rss - before}`);
  assert.equal(only(scene.spool().runs).waiting, 40);
});

test("RunSpool.add() fails in one line when the journal is gone, and nobody takes it for kept", async () => {
  await using scene = new Scene();
  const run = scene.spool().begin(facts());
  await run.add(result(1));
  rmSync(journal(scene));
  await assert.rejects(run.add(result(2)), {
    code: "file",
    message: /^Cannot write ".*r1\.ndjson": it was deleted$/,
  });
  assert.equal(run.waiting, 1);
  // There is nothing to be done about it, and the run has to end all the same.
  await run.end(OUTCOME);
  assert.equal(run.outcome?.message, "done");
  assert.deepEqual(
    scene.logged.map(({ event }) => event),
    ["journal-write-failed"],
  );
});

const WRITER = fileURLToPath(new URL("spool-writer.ts", import.meta.url));

test("Spool has all that was promised before its process was killed", async () => {
  for (let round = 0; round < 5; round++) {
    await using scene = new Scene();
    const child = spawn(process.execPath, [WRITER, scene.spoolDirectory, "forever"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const chunks: Uint8Array[] = [];
    child.stdout.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    await once(child.stdout, "data");
    await sleep(20 + 20 * round);
    child.kill("SIGKILL");
    await once(child, "close");
    const promised = Buffer.concat(chunks).toString().split("\n").slice(0, -1).map(Number);
    const run = only(scene.spool().runs);
    const found = new Set((await drained(run)).map(({ number }) => number));
    assert.ok(promised.length > 0);
    for (const number of promised) assert.ok(found.has(number), `round ${round}: ${number}`);
    assert.equal(run.damage, undefined);
  }
});

test("Spool on a disk that is full refuses in one line, keeps what it has, and goes on when there is room", async () => {
  await using scene = new Scene();
  mkdirSync(scene.spoolDirectory, { mode: 0o700 });
  const kept = join(scene.directory, "kept.ndjson");
  const script = [
    'mount -t tmpfs -o size=64k,mode=700 tmpfs "$1"',
    // Takes up some of it, which the test has removed later on.
    'head -c 8192 /dev/zero > "$1/ballast"',
    '"$2" "$3" "$1" fill; cp "$1/r1.ndjson" "$4"',
  ].join(" && ");
  const command = ["--map-root-user", "--mount", "sh", "-c", script, "sh"];
  const child = spawn("unshare", [...command, scene.spoolDirectory, process.execPath, WRITER, kept], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  const [numbers, errors]: [number[], string[]] = [[], []];
  for await (const line of createInterface(child.stdout)) {
    if (line === "full") {
      // Another mount namespace: its files are reached by way of the process.
      rmSync(`/proc/${child.pid}/root${scene.spoolDirectory}/ballast`);
      child.stdin.end("go on\n");
    } else if (/^\d+$/.test(line)) numbers.push(Number(line));
    else errors.push(line);
  }
  const stderr = (await child.stderr.toArray()).join("");
  assert.equal(stderr, "");
  assert.ok(errors.length >= 1);
  for (const error of errors) assert.match(error, /^Cannot write ".*r1\.ndjson": no space left on device$/);
  mkdirSync(join(scene.directory, "after"));
  rmSync(scene.spoolDirectory, { recursive: true });
  mkdirSync(scene.spoolDirectory);
  writeFileSync(journal(scene), readFileSync(kept));
  const run = only(scene.spool().runs);
  assert.equal(run.damage, undefined);
  assert.equal(run.outcome?.successful, true);
  // Just what was promised: the last was added when there was room again.
  assert.deepEqual(
    (await drained(run)).slice(0, -1).map(({ number }) => number),
    numbers,
  );
});
