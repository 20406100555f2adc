/** Reports as nmap 7.93 wrote them; test/fixtures/nmap/README.md says how. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { NmapReport } from "../../src/scanners/nmap-report.ts";
import { hostsIn, REPORTS, type ReportName, read, reportBytes } from "./reports.ts";

const WHOLE = REPORTS.filter((name) => name !== "interrupted");

test("NmapReport reads every report of nmap's to the end", () => {
  for (const name of WHOLE) assert.equal(read(reportBytes(name)).problem, undefined, name);
});

const HOSTS: Readonly<Record<ReportName, readonly string[]>> = {
  aggressive: ["192.0.2.7"],
  down: [],
  hostile: ["192.0.2.8"],
  hostscripts: ["192.0.2.7"],
  interrupted: ["192.0.2.7"],
  ipv6: ["2001:db8::7"],
  "no-such-script": [],
  plain: ["192.0.2.7", "192.0.2.8"],
  silent: ["192.0.2.10", "192.0.2.7"],
  "timed-out": ["192.0.2.7", "192.0.2.8"],
  unresolved: ["192.0.2.7"],
  versions: ["192.0.2.7"],
  vulners: ["192.0.2.7"],
  vulns: ["192.0.2.7", "192.0.2.8"],
};

test("NmapReport gives the hosts that were scanned, and none that is only announced", () => {
  for (const name of REPORTS) {
    const addresses = hostsIn(read(reportBytes(name))).map(({ ip }) => ip);
    assert.deepEqual(addresses, HOSTS[name], name);
  }
});

test("NmapReport gives a host with its last byte, not with the end of the report", () => {
  const bytes = reportBytes("plain");
  const end = Buffer.from(bytes).indexOf("</host>") + "</host>".length;
  const report = new NmapReport();
  assert.deepEqual(report.push(bytes.subarray(0, end - 1)), []);
  const [event] = report.push(bytes.subarray(end - 1, end));
  assert.equal(event?.kind, "host");
});

test("NmapReport reads addresses, names, systems, ports, services and scripts", () => {
  const [host] = hostsIn(read(reportBytes("aggressive")));
  assert.ok(host);
  assert.equal(host.mac, "02:00:00:00:00:07");
  assert.deepEqual(host.hostnames, ["shop.example"]);
  assert.deepEqual(host.systems.slice(0, 2), [
    { name: "Linux 5.3 - 5.4", accuracy: 96 },
    { name: "Linux 3.2", accuracy: 95 },
  ]);
  const [ssh, http] = host.ports;
  assert.deepEqual(ssh?.service, {
    name: "ssh",
    product: "OpenSSH",
    version: "9.2p1 Debian 2+deb12u10",
    extraInfo: "protocol 2.0",
    tunnel: "",
    method: "probed",
    osType: "Linux",
    deviceType: "",
    cpes: ["cpe:/a:openbsd:openssh:9.2p1", "cpe:/o:linux:linux_kernel"],
  });
  assert.deepEqual(
    http?.scripts.map(({ id }) => id),
    ["http-server-header", "http-title"],
  );
  const [counted] = hostsIn(read(reportBytes("plain")));
  assert.deepEqual(
    counted?.otherPorts.map(({ state }) => state),
    ["closed"],
  );
  assert.deepEqual(
    hostsIn(read(reportBytes("hostscripts")))[0]?.scripts.map(({ id, output }) => [id, output]),
    [
      ["fcrdns", "FAIL (No PTR record)"],
      ["ipidseq", "All zeros"],
    ],
  );
});

test("NmapReport tells a host that nmap has given up from one that has no ports", () => {
  const states = (name: ReportName) => hostsIn(read(reportBytes(name))).map(({ isTimedOut }) => isTimedOut);
  assert.deepEqual(
    [states("timed-out"), states("plain")],
    [
      [true, true],
      [false, false],
    ],
  );
});

test("NmapReport tells progress, scripts without a host, and nmap's own error", () => {
  const kinds = (name: ReportName) => read(reportBytes(name)).events;
  assert.deepEqual(
    kinds("interrupted").find(({ kind }) => kind === "progress"),
    { kind: "progress", task: "Service scan", percent: 50 },
  );
  const script = kinds("hostscripts").find((event) => event.kind === "script");
  assert.deepEqual(script && [script.script.id, script.script.output.trim()], [
    "targets-asn",
    "targets-asn.asn is a mandatory parameter",
  ]);
  const [failed] = kinds("no-such-script");
  assert.ok(failed?.kind === "finished");
  assert.match(failed.error, /^NSE: failed .*'nosuch' did not match a category, filename, or directory$/);
  assert.deepEqual(kinds("down"), [{ kind: "finished", error: "" }]);
});

test("NmapReport names a target that nmap has passed over", () => {
  const xml = '<nmaprun><target specification="300.1.1.1" status="skipped" reason="invalid"/></nmaprun>';
  assert.deepEqual(read(Buffer.from(xml)).events, [{ kind: "skipped", target: "300.1.1.1" }]);
});

test("NmapReport passes over ports that there cannot be", () => {
  const ports = ["65536", "-1", "x", "", "1e3", "80"].map((id) => `<port protocol="tcp" portid="${id}"/>`);
  const xml = `<nmaprun><host><ports>${ports.join("")}<port portid="81"/></ports></host></nmaprun>`;
  const [host] = hostsIn(read(Buffer.from(xml)));
  assert.deepEqual(
    host?.ports.map(({ port }) => port),
    [80],
  );
});

test("NmapReport loses no complete host of a report that is cut anywhere, and says that it is cut", () => {
  for (const name of WHOLE) {
    const bytes = reportBytes(name);
    const text = Buffer.from(bytes).toString("latin1");
    const ends = [...text.matchAll(/<\/host>/g)].map(({ index }) => index + "</host>".length);
    const last = text.indexOf("</nmaprun>") + "</nmaprun>".length;
    fc.assert(
      fc.property(fc.nat(bytes.length), fc.nat(bytes.length), (end, cut) => {
        const kept = bytes.subarray(0, end);
        const reading = read(kept.subarray(0, cut), kept.subarray(Math.min(cut, end)));
        assert.equal(hostsIn(reading).length, ends.filter((one) => one <= end).length);
        assert.equal(reading.problem === undefined, end >= last);
      }),
      { numRuns: 60 },
    );
  }
});

test("NmapReport throws nothing where bytes of a report are others", () => {
  const change = fc.record({ at: fc.nat(), byte: fc.nat(255) });
  const name = fc.constantFrom(...REPORTS);
  fc.assert(
    fc.property(name, fc.array(change, { minLength: 1, maxLength: 20 }), (which, changes) => {
      const bytes = Uint8Array.from(reportBytes(which));
      for (const { at, byte } of changes) bytes[at % bytes.length] = byte;
      const { problem } = read(bytes);
      assert.doesNotMatch(problem ?? "", /[\n\0]/);
    }),
    { numRuns: 500 },
  );
});
