/** What survives when `cb dispatcher` is killed, its server goes away, or its disk is full: every result. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { lines, processIsGone } from "../support/running-program.ts";
import { type Dispatcher, hostsIn, ScanBox } from "../support/scan-box.ts";

/** Prints so many results; the shell finds the description between double quotes. */
function results(from: number, to: number, description = ""): string {
  const host = `{\\"ip\\":\\"host-&\\",\\"description\\":\\"${description}\\"}`;
  return `seq ${from} ${to} | sed "s/.*/{\\"hosts\\":[${host}]}/"`;
}

function names(from: number, to: number): readonly string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => `host-${from + index}`);
}

/** What the server was told of a run, each address once. */
function arrived(box: ScanBox, id: number): readonly string[] {
  return [...new Set(hostsIn(box.server.accepted(id)))];
}

/** The addresses of the results in the journal of a run, as whoever comes next finds them. */
function spooled(box: ScanBox, id: number): readonly string[] {
  const text = box.read(`state/spool/${id}.ndjson`);
  const complete = lines(text.slice(0, text.lastIndexOf("\n") + 1));
  return complete.flatMap((line) => /"type":"result".*"ip":"([^"]+)"/.exec(line)?.[1] ?? []);
}

async function kill(dispatcher: Dispatcher): Promise<void> {
  dispatcher.program.kill("SIGKILL");
  await dispatcher.program.finished;
}

test("cb dispatcher killed with 1 000 results in its spool, some of them posted, posts them all after a restart", async () => {
  await using box = await ScanBox.start();
  // So long that the server gets some of them in one post, and not all.
  box.executor("many", `padding=$(head -c 4000 /dev/zero | tr '\\0' x)`, results(1, 1000, "$padding"));
  let posts = 0;
  box.server.fault = ({ path }) => {
    if (!path.endsWith("/bulk_create")) return undefined;
    posts += 1;
    return posts > 3 ? { status: 503 } : undefined;
  };
  const first = await box.dispatcher();
  const [id = 0] = box.server.run("many");
  await first.until("all to be in the spool", () =>
    box.read(`state/spool/${id}.ndjson`).includes('"type":"end"'),
  );
  await first.until("some to be refused", () => posts > 3);
  const there = arrived(box, id).length;
  assert(there > 0 && there < 1000, `${there} of 1000 are there`);
  const { stdout } = await box.ask("status");
  assert.match(stdout, new RegExp(`^spool\\s+${1000 - there} results to post, \\d+ bytes$`, "m"));
  assert.match(stdout, /^last error\s+\d+ seconds? ago: .*(503|A fault) \(run \d+, workspace w1\)$/m);
  await kill(first);
  assert.deepEqual(first.endings(id), []);

  box.server.fault = () => undefined;
  const second = box.startDispatcher();
  const { successful, message } = await second.ending(id);
  assert.equal(successful, true);
  assert.match(message, /^finished in \S+ s, 1000 results$/);
  assert.deepEqual(arrived(box, id), names(1, 1000));
  // In order, and the closing post after them.
  const accepted = box.server.accepted(id);
  assert.deepEqual(accepted.at(-1)?.hosts, []);
  assert.equal(accepted.filter(({ hosts }) => hosts?.length === 0).length, 1);
  assert.deepEqual(second.endings(id).length, 1);
  await second.forgets(id);
});

test("cb dispatcher killed while an executor prints posts what was printed, ends it, and says that it was cut off", async () => {
  await using box = await ScanBox.start();
  // It minds neither that nobody reads it any more, nor that it is asked to end.
  box.executor(
    "endless",
    "trap '' PIPE TERM",
    `sh -c 'trap "" TERM; echo $$ >${box.path("child")}; while [ -e "$0" ]; do sleep 1; done' "$0" &`,
    `echo $$ >${box.path("pid")}`,
    "number=0",
    // Should the test fail, it ends with its box.
    'while [ -e "$0" ]; do',
    "  number=$((number + 1))",
    `  echo '{"hosts":[{"ip":"host-'$number'","description":""}]}' 2>/dev/null`,
    "  sleep 0.01",
    "done",
  );
  let isAway = true;
  box.server.fault = ({ path }) => (isAway && path.endsWith("/bulk_create") ? { status: 500 } : undefined);
  const first = await box.dispatcher();
  const [id = 0, other = 0] = box.server.run("endless", {}, ["w1", "w2"]);
  await first.until("results in the spool", () => spooled(box, id).length >= 20);
  await kill(first);
  const [pid, child] = [box.read("pid").trim(), box.read("child").trim()];
  const promised = spooled(box, id);
  isAway = false;
  const second = box.startDispatcher(["--stop-grace", "0.2"]);
  assert.deepEqual(await second.ending(id), {
    successful: false,
    message: `cut off: the dispatcher was killed, ${promised.length} results`,
  });
  await processIsGone(pid);
  await processIsGone(child);
  assert.deepEqual(readdirSync(`${box.state}/work`), []);
  for (const execution of [id, other]) {
    assert.deepEqual(arrived(box, execution), promised);
    assert.deepEqual(box.server.accepted(execution).at(-1)?.hosts, []);
    assert.equal(second.endings(execution).length, 1);
  }
});

test("cb dispatcher goes on while its server is away, and afterwards tells how each run ended", async () => {
  await using box = await ScanBox.start();
  const wait = box.waitFor("go");
  box.executor("slow", results(1, 5), wait, results(6, 10));
  box.executor("over", results(1, 5));
  const dispatcher = await box.dispatcher();
  const [id = 0] = box.server.run("slow");
  await dispatcher.until("the first results", () => arrived(box, id).length === 5);
  await box.server.stop();
  await dispatcher.logged("channel-lost");
  box.file("go", "");
  await dispatcher.until("the rest to be in the spool", () => spooled(box, id).length === 10);
  // As after a kill of the real one, the run goes on there for ever, until somebody says how it ended.
  assert.equal(box.server.executions.get(id)?.running, true);
  assert.equal((await box.ask("status")).status, 1);
  await box.server.start();
  const { successful, message } = await dispatcher.ending(id);
  assert.equal(successful, true, message);
  assert.match(message, /, 10 results$/);
  assert.deepEqual(arrived(box, id), names(1, 10));
  const execution = box.server.executions.get(id);
  assert.deepEqual([execution?.running, execution?.successful], [false, true]);
  await dispatcher.logged("joined", 2);
  assert.equal(box.server.channel.joins.length, 2);
  // A new token for each join.
  assert.equal(box.server.channel.tokens.size >= 2, true);
  assert.equal((await dispatcher.run("over")).successful, true);
});

test("cb dispatcher that is stopped while its server is away keeps what it has, and posts it when it is started", async () => {
  await using box = await ScanBox.start();
  box.executor("over", results(1, 5));
  let isAway = true;
  box.server.fault = ({ path }) => (isAway && path.endsWith("/bulk_create") ? "drop" : undefined);
  const first = await box.dispatcher();
  const [id = 0] = box.server.run("over");
  await first.until("the results", () => box.read(`state/spool/${id}.ndjson`).includes('"type":"end"'));
  first.program.kill("SIGTERM");
  // The second signal spares it the ten seconds in which it would try on.
  await first.until("its end or the next signal", () => {
    first.program.kill("SIGTERM");
    return !first.program.isRunning;
  });
  assert.equal((await first.program.finished).status, 0);
  assert.deepEqual([spooled(box, id).length, first.endings(id).length], [5, 0]);
  isAway = false;
  const second = box.startDispatcher();
  assert.match((await second.ending(id)).message, /^finished in \S+ s, 5 results$/);
  assert.deepEqual(arrived(box, id), names(1, 5));
});

test("cb dispatcher holds an executor up while the disk is full, and loses nothing", async () => {
  await using box = await ScanBox.start();
  const wait = box.waitFor("go");
  box.executor("prints", results(1, 3), wait, results(4, 2000));
  // A limit on the size of files stands for a full disk, also for root: writes fail with EFBIG.
  const withoutSignal = ["sh", "-c", 'trap "" XFSZ; exec "$@"', "sh"];
  const dispatcher = await box.dispatcher([], { wrapper: withoutSignal });
  const [id = 0] = box.server.run("prints");
  await dispatcher.until("the first results", () => arrived(box, id).length === 3);
  const journal = box.path(`state/spool/${id}.ndjson`);
  const limit = (bytes: number | "unlimited") => {
    execFileSync("prlimit", [`--pid=${dispatcher.program.pid}`, `--fsize=${bytes}:unlimited`]);
  };
  limit(statSync(journal).size + 1000);
  box.file("go", "");
  const { reason } = await dispatcher.logged("spool-unwritable");
  assert.match(String(reason), /^Cannot write ".*ndjson": file too large$/);
  assert.deepEqual(dispatcher.endings(id), []);
  limit("unlimited");
  const { successful, message } = await dispatcher.ending(id);
  assert.equal(successful, true, message);
  assert.deepEqual(arrived(box, id), names(1, 2000));
});

test("cb dispatcher finds damage in a journal, keeps it aside, posts the rest, and calls the run no success", async () => {
  await using box = await ScanBox.start();
  box.executor("many", results(1, 10));
  let isAway = true;
  box.server.fault = ({ path }) => (isAway && path.endsWith("/bulk_create") ? { status: 503 } : undefined);
  const first = await box.dispatcher();
  const [id = 0] = box.server.run("many");
  const journal = box.path(`state/spool/${id}.ndjson`);
  await first.until("the results", () => box.read(`state/spool/${id}.ndjson`).includes('"type":"end"'));
  await kill(first);
  writeFileSync(journal, readFileSync(journal, "utf8").replace("host-7", "host-8"));
  isAway = false;
  const second = box.startDispatcher();
  const { successful, message } = await second.ending(id);
  assert.deepEqual(arrived(box, id), [...names(1, 6), ...names(8, 10)]);
  assert.equal(successful, false, message);
  assert.match(message, /^finished in \S+ s, 10 results, .*damaged/);
  const { aside } = await second.logged("journal-damaged");
  assert.match(readFileSync(String(aside), "utf8"), /host-8.*\n.*host-8/);
});
