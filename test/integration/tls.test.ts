/** TLS on every runtime: Redis is verified, and whoever is not the right one hears nothing; one line says why. */
import assert from "node:assert/strict";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { Authority, openssl, startTlsRedis } from "../support/certificates.ts";
import { Fleet, RUNTIMES } from "../support/fleet.ts";
import { assertEnded, type Finished } from "../support/running-program.ts";
import { askRedis } from "../support/wire-tap.ts";

type Environment = Readonly<Record<string, string>>;

/** What a station says that cannot connect. */
function assertRefused(ended: Finished, url: string, reason: string): void {
  assertEnded(ended, 1, { stderr: [`cb: error: Cannot connect to "${url}": ${reason}`] });
}

for (const runtime of RUNTIMES) {
  test(`cb on ${runtime} carries a session over TLS, with certificates on both sides`, async () => {
    await using fleet = await Fleet.start({ runtime });
    const authority = new Authority(fleet.directory, "authority");
    const client = authority.issue("client");
    const { redis, port } = await startTlsRedis(authority.issue("server"), authority.certificate);
    try {
      const environment: Environment = {
        REDIS_CONNECTION_STRING: `rediss://localhost:${port}`,
        CB_TLS_CA: authority.certificate,
        CB_TLS_CERT: client.certificate,
        CB_TLS_KEY: client.key,
      };
      const agent = await fleet.agent("web1", [], { environment });
      assert.equal(agent.records("hub-connected")[0]?.["hub"], `rediss://localhost:${port}`);
      const ended = await fleet.cb(["station", "run", "prints-4-mb"], { environment });
      assert.equal(ended.status, 0, ended.stderr);
      assert.ok(ended.bytes.length > 4_000_000, String(ended.bytes.length));
      await agent.stop();
    } finally {
      await redis.stop();
    }
  });

  test(`cb on ${runtime} says in one line what is wrong with the certificate of Redis`, async () => {
    await using fleet = await Fleet.start({ runtime });
    const authority = new Authority(fleet.directory, "authority");
    const stranger = new Authority(fleet.directory, "stranger");
    const unknown = "its certificate is not from an authority that we trust (--tls-ca)";
    const other = (names: string) => `its certificate is for another name (--tls-server-name): ${names}`;
    const cases = [
      { server: stranger.issue("theirs"), reason: unknown },
      // The environment in which Node, Bun and Deno verify nothing unless they are told to.
      { server: stranger.issue("lax"), reason: unknown, more: { NODE_TLS_REJECT_UNAUTHORIZED: "0" } },
      { server: authority.issue("old", { days: -1 }), reason: "its certificate has expired" },
      { server: authority.issue("far", { names: "DNS:far.example" }), reason: other("DNS:far.example") },
      {
        server: authority.issue("near"),
        reason: other("DNS:localhost, IP Address:127.0.0.1"),
        more: { CB_TLS_SERVER_NAME: "far.example" },
      },
    ];
    for (const { server, reason, more } of cases) {
      const { redis, port } = await startTlsRedis(server);
      const url = `rediss://localhost:${port}`;
      try {
        const environment: Environment = {
          CB_CONNECTION_STRING: url,
          CB_TLS_CA: authority.certificate,
          NODE_NO_WARNINGS: "1",
          ...more,
        };
        assertRefused(await fleet.cb(["station", "ping"], { environment }), url, reason);
      } finally {
        await redis.stop();
      }
    }
  });

  test(`cb on ${runtime} says that Redis wants a certificate, and that it does not accept ours`, async () => {
    await using fleet = await Fleet.start({ runtime });
    const authority = new Authority(fleet.directory, "authority");
    const client = new Authority(fleet.directory, "stranger").issue("client");
    const { redis, port } = await startTlsRedis(authority.issue("server"), authority.certificate);
    try {
      const url = `rediss://127.0.0.1:${port}`;
      const environment: Environment = { CB_CONNECTION_STRING: url, CB_TLS_CA: authority.certificate };
      const without = await fleet.cb(["station", "ping"], { environment });
      // Redis hangs up at once, and what it said first may be lost with the connection.
      assert.match(
        without.stderr,
        /": (it wants a certificate of ours|connection (reset|closed by Redis), it may want a certificate) \(--tls-cert\)\n$/,
      );
      const options = ["--tls-cert", client.certificate, "--tls-key", client.key];
      const with_ = await fleet.cb(["station", "ping", ...options], { environment });
      assert.match(
        with_.stderr,
        /": (it does not accept our certificate: alert unknown ca|connection (reset|closed by Redis))\n$/,
      );
      assert.deepEqual([without.status, with_.status], [1, 1]);
    } finally {
      await redis.stop();
    }
  });
}

test("cb takes --tls-server-name for the host, and the system's authorities where none is given", async () => {
  await using fleet = await Fleet.start();
  const authority = new Authority(fleet.directory, "authority");
  const { redis, port } = await startTlsRedis(authority.issue("server", { names: "DNS:hub.example" }));
  try {
    const url = `rediss://localhost:${port}`;
    const station = ["--connection-string", url, "--tls-server-name", "hub.example", "station", "ping"];
    const environment: Environment = { SSL_CERT_FILE: authority.certificate };
    await fleet.agent("web1", ["--tls-server-name", "hub.example"], {
      environment: { CB_CONNECTION_STRING: url, CB_TLS_CA: authority.certificate },
    });
    assert.equal((await fleet.cb(station, { environment })).status, 0);
    assertRefused(
      await fleet.cb(station, { environment: { SSL_CERT_FILE: "" } }),
      url,
      "its certificate is not from an authority that we trust (--tls-ca)",
    );
  } finally {
    await redis.stop();
  }
});

test("cb tells a Redis without TLS from one with TLS, whichever of the two was expected", async () => {
  await using fleet = await Fleet.start();
  const authority = new Authority(fleet.directory, "authority");
  const { redis, port } = await startTlsRedis(authority.issue("server"));
  try {
    const plain = await fleet.station("--connection-string", `redis://localhost:${port}`, "ping");
    assert.match(plain.stderr, /": connection (reset|closed by Redis), it may speak TLS \(rediss:\/\/\)\n$/);
  } finally {
    await redis.stop();
  }
  const plainPort = String(port); // free again
  await fleet.redis.stop();
  await fleet.startRedis(["--port", plainPort]);
  const url = `rediss://localhost:${port}`;
  const tls = await fleet.station("--connection-string", url, "--tls-ca", authority.certificate, "ping");
  // Redis waits for the end of a command, unless a line ends somewhere in the random bytes of the handshake.
  assert.equal(tls.status, 1);
  assert.match(tls.stderr, /": (no TLS handshake within 3 s|it does not speak TLS)\n$/);
  assert.ok(tls.seconds < 5, `${tls.seconds} s`);
});

test("cb agent keeps trying while the certificate of Redis is wrong, and serves when it is right", async () => {
  await using fleet = await Fleet.start();
  const authority = new Authority(fleet.directory, "authority");
  const old = authority.issue("old", { days: -1 });
  const { redis, port } = await startTlsRedis(old);
  try {
    const environment: Environment = {
      CB_CONNECTION_STRING: `rediss://localhost:${port}`,
      CB_TLS_CA: authority.certificate,
    };
    const agent = fleet.startAgent("web1", [], { environment });
    assert.equal((await agent.logged("hub-lost"))["reason"], "its certificate has expired");
    const renewed = authority.issue("renewed");
    const files = ["tls-cert-file", renewed.certificate, "tls-key-file", renewed.key];
    assert.equal(await askRedis(redis.socketPath, ["CONFIG", "SET", ...files]), "+OK");
    await agent.logged("hub-connected");
    assert.equal((await fleet.cb(["station", "ping"], { environment })).status, 0);
  } finally {
    await redis.stop();
  }
});

test("cb refuses TLS files that cannot be used, and names them", async () => {
  await using fleet = await Fleet.start();
  const authority = new Authority(fleet.directory, "authority");
  const mine = authority.issue("mine");
  const other = authority.issue("other");
  const open = fleet.file("open.key", readFileSync(mine.key, "utf8"), 0o640);
  const locked = fleet.path("locked.key");
  openssl("ec", "-in", mine.key, "-aes128", "-passout", "pass:x", "-out", locked);
  chmodSync(locked, 0o600);
  const text = fleet.file("text", "hello\n", 0o600);
  const damaged = fleet.path("damaged.pem");
  const good = readFileSync(authority.certificate, "utf8");
  writeFileSync(damaged, `# two\n${good}${good.replace(/\n.{9}/, "\nAAAAAAAAA")}`);
  const none = fleet.path("none");
  const url = "rediss://localhost";
  const cases: readonly (readonly [readonly string[], string])[] = [
    [["--tls-ca", none], `Cannot read "${none}": no such file or directory`],
    [["--tls-ca", text], `Cannot use "${text}": expected certificates in PEM`],
    [["--tls-ca", damaged], `Cannot use "${damaged}": certificate 2 is damaged`],
    [["--tls-cert", mine.certificate], "Cannot use tls-cert without tls-key"],
    [["--tls-key", mine.key], "Cannot use tls-key without tls-cert"],
    [
      ["--tls-cert", mine.certificate, "--tls-key", open],
      `Cannot use "${open}": others can read it (mode 0640), run: chmod 600 ${open}`,
    ],
    [
      ["--tls-cert", mine.certificate, "--tls-key", other.key],
      `Cannot use "${other.key}": it does not belong to "${mine.certificate}"`,
    ],
    [
      ["--tls-cert", mine.certificate, "--tls-key", locked],
      `Cannot use "${locked}": it is encrypted, expected a key without a passphrase`,
    ],
    [
      ["--tls-cert", mine.certificate, "--tls-key", text],
      `Cannot use "${text}": expected a private key in PEM`,
    ],
    [["--tls-server-name", "127.0.0.1"], 'Cannot use --tls-server-name "127.0.0.1": expected a host name'],
    [
      ["--connection-string", "redis://localhost", "--tls-ca", authority.certificate],
      "Cannot use tls-ca: the connection has no TLS, expected rediss://",
    ],
  ];
  for (const program of [["agent"], ["station", "ping"]]) {
    for (const [options, error] of cases) {
      const ended = await fleet.cb([...program, ...options], { environment: { CB_CONNECTION_STRING: url } });
      assertEnded(ended, 1, { stderr: [`cb: error: ${error}`] });
    }
  }
});
