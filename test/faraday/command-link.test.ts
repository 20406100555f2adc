import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { systemClock } from "../../src/core/clock.ts";
import { CbError } from "../../src/core/errors.ts";
import type { StatusMessage } from "../../src/faraday/command-channel.ts";
import { CommandLink, pauseBefore } from "../../src/faraday/command-link.ts";
import { type FaradayOptions, FaradayServer } from "../support/faraday-server.ts";
import { EXECUTORS, HURRY, LogBook, NEVER, RunningLink, until } from "./wire-fixture.ts";

/** A server and a link that has joined it. */
class Pair implements AsyncDisposable {
  readonly server: FaradayServer;
  readonly running: RunningLink;

  private constructor(server: FaradayServer, running: RunningLink) {
    this.server = server;
    this.running = running;
  }

  /** @param prepare the server, before the link begins */
  static async start(
    options: FaradayOptions = {},
    prepare: (server: FaradayServer) => void = () => {},
    waits = HURRY,
  ): Promise<Pair> {
    const server = await FaradayServer.start(options);
    prepare(server);
    const running = new RunningLink(server.url, server.addAgent().token, {}, waits);
    return new Pair(server, running);
  }

  static async joined(...args: Parameters<typeof Pair.start>): Promise<Pair> {
    const pair = await Pair.start(...args);
    await pair.joinedTimes(1);
    return pair;
  }

  get channel() {
    return this.server.channel;
  }

  async joinedTimes(times: number): Promise<void> {
    await until(`joined ${times} times`, () => this.running.joined >= times);
  }

  tell(status: Partial<StatusMessage>): Promise<boolean> {
    const common = { executionIds: [1], executor: "scan", running: false, successful: true, message: "" };
    return this.running.link.tell({ ...common, ...status }, NEVER);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.running.stop();
    await this.server.stop();
  }
}

for (const transport of ["websocket", "polling"] as const) {
  for (const baseRoute of ["", "/base/route"]) {
    const where = baseRoute === "" ? "" : ", below the base route";
    test(`CommandLink joins with all executors and gets runs by ${transport}${where} [F27] [F35] [F38]`, async () => {
      await using pair = await Pair.joined({ transports: [transport], baseRoute });
      assert.deepEqual(pair.channel.joins[0]?.executors, EXECUTORS);
      const ids = pair.server.run("scan", { TARGET: ["10.0.0.1"] }, ["w1", "w2"]);
      await until("the run", () => pair.running.runs.length === 1);
      assert.deepEqual(pair.running.runs[0], {
        action: "RUN",
        agent_id: 1,
        execution_ids: ids,
        workspaces: ["w1", "w2"],
        executor: "scan",
        args: { TARGET: ["10.0.0.1"] },
        plugin_args: { ignore_info: false, resolve_hostname: true },
      });
      assert.equal(await pair.tell({ executionIds: ids, message: "done" }), true);
      assert.deepEqual(pair.server.executions.get(ids[1] ?? 0)?.message, "done");
    });
  }
}

test("CommandLink tells a status as text, with ids, words and truth [F37] [F40]", async () => {
  await using pair = await Pair.joined();
  assert.equal(
    await pair.tell({ executionIds: [4, 5], running: true, successful: null, message: "began" }),
    true,
  );
  assert.deepEqual(pair.channel.statuses, [
    {
      action: "RUN_STATUS",
      execution_ids: [4, 5],
      executor_name: "scan",
      running: true,
      successful: null,
      message: "began",
    },
  ]);
});

test("CommandLink tells a status that a database would refuse, without what it refuses", async () => {
  await using pair = await Pair.joined();
  assert.equal(await pair.tell({ message: `a\0b\ud800${"x".repeat(2_000_000)}` }), true);
  const message = pair.channel.statuses[0]?.message ?? "";
  assert.match(message, /^ab\ufffdx+$/);
  assert.ok(message.length <= 4_000);
});

test("CommandLink.tell() is true when the server has dealt with the status, not before", async () => {
  await using pair = await Pair.joined();
  pair.channel.handlerDelay = (event) => (event === "run_status" ? 200 : 0);
  let isTold = false;
  const told = pair.tell({}).then(() => {
    isTold = true;
  });
  await until("the status", () => pair.channel.events.includes("run_status"));
  assert.equal(isTold, false);
  await told;
  assert.equal(pair.channel.statuses.length, 1);
});

test("CommandLink.tell() keeps the order of a run's statuses, though handlers run side by side", async () => {
  await using pair = await Pair.joined();
  pair.channel.handlerDelay = (event, text) =>
    event === "run_status" && /first/.test(String(text)) ? 150 : 0;
  const told = [
    pair.tell({ executionIds: [1], message: "first" }),
    pair.tell({ executionIds: [1], message: "second" }),
    pair.tell({ executionIds: [2], message: "another run" }),
  ];
  assert.deepEqual(await Promise.all(told), [true, true, true]);
  const messages = pair.channel.statuses.map(({ message }) => message);
  assert.deepEqual(messages, ["another run", "first", "second"]);
});

test("CommandLink.tell() sends a status again that an acknowledging server does not acknowledge", async () => {
  await using pair = await Pair.joined();
  pair.channel.acknowledges = false;
  const told = pair.tell({ message: "again" });
  await until("a second one", () => pair.channel.statuses.length > 1);
  pair.channel.acknowledges = true;
  assert.equal(await told, true);
  assert.ok(pair.running.book.has("The server does not acknowledge a status, it is sent again"));
});

test("CommandLink joins a server without acknowledgements, and takes what it was sent for told", async () => {
  await using pair = await Pair.joined({}, ({ channel }) => {
    channel.acknowledges = false;
  });
  assert.equal(await pair.tell({ message: "once" }), true);
  assert.equal(pair.channel.statuses.length, 1);
});

test("CommandLink.tell() is false where the channel is lost first, or there is none", async () => {
  await using pair = await Pair.joined({}, undefined, { ...HURRY, firstPause: 200 });
  pair.channel.handlerDelay = (event) => (event === "run_status" ? 10_000 : 0);
  const told = pair.tell({});
  await until("the status", () => pair.channel.events.includes("run_status"));
  pair.channel.cut();
  assert.equal(await told, false);
  assert.equal(await pair.tell({}), false);
  pair.channel.handlerDelay = () => 0;
  await pair.joinedTimes(2);
  assert.equal(await pair.tell({}), true);
});

test("CommandLink.tell() throws the reason of its signal", async () => {
  await using pair = await Pair.joined();
  pair.channel.handlerDelay = (event) => (event === "run_status" ? 10_000 : 0);
  const reason = new Error("stopping");
  const stopping = new AbortController();
  const status = { executionIds: [1], executor: "scan", running: false, successful: true, message: "" };
  const told = pair.running.link.tell(status, stopping.signal);
  await until("the status", () => pair.channel.events.includes("run_status"));
  stopping.abort(reason);
  await assert.rejects(told, reason);
});

test("CommandLink takes a new token for every channel [F26] [F33]", async () => {
  await using pair = await Pair.joined();
  pair.channel.cut();
  await pair.joinedTimes(2);
  assert.equal(pair.channel.tokens.size, 2);
  assert.equal(pair.channel.joins.length, 2);
});

test("CommandLink survives a restart of the server, and tells then what is true", async () => {
  await using pair = await Pair.joined();
  const ids = pair.server.run("scan");
  assert.equal(await pair.tell({ executionIds: ids, running: true, successful: null }), true);
  await pair.server.stop();
  await until("the loss", () => !pair.running.link.state.connected);
  const { attempts } = pair.running.link.state;
  await until("attempts in vain", () => pair.running.link.state.attempts > attempts);
  assert.equal(pair.running.link.state.lastError, "connection refused");
  assert.equal(pair.server.executions.get(ids[0] ?? 0)?.running, true);
  await pair.server.start();
  await pair.joinedTimes(2);
  assert.deepEqual([pair.running.link.state.connected, pair.running.link.state.lastError], [true, undefined]);
  assert.equal(await pair.tell({ executionIds: ids, message: "true outcome" }), true);
  assert.equal(pair.server.executions.get(ids[0] ?? 0)?.message, "true outcome");
});

test("CommandLink notices a server that is mute, by its heartbeat, and joins again", async () => {
  await using pair = await Pair.joined({ pingInterval: 50, pingTimeout: 950 });
  await sleep(1_300);
  assert.equal(pair.running.joined, 1);
  pair.channel.stopPinging();
  await pair.joinedTimes(2);
  assert.ok(pair.running.book.has('"reason":"no heartbeat from the server"'));
});

test("CommandLink ends as deleted once the token says so, and at no sign on the channel", async () => {
  await using pair = await Pair.joined();
  const { token } = pair.channel.joins[0]?.agent ?? assert.fail();
  pair.server.agents.delete(token);
  await sleep(50);
  assert.equal(pair.running.link.state.connected, true);
  pair.channel.cut();
  assert.equal(await pair.running.ended, "deleted");
  assert.equal(pair.running.link.state.lastError, "the server does not know this agent, it was deleted");
});

test("CommandLink tries again for ever at 402, 500, a web page and a firewall's 403", async () => {
  const faults = [
    { status: 402 },
    { status: 500 },
    { status: 200 },
    { status: 403 },
    "drop",
    "hang",
  ] as const;
  let asked = 0;
  await using server = await FaradayServer.start();
  server.fault = () => faults[asked++];
  const running = new RunningLink(server.url, server.addAgent().token, { timeout: 500 });
  await until("a join", () => running.joined === 1);
  assert.ok(asked > faults.length);
  assert.equal(running.link.state.attempts, 0);
  assert.equal(await running.stop(), "stopped");
});

test("CommandLink leaves without an argument when it is stopped, and the server shows it offline [F39]", async () => {
  const pair = await Pair.joined();
  assert.equal(pair.channel.online, true);
  assert.equal(await pair.running.stop(), "stopped");
  assert.deepEqual(pair.channel.events.at(-1), "leave_agent");
  assert.equal(pair.channel.online, false);
  assert.equal(pair.running.link.state.connected, false);
  await pair.server.stop();
});

test("CommandLink stops at once while the server is away, mute, or has not answered the join", async () => {
  const away = new RunningLink(new URL("http://127.0.0.1:1"), "x", {}, { ...HURRY, firstPause: 60_000 });
  await until("an attempt", () => away.link.state.attempts === 1);
  assert.equal(await away.stop(), "stopped");
  const mute = await Pair.start({}, ({ channel }) => {
    channel.handlerDelay = () => 60_000;
  });
  await until("the join", () => mute.channel.events.includes("join_agent"));
  assert.equal(await mute.running.stop(), "stopped");
  assert.equal(mute.running.joined, 0);
  await mute.server.stop();
});

test("CommandLink does not believe a rejection that is another agent's: message and disconnect change nothing", async () => {
  await using pair = await Pair.joined();
  for (let times = 0; times < 3; times += 1) {
    pair.channel.strangerIsRefused();
    pair.channel.strangerJoins();
  }
  const ids = pair.server.run("scan");
  await until("the run", () => pair.running.runs.length === 1);
  assert.equal(await pair.tell({ executionIds: ids }), true);
  assert.deepEqual([pair.running.joined, pair.channel.joins.length, pair.channel.members], [1, 1, 1]);
});

test("CommandLink joins while strangers are refused, on the same channel", async () => {
  let refused = 0;
  await using pair = await Pair.joined({}, ({ channel }) => {
    channel.handlerDelay = (event) => {
      if (event === "join_agent" && refused < 2) {
        refused += 1;
        channel.strangerIsRefused();
      }
      return 0;
    };
  });
  assert.deepEqual([pair.channel.joins.length, pair.channel.tokens.size, pair.channel.members], [3, 3, 1]);
});

test("CommandLink takes itself for joined where strangers are refused without end", async () => {
  await using pair = await Pair.joined({}, ({ channel }) => {
    channel.handlerDelay = () => {
      channel.strangerIsRefused();
      return 0;
    };
  });
  assert.ok(pair.running.book.has("while others were refused"));
  assert.equal(pair.channel.members, 1);
});

test("CommandLink sees that its own join is refused, says why, and tries again for ever", async () => {
  await using pair = await Pair.start({}, ({ channel }) => {
    channel.refuses = () => true;
  });
  const { link } = pair.running;
  await until("two channels in vain", () => link.state.attempts === 2);
  assert.equal(link.state.lastError, "it refuses the join: Invalid agent token!");
  assert.equal(pair.running.joined, 0);
  pair.channel.refuses = () => false;
  await pair.joinedTimes(1);
});

test("CommandLink takes the end of the namespace for the end of the channel", async () => {
  await using pair = await Pair.joined();
  pair.channel.broadcastRaw("1/dispatcher,");
  await pair.joinedTimes(2);
  assert.ok(pair.running.book.has('"reason":"ended by the server"'));
});

test("CommandLink says what a server without the channel of agents is", async () => {
  await using pair = await Pair.start({}, ({ channel }) => {
    channel.hasNamespace = false;
  });
  await until("an attempt", () => pair.running.link.state.attempts > 0);
  const said = "it has no agents' channel (Socket.IO, /dispatcher), expected Faraday 5.0 or newer";
  assert.equal(pair.running.link.state.lastError, said);
});

test("CommandLink writes no argument of a run to the log", async () => {
  await using pair = await Pair.joined();
  pair.server.run("scan", { PASSWORD: "s3cret" });
  pair.channel.broadcastRaw('2/dispatcher,[["run"],{"args":{"PASSWORD":"s3cret"}}]');
  pair.channel.broadcastRaw('2/dispatcher,["config",{"args":{"PASSWORD":"s3cret"}}]');
  await until("the run", () => pair.running.runs.length === 1);
  assert.ok(!pair.running.book.has("s3cret"));
  assert.ok(pair.running.book.has("Ignored an unknown event"));
});

test("CommandLink logs an outage once, and again where its reason changes", async () => {
  const server = await FaradayServer.start();
  const running = new RunningLink(server.url, server.addAgent().token);
  await until("a join", () => running.joined === 1);
  await server.stop();
  await until("attempts", () => running.link.state.attempts > 3);
  const warnings = running.book.lines.filter((line) => line.startsWith("warn"));
  assert.deepEqual(warnings.length, 2, warnings.join("\n"));
  await running.stop();
});

test("new CommandLink() refuses more announcements than the server takes in a message", () => {
  const announcements = Array.from({ length: 200 }, (_, index) => ({
    executor_name: `e${index}`,
    category: [],
    tool: "",
    args: { X: { mandatory: true, type: "string", base: "string", description: "ü".repeat(3_000) } },
  }));
  const { log } = new LogBook();
  const parts = { agentToken: "x", clock: systemClock, log, onRun: () => {}, onJoined: () => {} };
  const never = () => assert.fail();
  const make = () =>
    new CommandLink({ ...parts, announcements, api: { channelToken: never }, openChannel: never });
  assert.throws(
    make,
    (error) => error instanceof CbError && /^Cannot announce 200 executors/.test(error.message),
  );
});

test("pauseBefore() doubles from 1 s to 60 s, less up to a half of it", () => {
  fc.assert(
    fc.property(fc.nat(5_000), (attempt) => {
      const whole = Math.min(60_000, 1_000 * 2 ** attempt);
      const pause = pauseBefore(attempt);
      assert.ok(pause >= whole / 2 && pause <= whole, `${pause}`);
    }),
  );
});
