/** The executor sslscan: parameters in, reports of a real sslscan, results out. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { CbError } from "../../src/core/errors.ts";
import { clean } from "../../src/faraday/payload.ts";
import { agentOptions } from "../../src/scanners/agent-options.ts";
import { sslscanArguments, sslscanTargets } from "../../src/scanners/sslscan-arguments.ts";
import { SslscanReport } from "../../src/scanners/sslscan-report.ts";
import { hasPlace, tlsResult } from "../../src/scanners/sslscan-result.ts";
import type { Host } from "./reports.ts";

const FIXTURES = join(import.meta.dirname, "../fixtures/sslscan");

const bytesOf = (name: string): Uint8Array => readFileSync(join(FIXTURES, `${name}.xml`));

function read(bytes: Uint8Array) {
  const report = new SslscanReport();
  const events = [...report.push(bytes), ...report.end()];
  const errors = events.flatMap((event) => (event.kind === "error" ? [event.error] : []));
  const tests = events.flatMap((event) => (event.kind === "test" ? [event.test] : []));
  return { tests, errors, problem: report.problem };
}

function host(xml: Uint8Array, environment: Readonly<Record<string, string>> = {}): Host | undefined {
  const [found] = read(xml).tests;
  return (found && tlsResult(found, agentOptions(environment)))?.host as Host | undefined;
}

const named = (found: Host | undefined) =>
  found?.services.flatMap(({ vulnerabilities }) =>
    vulnerabilities.map(({ name, severity }) => `${severity} ${name}`),
  );

const environmentOf = (TARGET: string, STARTTLS = "") => ({
  EXECUTOR_CONFIG_TARGET: TARGET,
  EXECUTOR_CONFIG_STARTTLS: STARTTLS,
});

test("sslscanTargets() takes names and addresses with and without ports, each once", () => {
  const text = '["a.example", "a.example:443", "b.example:8443", "192.0.2.1", "::1", "[2001:db8::1]:993"]';
  assert.deepEqual(sslscanTargets(environmentOf(text)), [
    { host: "a.example", port: 443 },
    { host: "b.example", port: 8443 },
    { host: "192.0.2.1", port: 443 },
    { host: "::1", port: 443 },
    { host: "2001:db8::1", port: 993 },
  ]);
  assert.deepEqual(sslscanTargets(environmentOf("a.example,b.example:26", "smtp")), [
    { host: "a.example", port: 25 },
    { host: "b.example", port: 26 },
  ]);
});

test("sslscanTargets() takes the form that its message names, which begins as an array does", () => {
  assert.deepEqual(sslscanTargets(environmentOf("[::1]:443")), [{ host: "::1", port: 443 }]);
  assert.deepEqual(sslscanTargets(environmentOf("[2001:db8::1], [::1]:8443")), [
    { host: "2001:db8::1", port: 443 },
    { host: "::1", port: 8443 },
  ]);
  for (const text of ['["::1"', "[a.example]", "[true]", "[a:b"])
    assert.throws(() => sslscanTargets(environmentOf(text)), /expected a JSON array/, text);
});

test("sslscanTargets() refuses every other target", () => {
  const bad = [
    "-x",
    "--targets=/etc/passwd",
    "a/b",
    "https://a.example",
    "a:0",
    "a:65536",
    "a:b",
    "a:1:2",
    "1",
    "[a]",
  ];
  const worse = [
    "[::1",
    "::1]",
    "[192.0.2.1]:1",
    "192.0.2.300",
    "fe80::1%eth0",
    ":443",
    "a b\0",
    "192.0.2.0/24",
  ];
  for (const text of [...bad, ...worse]) {
    const targets = () => sslscanTargets(environmentOf(JSON.stringify([text])));
    assert.throws(targets, /^CbError: Cannot use TARGET ".*": expected a host name or an address/, text);
  }
  assert.throws(() => sslscanTargets(environmentOf("")), /^CbError: Cannot scan: TARGET is missing/);
  assert.throws(() => sslscanTargets(environmentOf("a", "gopher")), /^CbError: Cannot use STARTTLS "gopher"/);
});

test("sslscanArguments() gives an address, and the name apart from it", () => {
  const always = ["--xml=-", "--no-colour"];
  const words = (target: string, address: string, starttls?: string) => {
    const environment = environmentOf(target, starttls);
    const [first = assert.fail()] = sslscanTargets(environment);
    return sslscanArguments(environment, first, address);
  };
  assert.deepEqual(words("a.example", "192.0.2.1"), [...always, "--sni-name=a.example", "192.0.2.1:443"]);
  assert.deepEqual(words("::1", "::1"), [...always, "[::1]:443"]);
  assert.deepEqual(words("192.0.2.1", "192.0.2.1", "IMAP"), [...always, "--starttls-imap", "192.0.2.1:143"]);
});

test("sslscanTargets() throws nothing but its own error, and lets through no option", () => {
  const nasty = fc.array(fc.constantFrom("-", ".", "a", "1", ",", ":", "[", "]", "%", " ", "/", '"'));
  const value = fc.oneof(
    fc.string(),
    nasty.map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(value, (text) => {
      try {
        for (const target of sslscanTargets(environmentOf(text))) {
          assert.match(target.host, /^[\w:][\w.:-]*$/);
          assert.ok(target.port > 0 && target.port < 65_536);
        }
      } catch (error) {
        assert.ok(error instanceof CbError && error.code === "setting", String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

test("tlsResult() names what is wrong with protocols, ciphers and certificate", () => {
  const old = host(bytesOf("old"));
  assert.deepEqual(named(old), [
    "high TLS without encryption is offered",
    "high TLS without authentication is offered",
    "med A small Diffie-Hellman group is used",
    "med Certificate has expired",
    "med Key of the certificate is short",
    "med Certificate is signed with a broken hash",
    "low TLSv1.0 is offered",
    "low TLSv1.1 is offered",
    "info TLS ciphers",
    "info TLS certificate",
  ]);
  assert.equal(old?.services[0]?.description, "Offers TLSv1.0, TLSv1.1, TLSv1.2, TLSv1.3");
  const anonymous = host(bytesOf("anonymous"));
  assert.deepEqual([anonymous?.ip, anonymous?.hostnames], ["192.0.2.7", ["shop.example"]]);
  assert.deepEqual(named(anonymous), [
    "high TLS without authentication is offered",
    "med A small Diffie-Hellman group is used",
    "low Certificate is self-signed",
    "info TLS ciphers",
    "info TLS certificate",
  ]);
  const certificate = anonymous?.services[0]?.vulnerabilities.at(-1);
  assert.match(
    certificate?.data ?? "",
    /^Subject: shop\.example\nIssuer: shop\.example\nValid: .* to .*\nKey: RSA 2048 bits\n/,
  );
});

test("tlsResult() names old protocols and faults, with their CVE", () => {
  const xml = `<document><ssltest host="192.0.2.1" sniname="192.0.2.1" port="993">
    <protocol type="ssl" version="2" enabled="1"/><protocol type="ssl" version="3" enabled="1"/>
    <renegotiation supported="1" secure="0"/><compression supported="1"/>
    <heartbleed sslversion="TLSv1.2" vulnerable="0"/><heartbleed sslversion="TLSv1.1" vulnerable="1"/>
    <cipher sslversion="SSLv3" bits="56" cipher="DES-CBC-SHA" strength="weak"/></ssltest></document>`;
  const found = host(Buffer.from(xml));
  const [{ vulnerabilities = [], name = "" } = {}] = found?.services ?? [];
  assert.equal(name, "ssl");
  assert.deepEqual(
    vulnerabilities.map(({ name: what, severity, cve }) => [severity, what, ...cve].join(" ")),
    [
      "critical Heartbleed CVE-2014-0160",
      "high SSLv2 is offered CVE-2016-0800",
      "high SSLv3 is offered CVE-2014-3566",
      "med Weak ciphers are offered",
      "med TLS compression is on CVE-2012-4929",
      "med TLS renegotiation is not secure CVE-2009-3555",
      "info TLS ciphers",
    ],
  );
});

test("tlsResult() makes what Faraday takes as it is, and heeds what the server asks for", () => {
  for (const name of ["old", "anonymous"]) {
    const hosts = [host(bytesOf(name))];
    const cleaned = clean({ hosts }, { maxBytes: Number.POSITIVE_INFINITY });
    assert.deepEqual(cleaned, {
      bodies: [{ hosts }],
      counts: { unknownKeys: 0, duplicates: 0, nul: 0, mended: 0 },
    });
  }
  const asked = { AGENT_CONFIG_MIN_SEVERITY: "HIGH", AGENT_CONFIG_SERVICE_TAG: "t" };
  const few = host(bytesOf("anonymous"), asked);
  assert.deepEqual(named(few), ["high TLS without authentication is offered"]);
  assert.deepEqual(few?.services[0]?.tags, ["t"]);
});

test("SslscanReport tells a server that cannot be reached, one without TLS, and a report that is cut", () => {
  const closed = read(bytesOf("closed"));
  assert.deepEqual(closed.errors, ["Could not open a connection to host 192.0.2.7 (192.0.2.7) on port 81"]);
  assert.deepEqual(read(bytesOf("no-tls")).tests[0]?.protocols, []);
  assert.equal(host(bytesOf("no-tls")), undefined);
  const bytes = bytesOf("old");
  fc.assert(
    fc.property(fc.nat(bytes.length - 14), (end) => {
      const { problem, errors } = read(bytes.subarray(0, end));
      assert.deepEqual([problem === undefined, errors], [false, []]);
    }),
  );
});

test("tlsResult() makes nothing of a host that is none", () => {
  const place = (name: string, port: string) => {
    const protocol = '<protocol type="tls" version="1.2" enabled="1"/>';
    const xml = `<document><ssltest host="${name}" port="${port}">${protocol}</ssltest></document>`;
    const [test = assert.fail()] = read(new TextEncoder().encode(xml)).tests;
    assert.equal(tlsResult(test, agentOptions({})) !== undefined, hasPlace(test));
    return hasPlace(test);
  };
  for (const name of ["192.0.2.7", "::1", "a.example"]) assert(place(name, "443"), name);
  for (const name of ["../../x", "&lt;script>", "999.9.9.9", ""]) assert(!place(name, "443"), name);
  for (const port of ["", "x", "0", "65536"]) assert(!place("a.example", port), port);
});
