/** Secrets that `cb dispatcher` gives its executors: they get them, and whoever reads a log or the server does not. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Dispatcher, ScanBox } from "../support/scan-box.ts";

const PASSWORD = "correct-horse-battery";
const FROM_FILE = "staple-0123456789abcdef";
const CREDENTIAL = "third-secret-of-all";
const SECRETS = [PASSWORD, FROM_FILE, CREDENTIAL];

const MANIFEST = [
  ...["[parameters.PASS]", 'type = "password"', "[parameters.TARGET]", 'type = "string"'],
  "[environment]",
];

/** A box with an executor for each way of saying what is nobody's business. */
async function talkativeBox(): Promise<ScanBox> {
  const box = await ScanBox.start();
  const file = box.file("token", `${FROM_FILE}\n`, 0o600);
  const environment = [`API_TOKEN = { file = "${file}" }`, 'API_KEY = { credential = "key" }'];
  const all = "$EXECUTOR_CONFIG_PASS $API_TOKEN $API_KEY";
  const scripts: Readonly<Record<string, readonly string[]>> = {
    "says-all": [`echo "have ${all}" >&2`, `echo "have ${all}"`, "exit 1"],
    // In two pieces, of which neither is a secret.
    "says-halves": ["printf 'it is correct-hor' >&2", "sleep 0.1", "echo se-battery >&2", "exit 1"],
    "says-in-json": [
      `echo "{\\"hosts\\":[{\\"ip\\":\\"192.0.2.1\\",\\"description\\":\\"\\",\\"vulnerabilities\\":` +
        `[{\\"name\\":\\"x\\",\\"desc\\":\\"y\\",\\"severity\\":\\"$API_TOKEN\\",\\"type\\":\\"Vulnerability\\"}]}]}"`,
    ],
    waits: [`echo "${all}" >${box.path("seen")}`, box.waitFor("go")],
  };
  for (const [name, script] of Object.entries(scripts)) {
    box.executor(name, ...script);
    box.manifest(name, ...MANIFEST, ...environment);
  }
  box.executor("checked", "true");
  box.manifest("checked", `checks = ["echo no good: $API_TOKEN >&2; exit 1"]`, ...MANIFEST, ...environment);
  return box;
}

async function start(box: ScanBox): Promise<Dispatcher> {
  const credentials = box.path("credentials");
  return box.dispatcher(["-vv"], { environment: { CREDENTIALS_DIRECTORY: credentials } });
}

function assertKept(text: string, what: string): void {
  for (const secret of SECRETS) assert(!text.includes(secret), `${what} has a secret in it:\n${text}`);
}

test("cb dispatcher shows no secret in its log, to the server or in its answers, whatever an executor says", async () => {
  await using box = await talkativeBox();
  box.credential("key", CREDENTIAL);
  const dispatcher = await start(box);
  const args = { PASS: PASSWORD, TARGET: "open" };
  const expected = {
    "says-all": /^exit status 1, 0 results, 1 line of no JSON: have \*\*\* \*\*\* \*\*\*$/,
    "says-halves": /^exit status 1, 0 results: it is \*\*\*$/,
    "says-in-json": /, 1 line of a form that Faraday does not take$/,
    checked: /^not started: check ".*" failed: exit status 1: no good: \*\*\*$/,
  };
  for (const [executor, message] of Object.entries(expected)) {
    assert.match((await dispatcher.run(executor, args)).message, message);
  }
  assert.equal(dispatcher.records("stderr").at(-1)?.["text"], "it is ***");
  // They are in the result itself, as the executor has put them there, and in no post, as the server takes none such.
  assertKept(JSON.stringify(box.server.posts), "a post");
  assert.equal(box.server.accepted(2)[0]?.command?.["params"], "PASS=***, TARGET=open");
  assertKept(JSON.stringify(box.server.channel.statuses), "a status");
  for (const words of [["status"], ["spool", "list"]]) {
    const { stdout, stderr } = await box.ask(...words);
    assertKept(stdout + stderr, words.join(" "));
  }
  assertKept(dispatcher.program.stderr + dispatcher.program.stdout, "the log");
});

test("cb dispatcher shows no secret in the list of processes or in its spool, nor in dispatcher check", async () => {
  await using box = await talkativeBox();
  box.credential("key", CREDENTIAL);
  const dispatcher = await start(box);
  box.server.run("waits", { PASS: PASSWORD });
  await dispatcher.until("the executor", () => box.read("seen").includes("\n"));
  assert.equal(box.read("seen"), `${SECRETS.join(" ")}\n`);
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    assertKept(commandLineOf(pid), `process ${pid}`);
  }
  const spooled = readdirSync(join(box.state, "spool"));
  assert.equal(spooled.length, 1);
  for (const name of spooled) assertKept(box.read(`state/spool/${name}`), name);
  box.file("go", "");

  const environment = { CREDENTIALS_DIRECTORY: box.path("credentials") };
  const check = await box.check([], { environment });
  assert.equal(check.status, 1);
  assert.match(
    check.stdout,
    /^FAILED\s+executor checked\s+check ".*" failed: exit status 1: no good: \*\*\*$/m,
  );
  assertKept(check.stdout + check.stderr, "dispatcher check");
});

test("cb dispatcher runs nothing whose secret others can read, and says which file it is", async () => {
  await using box = await talkativeBox();
  box.file("token", FROM_FILE, 0o644);
  const dispatcher = await start(box);
  const { successful, message } = await dispatcher.run("waits", { PASS: PASSWORD });
  assert.equal(successful, false);
  assert.match(message, /^Cannot use ".*\/token": others can read it \(mode 0644\), run: chmod 600 /);
  assert.equal(box.read("seen"), "");
});

/** Words of a process; empty where it has gone. */
function commandLineOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1");
  } catch {
    return "";
  }
}
