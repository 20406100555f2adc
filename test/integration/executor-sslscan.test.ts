/** `cb executor sslscan` with a real sslscan and a TLS server on loopback. */
import assert from "node:assert/strict";
import { chmodSync, copyFileSync, readFileSync } from "node:fs";
import { createServer as createTcpServer, type Server } from "node:net";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { createServer } from "node:tls";
import { EXECUTABLE, ROOT } from "../../build/paths.ts";
import { Authority } from "../support/certificates.ts";
import { assertEnded, lines } from "../support/running-program.ts";
import { ScanBox } from "../support/scan-box.ts";

/** Where `cb` itself is, for the executor that is shipped. */
const PATH = `${dirname(EXECUTABLE)}:/usr/local/bin:/usr/bin:/bin`;

async function portOf(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return address.port;
}

type Result = {
  readonly hosts: readonly [
    {
      readonly ip: string;
      readonly hostnames: readonly string[];
      readonly services: readonly [
        { readonly port: number; readonly vulnerabilities: readonly { readonly name: string }[] },
      ];
    },
  ];
};

test("cb executor sslscan tells what a server offers, as the dispatcher runs it, and posts its lines as they are [F19]", async () => {
  await using box = await ScanBox.start();
  for (const [name, mode] of [
    ["sslscan", 0o755],
    ["sslscan.toml", 0o644],
  ] as const) {
    copyFileSync(join(ROOT, "packaging/run.d", name), box.path(`run.d/${name}`));
    chmodSync(box.path(`run.d/${name}`), mode);
  }
  const issued = new Authority(box.directory, "authority").issue("server");
  const [cert, key] = [readFileSync(issued.certificate), readFileSync(issued.key)];
  const server = createServer({ cert, key, maxVersion: "TLSv1.2" }, (socket) => socket.on("error", () => {}));
  server.on("tlsClientError", () => {});
  const port = await portOf(server);
  try {
    const words = [
      "dispatcher",
      "try",
      "sslscan",
      "-r",
      box.path("run.d"),
      "--param",
      `target=localhost:${port}`,
    ];
    const { status, stdout, stderr } = await box.start(words, { environment: { PATH } }).finished;
    assert.equal(status, 0, stderr);
    const [host] = (JSON.parse(stdout) as Result).hosts;
    assert.deepEqual([host.ip, host.hostnames, host.services[0].port], ["127.0.0.1", ["localhost"], port]);
    const names = host.services[0].vulnerabilities.map(({ name }) => name);
    assert.deepEqual(names.slice(-2), ["TLS ciphers", "TLS certificate"]);
    assert.match(lines(stderr)[0] ?? "", /^1 host, 1 service, \d+ vulnerabilities$/);
    assert.match(lines(stderr)[1] ?? "", /^successful: finished in \S+ s, 1 result$/);
    assert.equal(lines(stderr).length, 2);
  } finally {
    server.close();
  }
});

test("cb executor sslscan reports the rest where a server cannot be looked at, and is no success", async () => {
  await using box = await ScanBox.start();
  const plain = createTcpServer((socket) => socket.on("error", () => {}).end("no TLS here\n"));
  const port = await portOf(plain);
  try {
    const environment = { PATH, EXECUTOR_CONFIG_TARGET: `nosuch.invalid,127.0.0.1:${port}` };
    const { status, stdout, stderr } = await box.start(["executor", "sslscan"], { environment }).finished;
    assert.deepEqual([status, stdout], [1, ""]);
    const silent = `"127.0.0.1" speaks no TLS on port ${port}`;
    const unknown = 'the name "nosuch.invalid" does not resolve';
    assert.equal(lines(stderr).at(-1), `cb: error: Cannot finish the scan: ${unknown}; ${silent}`);
  } finally {
    plain.close();
  }
});

test("cb executor sslscan takes a report in place of a scan", async () => {
  await using box = await ScanBox.start();
  const args = ["executor", "sslscan", "--report", join(ROOT, "test/fixtures/sslscan/old.xml")];
  const finished = await box.start(args, { environment: { PATH } }).finished;
  const [host] = (JSON.parse(finished.stdout) as Result).hosts;
  assert.deepEqual([host.ip, host.services[0].port], ["192.0.2.8", 4433]);
  assertEnded(finished, 0, {
    stdout: lines(finished.stdout),
    stderr: ["1 host, 1 service, 10 vulnerabilities"],
  });
});
