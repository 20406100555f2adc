/** What keeps `cb dispatcher` from working: one clear line that says what to do, and status 1. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { assertEnded, type Finished, lines } from "../support/running-program.ts";
import { ScanBox } from "../support/scan-box.ts";

/** The words on standard error, without what was logged before. */
function assertFailed({ status, stdout, stderr }: Finished, ...expected: readonly (string | RegExp)[]): void {
  const said = lines(stderr).filter((line) => !line.startsWith("{"));
  assert.deepEqual([status, stdout, said.length], [1, "", expected.length], stderr);
  for (const [index, words] of expected.entries()) {
    const line = said[index] ?? "";
    if (typeof words === "string") assert.equal(line, words);
    else assert.match(line, words);
  }
}

async function run(box: ScanBox, ...options: readonly string[]): Promise<Finished> {
  return box.startDispatcher(options).program.finished;
}

test("cb dispatcher run says why it cannot register, and what to do", async () => {
  await using box = await ScanBox.start();
  box.executor("scan", "true");
  const cannot = `cb: error: Cannot register at "${box.url}": `;
  const newCode = "Take a new code from the page of the agents in Faraday, it is good for a minute or two";
  const checkUrl = "cb: hint: Check the server's URL and its base route";
  assertFailed(
    await run(box),
    `cb: error: Cannot serve "${box.url}": no agent is registered in "${box.state}"`,
    "cb: hint: Give --token with the six digits that the server's Agents page shows",
  );
  assertFailed(
    await run(box, "--token", "000000"),
    `${cannot}the registration code is wrong or has expired`,
    `cb: hint: ${newCode}`,
  );
  const short = await run(box, "--token", "12345");
  assertFailed(
    short,
    /^cb: error: Cannot use --token: expected six digits$|^cb: error: .*expected six digits$/,
  );
  assertFailed(await run(box, "--register-again"), /--token with a registration code is missing$/);

  const page = { status: 200, body: "<!doctype html><p>Faraday</p>" };
  box.server.fault = () => page;
  assertFailed(await run(box, "--token", "123456"), `${cannot}it answers with a web page`, checkUrl);
  box.server.fault = () => ({ status: 502, body: "<title>502</title><p>Bad Gateway</p>" });
  const later = "cb: hint: Try again later, with a new code";
  assertFailed(await run(box, "--token", "123456"), `${cannot}it answers 502: Bad Gateway`, later);
  box.server.fault = () => ({ status: 302, headers: { location: "https://elsewhere.example/" } });
  const leads = `${cannot}it leads to "https://elsewhere.example/"`;
  assertFailed(await run(box, "--token", "123456"), leads, checkUrl);
  box.server.fault = () => undefined;
  await box.server.stop();
  assertFailed(await run(box, "--token", "123456"), `${cannot}connection refused`);
  await box.server.start();
  assert.equal(box.server.agents.size, 0);
});

test("cb dispatcher run --token makes no second agent unless --register-again says so [F26]", async () => {
  await using box = await ScanBox.start();
  box.executor("scan", "true");
  const token = box.register();
  assertFailed(
    await run(box, "--token", "123456"),
    `cb: error: Cannot register again: "${box.state}" holds the token of an agent already`,
    "cb: hint: Leave --token out, or add --register-again: the server then has two agents",
  );
  assert.deepEqual([...box.server.agents.keys()], [token]);
  const again = box.startDispatcher(["--token", "123456", "--register-again"]);
  await again.logged("joined");
  assert.equal(box.server.agents.size, 2);
  assert(!box.read("state/agent.json").includes(token));
});

test("cb dispatcher run --register-again at another server is refused while results for the first one wait", async () => {
  await using box = await ScanBox.start();
  await using other = await ScanBox.start();
  box.executor("invalid", `echo '{"hosts":[{"description":"no address"}]}'`);
  const first = await box.dispatcher();
  await first.run("invalid");
  await first.program.end();
  const again = ["--server", other.url, "--token", "123456", "--register-again"];
  assertFailed(
    await run(box, ...again),
    `cb: error: Cannot register at "${other.url}": "${box.state}" holds results for "${box.url}"`,
    "cb: hint: Take another --state-directory, or move its spool and quarantine away",
  );
  assert.deepEqual([other.server.agents.size, other.server.posts.length], [0, 0]);
  rmSync(box.path("state/quarantine"), { recursive: true });
  await box.startDispatcher(again).logged("joined");
});

test("cb dispatcher run names the setting that is missing or wrong", async () => {
  await using box = await ScanBox.start();
  box.register();
  const config = (text: string) => ["dispatcher", "run", "--config", box.file("dispatcher.toml", text)];
  const failed = async (text: string) => box.start(config(text)).finished;
  const server = `server = "${box.url}"\n`;
  assertFailed(
    await failed('executors = ["scan"]\n'),
    "cb: error: Cannot reach a Faraday server: none is set",
    "cb: hint: Set server in dispatcher.toml, or --server http://host:5985, or run cb dispatcher wizard",
  );
  assertFailed(
    await failed(server),
    "cb: error: Cannot offer executors: none is named",
    "cb: hint: Set executors in dispatcher.toml, or --executors nmap,nikto",
  );
  assertFailed(
    await failed(`${server}executers = ["scan"]\n`),
    /^cb: error: Cannot use key "executers" from ".*dispatcher\.toml": no such key, did you mean "executors"\?$/,
    /^cb: hint: Known keys: server, /,
  );
  const code = await failed(`${server}token = "123456"\n`);
  assertFailed(code, /^cb: error: Cannot use key "token" from /, /^cb: hint: Known keys: server, /);
  assertFailed(
    await failed('server = "faraday.example:5985"\n'),
    /server.*expected http:\/\/host:port or https:\/\/host$/,
  );
  const withPassword = await failed('server = "http://me:correct-horse@faraday.example"\n');
  assertFailed(withPassword, /server.*expected a URL without a password$/);
  assert(!withPassword.stderr.includes("correct-horse"), withPassword.stderr);
  assertFailed(await failed(`${server}executors = ["../scan"]\n`), /executors.*"\.\.\/scan"/);
});

test("cb dispatcher run offers an executor that it cannot run all the same, and says what is wrong with it", async () => {
  await using box = await ScanBox.start();
  box.executor("fine", "true");
  box.executor("broken", "true");
  box.manifest("broken", "[parameters.TARGET]", 'type = "adress"');
  box.executor("locked", "true");
  chmodSync(box.path("run.d/locked"), 0o644);
  const dispatcher = await box.dispatcher(["--executors", "absent"]);
  const offered = box.server.channel.joins[0]?.executors.map((each) => Object(each).executor_name);
  assert.deepEqual(offered, ["fine", "broken", "locked", "absent"]);
  const problems = dispatcher
    .records("executor-unusable")
    .map(({ executor, reason }) => `${executor}: ${reason}`);
  assert.equal(problems.length, 3);
  assert.match(
    problems[0] ?? "",
    /^broken: Cannot use parameters\.TARGET\.type from ".*broken\.toml": .*adress/,
  );
  assert.match(problems[1] ?? "", /^locked: Cannot run "locked": not executable/);
  assert.match(problems[2] ?? "", /^absent: Cannot run "absent": no such executor in ".*"$/);
  assert.equal((await dispatcher.run("fine")).successful, true);
});

test("cb dispatcher run ends when its agent was deleted at the server, and what waits stays in the spool", async () => {
  await using box = await ScanBox.start();
  box.executor("scan", `echo '{"hosts":[{"ip":"192.0.2.1"}]}'`);
  box.server.fault = ({ path }) => (path.endsWith("bulk_create") ? { status: 503 } : undefined);
  const dispatcher = await box.dispatcher();
  const [id = 0] = box.server.run("scan");
  await dispatcher.until("the result", () => box.read(`state/spool/${id}.ndjson`).includes('"type":"end"'));
  box.server.agents.clear();
  box.server.channel.cut();
  const deleted = [
    `cb: error: Cannot serve "${box.url}": it does not know this agent, which was deleted there`,
    "cb: hint: Make a new one with --token CODE --register-again; results that wait stay in the spool",
  ];
  assertFailed(await dispatcher.program.finished, ...deleted);
  assert.deepEqual(readdirSync(`${box.state}/spool`), [`${id}.ndjson`]);
  assertFailed(await run(box), ...deleted);
});

test("cb dispatcher run uses no state directory that another has, that it cannot write, or that is damaged", async () => {
  await using box = await ScanBox.start();
  box.executor("scan", "true");
  const dispatcher = await box.dispatcher();
  const { pid } = dispatcher.program;
  assertFailed(
    await run(box),
    `cb: error: Cannot use "${box.state}/lock": the dispatcher with pid ${pid} has it`,
  );
  assert.equal((await dispatcher.run("scan")).successful, true);
  await dispatcher.stop();

  const path = `${box.state}/agent.json`;
  const again = "cb: hint: Register again with --token CODE --register-again";
  for (const text of ["", "{", "[]", '{"token":"short","server":"http://x"}', "\0".repeat(100)]) {
    writeFileSync(path, text);
    const damaged = `cb: error: Cannot use "${path}": it is damaged, expected the token of an agent`;
    assertFailed(await run(box), damaged, again);
  }
  box.register();
  chmodSync(path, 0o644);
  const open = `cb: error: Cannot use "${path}": others can read it (mode 0644), run: chmod 600 ${path}`;
  assertFailed(await run(box), open);
  chmodSync(path, 0o600);

  const file = box.file("file", "");
  assertFailed(
    await run(box, "--state-directory", `${file}/below`),
    /^cb: error: Cannot create ".*\/file\/below.*": /,
  );
  const locked = box.path("locked");
  mkdirSync(locked, { mode: 0o500 });
  // Root writes everywhere unless it gives up the capabilities for it.
  const asRoot = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--"];
  const wrapper = process.getuid?.() === 0 ? asRoot : [];
  const readOnly = box.startDispatcher(["--state-directory", locked], { wrapper });
  assertFailed(await readOnly.program.finished, `cb: error: Cannot lock "${locked}/lock": permission denied`);
  // What cannot be kept is not begun.
  chmodSync(`${box.state}/spool`, 0o500);
  const helpless = box.startDispatcher([], { wrapper });
  await helpless.logged("joined");
  const { successful, message } = await helpless.run("scan");
  assert.equal(successful, false);
  assert.match(message, /^not started: Cannot create ".*ndjson": permission denied$/);
});

test("cb dispatcher check shows what would work and what would not, one line each, and exits with 0 or 1", async () => {
  await using box = await ScanBox.start();
  box.executor("fine", "true");
  box.manifest("fine", 'checks = ["true", "command -v sh"]', "[parameters.TARGET]", 'type = "ip"');
  const nothing = await box.check();
  assert.match(
    nothing.stdout,
    /^FAILED\s+agent token\s+none is stored: run cb dispatcher register --token CODE$/m,
  );
  box.register();
  // As 5.10.0 does: any answer means that it is there.
  box.server.fault = ({ path }) => (path === "/_api/config" ? { status: 401 } : undefined);
  assertEnded(await box.check(), 0, {
    stdout: [
      `ok   server ${box.url}   reachable, HTTP status 401`,
      "ok   TLS   none: the URL begins with http://",
      "ok   command channel   opens",
      "ok   agent token   the server knows this agent",
      "ok   executor fine   1 parameter, 2 checks passed",
    ],
  });
  const asked = box.server.asked.map(({ path }) => path).slice(-3);
  assert.deepEqual(asked, ["/_api/config", "/_api/v3/info", "/_api/v3/agent_websocket_token"]);

  box.server.fault = () => undefined;
  box.server.agents.clear();
  box.executor("lacks", "true");
  box.manifest("lacks", 'checks = ["command -v surely-no-such-tool || { echo install it >&2; exit 1; }"]');
  const failing = await box.check(["--executors", "absent"]);
  assert.equal(failing.status, 1);
  const [server = "", , , token = "", ...executors] = lines(failing.stdout);
  assert.match(server, /^ok\s+server .*\s+reachable, HTTP status 200$/);
  assert.match(token, /^FAILED\s+agent token\s+the server does not know this agent, it was deleted there$/);
  assert.match(executors[0] ?? "", /^ok\s+executor fine /);
  assert.match(
    executors[1] ?? "",
    /^FAILED\s+executor lacks\s+check ".*" failed: exit status 1: install it$/,
  );
  assert.match(
    executors[2] ?? "",
    /^FAILED\s+executor absent\s+Cannot run "absent": no such executor in ".*"$/,
  );
  await box.server.stop();
  const alone = await box.check();
  await box.server.start();
  assert.match(alone.stdout, /^FAILED\s+server http:\/\/localhost:\d+\s+connection refused$/m);
});

test("cb dispatcher whose agent is deleted while it is connected ends at the next refused post, and keeps the result", async () => {
  await using box = await ScanBox.start();
  box.executor("quick", `echo '{"hosts":[{"ip":"192.0.2.1"}]}'`);
  const dispatcher = await box.dispatcher();
  box.server.agents.clear();
  const [id = 0] = box.server.run("quick");
  const { status, stderr } = await dispatcher.program.finished;
  assert.equal(status, 1);
  assert.match(
    stderr,
    /^cb: error: Cannot serve ".*": it does not know this agent, which was deleted there$/m,
  );
  assert.match(box.read(`state/spool/${id}.ndjson`), /192\.0\.2\.1/);
});

test("cb dispatcher refuses a state directory in which others can put files", async () => {
  await using box = await ScanBox.start();
  box.executor("quick", "true");
  mkdirSync(box.state);
  chmodSync(box.state, 0o777);
  const { status, stderr } = await box.startDispatcher().program.finished;
  assert.equal(status, 1);
  assert.match(stderr, /^cb: error: Cannot use ".*": others can write it \(mode 0777\), run: chmod 700 .*$/m);
});
