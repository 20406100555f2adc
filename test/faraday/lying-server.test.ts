/**
 * Servers that lie: whatever they send, a channel works on or ends with a reason. An exception that gets away fails
 * the test that is running, as it would end the process.
 */
import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { test } from "node:test";
import { deflateRawSync } from "node:zlib";
import fc from "fast-check";
import { FaradayApi } from "../../src/faraday/api.ts";
import { Channel, channelOpener } from "../../src/faraday/channel.ts";
import type { OpenChannel } from "../../src/faraday/command-channel.ts";
import type { HttpClient } from "../../src/faraday/http-client.ts";
import { rawOpener } from "../../src/faraday/raw-opener.ts";
import { ServerFailure } from "../../src/faraday/server-failure.ts";
import { closeFrame, frame, Opcode, switchingProtocols } from "../support/websocket-server.ts";
import { client, HURRY, LogBook, NEVER, until } from "./wire-fixture.ts";

const HANDSHAKE = '0{"sid":"s","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000}';
const CONNECTED = '40/dispatcher,{"sid":"x"}';

type Script = {
  /** What is sent on a WebSocket; without it there is none. */
  readonly onSocket?: (socket: Socket) => void;
  readonly onPoll?: (response: ServerResponse, poll: number) => void;
  readonly extensions?: string;
};

class LyingServer implements AsyncDisposable {
  readonly #http = createServer();
  readonly #sockets = new Set<Socket>();

  static async start({ onSocket, onPoll, extensions }: Script): Promise<LyingServer> {
    const server = new LyingServer();
    let polls = 0;
    server.#http.on("connection", (socket: Socket) => server.#sockets.add(socket));
    server.#http.on("upgrade", (request: IncomingMessage, socket: Socket) => {
      socket.on("error", () => {});
      if (onSocket === undefined) socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
      else {
        socket.write(switchingProtocols(request, extensions));
        onSocket(socket);
      }
    });
    server.#http.on("request", (request: IncomingMessage, response: ServerResponse) => {
      if (request.method === "GET" && onPoll !== undefined) onPoll(response, polls++);
      else response.writeHead(request.method === "GET" ? 400 : 200).end("ok");
    });
    server.#http.listen(0, "127.0.0.1");
    await new Promise((resolve) => server.#http.once("listening", resolve));
    return server;
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }
}

type Ending = { readonly opened: boolean; readonly reason: string; readonly runs: readonly unknown[] };

/** Opens a channel to the server, by Socket.IO if nothing else is said, and waits for its end. */
async function endOf(
  script: Script,
  timeout = 5_000,
  opener: (http: HttpClient) => OpenChannel = (http) => channelOpener(http, new LogBook().log, HURRY),
): Promise<Ending> {
  await using server = await LyingServer.start(script);
  const http = client(server.url, { timeout });
  const runs: unknown[] = [];
  const open = opener(http);
  try {
    const channel = await open({ onRun: (run) => runs.push(run) }, NEVER);
    // On a channel that is lost in the middle of it all.
    const joined = channel.join("token", []);
    const reason = await channel.ended;
    await joined;
    await channel.close();
    return { opened: true, reason, runs };
  } catch (error) {
    assert.ok(error instanceof ServerFailure, String(error));
    return { opened: false, reason: error.message, runs };
  } finally {
    await http.close();
  }
}

/** Frames of text one after the other, then the end of the connection. */
function sending(...texts: readonly string[]): Script {
  return {
    onSocket: (socket) => {
      socket.end(Buffer.concat(texts.map((text) => frame(text))));
    },
  };
}

const HANDSHAKES: Readonly<Record<string, string>> = {
  "no JSON": "0{",
  nothing: "0",
  null: "0null",
  "a list": "0[]",
  "no fields": "0{}",
  "no session": '0{"sid":7,"upgrades":[],"pingInterval":1,"pingTimeout":1}',
  "no heartbeat": '0{"sid":"s","upgrades":[]}',
  "a heartbeat that is no number": '0{"sid":"s","upgrades":[],"pingInterval":"x","pingTimeout":1}',
  "a heartbeat of less than nothing": '0{"sid":"s","upgrades":[],"pingInterval":-1,"pingTimeout":1}',
  "a depth without end": `0${"[".repeat(100_000)}`,
};

for (const [what, handshake] of Object.entries(HANDSHAKES)) {
  test(`EngineSocket refuses a handshake with ${what}, by WebSocket and by polling`, async () => {
    const onPoll = (response: ServerResponse) => response.end(handshake);
    const ending = await endOf({ ...sending(handshake, CONNECTED), onPoll });
    assert.equal(ending.opened, false);
    assert.match(ending.reason, /handshake|JSON|no channel|closed/);
  });
}

test("EngineSocket takes a heartbeat of a thousand years for a long one, and upgrades of any kind for none", async () => {
  const odd =
    '0{"sid":"s","upgrades":{"length":-1},"pingInterval":1e300,"pingTimeout":1e300,"maxPayload":"x"}';
  const onSocket = (socket: Socket) => {
    socket.write(Buffer.concat([frame(odd), frame(CONNECTED)]));
    setTimeout(() => socket.end(), 100);
  };
  assert.deepEqual(await endOf({ onSocket }), { opened: true, reason: "connection lost", runs: [] });
});

test("EngineSocket ends at a second handshake, binary data, and a packet that is none", async () => {
  const reason = async (bytes: Uint8Array) => {
    const onSocket = (socket: Socket) => {
      socket.write(Buffer.concat([frame(HANDSHAKE), frame(CONNECTED)]));
      setTimeout(() => socket.write(bytes), 20);
    };
    return (await endOf({ onSocket })).reason;
  };
  assert.equal(await reason(frame(HANDSHAKE)), "it shakes hands twice");
  assert.equal(await reason(frame(Buffer.from([1, 2]), Opcode.binary)), "it sends binary data");
  assert.equal(await reason(frame("x")), "connection lost");
  assert.equal(await reason(Buffer.from("\x00no frame at all")), "connection lost");
});

test("EngineSocket ends at a message of more than 8 MiB, however it is packed", async () => {
  const text = `4${"x".repeat(9 * 1024 * 1024)}`;
  const greeting = [frame(HANDSHAKE), frame(CONNECTED)];
  const send = (bytes: Uint8Array) => (socket: Socket) => {
    socket.write(Buffer.concat([...greeting, bytes]));
  };
  assert.equal((await endOf({ onSocket: send(frame(text)) })).reason, "connection lost");
  const bomb = deflateRawSync("x".repeat(200 * 1024 * 1024));
  const packed = send(frame(bomb, Opcode.text, true));
  const before = process.memoryUsage.rss();
  const extensions = "permessage-deflate";
  assert.equal((await endOf({ onSocket: packed, extensions })).reason, "connection lost");
  assert.ok(process.memoryUsage.rss() - before < 100 * 1024 * 1024);
});

test("EngineSocket ends where pings come without end and no answer is read", async () => {
  const pings = Buffer.concat(Array.from({ length: 20_000 }, () => frame("2")));
  const ending = await endOf({
    onSocket: (socket) => {
      socket.pause();
      socket.write(Buffer.concat([frame(HANDSHAKE), frame(CONNECTED)]));
      const flood = setInterval(() => {
        if (socket.writableLength < 1_000_000) socket.write(pings);
      }, 1);
      socket.on("close", () => clearInterval(flood));
    },
  });
  assert.equal(ending.reason, "the server does not read what it asked for");
});

test("EngineSocket ends at an answer to a poll of a million packets, or a status other than 200", async () => {
  const polls = (second: (response: ServerResponse) => void): Script => ({
    onPoll: (response, poll) => {
      if (poll === 0) response.end(`${HANDSHAKE}\u001e${CONNECTED}`);
      else second(response);
    },
  });
  const reason = async (second: (response: ServerResponse) => void) => (await endOf(polls(second))).reason;
  assert.equal(
    await reason((response) => response.end("6\u001e".repeat(1_000_000))),
    "it sends too much at once",
  );
  assert.equal(await reason((response) => response.end("x".repeat(9_000_000))), "it sends too much at once");
  const forbidden = await reason((response) => {
    response.writeHead(403, { "content-type": "text/html" }).end("<p>Blocked\u001b[2J</p>");
  });
  assert.equal(forbidden, "it answers 403: Blocked^[[2J");
  assert.match(await reason((response) => response.destroy()), /^connection (closed by the server|reset)/);
});

test("Channel.open() gives up a server that never lets it in", async () => {
  const mute = { onSocket: (socket: Socket) => void socket.write(frame(HANDSHAKE)) };
  assert.deepEqual(await endOf(mute, 100), { opened: false, reason: "no channel within 0.20 s", runs: [] });
});

test("Channel passes on a run of any form, and nothing else", async () => {
  const events = [
    '42/dispatcher,["run"]',
    '42/dispatcher,["run",null]',
    '42/dispatcher,["run",{"execution_ids":"x"}]',
    '42/dispatcher,["message",{"__proto__":[]}]',
    '42/dispatcher,["disconnect"]',
    '42/dispatcher,["disconnect",{"reason":{}}]',
    "43/dispatcher,99999[]",
    "43/dispatcher,1",
    "45/dispatcher,1-[]",
    "4",
  ];
  const { runs } = await endOf(sending(HANDSHAKE, CONNECTED, ...events));
  assert.deepEqual(runs, [undefined, null, { execution_ids: "x" }]);
});

/** Frames as a server might send them, and worse. */
const anyFrame = fc.oneof(
  { weight: 4, arbitrary: fc.string().map((text) => frame(text)) },
  { weight: 4, arbitrary: fc.json().map((text) => frame(`42/dispatcher,${text}`)) },
  {
    weight: 4,
    arbitrary: fc.constantFrom("2", "3", "6", "1", "5", "2probe", HANDSHAKE).map((text) => frame(text)),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom("40/dispatcher,", "41/dispatcher,", "44/dispatcher,{}").map((t) => frame(t)),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.uint8Array(), fc.nat(15)).map(([bytes, opcode]) => frame(bytes, opcode)),
  },
  { weight: 1, arbitrary: fc.uint8Array() },
);

test("Channel survives any frames, or ends with a reason", async () => {
  const property = fc.asyncProperty(fc.boolean(), fc.array(anyFrame), async (greets, frames) => {
    const greeting = greets ? [frame(HANDSHAKE), frame(CONNECTED)] : [];
    const { reason } = await endOf({
      onSocket: (socket) => socket.end(Buffer.concat([...greeting, ...frames])),
    });
    assert.notEqual(reason, "");
  });
  await fc.assert(property, { numRuns: 150 });
});

/** As if it had read our first ping. */
const HELLO = frame("hello", Opcode.pong);

/** The channel of an old server, with pings in a hurry. */
function raw(http: HttpClient): OpenChannel {
  return rawOpener(http, new FaradayApi(http), new LogBook().log, { ...HURRY, ping: 100 });
}

test("RawChannel survives any frames, or ends with a reason", async () => {
  const run = fc.json().map((json) => frame(`{"action":"RUN","execution_id":${json}}`));
  const pong = fc.oneof(fc.string(), fc.nat().map(String)).map((text) => frame(text, Opcode.pong));
  const words = fc.string().map((text) => closeFrame(1000, text.slice(0, 40)));
  const any = fc.oneof(anyFrame, run, pong, words);
  const property = fc.asyncProperty(fc.array(any), async (frames) => {
    const { opened, reason } = await endOf(
      { onSocket: (socket) => socket.end(Buffer.concat([HELLO, ...frames])) },
      5_000,
      raw,
    );
    assert.equal(opened, true);
    assert.notEqual(reason, "");
  });
  await fc.assert(property, { numRuns: 150 });
});

test("RawChannel.open() gives up a server that takes a WebSocket and answers nothing, or ends it at once", async () => {
  const reason = async (onSocket: (socket: Socket) => void) => {
    const ending = await endOf({ onSocket }, 200, raw);
    assert.equal(ending.opened, false);
    return ending.reason.replace(/"[^"]*"/, "URL");
  };
  assert.equal(await reason(() => {}), "no WebSocket at URL: no channel within 0.40 s");
  const answers = "no WebSocket at URL: it answers 400: ok";
  assert.equal(await reason((socket) => void socket.end(frame("", Opcode.close))), answers);
  assert.equal(await reason((socket) => void socket.destroy()), answers);
});

test("RawSocket takes no pong for an answer that has not the number of ours", async () => {
  const pongs = ["", "0", "-1", "1e3", "x", "9".repeat(16)];
  const bytes = Buffer.concat(pongs.map((text) => frame(text, Opcode.pong)));
  const onSocket = (socket: Socket) => {
    socket.write(HELLO);
    socket.once("data", () => socket.write(bytes));
  };
  await using server = await LyingServer.start({ onSocket });
  const http = client(server.url);
  const channel = await raw(http)({ onRun: () => {} }, NEVER);
  assert.deepEqual(await channel.join("token", []), { kind: "lost" });
  assert.equal(await channel.ended, "no heartbeat from the server");
  await channel.close();
  await http.close();
});

test("RawSocket ends where pings come without end and no answer is read, and needs no more memory", async () => {
  const pings = Buffer.concat(Array.from({ length: 20_000 }, () => frame("x".repeat(100), Opcode.ping)));
  const before = process.memoryUsage.rss();
  const flooding: Script = {
    onSocket: (socket) => {
      socket.pause();
      socket.write(HELLO);
      const flood = setInterval(() => {
        if (socket.writableLength < 1_000_000) socket.write(pings);
      }, 1);
      socket.on("close", () => clearInterval(flood));
    },
  };
  assert.equal((await endOf(flooding, 5_000, raw)).reason, "no heartbeat from the server");
  assert.ok(process.memoryUsage.rss() - before < 150 * 1024 * 1024);
});

test("Channel survives any answers to polls, or ends with a reason", async () => {
  const text = fc.oneof(
    fc.string(),
    fc.array(fc.oneof(fc.string(), fc.json())).map((all) => all.join("\u001e4")),
  );
  const property = fc.asyncProperty(fc.boolean(), fc.array(text, { maxLength: 4 }), async (greets, texts) => {
    const answers = [...(greets ? [`${HANDSHAKE}\u001e${CONNECTED}`] : []), ...texts];
    const onPoll = (response: ServerResponse, poll: number) => {
      const answer = answers[poll];
      response.writeHead(answer === undefined ? 500 : 200).end(answer ?? "");
    };
    const { reason } = await endOf({ onPoll }, 200);
    assert.notEqual(reason, "");
  });
  await fc.assert(property, { numRuns: 60 });
});

test("Channel.open() leaves nothing behind that runs on", async () => {
  let open = 0;
  const onSocket = (socket: Socket) => {
    open += 1;
    // And never closes it, whatever the client says.
    socket.on("end", () => {
      open -= 1;
    });
    socket.resume();
    socket.write(Buffer.concat([frame(HANDSHAKE), frame(CONNECTED)]));
  };
  await using server = await LyingServer.start({ onSocket });
  const http = client(server.url);
  const channel = await channelOpener(http, new LogBook().log, HURRY)({ onRun: () => {} }, NEVER);
  assert.ok(channel instanceof Channel && open === 1);
  await channel.close();
  await until("the end of the socket", () => open === 0);
  await http.close();
});
