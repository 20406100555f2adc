import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { test } from "node:test";
import { FaradayApi } from "../../src/faraday/api.ts";
import { openerFor } from "../../src/faraday/channel-opener.ts";
import type { ChannelProtocol, CommandChannel } from "../../src/faraday/command-channel.ts";
import type { HttpOptions } from "../../src/faraday/http-client.ts";
import { ServerFailure } from "../../src/faraday/server-failure.ts";
import { type FaradayOptions, FaradayServer } from "../support/faraday-server.ts";
import { frame, switchingProtocols } from "../support/websocket-server.ts";
import { client, HURRY, LogBook, NEVER, RunningLink, until } from "./wire-fixture.ts";

/** Opens a channel and closes it again; its protocol, or why there is none. */
async function opens(
  url: URL,
  protocol: ChannelProtocol | "auto",
  options: Partial<HttpOptions> = {},
): Promise<string> {
  const http = client(url, options);
  const parts = { http, api: new FaradayApi(http), log: new LogBook().log, waits: HURRY } as const;
  try {
    const channel = await openerFor({ ...parts, protocol, transport: "auto" })({ onRun: () => {} }, NEVER);
    await channel.close();
    return channel.protocol;
  } catch (error) {
    assert.ok(error instanceof ServerFailure, String(error));
    return error.message;
  } finally {
    await http.close();
  }
}

/** An HTTP server that answers everything in one way, and counts. */
class Front implements AsyncDisposable {
  readonly #server: Server;
  asked = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(answer: (response: ServerResponse, path: string) => void, port = 0): Promise<Front> {
    const front = new Front(
      createServer(({ url = "" }, response) => {
        front.asked += 1;
        answer(response, url);
      }),
    );
    front.#server.listen(port, "localhost");
    await once(front.#server, "listening");
    return front;
  }

  get url(): URL {
    return new URL(`http://localhost:${(this.#server.address() as AddressInfo).port}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

const SERVERS: Readonly<Record<string, readonly [FaradayOptions, "socket.io" | "legacy"]>> = {
  "Faraday 5": [{}, "socket.io"],
  "Faraday 5 by polling alone": [{ transports: ["polling"] }, "socket.io"],
  "Faraday 5 by WebSocket alone": [{ transports: ["websocket"] }, "socket.io"],
  "Faraday 4": [{ generation: 4 }, "legacy"],
  "Faraday 3": [{ generation: 3 }, "legacy"],
  "Faraday 4 behind a reverse proxy": [{ generation: 4, isProxied: true }, "legacy"],
  "Faraday 4 below a base route": [{ generation: 4, isProxied: true, baseRoute: "/base" }, "legacy"],
};

for (const [what, [options, protocol]] of Object.entries(SERVERS)) {
  test(`openerFor() finds out what ${what} speaks, and uses what is set`, async () => {
    await using server = await FaradayServer.start(options);
    const other = protocol === "legacy" ? "socket.io" : "legacy";
    assert.equal(await opens(server.url, "auto"), protocol);
    assert.equal(await opens(server.url, protocol), protocol);
    assert.notEqual(await opens(server.url, other), other);
  });
}

test("openerFor() asks nothing else where Socket.IO opens", async () => {
  await using server = await FaradayServer.start();
  assert.equal(await opens(server.url, "auto"), "socket.io");
  assert.deepEqual(server.asked, []);
});

test("openerFor() finds an old server's own port where that is given, which takes any WebSocket and is silent", async () => {
  await using server = await FaradayServer.start({ generation: 4 });
  const hurry = { ...HURRY, doubt: 50 };
  const http = client(server.url, { channel: server.channelUrl, timeout: 60_000 });
  const parts = { http, api: new FaradayApi(http), log: new LogBook().log, waits: hurry } as const;
  const open = openerFor({ ...parts, protocol: "auto", transport: "auto" });
  const openings: CommandChannel[] = [await open({ onRun: () => {} }, NEVER)];
  // The second one is not in doubt any more.
  openings.push(await open({ onRun: () => {} }, NEVER));
  assert.deepEqual(
    openings.map(({ protocol }) => protocol),
    ["legacy", "legacy"],
  );
  assert.deepEqual(server.asked, []);
  for (const channel of openings) await channel.close();
  await http.close();
});

test("openerFor() lets a slow server of today take its time", async () => {
  await using server = await FaradayServer.start({ transports: ["websocket"] });
  const http = client(server.url);
  const parts = { http, api: new FaradayApi(http), log: new LogBook().log } as const;
  const open = openerFor({ ...parts, waits: { ...HURRY, doubt: 0 }, protocol: "auto", transport: "auto" });
  const channel = await open({ onRun: () => {} }, NEVER);
  assert.equal(channel.protocol, "socket.io");
  await channel.close();
  await http.close();
});

test("openerFor() ends with the reason of its signal while it is in doubt", async () => {
  await using front = await Front.start(() => {});
  const http = client(front.url);
  const parts = { http, api: new FaradayApi(http), log: new LogBook().log } as const;
  const open = openerFor({ ...parts, waits: { ...HURRY, doubt: 10 }, protocol: "auto", transport: "auto" });
  const stopping = new AbortController();
  const opening = open({ onRun: () => {} }, stopping.signal);
  const reason = new Error("stopping");
  until("two requests", () => front.asked > 1).then(() => stopping.abort(reason));
  await assert.rejects(opening, reason);
  await http.close();
});

test("openerFor() says both reasons where a server speaks neither, and where it looked last", async () => {
  await using front = await Front.start((response) => {
    response.writeHead(404, { "content-type": "text/plain" }).end("no");
  });
  const said = await opens(front.url, "auto");
  assert.match(
    said,
    /^by Socket\.IO: .*404: no; as before Faraday 5: no WebSocket at "http:\/\/localhost:\d+\/websockets": it answers 404: no$/,
  );
});

test("openerFor() looks at the port that a server names, and at no other where the channel's is given", async () => {
  await using elsewhere = await FaradayServer.start({ generation: 4 });
  await using front = await Front.start((response, path) => {
    const isConfig = path === "/_api/config";
    const port = { websocket_port: elsewhere.channelUrl.port };
    response
      .writeHead(isConfig ? 200 : 404, { "content-type": isConfig ? "application/json" : "text/html" })
      .end(isConfig ? JSON.stringify(port) : "");
  });
  assert.equal(await opens(front.url, "legacy"), "legacy");
  const channel = new URL(front.url);
  channel.pathname = "/given";
  assert.match(await opens(front.url, "legacy", { channel }), /^no WebSocket at ".*\/given\/websockets"/);
});

test("openerFor() takes no port from a server that is none", async () => {
  for (const port of [0, 65_536, -1, "x", "", null, {}, 1.5]) {
    await using front = await Front.start((response, path) => {
      const isConfig = path === "/_api/config";
      response.writeHead(isConfig ? 200 : 404, {
        "content-type": isConfig ? "application/json" : "text/html",
      });
      response.end(JSON.stringify({ websocket_port: port }));
    });
    assert.match(await opens(front.url, "legacy"), /^no WebSocket at "http:\/\/localhost:\d+\/websockets"/);
  }
});

const PAGES: Readonly<Record<string, (response: ServerResponse) => void>> = {
  "answers 502": (response) => response.writeHead(502, { "content-type": "text/html" }).end("<h1>502</h1>"),
  "shows a page": (response) =>
    response.writeHead(200, { "content-type": "text/html" }).end("<h1>Back soon</h1>"),
  "knows no path": (response) => response.writeHead(404, { "content-type": "text/html" }).end("<h1>404</h1>"),
};

for (const [what, answer] of Object.entries(PAGES)) {
  for (const [name, [options, protocol]] of Object.entries({
    "Faraday 5": [{}, "socket.io"],
    "Faraday 4": [{ generation: 4, isProxied: true }, "legacy"],
  } as const)) {
    test(`CommandLink finds ${name} again behind a gateway that ${what} for a while`, async () => {
      const server = await FaradayServer.start(options);
      const { token } = server.addAgent();
      const running = new RunningLink(server.url, token);
      await until("a join", () => running.joined === 1);
      await server.stop();
      {
        // The token can be had, so that it is the channel which is in the way.
        await using front = await Front.start((response, path) => {
          if (path !== "/_api/v3/agent_websocket_token") return answer(response);
          response.writeHead(200, { "content-type": "application/json" }).end('{"token":"t"}');
        }, Number(server.url.port));
        const { asked } = front;
        await until("attempts", () => running.link.state.attempts > 3 && front.asked > asked);
      }
      await server.start();
      await until("another join", () => running.joined === 2);
      assert.equal(running.link.state.protocol, protocol);
      await running.stop();
      await server.stop();
    });
  }
}

test("CommandLink follows a server that becomes another generation, and back", async () => {
  const today = await FaradayServer.start();
  const old = await FaradayServer.start({ generation: 4, isProxied: true });
  const agents = [today, old].map((server) => {
    server.agents.set("x".repeat(64), { id: 1, name: "a", token: "x".repeat(64) });
    return server;
  });
  // A switch in front of both, as an upgrade in place is.
  let behind = agents[0] ?? assert.fail();
  const sockets = new Set<Socket>();
  const { createServer: listenTcp, connect } = await import("node:net");
  const front = listenTcp((socket) => {
    const through = connect(Number(behind.url.port), "localhost");
    for (const [one, other] of [[socket, through] as const, [through, socket] as const]) {
      sockets.add(one);
      one.pipe(other);
      one.on("error", () => other.destroy());
      one.on("close", () => other.destroy());
    }
  });
  front.listen(0, "localhost");
  await once(front, "listening");
  const url = new URL(`http://localhost:${(front.address() as AddressInfo).port}`);
  const running = new RunningLink(url, "x".repeat(64));
  await until("the first", () => running.link.state.protocol === "socket.io");
  for (const [server, protocol] of [
    [old, "legacy"],
    [today, "socket.io"],
  ] as const) {
    const { joined } = running;
    behind = server;
    for (const socket of sockets) socket.destroy();
    await until(protocol, () => running.joined > joined && running.link.state.protocol === protocol);
  }
  await running.stop();
  const closed = once(front, "close");
  front.close();
  await Promise.all([closed, today.stop(), old.stop()]);
});

test("CommandLink is not led astray by a WebSocket at /websockets of a server of today", async () => {
  const server = createServer((request, response) => {
    if (request.url !== "/_api/v3/agent_websocket_token") response.writeHead(502).end();
    else response.writeHead(200, { "content-type": "application/json" }).end('{"token":"t"}');
  });
  let taken = 0;
  server.on("upgrade", (request, socket: Socket) => {
    if (request.url !== "/websockets") return void socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
    taken += 1;
    socket.write(Buffer.concat([Buffer.from(switchingProtocols(request)), frame("{}")]));
  });
  server.listen(0, "localhost");
  await once(server, "listening");
  const running = new RunningLink(new URL(`http://localhost:${(server.address() as AddressInfo).port}`), "x");
  await until("attempts", () => running.link.state.attempts > 3);
  assert.equal(taken, 0);
  await running.stop();
  server.close();
  server.closeAllConnections();
});
