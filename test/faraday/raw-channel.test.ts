import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import type { ChannelProtocol, StatusMessage } from "../../src/faraday/command-channel.ts";
import { RawChannel } from "../../src/faraday/raw-channel.ts";
import { ServerFailure } from "../../src/faraday/server-failure.ts";
import type { FaradayRawChannel } from "../support/faraday-raw-channel.ts";
import { type FaradayOptions, FaradayServer } from "../support/faraday-server.ts";
import { Opcode } from "../support/websocket-server.ts";
import { client, HURRY, LogBook, NEVER, RunningLink, until } from "./wire-fixture.ts";

const OLD = [
  { executor_name: "scan", args: {} },
  { executor_name: "other", args: {} },
];

type Options = FaradayOptions & {
  readonly protocol?: ChannelProtocol | "auto";
  readonly waits?: typeof HURRY;
  readonly prepare?: (channel: FaradayRawChannel) => void;
};

/** An old server and a link to it. */
class Pair implements AsyncDisposable {
  readonly server: FaradayServer;
  readonly running: RunningLink;

  private constructor(server: FaradayServer, running: RunningLink) {
    this.server = server;
    this.running = running;
  }

  static async start(options: Options = {}): Promise<Pair> {
    const { protocol = "legacy", waits = HURRY, prepare = () => {}, ...rest } = options;
    const server = await FaradayServer.start({ generation: 4, ...rest });
    prepare(server.rawChannel);
    return new Pair(server, new RunningLink(server.url, server.addAgent().token, {}, waits, protocol));
  }

  static async joined(options?: Options): Promise<Pair> {
    const pair = await Pair.start(options);
    await pair.joinedTimes(1);
    return pair;
  }

  get channel(): FaradayRawChannel {
    return this.server.rawChannel;
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

for (const generation of [3, 4] as const) {
  for (const isProxied of [false, true]) {
    const where = isProxied ? "below the server's URL" : "at the port that the server names";
    test(`CommandLink joins Faraday ${generation}, gets runs and tells statuses, ${where}`, async () => {
      const baseRoute = isProxied ? "/base/route" : "";
      await using pair = await Pair.joined({ generation, isProxied, baseRoute });
      const workspaces = generation === 3 ? ["w1"] : ["w1", "w2"];
      assert.deepEqual(pair.channel.joins[0]?.executors, OLD);
      assert.equal(pair.running.link.state.protocol, "legacy");
      const ids = pair.server.run("scan", { TARGET: "10.0.0.1" }, workspaces);
      await until("the run", () => pair.running.runs.length === 1);
      const plugin = { plugin_args: { ignore_info: false, resolve_hostname: true } };
      assert.deepEqual(pair.running.runs[0], {
        action: "RUN",
        agent_id: 1,
        execution_ids: ids,
        workspaces,
        executor: "scan",
        args: { TARGET: "10.0.0.1" },
        ...(generation === 4 && plugin),
      });
      assert.equal(await pair.tell({ executionIds: ids, message: "done" }), true);
      assert.deepEqual(
        ids.map((id) => pair.server.executions.get(id)?.message),
        ids.map(() => "done"),
      );
    });
  }
}

test("RawChannel is joined when the server has dealt with the join, not before", async () => {
  await using pair = await Pair.start({
    prepare: (channel) => {
      channel.handlerDelay = (action) => (action === "JOIN_AGENT" ? 300 : 0);
    },
  });
  await until("the join", () => pair.channel.events.includes("JOIN_AGENT"));
  assert.deepEqual([pair.running.joined, pair.channel.joins.length], [0, 0]);
  await pair.joinedTimes(1);
  assert.equal(pair.channel.joins.length, 1);
});

test("CommandLink.tell() is true when an old server has dealt with the status, not before", async () => {
  await using pair = await Pair.joined();
  pair.channel.handlerDelay = (action) => (action === "RUN_STATUS" ? 200 : 0);
  let isTold = false;
  const told = pair.tell({}).then(() => {
    isTold = true;
  });
  await until("the status", () => pair.channel.events.includes("RUN_STATUS"));
  assert.equal(isTold, false);
  await told;
  assert.equal(pair.channel.statuses.length, 1);
});

test("CommandLink.tell() is false where an old server ends the connection in place of an answer", async () => {
  await using pair = await Pair.joined({ waits: { ...HURRY, firstPause: 200 } });
  pair.channel.handlerDelay = (action) => {
    if (action === "RUN_STATUS") throw new Error("the database is away");
    return 0;
  };
  assert.equal(await pair.tell({}), false);
  pair.channel.handlerDelay = () => 0;
  await pair.joinedTimes(2);
  assert.ok(pair.running.book.has('"reason":"connection lost"'));
  assert.equal(await pair.tell({}), true);
});

test("CommandLink.tell() tells an old server again what it does not acknowledge in time", async () => {
  const waits = { ...HURRY, firstPatience: 50, lastPatience: 5_000 };
  await using pair = await Pair.joined({ waits });
  pair.channel.handlerDelay = (action) => (action === "RUN_STATUS" ? 100 : 0);
  assert.equal(await pair.tell({ message: "again" }), true);
  assert.ok(pair.running.book.has("The server does not acknowledge a status, it is sent again"));
});

test("CommandLink says why an old server refuses its join, and tries again with a new token", async () => {
  let refusals = 0;
  await using pair = await Pair.start({
    prepare: (channel) => {
      channel.refuses = () => {
        refusals += 1;
        return refusals <= 2;
      };
    },
  });
  await until("a refusal", () => pair.running.link.state.attempts > 0);
  assert.ok(pair.running.book.has('"reason":"it refuses the join: Invalid agent token!"'));
  await pair.joinedTimes(1);
  assert.deepEqual([refusals, pair.channel.tokens.size, pair.running.joined], [3, 3, 1]);
});

test("CommandLink says what an old server says at the end of a channel, harmless", async () => {
  await using pair = await Pair.joined();
  pair.channel.dismiss(1001, "going\u001b[2J away");
  await pair.joinedTimes(2);
  assert.ok(pair.running.book.has('"reason":"closed by the server: going^[[2J away"'));
});

test("CommandLink survives a restart of an old server", async () => {
  await using pair = await Pair.joined();
  const ids = pair.server.run("scan");
  assert.equal(await pair.tell({ executionIds: ids, running: true, successful: null }), true);
  await pair.server.stop();
  await until("attempts in vain", () => pair.running.link.state.attempts > 1);
  assert.equal(pair.running.link.state.lastError, "connection refused");
  await pair.server.start();
  await pair.joinedTimes(2);
  assert.equal(await pair.tell({ executionIds: ids, message: "true outcome" }), true);
  assert.equal(pair.server.executions.get(ids[0] ?? 0)?.message, "true outcome");
});

test("CommandLink leaves an old server with the token of its join and a reason, and is offline there", async () => {
  const pair = await Pair.joined();
  assert.equal(pair.channel.online, true);
  assert.equal(await pair.running.stop(), "stopped");
  const [token] = pair.channel.tokens.keys();
  const reason = "the dispatcher was stopped";
  assert.deepEqual(pair.channel.messages.at(-1), { action: "LEAVE_AGENT", token, reason });
  assert.deepEqual(pair.channel.goodbyes, [reason]);
  assert.deepEqual([pair.channel.online, pair.channel.connections], [false, 0]);
  await pair.server.stop();
});

test("CommandLink stops in time while an old server is mute, joined or not", async () => {
  for (const isMuteFrom of ["the start", "the join"] as const) {
    const pair = await Pair.start({
      waits: { ...HURRY, acknowledge: 60_000, leave: 100 },
      prepare: (channel) => {
        channel.isMute = isMuteFrom === "the start";
      },
    });
    if (isMuteFrom === "the join") await pair.joinedTimes(1);
    else await until("a connection", () => pair.channel.connections === 1);
    pair.channel.isMute = true;
    assert.equal(await pair.running.stop(), "stopped");
    await until("no connection", () => pair.channel.connections === 0);
    await pair.server.stop();
  }
});

test("RawSocket keeps a channel with its pings, and notices a server that is mute", async () => {
  await using pair = await Pair.joined({ waits: { ...HURRY, ping: 100 } });
  await until("pings", () => pair.channel.pings > 5);
  assert.equal(pair.running.joined, 1);
  pair.channel.isMute = true;
  await until("the loss", () => pair.running.joined === 1 && !pair.running.link.state.connected);
  assert.ok(pair.running.book.has('"reason":"no heartbeat from the server"'));
  pair.channel.isMute = false;
  await pair.joinedTimes(2);
});

test("RawSocket takes whatever comes for a sign of life", async () => {
  await using pair = await Pair.joined({ waits: { ...HURRY, ping: 300 } });
  const { pings } = pair.channel;
  // Frames are read, and no ping is answered.
  pair.channel.isMute = true;
  for (let times = 0; times < 30; times += 1) {
    pair.channel.sendRaw("{}");
    await sleep(50);
  }
  assert.deepEqual([pair.running.joined, pair.channel.pings], [1, pings]);
});

test("RawChannel ignores what is no run, binary or not JSON, and no part of it is in the log", async () => {
  await using pair = await Pair.joined();
  const texts = ["", "{", "[]", '{"action":"CONFIG","args":{"P":"s3cret"}}', '{"args":{"P":"s3cret"}}'];
  for (const text of texts) pair.channel.sendRaw(text);
  pair.channel.sendRaw('{"action":"RUN","executor":"binary"}', Opcode.binary);
  pair.server.run("scan", { PASSWORD: "s3cret" });
  await until("the run", () => pair.running.runs.length === 1);
  assert.equal((pair.running.runs[0] as { readonly executor: string }).executor, "scan");
  assert.equal(
    pair.running.book.lines.filter((line) => line.includes("unknown message")).length,
    texts.length,
  );
  assert.ok(!pair.running.book.has("s3cret"));
});

test("RawChannel lives on whatever texts come", async () => {
  await using pair = await Pair.joined();
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.json(),
    fc.json().map((json) => `{"action":"RUN","args":${json}}`),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(text, { maxLength: 5 }), async (texts) => {
      const before = pair.running.runs.length;
      for (const one of texts) pair.channel.sendRaw(one);
      pair.server.run("last");
      const isLast = (run: unknown) => (run as { readonly executor?: unknown }).executor === "last";
      await until("the last", () => pair.running.runs.slice(before).some(isLast));
    }),
    { numRuns: 30 },
  );
  assert.equal(pair.running.joined, 1);
});

test("RawChannel ends at a message that is too long, and at one that is no UTF-8", async () => {
  await using pair = await Pair.joined();
  pair.channel.sendRaw(`"${"x".repeat(9_000_000)}"`);
  await pair.joinedTimes(2);
  pair.channel.sendRaw(Uint8Array.of(0x22, 0xff, 0x22));
  await pair.joinedTimes(3);
  assert.equal(pair.running.runs.length, 0);
});

test("RawChannel.open() fails where nothing answers, and leaves nothing open", async () => {
  const server = await FaradayServer.start({ generation: 4 });
  const url = new URL(server.channelUrl);
  url.protocol = "ws:";
  await server.stop();
  const http = client(server.url);
  const parts = { observer: { onRun: () => {} }, log: new LogBook().log, waits: HURRY };
  await assert.rejects(RawChannel.open(http, url, parts, NEVER), ServerFailure);
  const reason = new Error("enough");
  await assert.rejects(RawChannel.open(http, url, parts, AbortSignal.abort(reason)), reason);
  await http.close();
});
