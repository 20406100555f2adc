import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate as settle, setTimeout as sleep } from "node:timers/promises";
import type { PostAnswer } from "../../src/faraday/api.ts";
import { type Delay, Poster, type PosterOptions } from "../../src/faraday/poster.ts";
import { Quarantine } from "../../src/faraday/quarantine.ts";
import type { RunSpool } from "../../src/faraday/run-spool.ts";
import type { Spool } from "../../src/faraday/spool.ts";
import { facts, NOW, OUTCOME, result, Scene } from "./scene.ts";

const CREATED: PostAnswer = { kind: "created", commandId: 1 };
const REJECTED: PostAnswer = { kind: "rejected", status: 400, words: '{"messages":{}}' };
const again = (status: number | undefined, after?: number): PostAnswer => {
  return { kind: "again", status, words: `status ${status}`, after };
};

type Answer = (
  workspace: string,
  body: { readonly number?: number },
  signal: AbortSignal,
) => PostAnswer | Promise<PostAnswer>;

/** A spool, a poster and a server that answers as it is told. */
class Posting implements AsyncDisposable {
  readonly scene = new Scene();
  readonly spool: Spool = this.scene.spool();
  readonly quarantine = new Quarantine(this.scene.quarantineDirectory);
  /** What came to the server: `w1:3`, and `w1:end` for the closing post. */
  readonly posts: string[] = [];
  readonly delays: Delay[] = [];
  readonly poster: Poster;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;

  constructor(answer: Answer, options: Partial<PosterOptions> = {}) {
    this.poster = new Poster({
      ...{
        spool: this.spool,
        keep: 10_000,
        quarantine: this.quarantine,
        clock: this.scene.clock,
        log: this.scene.log,
      },
      post: async (workspace, bytes, signal) => {
        const body = JSON.parse(Buffer.from(bytes).toString());
        this.posts.push(`${workspace}:${body.number ?? "end"}`);
        return await answer(workspace, body, signal);
      },
      onDelay: (delay) => this.delays.push(delay),
      pauses: { first: 1, longest: 4 },
      together: 0,
      ...options,
    });
    this.#done = this.poster.run(this.#stop.signal);
  }

  /** A run with so many results, numbered from 0. */
  async run(count: number, changes: Parameters<typeof facts>[0] = {}): Promise<RunSpool> {
    const run = this.spool.begin(facts({ workspaces: ["w1"], executionIds: [41], ...changes }));
    for (let number = 0; number < count; number++) await run.add({ number });
    return run;
  }

  logged(event: string): readonly Readonly<Record<string, unknown>>[] {
    return this.scene.logged.filter((entry) => entry.event === event);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.scene[Symbol.asyncDispose]();
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(1);
}

test("Poster posts each workspace's results in order, and the end last and only when the run has ended", async () => {
  await using posting = new Posting(() => CREATED);
  const run = await posting.run(3, { workspaces: ["w1", "w2"], executionIds: [41, 42] });
  await until(() => posting.posts.length === 6);
  await run.add({ number: 3 });
  await until(() => posting.posts.length === 8);
  await settle();
  assert.equal(run.isSettled, false);
  await run.end(OUTCOME);
  assert.deepEqual(await posting.poster.settled(run), { quarantined: 0 });
  const of = (workspace: string) => posting.posts.filter((post) => post.startsWith(workspace));
  for (const workspace of ["w1", "w2"]) {
    assert.deepEqual(
      of(workspace),
      [0, 1, 2, 3, "end"].map((what) => `${workspace}:${what}`),
    );
  }
  // Those who ask late are told at once.
  assert.deepEqual(await posting.poster.settled(run), { quarantined: 0 });
});

test("Poster posts what an earlier process has left", async () => {
  await using posting = new Posting(() => again(500), { pauses: { first: 10_000, longest: 10_000 } });
  const run = await posting.run(2);
  await run.end(OUTCOME);
  await posting.stop();
  await posting.spool.close();

  const spool = posting.scene.spool();
  const [left] = spool.runs;
  assert.ok(left !== undefined);
  const stop = new AbortController();
  const posts: number[] = [];
  const { quarantine, scene } = posting;
  const post = async (_: string, bytes: Uint8Array) => {
    posts.push(bytes.length);
    return CREATED;
  };
  const { clock, log } = scene;
  const poster = new Poster({ spool, post, keep: 1, quarantine, clock, log, together: 0 });
  const done = poster.run(stop.signal);
  await poster.settled(left);
  stop.abort();
  await done;
  assert.equal(posts.length, 3);
});

for (const status of [500, 502, 503, 429, 401, 402, 403, undefined]) {
  test(`Poster tries the same post again after ${status ?? "no answer"}, and goes on with the next`, async () => {
    let left = 4;
    await using posting = new Posting((_, { number }) =>
      number === 1 && left-- > 0 ? again(status) : CREATED,
    );
    const run = await posting.run(3);
    await run.end(OUTCOME);
    await posting.poster.settled(run);
    assert.deepEqual(posting.posts, ["w1:0", "w1:1", "w1:1", "w1:1", "w1:1", "w1:1", "w1:2", "w1:end"]);
    assert.deepEqual(posting.quarantine.list(), []);
    assert.deepEqual(
      posting.delays.map((delay) => delay.status),
      [status, status, status, status],
    );
    assert.deepEqual(posting.poster.state.lastError, posting.delays.at(-1));
    // Said once, when it has lasted, and once when it is over.
    const [delayed, ...more] = posting.logged("post-delayed");
    assert.deepEqual([delayed?.["workspace"], delayed?.["status"], more], ["w1", status, []]);
    assert.equal(posting.logged("post-resumed").length, 1);
  });
}

test("Poster says nothing of what soon passes", async () => {
  const seen = new Set<number | undefined>();
  await using posting = new Posting((_, { number }) => {
    if (seen.has(number)) return CREATED;
    seen.add(number);
    return again(500);
  });
  const run = await posting.run(50);
  await run.end(OUTCOME);
  await posting.poster.settled(run);
  assert.deepEqual(posting.scene.logged, []);
});

test("Poster waits twice as long each time up to the longest pause, never twice the same", async () => {
  let left = 9;
  await using posting = new Posting(() => (left-- > 0 ? again(500) : CREATED), {
    pauses: { first: 4, longest: 32 },
  });
  const run = await posting.run(1);
  await run.end(OUTCOME);
  await posting.poster.settled(run);
  const most = [4, 8, 16, 32, 32, 32, 32, 32, 32];
  for (const [index, { wait }] of posting.delays.entries()) {
    const limit = Number(most[index]);
    assert.ok(wait >= limit / 2 && wait <= limit, `${index}: ${wait}`);
  }
  assert.ok(new Set(posting.delays.map(({ wait }) => wait)).size > 5);
});

test("Poster begins anew with short pauses once the server has taken something", async () => {
  let calls = 0;
  await using posting = new Posting(() => (++calls % 5 === 0 ? CREATED : again(500)));
  const run = await posting.run(2);
  await run.end(OUTCOME);
  await posting.poster.settled(run);
  for (const { wait } of [posting.delays[0], posting.delays[4], posting.delays[8]] as readonly Delay[]) {
    assert.ok(wait <= 1, `${wait}`);
  }
});

test("Poster waits as long as the server asks for, and an hour at most", async () => {
  const waits: number[] = [];
  for (const after of [50, 1_000_000_000]) {
    await using posting = new Posting(() => again(429, after));
    await posting.run(1);
    await until(() => posting.delays.length === 1);
    waits.push(...posting.delays.map(({ wait }) => wait));
  }
  const [asked = 0, most = 0] = waits;
  assert.ok(asked >= 50 && asked <= 51, `${asked}`);
  assert.ok(most >= 3_600_000 && most <= 3_600_001, `${most}`);
});

test("Poster says a long wait at once", async () => {
  await using posting = new Posting(() => again(429, 10_000));
  await posting.run(1);
  await until(() => posting.delays.length === 1);
  assert.equal(posting.logged("post-delayed").length, 1);
});

test("Poster puts what the server refuses for good into quarantine, with its words, and goes on", async () => {
  await using posting = new Posting((_, { number }) => (number === 1 ? REJECTED : CREATED));
  const run = await posting.run(3);
  await run.end(OUTCOME);
  assert.deepEqual(await posting.poster.settled(run), { quarantined: 1 });
  assert.deepEqual(posting.posts, ["w1:0", "w1:1", "w1:2", "w1:end"]);
  const [post] = posting.quarantine.list();
  assert.deepEqual(post, {
    ...{ id: "r1-0-1", run: "r1", executor: "nmap1", workspace: "w1", executionId: 41, at: NOW },
    ...{ status: 400, words: '{"messages":{}}' },
  });
  const { body } = posting.quarantine.show("r1-0-1");
  const { number, execution_id } = JSON.parse(Buffer.from(body).toString());
  assert.deepEqual([number, execution_id], [1, 41]);
  const [said] = posting.logged("post-quarantined");
  assert.deepEqual([said?.["level"], said?.["id"], said?.["words"]], ["error", "r1-0-1", '{"messages":{}}']);
  await posting.spool.close();
  // Known after a restart, too.
  assert.equal(posting.scene.spool().runs[0]?.quarantined, 1);
});

test("Poster puts a closing post that is refused into quarantine, and the run is settled", async () => {
  await using posting = new Posting(() => REJECTED);
  const run = await posting.run(0);
  await run.end(OUTCOME);
  assert.deepEqual(await posting.poster.settled(run), { quarantined: 1 });
  assert.deepEqual(
    posting.quarantine.list().map(({ id }) => id),
    ["r1-0-end"],
  );
});

test("Poster gives a post up for quarantine when it has been tried for as long as is to be kept", async () => {
  await using posting = new Posting(() => again(401), { keep: 5000 });
  const run = await posting.run(20);
  await run.end(OUTCOME);
  await until(() => posting.delays.length > 3);
  posting.scene.later = 4999;
  const before = posting.delays.length;
  await until(() => posting.delays.length > before + 3);
  assert.deepEqual(posting.quarantine.list(), []);
  posting.scene.later = 5000;
  // What follows has waited as long, and is given one attempt each.
  assert.deepEqual(await posting.poster.settled(run), { quarantined: 21 });
  assert.equal(posting.posts.filter((post) => post === "w1:7").length, 1);
  assert.equal(
    posting.quarantine.list().every(({ status, words }) => status === 401 && words === "status 401"),
    true,
  );
});

test("Poster tries for an hour what is older than is kept: the machine may have been off", async () => {
  const DAY = 86_400_000;
  let isUp = false;
  await using posting = new Posting(() => (isUp ? CREATED : again(undefined)), { keep: 7 * DAY });
  const run = await posting.run(2);
  await run.end(OUTCOME);
  await until(() => posting.delays.length > 2);
  // As if it had all come from a process of eight days ago.
  const { clock } = posting.scene;
  Object.assign(clock, { wall: () => NOW + 8 * DAY });
  posting.scene.later = 3_599_999;
  const before = posting.delays.length;
  await until(() => posting.delays.length > before + 3);
  assert.deepEqual(posting.quarantine.list(), []);
  isUp = true;
  assert.deepEqual(await posting.poster.settled(run), { quarantined: 0 });
});

test("Poster gives nothing up that is younger than is kept, however long the lane has been in trouble", async () => {
  const HOUR = 3_600_000;
  await using posting = new Posting(() => again(500), { keep: 7 * 24 * HOUR });
  await posting.run(1);
  await until(() => posting.delays.length > 0);
  posting.scene.later = 7 * 24 * HOUR - 1;
  const before = posting.delays.length;
  await until(() => posting.delays.length > before + 3);
  assert.deepEqual(posting.quarantine.list(), []);
});

test("Poster keeps in the spool what the quarantine cannot take", async () => {
  let isFull = true;
  const scene = new Scene();
  class Full extends Quarantine {
    override add(...[post, body]: Parameters<Quarantine["add"]>): void {
      if (isFull) throw new Error("no space left on device");
      super.add(post, body);
    }
  }
  const quarantine = new Full(join(scene.directory, "quarantine"));
  await using posting = new Posting((_, { number }) => (number === 0 ? REJECTED : CREATED), { quarantine });
  const run = await posting.run(2);
  await run.end(OUTCOME);
  await until(() => posting.posts.length > 3);
  assert.deepEqual(new Set(posting.posts), new Set(["w1:0"]));
  assert.equal(posting.logged("quarantine-failed").length > 0, true);
  isFull = false;
  assert.deepEqual(await posting.poster.settled(run), { quarantined: 1 });
  assert.equal(quarantine.list().length, 1);
  await scene[Symbol.asyncDispose]();
});

test("Poster does not stumble over a wire that throws", async () => {
  let left = 2;
  await using posting = new Posting(() => {
    if (left-- > 0) throw new TypeError("a defect");
    return CREATED;
  });
  const run = await posting.run(1);
  await run.end(OUTCOME);
  await posting.poster.settled(run);
  assert.deepEqual(
    posting.delays.map(({ words }) => words),
    ["a defect", "a defect"],
  );
});

test("Poster lets no workspace wait for another, nor a run for another", async () => {
  await using posting = new Posting((workspace) => (workspace === "gone" ? again(401) : CREATED));
  const run = await posting.run(5, { workspaces: ["gone", "w1"], executionIds: [41, 42] });
  const other = await posting.run(5, { id: "r2", workspaces: ["w2"] });
  await run.end(OUTCOME);
  await other.end(OUTCOME);
  await posting.poster.settled(other);
  await until(() => posting.posts.includes("w1:end"));
  assert.equal(run.isSettled, false);
});

test("Poster has eight posts on their way at most, and lanes that wait take none of them", async () => {
  let [now, most] = [0, 0];
  await using posting = new Posting(async (workspace) => {
    if (workspace.startsWith("gone")) return again(401, 3_600_000);
    now += 1;
    most = Math.max(most, now);
    await sleep(2);
    now -= 1;
    return CREATED;
  });
  const lanes = (name: string) => ({
    workspaces: Array.from({ length: 20 }, (_, number) => `${name}${number}`),
    executionIds: Array.from({ length: 20 }, (_, number) => number),
  });
  await posting.run(1, { id: "gone", ...lanes("gone") });
  await until(() => posting.delays.length === 20);
  const run = await posting.run(3, lanes("w"));
  await run.end(OUTCOME);
  await posting.poster.settled(run);
  assert.equal(most, 8);
});

test("Poster.run() ends with its signal, whatever it waits for, and leaves the rest in the spool", async () => {
  await using posting = new Posting(
    (workspace, _, signal) =>
      workspace === "slow"
        ? new Promise((resolve) => signal.addEventListener("abort", () => resolve(again(undefined))))
        : again(500, 3_600_000),
    { keep: 0 },
  );
  const run = await posting.run(1, { workspaces: ["slow", "later"], executionIds: [41, 42] });
  await until(() => posting.posts.length === 2);
  await posting.stop();
  assert.equal(run.waiting, 1);
});

test("Poster.run() notes what the server took while it ended", async () => {
  await using posting = new Posting(
    (_, __, signal) => new Promise((resolve) => signal.addEventListener("abort", () => resolve(CREATED))),
  );
  const run = await posting.run(2);
  await until(() => posting.posts.length === 1);
  await posting.stop();
  assert.equal(run.waiting, 1);
});

test("Poster.retry() posts once more what is in quarantine, and takes it out when the server takes it", async () => {
  let answer: PostAnswer = REJECTED;
  await using posting = new Posting(() => answer);
  const run = await posting.run(1, { workspaces: ["w1"] });
  await until(() => posting.quarantine.list().length === 1);
  const { signal } = new AbortController();
  const before = posting.quarantine.show("r1-0-0").body;

  answer = { kind: "rejected", status: 404, words: "still not" };
  posting.scene.later = 5;
  assert.deepEqual(await posting.poster.retry("r1-0-0", signal), answer);
  const { post, body } = posting.quarantine.show("r1-0-0");
  assert.deepEqual([post.status, post.words, post.at, post.run], [404, "still not", NOW + 5, "r1"]);
  assert.deepEqual(body, before);

  answer = again(undefined);
  assert.deepEqual(await posting.poster.retry("r1-0-0", signal), answer);
  assert.equal(posting.quarantine.list()[0]?.status, undefined);

  answer = CREATED;
  assert.deepEqual(await posting.poster.retry("r1-0-0", signal), CREATED);
  assert.deepEqual(posting.quarantine.list(), []);
  assert.deepEqual(posting.posts, ["w1:0", "w1:0", "w1:0", "w1:0"]);
  await assert.rejects(posting.poster.retry("r1-0-0", signal), { code: "usage" });
  assert.equal(run.quarantined, 1);
});

test("Poster posts again rather than never when the journal cannot be read", async () => {
  await using posting = new Posting(() => again(500, 3_600_000));
  const run = await posting.run(1);
  await run.end(OUTCOME);
  await posting.stop();
  await posting.spool.close();
  rmSync(join(posting.scene.spoolDirectory, "r1.ndjson"));
  const stop = new AbortController();
  const words: string[] = [];
  const { spool, scene, quarantine } = posting;
  const poster = new Poster({
    ...{ spool, keep: 0, quarantine, clock: scene.clock, log: scene.log, pauses: { first: 1, longest: 1 } },
    post: async () => CREATED,
    onDelay: (delay) => words.push(delay.words),
  });
  const done = poster.run(stop.signal);
  await until(() => words.length > 2);
  stop.abort();
  await done;
  assert.match(String(words[0]), /^Cannot read ".*r1\.ndjson": no such file or directory$/);
  assert.deepEqual([run.waiting, quarantine.list()], [1, []]);
});

test("Poster brings 2000 results through a server that fails half of the posts, with none lost", async () => {
  const seen: number[] = [];
  let posts = 0;
  await using posting = new Posting(
    (_, { number }) => {
      posts += 1;
      if (posts % 2 === 0) return again(500);
      if (number !== undefined) seen.push(number);
      return CREATED;
    },
    { pauses: { first: 0, longest: 0 } },
  );
  const run = posting.spool.begin(facts({ workspaces: ["w1"], executionIds: [41] }));
  await Promise.all(Array.from({ length: 2000 }, (_, number) => run.add({ number, ...result(number) })));
  await run.end(OUTCOME);
  await posting.poster.settled(run);
  assert.deepEqual(
    seen,
    Array.from({ length: 2000 }, (_, number) => number),
  );
});

/** Addresses of all hosts, and which post each came in. */
function hostsOf(body: object): readonly string[] {
  const { hosts } = body as { readonly hosts: readonly { readonly ip: string }[] };
  return hosts.map(({ ip }) => ip);
}

/** A run whose results all wait before the first is posted. */
async function posted(
  count: number,
  answer: (hosts: readonly string[]) => PostAnswer,
  together: number,
): Promise<{ readonly posts: readonly (readonly string[])[]; readonly quarantined: readonly string[] }> {
  await using scene = new Scene();
  const spool = scene.spool();
  const quarantine = new Quarantine(scene.quarantineDirectory);
  const run = spool.begin(facts({ workspaces: ["w1"], executionIds: [41] }));
  for (let number = 0; number < count; number++) await run.add(result(number));
  await run.end(OUTCOME);
  const posts: (readonly string[])[] = [];
  const post = async (_: string, bytes: Uint8Array) => {
    const hosts = hostsOf(JSON.parse(Buffer.from(bytes).toString()));
    posts.push(hosts);
    return answer(hosts);
  };
  const { clock, log } = scene;
  const pauses = { first: 1, longest: 1 };
  const poster = new Poster({ spool, post, keep: 10_000, quarantine, clock, log, together, pauses });
  const stop = new AbortController();
  const done = poster.run(stop.signal);
  await poster.settled(run);
  stop.abort();
  await done;
  return { posts, quarantined: quarantine.list().map(({ id }) => id) };
}

test("Poster posts results together that wait, in order, up to its limit, and the closing post alone", async () => {
  const { length } = JSON.stringify(result(0));
  assert.deepEqual((await posted(4, () => CREATED, 3 * length)).posts, [
    ["192.0.2.0", "192.0.2.1", "192.0.2.2"],
    ["192.0.2.3"],
    [],
  ]);
  assert.deepEqual((await posted(2, () => CREATED, 2 * length - 1)).posts, [
    ["192.0.2.0"],
    ["192.0.2.1"],
    [],
  ]);
});

test("Poster posts results one by one that were refused together, and sets only the bad one aside", async () => {
  const isBad = (hosts: readonly string[]) => hosts.includes("192.0.2.1");
  const { posts, quarantined } = await posted(3, (hosts) => (isBad(hosts) ? REJECTED : CREATED), 1e6);
  assert.deepEqual(posts, [
    ["192.0.2.0", "192.0.2.1", "192.0.2.2"],
    ["192.0.2.0"],
    ["192.0.2.1"],
    ["192.0.2.2"],
    [],
  ]);
  assert.deepEqual(quarantined, ["r1-0-1"]);
});

test("Poster offers the same results again, and those that came meanwhile, after a failure", async () => {
  let failures = 2;
  const { posts } = await posted(3, () => (failures-- > 0 ? again(500) : CREATED), 1e6);
  const all = ["192.0.2.0", "192.0.2.1", "192.0.2.2"];
  assert.deepEqual(posts, [all, all, all, []]);
});
