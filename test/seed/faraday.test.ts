/** Sentences on executors and the dispatcher that are about all of it rather than about a part. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ScanBox } from "../support/scan-box.ts";

test("an executor prints in a shell with its variables what cb dispatcher posts of it [F1] [F2] [F4] [F18]", async () => {
  await using box = await ScanBox.start();
  box.executor("scan", `printf '{"hosts":[{"ip":"%s","description":""}]}\\n' "$EXECUTOR_CONFIG_TARGET"`);
  box.manifest("scan", "[parameters.TARGET]", 'type = "ip"');
  const dispatcher = await box.dispatcher();
  const { hosts } = await dispatcher.run("scan", { TARGET: "192.0.2.1" });
  const env = { EXECUTOR_CONFIG_TARGET: "192.0.2.1" };
  const printed = JSON.parse(execFileSync(box.path("run.d/scan"), { env, encoding: "utf8" }));
  assert.deepEqual(printed, { hosts: [{ ip: "192.0.2.1", description: "" }] });
  assert.deepEqual(hosts, ["192.0.2.1"]);
});

test("cb dispatcher hands each plugin argument of a run to the executor [F12] [F13] [F14] [F15] [F16] [F17]", async () => {
  await using box = await ScanBox.start();
  box.executor("env", `env | grep ^AGENT_CONFIG_ | sort >${box.path("env")}`);
  const dispatcher = await box.dispatcher();
  const tags = { vuln_tag: ["v1", "v2"], service_tag: ["s1"], hostname_tag: ["h1", "h2"] };
  const [id = 0] = box.server.run("env", {}, ["w1"], { ignore_info: true, resolve_hostname: false, ...tags });
  await dispatcher.ending(id);
  assert.deepEqual(box.read("env").split("\n"), [
    "AGENT_CONFIG_HOSTNAME_TAG=h1,h2",
    "AGENT_CONFIG_IGNORE_INFO=True",
    "AGENT_CONFIG_RESOLVE_HOSTNAME=False",
    "AGENT_CONFIG_SERVICE_TAG=s1",
    "AGENT_CONFIG_VULN_TAG=v1,v2",
    "",
  ]);
});

test("cb dispatcher is one process: executors that the server has started run beside it, and it takes more commands [F25] [F28] [F44] [F45] [F46]", async () => {
  await using box = await ScanBox.start();
  box.executor("endless", `echo $$ >>${box.path("pids")}`, "exec sleep 100");
  box.manifest("endless", "concurrency = 2");
  box.executor("short", "true");
  const dispatcher = await box.dispatcher();
  assert.deepEqual([children(dispatcher.program.pid), box.read("pids")], [[], ""]);

  for (const workspace of ["w1", "w2"]) box.server.run("endless", {}, [workspace]);
  await dispatcher.until("both executors", () => box.read("pids").trim().split("\n").length === 2);
  const started = box.read("pids").trim().split("\n").map(Number);
  assert.deepEqual(
    children(dispatcher.program.pid),
    started.toSorted((one, other) => one - other),
  );
  assert.equal((await dispatcher.run("short")).successful, true);
});

/** In the order of their ids; source: proc(5), which has them by the thread that started them. */
function children(pid: number): readonly number[] {
  const found = readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1");
  return found
    .split(" ")
    .filter(Boolean)
    .map(Number)
    .toSorted((one, other) => one - other);
}
