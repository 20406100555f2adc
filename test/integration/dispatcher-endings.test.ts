/** Each way in which a run of `cb dispatcher` ends: one final status, and a message that is true. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { assertEnded, processIsGone } from "../support/running-program.ts";
import { type Dispatcher, ScanBox } from "../support/scan-box.ts";

const RESULT = `echo '{"hosts":[{"ip":"192.0.2.1","description":""}]}'`;

/** Runs an executor to its end, which must be told once. */
async function endOf(dispatcher: Dispatcher, executor: string, args?: object): Promise<string> {
  const { id, successful, message } = await dispatcher.run(executor, args);
  assert.equal(dispatcher.endings(id).length, 1);
  assert.equal(successful, message.startsWith("finished"));
  return message;
}

/** The process id that an executor has written; empty before. */
function pidIn(box: ScanBox, name: string): string {
  return box.read(name).trim();
}

test("cb dispatcher tells in one final status how a process ended [F6] [F40]", async () => {
  await using box = await ScanBox.start();
  box.executor("fine", RESULT);
  box.executor("silent", "true");
  box.executor("fails", RESULT, "echo first >&2", "echo 'no route to host' >&2", "exit 3");
  box.executor("not-found", "surely-no-such-program");
  box.executor("killed", "kill -9 $$");
  box.executor("endless", 'echo $$ >"$TMPDIR/../../../pid"', "sleep 100 &", "wait");
  box.manifest("endless", "timeout = 0.3");
  const dispatcher = await box.dispatcher();
  const expected = {
    fine: /^finished in [\d.]+ s, 1 result$/,
    silent: /^finished in [\d.]+ s, 0 results$/,
    fails: /^exit status 3, 1 result: no route to host$/,
    "not-found": /^exit status 127, 0 results: .*surely-no-such-program: not found$/,
    killed: /^ended by SIGKILL, 0 results$/,
    endless: /^ended at its time limit of 0\.3\d* s, 0 results$/,
  };
  for (const [executor, message] of Object.entries(expected)) {
    assert.match(await endOf(dispatcher, executor), message);
  }
  await processIsGone(pidIn(box, "pid"));
  // One after another: no message of one is in that of the next, and each has a closing post.
  assert.equal(box.server.posts.filter(({ body }) => body?.hosts?.length === 0).length, 6);
});

test("cb dispatcher refuses what cannot be run, tells the server why, and starts nothing [F40]", async () => {
  await using box = await ScanBox.start();
  box.executor("scan", `touch ${box.path("started")}`);
  box.manifest(
    "scan",
    ...["[parameters.TARGET]", 'type = "ip"', "mandatory = true"],
    ...["[parameters.DEPTH]", 'type = "integer"', "[parameters.PASS]", 'type = "password"'],
  );
  box.executor("checked", `touch ${box.path("started")}`);
  box.manifest("checked", `checks = ["true", "echo 'no nmap here' >&2; exit 1"]`);
  box.executor("gone", "true");
  box.executor("broken", "true");
  box.executor("limp", "true");
  box.file("run.d/limp", "#!/no/such/interpreter\n", 0o755);
  const dispatcher = await box.dispatcher();
  box.file("run.d/gone", "", 0o644);
  box.manifest("broken", "timeuot = 3");
  const TARGET = "192.0.2.1";
  const cases: readonly (readonly [string, object, RegExp])[] = [
    ["nobody", {}, /^not started: Cannot run "nobody": it is no executor of this agent$/],
    ["../scan", {}, /^not started: Cannot run "\.\.\/scan": it is no executor of this agent$/],
    ["scan", {}, /^not started: missing parameter: TARGET/],
    ["scan", { TARGET, OTHER: 1 }, /^not started: unexpected parameter: OTHER/],
    ["scan", { TARGET: "not an address" }, /^not started: invalid parameter: .*TARGET/],
    ["scan", { TARGET, DEPTH: "deep" }, /^not started: invalid parameter: .*DEPTH/],
    ["scan", { TARGET, PASS: ["correct-horse"] }, /^not started: invalid parameter: (?!.*correct).*PASS/],
    ["checked", {}, /^not started: check ".*no nmap here.*" failed: .*no nmap here/],
    ["gone", {}, /^not started: Cannot run "gone": not executable/],
    [
      "broken",
      {},
      /^not started: Cannot use timeuot from ".*broken\.toml": no such key, did you mean "timeout"\?$/,
    ],
    ["limp", {}, /^not started: it or its interpreter does not exist/],
  ];
  for (const [executor, args, message] of cases) {
    const told = await endOf(dispatcher, executor, args);
    assert.match(told, message);
    assert(!told.includes("\n"), told);
  }
  assert(!existsSync(box.path("started")));
  assert.deepEqual(
    box.server.posts.flatMap(({ body }) => body?.hosts),
    [],
  );
});

test("cb dispatcher refuses a run without workspaces, or that is none, and runs the next one", async () => {
  await using box = await ScanBox.start();
  box.executor("fine", RESULT);
  const dispatcher = await box.dispatcher();
  const { channel } = box.server;
  channel.sendRun({ execution_ids: [], workspaces: [], executor: "fine", args: {} });
  channel.sendRun({ execution_ids: [901, 902], workspaces: ["w1"], executor: "fine", args: {} });
  channel.sendRun({ execution_ids: [903], workspaces: ["../w1"], executor: "fine", args: {} });
  channel.sendRun({ execution_ids: [904], workspaces: ["w1"], args: {} });
  channel.sendRun("run");
  channel.sendRun(null);
  await dispatcher.logged("run-refused", 6);
  assert.equal((await dispatcher.ending(902)).successful, false);
  assert.match((await dispatcher.ending(903)).message, /"\.\.\/w1"/);
  assert.match((await dispatcher.ending(904)).message, /it names no executor$/);
  assert.match(await endOf(dispatcher, "fine"), /^finished/);
  assert.equal(box.server.posts.length, 2);
});

test("cb dispatcher stop ends one run with all its processes, the other goes on, and both are told apart", async () => {
  await using box = await ScanBox.start();
  const wait = box.waitFor("go");
  box.executor("waits", RESULT, 'echo $$ >"$TMPDIR/../../../pid-$CB_RUN"', wait, RESULT);
  const dispatcher = await box.dispatcher();
  const [first = 0] = box.server.run("waits", {}, ["w1", "w2"]);
  const [second = 0] = box.server.run("waits", {}, ["w1"]);
  await dispatcher.until("both to run", () => [first, second].every((id) => pidIn(box, `pid-${id}`) !== ""));
  const status = await box.ask("status");
  assert.match(status.stdout, new RegExp(`^ +${first}\\s+waits\\s+running\\s+.*\\s+w1, w2$`, "m"));
  const { stdout } = await box.ask("status", "--output", "json");
  const { server, link, runs, spool, quarantined, lastError } = JSON.parse(stdout);
  assert.deepEqual(
    runs.map(({ since, ...run }: { readonly since: string }) => [
      run,
      new Date(since).toISOString() === since,
    ]),
    [
      [{ id: `${first}`, executor: "waits", workspaces: ["w1", "w2"], state: "running" }, true],
      [{ id: `${second}`, executor: "waits", workspaces: ["w1"], state: "running" }, true],
    ],
  );
  assert.deepEqual([server, link.connected, quarantined, lastError], [box.url, true, 0, null]);
  assert.equal(spool.runs, 2);

  const stopped = await box.ask("stop", String(first));
  assertEnded(stopped, 0, { stdout: [`Run ${first} is being ended`] });
  assert.equal((await dispatcher.ending(first)).message, "stopped by the operator, 1 result");
  await processIsGone(pidIn(box, `pid-${first}`));
  const none = await box.ask("stop", String(first));
  assertEnded(none, 1, {
    stderr: [
      `cb: error: Cannot stop run "${first}": no such run is going on`,
      "cb: hint: cb dispatcher status lists those that are",
    ],
  });
  box.file("go", "");
  assert.match((await dispatcher.ending(second)).message, /^finished in .*, 2 results$/);
  // Overlapping runs keep their ids.
  for (const [id, hosts] of [
    [first, 1],
    [first + 1, 1],
    [second, 2],
  ] as const) {
    assert.equal(dispatcher.endings(id).length, 1);
    const accepted = box.server.accepted(id);
    assert.deepEqual([accepted.length, accepted.at(-1)?.hosts], [hosts + 1, []]);
  }
});

test("cb dispatcher runs so many at once as it may, the others wait, and can be stopped while they do [F42]", async () => {
  await using box = await ScanBox.start();
  const wait = box.waitFor("go");
  box.executor("waits", 'echo $$ >"$TMPDIR/../../../pid-$CB_RUN"', wait);
  box.manifest("waits", "concurrency = 1");
  box.executor("other", "true");
  const dispatcher = await box.dispatcher(["--jobs", "2"]);
  const [first = 0] = box.server.run("waits");
  const [second = 0] = box.server.run("waits");
  const [third = 0] = box.server.run("waits");
  await dispatcher.until("the first to run", () => pidIn(box, `pid-${first}`) !== "");
  assert.match(await endOf(dispatcher, "other"), /^finished/);
  const { stdout } = await box.ask("status");
  assert.match(stdout, new RegExp(`^ +${second}\\s+waits\\s+waiting\\s`, "m"));
  assert.equal((await box.ask("stop", String(third))).status, 0);
  assert.equal((await dispatcher.ending(third)).message, "not started: stopped by the operator");
  assert.equal(pidIn(box, `pid-${second}`), "");
  box.file("go", "");
  assert.match((await dispatcher.ending(second)).message, /^finished/);
});

test("cb dispatcher stop ends the checks of a run, too, and nothing is started", async () => {
  await using box = await ScanBox.start();
  box.executor("checked", `touch ${box.path("started")}`);
  box.manifest("checked", `checks = ["echo $$ >${box.path("pid")}; sleep 100"]`);
  const dispatcher = await box.dispatcher();
  const [id = 0] = box.server.run("checked");
  await dispatcher.until("the check", () => pidIn(box, "pid") !== "");
  assert.equal((await box.ask("stop", String(id))).status, 0);
  assert.match((await dispatcher.ending(id)).message, /^stopped by the operator/);
  await processIsGone(pidIn(box, "pid"));
  assert(!existsSync(box.path("started")));
});

test("cb dispatcher at SIGTERM ends what runs, refuses what waits, tells both, leaves without an argument", async () => {
  await using box = await ScanBox.start();
  box.executor("waits", RESULT, 'echo $$ >"$TMPDIR/../../../pid"', "sleep 100 &", "wait");
  box.manifest("waits", "concurrency = 1");
  const dispatcher = await box.dispatcher(["--stop-wait", "0.1"]);
  const [running = 0] = box.server.run("waits");
  const [waiting = 0] = box.server.run("waits");
  await dispatcher.until("the first to run", () => pidIn(box, "pid") !== "");
  await dispatcher.stop();
  await processIsGone(pidIn(box, "pid"));
  assert.deepEqual(dispatcher.endings(running), [
    { successful: false, message: "ended because the dispatcher stops, 1 result" },
  ]);
  assert.deepEqual(dispatcher.endings(waiting), [
    { successful: false, message: "not started: the dispatcher is stopping" },
  ]);
  // The small server, as the real one, does not hear a leave_agent with an argument.
  assert.deepEqual([box.server.channel.events.at(-1), box.server.channel.online], ["leave_agent", false]);
  assert.equal(box.server.accepted(running).length, 2);
});

test("cb dispatcher tells the same end where the working directory cannot simply be removed", async () => {
  await using box = await ScanBox.start();
  box.executor(
    "caches",
    RESULT,
    'mkdir -p "$TMPDIR/a/b" && touch "$TMPDIR/a/b/c" && chmod -R a-w "$TMPDIR/a"',
  );
  box.register();
  // Nothing is read-only for root.
  const isRoot = process.getuid?.() === 0;
  if (isRoot) execFileSync("chown", ["-R", "65534:65534", box.directory]);
  const wrapper = isRoot ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : [];
  const dispatcher = box.startDispatcher([], { wrapper });
  await dispatcher.logged("joined");
  assert.match(await endOf(dispatcher, "caches"), /^finished in \S+ s, 1 result$/);
  assert.deepEqual(readdirSync(box.path("state/work")), []);
});

test("cb dispatcher refuses a run with a name of megabytes, says so, and keeps its connection", async () => {
  await using box = await ScanBox.start();
  box.executor("fine", RESULT);
  const dispatcher = await box.dispatcher();
  const [id = 0] = box.server.run("x".repeat(2_000_000));
  assert.match((await dispatcher.ending(id)).message, /^not started: Cannot run "x{79}…": it is no executor/);
  const args = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`P${index}`, 1]));
  assert.match(await endOf(dispatcher, "fine", args), /^not started: unexpected parameter: P0: /);
  assert.match(await endOf(dispatcher, "fine"), /^finished/);
  assert.equal(box.server.channel.joins.length, 1);
  const longest = Math.max(...dispatcher.program.stderr.split("\n").map(({ length }) => length));
  assert.ok(longest < 10_000, `a line of the log has ${longest} characters`);
});

test("cb dispatcher says of a process that has become another user that it lives on, and ends without it", async () => {
  // Whoever is not root can become nobody else, and root may end all.
  if (process.getuid?.() !== 0) return;
  await using box = await ScanBox.start();
  // As sudo is: owned by root, with the set-user-ID bit.
  execFileSync("cp", ["/usr/bin/setpriv", box.path("become")]);
  const pidFile = box.path("pid");
  box.executor(
    "becomes",
    RESULT,
    `echo $$ >${pidFile}`,
    `exec ${box.path("become")} --reuid=0 --regid=0 --clear-groups sleep 60`,
  );
  box.register();
  execFileSync("chown", ["-R", "65534:65534", box.directory]);
  execFileSync("chown", ["0:0", box.path("become")]);
  execFileSync("chmod", ["4755", box.path("become")]);
  const wrapper = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
  const dispatcher = box.startDispatcher(["--stop-grace", "0.2"], { wrapper });
  await dispatcher.logged("joined");
  const [id = 0] = box.server.run("becomes");
  await dispatcher.until("root", () => /^Uid:\t0\t/m.test(statusOf(pidIn(box, "pid"))));
  dispatcher.program.kill("SIGTERM");
  const { status } = await dispatcher.program.finished;
  process.kill(Number(pidIn(box, "pid")), "SIGKILL");
  assert.equal(status, 0);
  assert.deepEqual(dispatcher.endings(id), [
    {
      successful: false,
      message: "ended because the dispatcher stops, it lives on, as it could not be ended, 1 result",
    },
  ]);
});

/** Of a process, as proc(5) has it; empty where there is none. */
function statusOf(pid: string): string {
  return pid === "" || !existsSync(`/proc/${pid}/status`) ? "" : readFileSync(`/proc/${pid}/status`, "utf8");
}
