import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { CbError } from "../../src/core/errors.ts";
import { FaradayApi } from "../../src/faraday/api.ts";
import { channelOpener } from "../../src/faraday/channel.ts";
import { type HttpClient, type HttpOptions, MAX_ANSWER_BYTES } from "../../src/faraday/http-client.ts";
import { rawOpener } from "../../src/faraday/raw-opener.ts";
import { ServerFailure } from "../../src/faraday/server-failure.ts";
import { Authority, type Identity } from "../support/certificates.ts";
import { ConnectProxy } from "../support/connect-proxy.ts";
import { type FaradayOptions, FaradayServer } from "../support/faraday-server.ts";
import { client, LogBook, NEVER, NO_PROXY, PLAIN_TLS, until } from "./wire-fixture.ts";

const directory = mkdtempSync(join(tmpdir(), "cb-http-"));
const authority = new Authority(directory, "authority");
const clients = new Authority(directory, "clients");
const ca = readFileSync(authority.certificate);
const servers: FaradayServer[] = [];
let proxy: ConnectProxy;

before(async () => {
  proxy = await ConnectProxy.start();
});

after(async () => {
  for (const server of servers) await server.stop();
  await proxy.stop();
  rmSync(directory, { recursive: true });
});

async function serve(options: FaradayOptions = {}): Promise<FaradayServer> {
  const server = await FaradayServer.start(options);
  servers.push(server);
  return server;
}

async function serveTls(identity: Identity, more: object = {}): Promise<FaradayServer> {
  const tls = { cert: readFileSync(identity.certificate), key: readFileSync(identity.key), ...more };
  return await serve({ tls });
}

/** How a request fails, and how a channel does, on a client with these options; "answers", "opens" where they do not. */
async function outcomes(url: URL, options: Partial<HttpOptions> = {}): Promise<readonly [string, string]> {
  const http = client(url, options);
  const words = (error: unknown) => (error instanceof ServerFailure ? error.message : String(error));
  try {
    const request = http.request({ method: "GET", url: http.at("/_api/config"), signal: NEVER });
    const answer = await request.then(() => "answers", words);
    const open = channelOpener(http, new LogBook().log);
    const opened = await open({ onRun: () => {} }, NEVER).catch(words);
    if (typeof opened === "string") return [answer, opened];
    await opened.close();
    return [answer, "opens"];
  } finally {
    await http.close();
  }
}

/** Both the same: what is true of REST must be true of the channel. */
async function outcome(url: URL, options: Partial<HttpOptions> = {}): Promise<string> {
  const [answer, channel] = await outcomes(url, options);
  if (answer === "answers" && channel === "opens") return "works";
  assert.equal(channel, answer);
  return answer;
}

const trusting = { tls: { ...PLAIN_TLS, ca } };

test("HttpClient trusts a server with a certificate of the given authority and the right name", async () => {
  const server = await serveTls(authority.issue("right"));
  assert.equal(await outcome(server.url, trusting), "works");
  assert.equal(await outcome(new URL(server.url.href.replace("localhost", "127.0.0.1")), trusting), "works");
});

/** How an old server's channel fails; "opens" where it does not. */
async function rawOutcome(url: URL, options: Partial<HttpOptions> = {}): Promise<string> {
  const http = client(url, options);
  try {
    const channel = await rawOpener(
      http,
      new FaradayApi(http),
      new LogBook().log,
    )({ onRun: () => {} }, NEVER);
    await channel.close();
    return "opens";
  } catch (error) {
    return error instanceof ServerFailure ? error.message : String(error);
  } finally {
    await http.close();
  }
}

test("HttpClient.webSocket() trusts, shows and goes through the same for the channel of an old server", async () => {
  const old = { generation: 4, isProxied: true } as const;
  const wanted = { requestCert: true, rejectUnauthorized: true, ca: readFileSync(clients.certificate) };
  const right = authority.issue("old");
  const tls = { cert: readFileSync(right.certificate), key: readFileSync(right.key), ...wanted };
  const { url } = await serve({ ...old, tls });
  const own = clients.issue("old-own");
  const [certificate, key] = [readFileSync(own.certificate), readFileSync(own.key)];
  const ours = { tls: { ca, certificate, key, verify: true, partial: false } };
  assert.equal(await rawOutcome(url, ours), "opens");
  const tunnels = proxy.tunnels;
  assert.equal(await rawOutcome(url, { ...ours, proxy: { ...NO_PROXY, https: proxy.url } }), "opens");
  assert.equal(proxy.tunnels, tunnels + 1);
  const why = (said: string) => `no WebSocket at "${url.origin}/websockets": ${said}`;
  const unknown = "its certificate is not from an authority that we trust (--tls-ca)";
  assert.equal(await rawOutcome(url), why(unknown));
  const dead = { ...ours, proxy: { ...NO_PROXY, https: "http://127.0.0.1:1" } };
  assert.equal(await rawOutcome(url, dead), why("the proxy: connection refused"));
  assert.equal(
    await rawOutcome(url, { ...dead, proxy: { ...dead.proxy, exceptions: "localhost" } }),
    "opens",
  );
});

test("rawOpener() takes a token to no port without TLS that a server with TLS names", async () => {
  const identity = authority.issue("beside");
  const tls = { cert: readFileSync(identity.certificate), key: readFileSync(identity.key) };
  const server = await serve({ generation: 4, tls });
  const said = await rawOutcome(server.url, trusting);
  assert.equal(said, `no WebSocket at "${server.url.origin}/websockets": it answers with a web page`);
  assert.ok(!server.asked.some(({ path }) => path === "/_api/config"));
  const given = { ...trusting, channel: server.channelUrl };
  assert.equal(await rawOutcome(server.url, given), "opens");
});

test("HttpClient takes one certificate of a chain for all of it where it was named for this server", async () => {
  const { certificate, key } = authority.issue("named");
  const { url } = await serveTls({ certificate, key });
  const own = { ...PLAIN_TLS, ca: readFileSync(certificate) };
  const said = "its certificate is not from an authority that we trust (--tls-ca)";
  assert.equal(await outcome(url, { tls: own }), said);
  const named = { tls: { ...own, partial: true } };
  assert.equal(await outcome(url, named), "works");
  assert.equal(await outcome(url, { ...named, proxy: { ...NO_PROXY, https: proxy.url } }), "works");
  // Another one of the same authority.
  assert.equal(await outcome((await serveTls(authority.issue("unnamed"))).url, named), said);
});

type Wrong = {
  readonly names?: string;
  readonly days?: number;
  readonly trusts?: boolean;
  readonly said: string;
};

const WRONG: Readonly<Record<string, Wrong>> = {
  "a certificate of another name": {
    names: "DNS:other.example",
    said: "its certificate is for another name: DNS:other.example",
  },
  "an expired certificate": { days: -1, said: "its certificate has expired" },
  "a certificate of an unknown authority": {
    trusts: false,
    said: "its certificate is not from an authority that we trust (--tls-ca)",
  },
};

for (const [index, [what, { said, trusts = true, ...issue }]] of Object.entries(WRONG).entries()) {
  test(`HttpClient refuses ${what}, for REST and channel, directly and through HTTPS_PROXY`, async () => {
    const { url } = await serveTls(authority.issue(`wrong${index}`, issue));
    const options = trusts ? trusting : {};
    assert.equal(await outcome(url, options), said);
    const tunnels = proxy.tunnels;
    assert.equal(await outcome(url, { ...options, proxy: { ...NO_PROXY, https: proxy.url } }), said);
    assert.ok(proxy.tunnels > tunnels, "expected the way through the proxy");
  });
}

test("HttpClient trusts whoever answers only where verification was switched off, with a proxy as without", async () => {
  const { url } = await serveTls(authority.issue("off", { names: "DNS:other.example" }));
  const blind = { tls: { ...PLAIN_TLS, verify: false } };
  assert.equal(await outcome(url, blind), "works");
  assert.equal(await outcome(url, { ...blind, proxy: { ...NO_PROXY, https: proxy.url } }), "works");
});

test("HttpClient goes through HTTPS_PROXY, REST and channel, and says what fails there", async () => {
  const server = await serveTls(authority.issue("proxied"));
  const through = (https: string) => ({ ...trusting, proxy: { ...NO_PROXY, https } });
  const tunnels = proxy.tunnels;
  assert.equal(await outcome(server.url, through(proxy.url)), "works");
  assert.equal(await outcome(server.url, through(proxy.url.replace("http://", ""))), "works");
  assert.ok(proxy.tunnels >= tunnels + 4);
  assert.equal(proxy.authorization, undefined);
  assert.equal(await outcome(server.url, through(proxy.url.replace("//", "//user:secret@"))), "works");
  assert.equal(proxy.authorization, `Basic ${Buffer.from("user:secret").toString("base64")}`);
  assert.equal(
    await outcome(server.url, through("http://user:secret@127.0.0.1:1")),
    "the proxy: connection refused",
  );
  const refusing = await ConnectProxy.start(407);
  const wants = "the proxy wants a name and a password in its URL, or other ones";
  assert.equal(await outcome(server.url, through(refusing.url)), wants);
  await refusing.stop();
  const forbidding = await ConnectProxy.start(403);
  const said = "the proxy does not connect to it: it answers 403";
  assert.equal(await outcome(server.url, through(forbidding.url)), said);
  await forbidding.stop();
});

test("HttpClient goes through HTTP_PROXY to http:// alone, and past the exceptions of NO_PROXY", async () => {
  const plain = await serve();
  const secure = await serveTls(authority.issue("exceptions"));
  const dead = "http://127.0.0.1:1";
  const refused = "the proxy: connection refused";
  assert.equal(await outcome(plain.url, { proxy: { ...NO_PROXY, http: dead } }), refused);
  assert.equal(await outcome(plain.url, { proxy: { ...NO_PROXY, http: proxy.url } }), "works");
  assert.equal(await outcome(plain.url, { proxy: { ...NO_PROXY, https: dead } }), "works");
  assert.equal(await outcome(secure.url, { ...trusting, proxy: { ...NO_PROXY, http: dead } }), "works");
  for (const exceptions of ["localhost", "*", `other.example, localhost:${plain.url.port}`]) {
    assert.equal(await outcome(plain.url, { proxy: { http: dead, https: dead, exceptions } }), "works");
  }
  assert.equal(
    await outcome(plain.url, { proxy: { http: dead, https: dead, exceptions: "local" } }),
    refused,
  );
});

test("HttpClient does not read the proxies of its own environment", async () => {
  const server = await serve();
  const names = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"];
  for (const name of names) process.env[name] = "http://127.0.0.1:1";
  try {
    assert.equal(await outcome(server.url), "works");
    assert.equal(await outcome(server.url, { proxy: { https: "", http: "", exceptions: "" } }), "works");
  } finally {
    for (const name of names) delete process.env[name];
  }
});

test("new HttpClient() refuses a proxy that is none, without its text", () => {
  const { href } = new URL("http://localhost");
  for (const https of ["ftp://user:secret@proxy", "http://", "socks5://proxy:1080", "http://a b"]) {
    const message = "Cannot use HTTPS_PROXY: expected a URL such as http://proxy.example:3128";
    const refused = (error: unknown) => error instanceof CbError && error.message === message;
    assert.throws(() => client(new URL(href), { proxy: { ...NO_PROXY, https } }), refused);
  }
});

test("HttpClient shows its certificate, and says where one is wanted", async () => {
  const wanted = { requestCert: true, rejectUnauthorized: true, ca: readFileSync(clients.certificate) };
  const { url } = await serveTls(authority.issue("wanting"), wanted);
  assert.match(
    (await outcomes(url, trusting))[0],
    /certificate of ours|it may want a certificate \(--tls-cert\)/,
  );
  const own = clients.issue("own");
  const [certificate, key] = [readFileSync(own.certificate), readFileSync(own.key)];
  assert.equal(await outcome(url, { tls: { ...PLAIN_TLS, ca, certificate, key } }), "works");
});

test("HttpClient says where TLS meets a plain port, and the other way round", async () => {
  const plain = await serve();
  const secure = await serveTls(authority.issue("other-way"));
  const tls = new URL(plain.url.href.replace("http:", "https:"));
  assert.equal(await outcome(tls, trusting), "it does not speak TLS, its URL may begin with http://");
  const noTls = new URL(secure.url.href.replace("https:", "http:"));
  assert.match((await outcomes(noTls))[0], /, it may speak TLS \(https:\/\/\)$/);
});

test("HttpClient says what is wrong with a server that is away, mute, none of HTTP, or unknown", async () => {
  const mute = await listen(() => {});
  const ssh = await listen((socket) => socket.end("SSH-2.0-x\r\n"));
  assert.deepEqual(await outcomes(new URL("http://127.0.0.1:1")), [
    "connection refused",
    "connection refused",
  ]);
  const [unknown] = await outcomes(new URL("http://no-such-host.invalid"));
  assert.match(unknown, /^(no such host|the name cannot be looked up now)$/);
  const [rest, channel] = await outcomes(urlOf(mute), { timeout: 300 });
  assert.deepEqual([rest, channel], ["no answer within 0.30 s", "no channel within 0.60 s"]);
  const [handshake] = await outcomes(new URL(urlOf(mute).href.replace("http", "https")), { timeout: 300 });
  assert.equal(handshake, "no answer within 0.30 s");
  assert.equal((await outcomes(urlOf(ssh)))[0], "it does not speak HTTP, it may speak TLS (https://)");
  mute.close();
  ssh.close();
});

test("HttpClient.request() cuts an answer of any length, and needs no more memory", async () => {
  const body = "x".repeat(1024 * 1024);
  const endless = createHttpServer((_, response) => {
    const more = () => {
      while (response.write(body));
    };
    response.on("drain", more).on("error", () => {});
    more();
  });
  endless.listen(0, "127.0.0.1");
  await new Promise((resolve) => endless.once("listening", resolve));
  const http = client(urlOf(endless), { timeout: 20_000 });
  const answer = await http.request({ method: "GET", url: http.at("/"), signal: NEVER });
  assert.deepEqual([answer.isCut, answer.text.length], [true, MAX_ANSWER_BYTES]);
  await http.close();
  endless.closeAllConnections();
  endless.close();
});

test("HttpClient.request() gives a body of 300 kB more time than a small one", async () => {
  const server = await serve();
  server.fault = () => ({ delay: 400 });
  const http = client(server.url, { timeout: 200 });
  const ask = (body: string) => {
    const url = http.at("/_api/v3/ws/w1/bulk_create");
    return http.request({ method: "POST", url, body, signal: NEVER }).then(({ status }) => status);
  };
  assert.equal(await ask("x".repeat(300_000)), 401);
  await assert.rejects(ask("x"), new ServerFailure("connection", "no answer within 0.20 s"));
  await http.close();
});

test("HttpClient.request() follows no redirection, as the token would go with it", async () => {
  const [first, second] = [await serve(), await serve()];
  first.fault = () => ({ status: 307, headers: { location: second.url.href } });
  const http = client(first.url);
  const headers = { authorization: "Agent x" };
  const answer = await http.request({ method: "POST", url: http.at("/x"), headers, signal: NEVER });
  assert.deepEqual([answer.status, second.asked.length], [307, 0]);
  await http.close();
});

test("HttpClient.close() ends what is under way and what is idle, and those of a sibling do not", async () => {
  let connections = 0;
  const mute = await listen((socket) => {
    connections += 1;
    socket.on("close", () => {
      connections -= 1;
    });
  });
  const http = client(urlOf(mute), { timeout: 60_000 });
  const sibling = http.sibling();
  const ask = (of: HttpClient) =>
    of.request({ method: "GET", url: of.at("/"), signal: NEVER }).catch(() => "ended");
  const [one, other] = [ask(http), ask(sibling)];
  const socket = sibling.webSocket(urlOf(mute).href.replace("http", "ws"));
  const closed = new Promise((resolve) => socket.addEventListener("close", resolve));
  await until("three connections", () => connections === 3);
  await http.close();
  assert.equal(await one, "ended");
  await until("those of the sibling alone", () => connections === 2);
  await sibling.close();
  assert.equal(await other, "ended");
  await closed;
  mute.close();
});

test("HttpClient.close() after an answer that was cut connects no more, though undici has the request yet", async () => {
  const long = "x".repeat(MAX_ANSWER_BYTES + 1_000_000);
  const head = `HTTP/1.1 200 OK\r\nContent-Length: ${long.length}\r\n\r\n`;
  const open = new Set<Socket>();
  let connections = 0;
  const server = await listen((socket) => {
    connections += 1;
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.once("data", () => socket.write(head + long));
  });
  const http = client(urlOf(server), { timeout: 20_000 });
  const ask = () => http.request({ method: "GET", url: http.at("/"), signal: NEVER });
  for (const { isCut } of [await ask(), await ask()]) assert.ok(isCut);
  await http.close();
  const before = connections;
  // What came before the end may be in the server's queue yet; a client that goes on makes hundreds of them.
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.ok(
    connections <= before + 2,
    `expected no connections after the end, found ${connections - before}`,
  );
  await until("the end of all connections", () => open.size === 0);
  server.close();
});

async function listen(onConnection: (socket: Socket) => void): Promise<Server> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.resume(); // or it would not see the end
    onConnection(socket);
  });
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  return server;
}

function urlOf(server: Pick<Server, "address">): URL {
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}
