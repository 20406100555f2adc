/** `cb dispatcher` from registration to its end on every runtime, over both transports, below a base route. */
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { test } from "node:test";
import { RUNTIMES } from "../support/fleet.ts";
import { assertEnded } from "../support/running-program.ts";
import { ScanBox } from "../support/scan-box.ts";

/** Prints what it was given as one host, whose name is that of the workspace's run. */
const SCAN = `printf '{"hosts":[{"ip":"%s","description":"%s"}]}\\n' "$EXECUTOR_CONFIG_TARGET" "$EXECUTOR_CONFIG_DEEP"`;
const PARAMETERS = [
  'category = "Network"',
  'tool = "scanner"',
  "[parameters.TARGET]",
  'type = "ip"',
  "mandatory = true",
  "[parameters.DEEP]",
  'type = "boolean"',
];

for (const runtime of RUNTIMES) {
  test(`cb dispatcher on ${runtime} registers, joins, runs an executor for two workspaces, and leaves [F3] [F24] [F34] [F37] [F39]`, async () => {
    await using box = await ScanBox.start({ runtime });
    box.executor("scan", SCAN);
    box.manifest("scan", ...PARAMETERS);
    box.executor("plain", "true");
    const dispatcher = box.startDispatcher(["--token", "123456", "--name", "box 1", "--description", "d"]);
    await dispatcher.logged("joined");

    const [agent] = box.server.agents.values();
    assert.equal(agent?.name, "box 1");
    const stored = JSON.parse(readFileSync(`${box.state}/agent.json`, "utf8"));
    assert.deepEqual(stored, { token: agent.token, server: box.server.url.origin, id: agent.id });
    for (const [name, mode] of Object.entries({ "agent.json": 0o600, "dispatcher.sock": 0o600, "": 0o700 })) {
      assert.equal(statSync(`${box.state}/${name}`).mode & 0o777, mode, name);
    }
    const target = { mandatory: true, type: "ip", base: "string" };
    const deep = { mandatory: false, type: "boolean", base: "boolean" };
    assert.deepEqual(box.server.channel.joins[0]?.executors, [
      { executor_name: "scan", category: ["Network"], tool: "scanner", args: { TARGET: target, DEEP: deep } },
      { executor_name: "plain", category: [], tool: "", args: {} },
    ]);

    const args = { TARGET: "192.0.2.1", DEEP: false };
    const { ids, successful, message } = await dispatcher.run("scan", args, ["w1", "w2"]);
    assert.equal(successful, true, message);
    assert.match(message, /^finished in \d+\.\d+ s, 1 result$/);
    for (const id of ids) {
      const [result, closing, ...more] = box.server.accepted(id);
      assert.deepEqual(result?.hosts, [{ ip: "192.0.2.1", description: "False" }]);
      assert.deepEqual([closing?.hosts, more], [[], []]);
      const { duration, start_date, ...command } = closing?.command ?? {};
      assert(Number.isInteger(duration) && Number(duration) >= 0, String(duration));
      assert.match(String(start_date), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/);
      const params = "TARGET=192.0.2.1, DEEP=False";
      const ours = { user: "", hostname: "", import_source: "agent" };
      assert.deepEqual(command, { tool: "box 1", command: "scan", params, ...ours });
    }
    const said = box.server.channel.statuses.map(({ running, successful: ok }) => [running, ok]);
    assert.deepEqual(said, [
      [true, null],
      [false, true],
    ]);

    await box.emptied();
    const status = await box.ask("status");
    assert.equal(status.status, 0, status.stderr);
    assert.match(status.stdout, /^server\s+http:\/\/localhost:\d+, connected, since .*$/m);
    assert.match(status.stdout, /^agent\s+box 1, cb .*, started .* ago$/m);
    assert.match(status.stdout, /^runs\s+0 runs$/m);

    await dispatcher.stop();
    assert.deepEqual(box.server.channel.events.at(-1), "leave_agent");
    assert.equal(box.server.channel.online, false);
    const again = await box.ask("status");
    assertEnded(again, 1, {
      stderr: [
        `cb: error: Cannot ask the dispatcher at "${box.state}/dispatcher.sock": no dispatcher is running`,
      ],
    });
  });
}

for (const transport of ["polling", "websocket", "auto"] as const) {
  test(`cb dispatcher --channel-transport ${transport} holds its channel so, below a base route, and leaves`, async () => {
    // What is not asked for is refused, and "auto" must find its way.
    const transports = [transport === "auto" ? "polling" : transport] as const;
    await using box = await ScanBox.start({ transports, baseRoute: "/scans/faraday" });
    box.executor("scan", SCAN);
    box.manifest("scan", ...PARAMETERS);
    const dispatcher = await box.dispatcher(["--channel-transport", transport]);
    const { successful, hosts } = await dispatcher.run("scan", { TARGET: "192.0.2.1" });
    assert.deepEqual([successful, hosts], [true, ["192.0.2.1"]]);
    await dispatcher.stop();
    assert.equal(box.server.channel.events.at(-1), "leave_agent");
  });
}

test("cb dispatcher --channel-transport polling opens no WebSocket, and websocket does not poll", async () => {
  const cases = [
    ["polling", "websocket", /^it answers 400: Transport unknown$/],
    ["websocket", "polling", /^connection lost$/],
  ] as const;
  for (const [transport, other, expected] of cases) {
    await using box = await ScanBox.start({ transports: [other] });
    box.executor("plain", "true");
    box.register();
    const dispatcher = box.startDispatcher(["--channel-transport", transport]);
    const { reason } = await dispatcher.logged("join-failed");
    assert.match(String(reason), expected);
    assert.equal(box.server.channel.joins.length, 0);
  }
});
