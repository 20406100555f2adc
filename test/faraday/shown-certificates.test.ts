import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { HttpOptions } from "../../src/faraday/http-client.ts";
import { ServerFailure } from "../../src/faraday/server-failure.ts";
import { shownCertificates, trustworthy } from "../../src/faraday/shown-certificates.ts";
import { Authority, type Identity, openssl } from "../support/certificates.ts";
import { ConnectProxy } from "../support/connect-proxy.ts";
import { FaradayServer } from "../support/faraday-server.ts";
import { NEVER, NO_PROXY, PLAIN_TLS } from "./wire-fixture.ts";

const directory = mkdtempSync(join(tmpdir(), "cb-shown-"));
const authority = new Authority(directory, "authority");
after(() => rmSync(directory, { recursive: true }));

function options(url: URL, more: Partial<HttpOptions> = {}): HttpOptions {
  return { server: url, channel: url, tls: PLAIN_TLS, proxy: NO_PROXY, timeout: 5_000, ...more };
}

/** @param chain files behind the server's own */
async function serve({ certificate, key }: Identity, ...chain: readonly string[]): Promise<FaradayServer> {
  const cert = [certificate, ...chain].map((path) => readFileSync(path, "utf8")).join("");
  return FaradayServer.start({ tls: { cert, key: readFileSync(key) } });
}

/** A certificate that has signed itself, as servers come with. */
function selfSigned(name: string): Identity {
  const [certificate, key] = [join(directory, `${name}.pem`), join(directory, `${name}.key`)];
  const names = ["-addext", "subjectAltName=DNS:localhost"];
  openssl(
    ..."req -x509 -newkey rsa:2048 -nodes -days 30 -subj".split(" "),
    `/O=Self\u202e/CN=${name}`,
    "-utf8",
    ...names,
    "-keyout",
    key,
    "-out",
    certificate,
  );
  return { certificate, key };
}

test("shownCertificates() shows what openssl shows, and asks the server nothing", async () => {
  const identity = selfSigned("own");
  await using server = await serve(identity);
  const [shown, ...others] = await shownCertificates(options(server.url), NEVER);
  assert(shown !== undefined);
  const said = execFileSync("openssl", [
    "x509",
    "-in",
    identity.certificate,
    "-noout",
    "-fingerprint",
    "-sha256",
  ]);
  assert.equal(`sha256 Fingerprint=${shown.fingerprint}\n`, said.toString().replace("SHA256", "sha256"));
  assert.equal(shown.pem, readFileSync(identity.certificate, "utf8"));
  assert.equal(shown.subject, "O=Self<U+202E>, CN=own");
  assert.deepEqual([shown.issuer, shown.isSelfSigned], [shown.subject, true]);
  assert.equal(shown.names, "DNS:localhost");
  assert.match(`${shown.from} ${shown.to}`, /^20\d\d-\d\d-\d\d 20\d\d-\d\d-\d\d$/);
  assert.deepEqual(others, []);
  assert.deepEqual(server.asked, []);
});

test("shownCertificates() shows the chain, the server's own first, through a proxy too", async () => {
  await using server = await serve(authority.issue("leaf"), authority.certificate);
  const proxy = await ConnectProxy.start();
  const through = options(server.url, { proxy: { ...NO_PROXY, https: proxy.url } });
  for (const way of [options(server.url), through]) {
    const shown = await shownCertificates(way, NEVER);
    assert.deepEqual(
      shown.map(({ subject }) => subject),
      ["CN=leaf", "CN=authority"],
    );
    assert.equal(shown[0]?.issuer, "CN=authority");
  }
  assert.equal(proxy.tunnels, 1);
  assert.deepEqual(server.asked, []);
  await proxy.stop();
});

test("shownCertificates() fails where there is no TLS, as any request does", async () => {
  await using plain = await FaradayServer.start();
  const url = new URL(plain.url.href.replace("http:", "https:"));
  await assert.rejects(shownCertificates(options(url), NEVER), (error) => {
    return error instanceof ServerFailure && /^it does not speak TLS/.test(error.message);
  });
});

test("trustworthy() finds the certificates that make the server trusted, and none where the name is wrong", async () => {
  const found = async (identity: Identity, ...chain: readonly string[]) => {
    await using server = await serve(identity, ...chain);
    const way = options(server.url);
    const trusted = await trustworthy(await shownCertificates(way, NEVER), way, NEVER);
    assert.deepEqual(server.asked, []);
    return trusted.map(({ subject }) => subject);
  };
  assert.deepEqual(await found(selfSigned("self")), ["O=Self<U+202E>, CN=self"]);
  assert.deepEqual(await found(authority.issue("alone")), ["CN=alone"]);
  assert.deepEqual(await found(authority.issue("both"), authority.certificate), ["CN=both", "CN=authority"]);
  const far = authority.issue("far", { names: "DNS:far.example" });
  assert.deepEqual(await found(far, authority.certificate), []);
  assert.deepEqual(await found(authority.issue("old", { days: -1 }), authority.certificate), []);
});
