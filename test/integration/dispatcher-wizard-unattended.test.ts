/** `cb dispatcher wizard` where nobody can be asked: options say all of it, or one line says which is missing. */
import assert from "node:assert/strict";
import { mkdirSync, statSync } from "node:fs";
import { test } from "node:test";
import { assertEnded, lines } from "../support/running-program.ts";
import { ScanBox } from "../support/scan-box.ts";
import {
  CONFIG,
  configFile,
  runUnattended,
  startWritten,
  treeOf,
  WizardTerminal,
} from "../support/wizard-box.ts";

const SCAN = `#!/bin/sh\necho '{"hosts":[{"ip":"192.0.2.1"}]}'\n`;

async function boxWithScan(): Promise<ScanBox> {
  const box = await ScanBox.start();
  box.ownState();
  configFile(box, "run.d/scan", SCAN, 0o755);
  return box;
}

test("cb dispatcher wizard --yes goes from nothing to a run, and says what it did", async () => {
  await using box = await boxWithScan();
  const named = ["--name", "pentest-box", "--description", "in the lab"];
  const options = ["--yes", "--server", box.url, ...named, "--executors", "scan", "--token", "123456"];
  const ended = await runUnattended(box, options);
  const config = box.path(CONFIG);
  const rows = ended.stdout.replaceAll(/ {4,}/g, "   ");
  assertEnded({ ...ended, stdout: rows }, 0, {
    stdout: [
      `Looking for Faraday at ${box.url}`,
      "Faraday answers (HTTP 200), without TLS",
      "scan: 0 parameters, 0 checks passed",
      "To be written:",
      `  server   ${box.url}`,
      "  TLS   none",
      "  name   pentest-box",
      "  description   in the lab",
      "  executors   scan",
      "  agent   a new one",
      "",
      `  new   ${config}`,
      `Registering "pentest-box" at ${box.url}`,
      "Registered as agent 1",
      "Wrote 2 files",
      `  ${box.state}/agent.json`,
      `  ${config}`,
      "cb dispatcher check",
      `ok   server ${box.url}   reachable, HTTP status 200`,
      "ok   TLS   none: the URL begins with http://",
      "ok   command channel   opens",
      "ok   agent token   the server knows this agent",
      "ok   executor scan   0 parameters, 0 checks passed",
      "",
      "Next:",
      "  cb dispatcher run",
    ],
  });
  const dispatcher = await startWritten(box);
  assert.equal((await dispatcher.run("scan")).successful, true);
  assert.equal(box.server.agents.size, 1);
});

test("cb dispatcher wizard --yes asks nothing at a terminal either, and takes answers from the environment", async () => {
  await using box = await boxWithScan();
  const environment = { CB_SERVER: box.url, CB_EXECUTORS: "scan", CB_TOKEN: "123456" };
  await using wizard = new WizardTerminal(box, { options: ["--yes"], environment });
  assert.equal(await wizard.status(), 0);
  assert.equal(box.server.agents.size, 1);
  assert.doesNotMatch(wizard.transcript, /\?|123456/);
});

test("cb dispatcher wizard names the option that is missing, and changes nothing", async () => {
  await using box = await boxWithScan();
  const before = treeOf(box.directory);
  const missing = async (option: string, ...options: readonly string[]) => {
    const { status, stderr } = await runUnattended(box, options);
    const [error, hint, ...more] = lines(stderr);
    assert.equal(error, `cb: error: Cannot set up a dispatcher: ${option} is missing`);
    assert.match(
      hint ?? "",
      /^cb: hint: It answers ".*\?"; without --yes, and at a terminal, the wizard asks$/,
    );
    assert.deepEqual([status, more, treeOf(box.directory)], [1, [], before]);
  };
  const server = ["--server", box.url];
  await missing("--server");
  await missing("--executors", ...server);
  await missing("--token", ...server, "--executors", "scan");
});

test("cb dispatcher wizard says in one line what is wrong with an option, and changes nothing", async () => {
  await using box = await boxWithScan();
  configFile(box, "run.d/broken", "#!/bin/sh\n", 0o644);
  const secret = box.file("secret", "hush\n", 0o600);
  const before = treeOf(box.directory);
  const said = async (...options: readonly string[]) => {
    const { status, stderr } = await runUnattended(box, [
      "--server",
      box.url,
      "--token",
      "123456",
      ...options,
    ]);
    assert.deepEqual([status, treeOf(box.directory)], [1, before]);
    return lines(stderr)[0]?.replace("cb: error: ", "");
  };
  const scan = ["--executors", "scan"];
  assert.equal(await said("--executors", "scan,scam"), 'Cannot use --executors: there is no executor "scam"');
  assert.equal(
    await said("--executors", "broken"),
    'Cannot use --executors: "broken": not executable, mode 0644',
  );
  const wants = (name: string) => `Cannot use --variable ${name}: no executor that is set up now wants it`;
  assert.equal(await said(...scan, "--variable", "scan.KEY=1"), wants("scan.KEY"));
  assert.equal(await said(...scan, "--secret-file", `scan.KEY=${secret}`), wants("scan.KEY"));
  assert.match(
    (await said(...scan, "--secret-file", "scan.KEY=/missing")) ?? "",
    /^Cannot read "\/missing": no such file/,
  );
  assert.match((await said(...scan, "--variable", "KEY=1")) ?? "", /expected EXECUTOR\.NAME=VALUE$/);
  assert.match(
    (await said(...scan, "--trust-fingerprint", "12")) ?? "",
    /expected the 64 hexadecimal digits of a SHA-256$/,
  );
  assert.match(
    (await said(...scan, "--register-later")) ?? "",
    /^Cannot use --register-later with --token: expected one/,
  );
  assert.match(
    (await said(...scan, "--name", "a\u001bb")) ?? "",
    /^Cannot use --name "a\^\[b": expected no control/,
  );
  assert.match(
    (await said(...scan, "--python", "/missing", "--executors", "x")) ?? "",
    /there is no executor "x"/,
  );
  const nowhere = await runUnattended(box, ["--server", box.url, ...scan], {
    XDG_CONFIG_HOME: box.path("other"),
  });
  assert.match(
    nowhere.stderr,
    /^cb: error: Cannot .*: (no executor can be used, looked in|there is no executor) "/,
  );
  box.server.registrationCode = "654321";
  assert.match(
    (await said(...scan)) ?? "",
    /^Cannot register at ".*": the registration code is wrong or has expired$/,
  );
  await box.server.stop();
  assert.equal(await said(...scan), `Cannot reach "${box.url}": connection refused`);
  await box.server.start();
  assert.equal(box.server.agents.size, 0);
});

test("cb dispatcher wizard edits what is there with --replace alone, and keeps the rest, comments too", async () => {
  await using box = await boxWithScan();
  box.register();
  const run = box.path("config/cb/run.d");
  const text = `# Mine.\nserver = "${box.url}"\nname = "old" # since 2020\nexecutors = ["scan"]\nrun-directory = "${run}"\njobs = 2\n`;
  configFile(box, "dispatcher.toml", text);
  const same = await runUnattended(box, []);
  assert.equal(same.status, 0, same.stderr);
  assert.match(same.stdout, /No file changes/);
  assert.equal(box.read(CONFIG), text);
  const before = treeOf(box.directory);
  const kept = await runUnattended(box, ["--name", "new"]);
  assertEnded({ ...kept, stdout: "" }, 1, {
    stderr: [
      `cb: error: Cannot write "${box.path(CONFIG)}": it says name = "old"`,
      "cb: hint: Look at it, and add --replace if it may go",
    ],
  });
  assert.deepEqual(treeOf(box.directory), before);
  assert.equal((await runUnattended(box, ["--name", "new", "--replace"])).status, 0);
  assert.equal(box.read(CONFIG), text.replace('"old"', '"new"'));
  // An agent is there, so no code is needed, nor taken.
  const twice = await runUnattended(box, ["--token", "123456"]);
  assert.match(twice.stderr, /^cb: error: Cannot register again: ".*" holds the token of an agent already\n/);
  assert.equal((await runUnattended(box, ["--token", "123456", "--register-again"])).status, 0);
  assert.equal(box.server.agents.size, 2);
});

test("cb dispatcher wizard registers where dispatcher.toml has its state, and takes it from no dispatcher that runs", async () => {
  await using box = await boxWithScan();
  const state = box.path("elsewhere");
  mkdirSync(state, { mode: 0o700 });
  const text = `server = "${box.url}"\nname = "box"\nexecutors = ["scan"]\nstate-directory = "${state}"\n`;
  configFile(box, "dispatcher.toml", text);
  const environment = { STATE_DIRECTORY: undefined } as unknown as Record<string, string>;
  const done = await runUnattended(box, ["--token", "123456", "--errors-only"], environment);
  assert.equal(done.status, 0, done.stderr);
  assert.match(done.stdout, /^ok {2}/);
  assert.deepEqual([box.read("elsewhere/agent.json") !== "", box.read("state/agent.json")], [true, ""]);
  const running = box.start(["dispatcher", "run", "--config", box.path(CONFIG), "--state-directory", state]);
  // The wizard's own pid is there before.
  await running.until("its lock", () => box.read("elsewhere/lock") === `${running.pid}\n` || undefined);
  const again = await runUnattended(box, ["--token", "123456", "--register-again"], environment);
  assert.equal(again.status, 1);
  assert.match(
    again.stderr,
    new RegExp(`^cb: error: Cannot use "${state}/lock": the dispatcher with pid ${running.pid} has it\n$`),
  );
  assert.equal(box.server.agents.size, 1);
});

test("cb dispatcher wizard refuses a dispatcher.toml that it cannot read, before it asks anything", async () => {
  await using box = await boxWithScan();
  for (const [text, message] of [
    ["server = \n", /^cb: error: Cannot read ".*dispatcher\.toml": line 1, column \d+: /],
    ['sever = "x"\n', /^cb: error: Cannot use key "sever" from ".*": no such key, did you mean "server"\?\n/],
    ['server = "ftp://x"\n', /^cb: error: Cannot use server \(not shown\) from ".*": expected http:/],
  ] as const) {
    configFile(box, "dispatcher.toml", text);
    const { status, stdout, stderr } = await runUnattended(box, ["--server", box.url]);
    assert.deepEqual([status, stdout, box.read(CONFIG)], [1, "", text]);
    assert.match(stderr, message);
  }
});

test("cb dispatcher wizard --register-later writes all but the registration, which register makes", async () => {
  await using box = await boxWithScan();
  const output = box.path("elsewhere/my.toml");
  const options = ["--server", box.url, "--executors", "scan", "--register-later", "--output", output];
  configFile(box, "../../elsewhere/run.d/scan", SCAN, 0o755);
  const ended = await runUnattended(box, options);
  assert.equal(ended.status, 0, ended.stderr);
  const next = lines(ended.stdout.slice(ended.stdout.indexOf("Next:")));
  assert.deepEqual(next, [
    "Next:",
    `  cb dispatcher register --config ${output} --token CODE`,
    `  cb dispatcher check --config ${output}`,
    `  cb dispatcher run --config ${output}`,
  ]);
  assert.equal(box.server.agents.size, 0);
  assert.equal((await box.ask("register", "--config", output, "--token", "123456")).status, 0);
  assert.equal((await box.ask("check", "--config", output)).status, 0);
});

test("cb dispatcher wizard sets up one of Faraday's own by options, its secret in a file of its own", async () => {
  await using box = await ScanBox.start();
  for (const name of ["manifests", "executors"]) mkdirSync(box.path(name));
  const answer = { manifests: box.path("manifests"), executors: box.path("executors"), version: "3.9.1" };
  const python = box.file(
    "python",
    `#!/bin/sh\n[ "$1" = -I ] && exec echo '${JSON.stringify(answer)}'\nexec /bin/sh "$@"\n`,
    0o755,
  );
  const manifest = {
    name: "acme",
    repo_executor: "acme.py",
    cmd: "{EXECUTOR_FILE_PATH}",
    check_cmds: ["false"],
  };
  const rest = { environment_variables: ["ACME_HOST", "ACME_TOKEN"], arguments: {} };
  box.file("manifests/acme-1.0.0.json", JSON.stringify({ ...manifest, ...rest }));
  const secret = box.file("token", "correct-horse\n", 0o600);
  const options = ["--server", box.url, "--executors", "acme", "--python", python, "--token", "123456"];
  const host = ["--variable", "acme.ACME_HOST=h=1"];
  const lacks = await runUnattended(box, [...options, ...host]);
  assert.match(
    lacks.stderr,
    /^cb: error: Cannot set up a dispatcher: --secret-file acme\.ACME_TOKEN=… is missing\n/,
  );
  const ended = await runUnattended(box, [...options, ...host, "--secret-file", `acme.ACME_TOKEN=${secret}`]);
  // What a check says is no reason to leave it out, and not passed over either.
  assert.equal(ended.status, 1, ended.stderr);
  assert.match(ended.stdout, /^acme: check "false" failed: exit status 1$/m);
  assert.match(ended.stdout, /^FAILED +executor acme +check "false" failed/m);
  assert(!ended.stdout.includes("correct-horse"));
  assert.match(box.read("config/cb/run.d/acme.toml"), /^ACME_HOST = "h=1"$/m);
  assert.equal(box.read("state/secrets/acme.ACME_TOKEN"), "correct-horse");
  assert.equal(statSync(box.path("state/secrets/acme.ACME_TOKEN")).mode & 0o777, 0o600);
  assert.match(box.read(CONFIG), new RegExp(`^python = "${python}"$`, "m"));
});

test("cb dispatcher wizard spends no code where it could not keep the token", async () => {
  await using box = await ScanBox.start();
  configFile(box, "run.d/scan", SCAN, 0o755);
  const options = ["--server", box.url, "--executors", "scan", "--token", "123456"];
  box.file("state", "");
  const blocked = await runUnattended(box, options);
  assert.deepEqual([blocked.status, box.server.agents.size], [1, 0]);
  assert.match(blocked.stderr, /^cb: error: Cannot .*state/);
  assert.equal(box.read(CONFIG), "");
});

test("cb dispatcher wizard points to the import where Faraday's own agent is configured", async () => {
  await using box = await boxWithScan();
  mkdirSync(box.path("home/.faraday/config"), { recursive: true });
  box.file("home/.faraday/config/dispatcher.yaml", "agent: {}\n");
  const { stdout } = await runUnattended(box, ["--server", box.url]);
  assert.match(
    stdout,
    /^Faraday's own agent is configured here: .*dispatcher\.yaml\n {2}cb dispatcher import takes that over$/m,
  );
});
