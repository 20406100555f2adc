/** `cb dispatcher register`: a token for a code, and nothing else is begun. */
import assert from "node:assert/strict";
import { existsSync, statSync } from "node:fs";
import { test } from "node:test";
import { assertEnded } from "../support/running-program.ts";
import { ScanBox } from "../support/scan-box.ts";

test("cb dispatcher register makes one agent, keeps its token, and a dispatcher serves with it", async () => {
  await using box = await ScanBox.start();
  box.ownState();
  box.executor("scan", `echo '{"hosts":[{"ip":"192.0.2.1"}]}'`);
  const settings = ["--server", box.url, "--name", "pentest-box", "--description", "mine"];
  const ended = await box.ask("register", ...settings, "--token", "123456");
  const [agent = assert.fail("no agent was made")] = box.server.agents.values();
  const line = `Registered "pentest-box" at "${box.url}" as agent ${agent.id}; its token is in "${box.state}/agent.json"`;
  assertEnded(ended, 0, { stdout: [line] });
  assert.deepEqual(JSON.parse(box.read("state/agent.json")), {
    token: agent.token,
    server: box.url,
    id: agent.id,
  });
  assert.equal(statSync(box.path("state/agent.json")).mode & 0o777, 0o600);
  assert.equal(agent.name, "pentest-box");
  assert.deepEqual(box.server.channel.joins, []);
  const dispatcher = box.startDispatcher();
  await dispatcher.logged("joined");
  assert.equal((await dispatcher.run("scan")).successful, true);
  assert.equal(box.server.agents.size, 1);
});

test("cb dispatcher register says why not, and makes no second agent unless it is told to", async () => {
  await using box = await ScanBox.start();
  const register = (...options: readonly string[]) => box.ask("register", "--server", box.url, ...options);
  const hint = "cb: hint: The server's Agents page shows one, six digits that change every minute";
  assertEnded(await register(), 1, {
    stderr: ["cb: error: Cannot register: --token with a registration code is missing", hint],
  });
  const wrong = await register("--token", "000000");
  assert.deepEqual([wrong.status, wrong.stdout], [1, ""]);
  assert.match(
    wrong.stderr,
    /^cb: error: Cannot register at ".*": the registration code is wrong or has expired\ncb: hint: /,
  );
  assert(!existsSync(box.path("state/agent.json")));
  const token = box.register();
  const again = await register("--token", "123456");
  assert.equal(again.status, 1);
  assert.match(again.stderr, /^cb: error: Cannot register again: ".*" holds the token of an agent already\n/);
  assert.deepEqual([...box.server.agents.keys()], [token]);
  assert.equal((await register("--token", "123456", "--register-again")).status, 0);
  assert.equal(box.server.agents.size, 2);
  assert(!box.read("state/agent.json").includes(token));
});

test("cb dispatcher register keeps its hands off the state of a dispatcher that runs", async () => {
  await using box = await ScanBox.start();
  box.executor("scan", "true");
  const dispatcher = await box.dispatcher();
  const before = box.read("state/agent.json");
  const ended = await box.ask("register", "--server", box.url, "--token", "123456", "--register-again");
  assert.equal(ended.status, 1);
  assert.match(ended.stderr, new RegExp(`: the dispatcher with pid ${dispatcher.program.pid} has it\n$`));
  assert.equal(box.read("state/agent.json"), before);
});

test("cb dispatcher register spends no code where the token could not be kept", async () => {
  await using box = await ScanBox.start();
  // Root may write anywhere, but not into a file.
  box.file("state", "");
  const ended = await box.ask("register", "--server", box.url, "--token", "123456");
  assert.equal(ended.status, 1);
  assert.match(ended.stderr, /^cb: error: Cannot .*state.*: /);
  assert.equal(box.server.agents.size, 0);
});
