/** `cb dispatcher` over TLS: the server is verified whatever the environment says, and one line says what is wrong. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Authority, type Identity } from "../support/certificates.ts";
import type { FaradayOptions } from "../support/faraday-server.ts";
import { RUNTIMES } from "../support/fleet.ts";
import { assertEnded, lines } from "../support/running-program.ts";
import { ScanBox } from "../support/scan-box.ts";

const UNKNOWN = "its certificate is not from an authority that we trust (--tls-ca)";
/** The environment in which Node, Bun and Deno verify nothing unless they are told to. */
const LAX = { NODE_TLS_REJECT_UNAUTHORIZED: "0", NODE_NO_WARNINGS: "1" };

let directory: string;
let authority: Authority;
let stranger: Authority;

before(() => {
  directory = mkdtempSync(join(tmpdir(), "cb-dispatcher-tls-"));
  authority = new Authority(directory, "authority");
  stranger = new Authority(directory, "stranger");
});

after(() => rmSync(directory, { recursive: true }));

/** @param clients who must have signed the certificates of clients; without it they need none */
function tls({ certificate, key }: Identity, clients?: Authority): NonNullable<FaradayOptions["tls"]> {
  const wanted = clients && { ca: readFileSync(clients.certificate), requestCert: true };
  return { cert: readFileSync(certificate), key: readFileSync(key), ...wanted };
}

/** An HTTP proxy that lets through whatever wants to go, and notes where to. */
class Tunnel implements AsyncDisposable {
  readonly asked: string[] = [];
  readonly #server = createServer((_, response) => response.writeHead(501).end());

  static async open(): Promise<Tunnel> {
    const proxy = new Tunnel();
    proxy.#server.on("connect", (request, client) => {
      proxy.asked.push(String(request.url));
      const port = Number(new URL(`http://${request.url}`).port);
      const server = connect(port, "localhost", () => {
        client.write("HTTP/1.1 200 Connection established\r\n\r\n");
        server.pipe(client).pipe(server);
      });
      for (const [one, other] of [[server, client] as const, [client, server] as const]) {
        one.on("error", () => other.destroy());
        one.on("close", () => other.destroy());
      }
    });
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get url(): string {
    const address = this.#server.address();
    assert(typeof address === "object" && address !== null);
    return `http://127.0.0.1:${address.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

for (const runtime of RUNTIMES) {
  test(`cb dispatcher on ${runtime} works over TLS with certificates on both sides, and through a proxy`, async () => {
    const client = authority.issue("client");
    await using box = await ScanBox.start({ runtime, tls: tls(authority.issue("server"), authority) });
    await using proxy = await Tunnel.open();
    box.executor("scan", `echo '{"hosts":[{"ip":"192.0.2.1"}]}'`);
    const ours = ["--tls-cert", client.certificate, "--tls-key", client.key];
    const options = ["--tls-ca", authority.certificate, ...ours, "--token", "123456"];
    const dispatcher = box.startDispatcher(options, { environment: { HTTPS_PROXY: proxy.url } });
    await dispatcher.logged("joined");
    const { successful, hosts } = await dispatcher.run("scan");
    assert.deepEqual([successful, hosts], [true, ["192.0.2.1"]]);
    // REST and the channel, each over a connection of its own.
    assert(proxy.asked.length >= 2, proxy.asked.join());
    assert(proxy.asked.every((to) => to === box.server.url.host));
    assert.equal(dispatcher.records("insecure").length, 0);
    await dispatcher.stop();
  });

  test(`cb dispatcher on ${runtime} goes through the proxy of its settings, and past those of the environment`, async () => {
    await using box = await ScanBox.start({ runtime, tls: tls(authority.issue("behind")) });
    await using proxy = await Tunnel.open();
    box.executor("scan", `echo '{"hosts":[{"ip":"192.0.2.1"}]}'`);
    const dead = { HTTPS_PROXY: "http://127.0.0.1:1", NO_PROXY: "localhost" };
    const config = box.file("dispatcher.toml", `proxy = "${proxy.url}"\n`);
    const common = ["--config", config, "--tls-ca", authority.certificate];
    const dispatcher = box.startDispatcher([...common, "--token", "123456"], { environment: dead });
    await dispatcher.logged("joined");
    assert.equal((await dispatcher.run("scan")).successful, true);
    assert(proxy.asked.length >= 2, proxy.asked.join());
    await dispatcher.stop();

    const asked = proxy.asked.length;
    const direct = { environment: { HTTPS_PROXY: "http://127.0.0.1:1" } };
    const check = await box.check([...common, "--proxy", "none"], direct);
    assert.equal(check.status, 0, check.stdout + check.stderr);
    assert.equal(proxy.asked.length, asked);
  });

  test(`cb dispatcher on ${runtime} tells no code to a server that it cannot trust, whatever the environment says`, async () => {
    const far = "its certificate is for another name: DNS:far.example";
    await refused({ runtime, server: stranger.issue("lax"), environment: LAX, reason: UNKNOWN });
    await refused({ runtime, server: authority.issue("far", { names: "DNS:far.example" }), reason: far });
  });
}

test("cb dispatcher says in one line what is wrong with a server's TLS", async () => {
  await using proxy = await Tunnel.open();
  const environment = { HTTPS_PROXY: proxy.url, https_proxy: proxy.url };
  const plain = "connection closed by the server, it may speak TLS (https://)";
  await refused({ server: stranger.issue("theirs"), reason: UNKNOWN });
  await refused({ server: stranger.issue("proxied"), environment, reason: UNKNOWN });
  assert.equal(proxy.asked.length, 1);
  await refused({ server: authority.issue("old", { days: -1 }), reason: "its certificate has expired" });
  await refused({ server: authority.issue("plain"), scheme: "http:", reason: plain });
  await refused({ scheme: "https:", reason: "it does not speak TLS, its URL may begin with http://" });
});

type Refused = {
  readonly runtime?: string;
  /** Of a server with TLS. */
  readonly server?: Identity;
  readonly scheme?: "http:" | "https:";
  readonly environment?: Readonly<Record<string, string>>;
  readonly reason: string;
};

/** Tries to register at a server that must not be asked anything. */
async function refused({ runtime, server, scheme, environment = {}, reason }: Refused): Promise<void> {
  const options = { ...(runtime && { runtime }), ...(server && { tls: tls(server) }) };
  await using box = await ScanBox.start(options);
  box.executor("scan", "true");
  const url = box.url.replace(/^https?:/, scheme ?? box.server.url.protocol);
  const args = ["--tls-ca", authority.certificate, "--token", "123456", "--server", url];
  const ended = await box.startDispatcher(args, { environment }).program.finished;
  assertEnded(ended, 1, { stderr: [`cb: error: Cannot register at "${url}": ${reason}`] });
  assert.deepEqual(box.server.asked, []);
}

test("cb dispatcher that is registered says at once, and goes on saying, that its server cannot be trusted", async () => {
  await using box = await ScanBox.start({ tls: tls(stranger.issue("theirs")) });
  box.executor("scan", "true");
  box.register();
  const options = ["--tls-ca", authority.certificate];
  const dispatcher = box.startDispatcher(options);
  assert.equal((await dispatcher.logged("join-failed"))["reason"], UNKNOWN);
  const status = await box.ask("status");
  assert.equal(status.status, 1);
  assert(status.stdout.includes(`${box.url}, not connected: ${UNKNOWN}\n`), status.stdout);
  const check = await box.check(options);
  assert.equal(check.status, 1);
  assert.match(
    lines(check.stdout)[0] ?? "",
    /^FAILED\s+server https:.*\s+its certificate is not from an authority/,
  );
  assert.deepEqual(box.server.asked, []);
});

test("cb dispatcher takes any certificate where insecure is true and nothing else, and says so at each start", async () => {
  await using box = await ScanBox.start({ tls: tls(stranger.issue("theirs")) });
  box.executor("scan", "true");
  const insecure = await box.dispatcher(["--insecure"]);
  const words =
    "the server's certificate is not verified: whoever is in between reads the results and this agent's token";
  assert.equal(insecure.records("insecure")[0]?.["reason"], words);
  assert.equal(insecure.records("insecure")[0]?.["level"], "warn");
  assert.equal((await insecure.run("scan")).successful, true);
  const check = await box.check(["--insecure"]);
  assert.equal(check.status, 1);
  assert(check.stdout.includes(`FAILED   TLS   ${words}\n`), check.stdout);
  await insecure.stop();

  const asked = box.server.asked.length;
  for (const value of ['"False"', '"no"', "0", '"true"']) {
    const config = box.file("dispatcher.toml", `insecure = ${value}\n`);
    const { status, stderr } = await box.startDispatcher(["--config", config]).program.finished;
    assert.equal(status, 1, stderr);
    assert.match(stderr, /^cb: error: Cannot use insecure .*expected true or false, found a \w+\n$/);
  }
  const off = box.startDispatcher(["--config", box.file("dispatcher.toml", "insecure = false\n")]);
  assert.match(
    String((await off.logged("join-failed"))["reason"]),
    /^its certificate is not from an authority/,
  );
  assert.equal(box.server.asked.length, asked);
});
