/** What of nmap's reports is posted. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { clean } from "../../src/faraday/payload.ts";
import { agentOptions } from "../../src/scanners/agent-options.ts";
import { hostResult } from "../../src/scanners/nmap-result.ts";
import { hostsIn, REPORTS, read, reportBytes, results, type Service, type Vulnerability } from "./reports.ts";

const NOTHING = { unknownKeys: 0, duplicates: 0, nul: 0, mended: 0 };

test("hostResult() makes of every report what Faraday takes as it is", () => {
  for (const name of REPORTS) {
    const hosts = results(name);
    const cleaned = clean({ hosts }, { maxBytes: Number.POSITIVE_INFINITY });
    assert.ok(!("problem" in cleaned), JSON.stringify(cleaned));
    assert.deepEqual(cleaned.counts, NOTHING, name);
    assert.deepEqual(cleaned.bodies, [{ hosts }], name);
  }
});

test("hostResult() makes nothing of a host whose address is none", () => {
  for (const ip of ["../../x", "&lt;script>", "999.9.9.9", "10.0.0.0/8", "a.example", ""]) {
    const report = `<nmaprun><host><status state="up"/><address addr="${ip}" addrtype="ipv4"/></host></nmaprun>`;
    const [host, ...more] = hostsIn(read(new TextEncoder().encode(report)));
    assert(host !== undefined && more.length === 0);
    assert.equal(hostResult(host, agentOptions({})), undefined, ip);
  }
});

test("hostResult() makes of any damaged report what Faraday takes as it is", () => {
  const change = fc.record({ at: fc.nat(), byte: fc.integer({ min: 32, max: 126 }) });
  const options = agentOptions({});
  fc.assert(
    fc.property(fc.constantFrom(...REPORTS), fc.array(change, { maxLength: 20 }), (name, changes) => {
      const bytes = Uint8Array.from(reportBytes(name));
      for (const { at, byte } of changes) bytes[at % bytes.length] = byte;
      const hosts = hostsIn(read(bytes)).flatMap((host) => hostResult(host, options)?.host ?? []);
      const cleaned = clean({ hosts }, { maxBytes: Number.POSITIVE_INFINITY });
      assert.deepEqual("problem" in cleaned ? cleaned.problem : cleaned.counts, NOTHING);
    }),
    { numRuns: 300 },
  );
});

test("hostResult() tells a host with its system, names, card and what is not listed", () => {
  const [aggressive] = results("aggressive");
  assert.ok(aggressive);
  const { ip, os, mac, hostnames, description } = aggressive;
  assert.deepEqual(
    { ip, os, mac, hostnames, description },
    {
      ip: "192.0.2.7",
      os: "Linux 5.3 - 5.4",
      mac: "02:00:00:00:00:07",
      hostnames: ["shop.example"],
      description: "Operating system: Linux 5.3 - 5.4 (96 % certain)",
    },
  );
  assert.equal(results("ipv6")[0]?.ip, "2001:db8::7");
  assert.match(results("plain")[0]?.description ?? "", /^Other ports: \d+ closed$/);
  // Of a system that nobody has looked at, its services tell.
  assert.equal(results("versions")[0]?.os, "Linux");
  assert.equal(results("plain")[0]?.os, undefined);
});

test("hostResult() tells services with version, state and software", () => {
  const [host] = results("versions");
  const told = host?.services.map(({ port, protocol, name, status, version }) =>
    [`${port}/${protocol}`, name, status, version].join(" ").trim(),
  );
  assert.deepEqual(told, [
    "21/tcp ftp open vsftpd 2.0.8 or later",
    "22/tcp ssh open OpenSSH 9.2p1 Debian 2+deb12u10 (protocol 2.0)",
    "80/tcp http open SimpleHTTPServer 0.6 (Python 3.11.7)",
    "443/tcp https open",
    "3306/tcp mysql filtered",
    "6379/tcp redis closed",
  ]);
  assert.equal(
    host?.services[1]?.description,
    "cpe:/a:openbsd:openssh:9.2p1\ncpe:/o:linux:linux_kernel\nsystem: Linux",
  );
});

const service = (state: string, more = "") =>
  serviceOf(`<port protocol="udp" portid="53"><state state="${state}" reason="r"/>${more}</port>`);

function serviceOf(port: string): Service | undefined {
  const host = `<host><status state="up"/><address addr="192.0.2.1" addrtype="ipv4"/><ports>${port}</ports></host>`;
  const [found] = hostsIn(read(Buffer.from(`<nmaprun>${host}</nmaprun>`)));
  const result = found && hostResult(found, agentOptions({}));
  return (result?.host as { services: Service[] } | undefined)?.services[0];
}

test("hostResult() has one of Faraday's three words for each state of a port, and the state where it is another", () => {
  const states = ["open", "closed", "filtered", "unfiltered", "open|filtered", "closed|filtered", ""];
  assert.deepEqual(
    states.map((state) => [service(state)?.status, service(state)?.description]),
    [
      ["open", ""],
      ["closed", ""],
      ["filtered", ""],
      ["closed", "unfiltered (r)"],
      ["filtered", "open|filtered (r)"],
      ["filtered", "closed|filtered (r)"],
      ["filtered", " (r)"],
    ],
  );
});

test("hostResult() names what speaks within TLS as nmap does", () => {
  const named = (attributes: string) => service("open", `<service ${attributes}/>`)?.name;
  assert.equal(named('name="http" tunnel="ssl" method="probed"'), "ssl/http");
  assert.equal(named('name="https" tunnel="ssl" method="table"'), "https");
  assert.equal(named('name=""'), "unknown");
});

test("hostResult() leaves out hosts that are down, and those that only the user says are up", () => {
  assert.deepEqual(
    results("silent").map(({ ip }) => ip),
    ["192.0.2.7"],
  );
  const down = '<host><status state="down"/><address addr="192.0.2.1" addrtype="ipv4"/></host>';
  const [host] = hostsIn(read(Buffer.from(`<nmaprun>${down}</nmaprun>`)));
  assert.equal(host && hostResult(host, agentOptions({})), undefined);
});

const named = (vulnerabilities: readonly Vulnerability[] = []) =>
  vulnerabilities.map(({ name, severity }) => `${severity} ${name}`);

test("hostResult() rates what vulners lists by its score, the worst first", () => {
  const [ssh] = results("vulners")[0]?.services ?? [];
  assert.deepEqual(named(ssh?.vulnerabilities), [
    "critical EDB-ID:21018",
    "critical CVE-2023-38408",
    "high CVE-2024-6387",
    "med CVE-2023-51385",
    "low CVE-2021-36368",
    "unclassified PACKETSTORM:173661",
    "unclassified CVE-2016-20012",
  ]);
  const [exploit, cve] = ssh?.vulnerabilities ?? [];
  assert.deepEqual(exploit?.refs, [{ name: "https://vulners.com/exploitdb/EDB-ID:21018", type: "exploit" }]);
  assert.deepEqual(exploit?.cve, []);
  assert.equal(cve?.desc, "Known in cpe:/a:openbsd:openssh:9.2p1, as listed by vulners.com.");
  assert.equal(cve?.data, "CVSS score: 9.8");
  assert.equal(cve?.external_id, "vulners:cve:CVE-2023-38408");
  assert.deepEqual(cve?.cve, ["CVE-2023-38408"]);
});

test("hostResult() takes what the library vulns says apart: rating, ids, references, what was seen", () => {
  const [tls, other] = results("vulns");
  const weak = tls?.services[0]?.vulnerabilities ?? [];
  assert.deepEqual(named(weak), [
    "high Anonymous Diffie-Hellman Key Exchange MitM Vulnerability",
    "high Diffie-Hellman Key Exchange Insufficient Group Strength",
  ]);
  assert.match(weak[1]?.desc ?? "", /^Transport Layer Security .*eavesdropping attacks\.$/s);
  assert.match(weak[1]?.data ?? "", /^State: VULNERABLE\nWEAK DH GROUP 1\n/);
  assert.deepEqual(weak[1]?.refs, [{ name: "https://weakdh.org", type: "other" }]);
  const [, vnc, http] = other?.services ?? [];
  const [bypass] = vnc?.vulnerabilities ?? [];
  assert.deepEqual(named(vnc?.vulnerabilities), ["high RealVNC 4.1.0 - 4.1.1 Authentication Bypass"]);
  assert.deepEqual(bypass?.cvss2, { vector_string: "AV:N/AC:L/Au:N/C:P/I:P/A:P" });
  assert.deepEqual(bypass?.cve, ["CVE-2006-2369"]);
  assert.equal(bypass?.external_id, "nmap:realvnc-auth-bypass:CVE-2006-2369");
  assert.equal(bypass?.data, "State: VULNERABLE\nCVE:CVE-2006-2369\nDisclosed: 2006-05-08");
  const [range] = http?.vulnerabilities ?? [];
  assert.deepEqual(
    range?.refs.map(({ name }) => new URL(name).hostname),
    ["cve.mitre.org", "seclists.org", "www.securityfocus.com", "www.tenable.com"],
  );
  assert.equal(range?.data, "State: VULNERABLE\nBID:49303\nCVE:CVE-2011-3192\nDisclosed: 2011-08-19");
});

function vulnsOf(elements: string, output = ""): readonly string[] {
  const table = `<table key="K">${elements}</table>`;
  const script = `<script id="s" output="${output}">${table}</script>`;
  return named(
    serviceOf(`<port protocol="tcp" portid="1"><state state="open"/>${script}</port>`)?.vulnerabilities,
  );
}

test("hostResult() passes over a script without a name, which would have none in Faraday", () => {
  const scripts = '<script output="x"/><script id="" output="x"/><script id="s" output="x"/>';
  const found = serviceOf(`<port protocol="tcp" portid="1"><state state="open"/>${scripts}</port>`);
  assert.deepEqual(named(found?.vulnerabilities), ["info s"]);
});

test("hostResult() rates by score, else by the author's word, else by the state, and passes over what is not", () => {
  const titled = (state: string, more = "") =>
    `<elem key="title">T</elem><elem key="state">${state}</elem>${more}`;
  const score = (text: string) => `<table key="scores"><elem key="CVSSv3">${text}</elem></table>`;
  assert.deepEqual(vulnsOf(titled("VULNERABLE", score("9.8 (CRITICAL)"))), ["critical T"]);
  assert.deepEqual(vulnsOf(titled("VULNERABLE"), "T&#xa;  Risk factor: Low&#xa;"), ["low T"]);
  assert.deepEqual(vulnsOf(titled("VULNERABLE (Exploitable)")), ["high T"]);
  assert.deepEqual(vulnsOf(titled("LIKELY VULNERABLE")), ["med T"]);
  assert.deepEqual(vulnsOf(titled("NOT VULNERABLE")), []);
  assert.deepEqual(vulnsOf(titled("UNKNOWN (unable to test)")), []);
  assert.deepEqual(vulnsOf('<elem key="title">T</elem><elem key="state">x</elem>'), ["info s"]);
});

test("hostResult() takes the risk factor of its own entry and of no other", () => {
  const entry = (title: string) =>
    `<table><elem key="title">${title}</elem><elem key="state">VULNERABLE</elem></table>`;
  const output = "A&#xa;  State: VULNERABLE&#xa;&#xa;  B&#xa;  Risk factor: Low&#xa;";
  const script = `<script id="s" output="${output}">${entry("A")}${entry("B")}</script>`;
  const found = serviceOf(`<port protocol="tcp" portid="1"><state state="open"/>${script}</port>`);
  assert.deepEqual(named(found?.vulnerabilities), ["high A", "low B"]);
});

test("hostResult() tells other scripts as information, under the identity that Faraday's own executor gives them", () => {
  const [host] = results("versions");
  const told = host?.services.flatMap(({ vulnerabilities }) => vulnerabilities) ?? [];
  assert.deepEqual(
    told.map(({ type, name, severity, website }) => [type, name, severity, website]),
    [
      ["Vulnerability", "ftp-anon", "info", undefined],
      ["Vulnerability", "ftp-syst", "info", undefined],
      ["Vulnerability", "ssh-hostkey", "info", undefined],
      ["VulnerabilityWeb", "http-server-header", "info", "192.0.2.7"],
      ["VulnerabilityWeb", "http-title", "info", "192.0.2.7"],
      ["Vulnerability", "ssl-cert", "info", undefined],
      ["Vulnerability", "ssl-date", "info", undefined],
    ],
  );
  // With the newline that nmap begins such outputs with.
  assert.match(told[2]?.desc ?? "", /^\n {2}256 [\da-f]{32} \(ED25519\)$/);
  assert.deepEqual(named(results("hostscripts")[0]?.vulnerabilities), ["info fcrdns", "info ipidseq"]);
});

test("hostResult() shortens what a hostile server makes long", () => {
  const script = `<script id="banner" output="${"x".repeat(200_000)}"/>`;
  const found = serviceOf(`<port protocol="tcp" portid="1"><state state="open"/>${script}</port>`);
  const desc = found?.vulnerabilities[0]?.desc ?? "";
  assert.equal(desc.length, 65_536 + "\n… (134464 more characters)".length);
  assert.match(desc, /x\n… \(134464 more characters\)$/);
});

test("hostResult() heeds what the server asks of every executor", () => {
  const severities = (environment: Record<string, string>) =>
    results("vulners", environment)[0]?.services[0]?.vulnerabilities.map(({ severity }) => severity);
  const all = ["critical", "critical", "high", "med", "low", "unclassified", "unclassified"];
  assert.deepEqual(severities({ AGENT_CONFIG_MIN_SEVERITY: "MED" }), all.slice(0, 4));
  assert.deepEqual(severities({ AGENT_CONFIG_MAX_SEVERITY: "LOW" }), all.slice(4));
  assert.deepEqual(severities({ AGENT_CONFIG_IGNORE_INFO: "True" }), all);
  const [host] = results("versions", { AGENT_CONFIG_IGNORE_INFO: "True" });
  assert.deepEqual(host?.services.map(({ vulnerabilities }) => vulnerabilities.length).join(""), "000000");
  const tags = {
    AGENT_CONFIG_VULN_TAG: "v1, v2",
    AGENT_CONFIG_SERVICE_TAG: "s",
    AGENT_CONFIG_HOSTNAME_TAG: "h",
  };
  const [tagged] = results("hostscripts", tags);
  assert.deepEqual(tagged?.tags, ["h"]);
  assert.deepEqual(tagged?.services[0]?.tags, ["s"]);
  assert.deepEqual(tagged?.vulnerabilities[0]?.tags, ["v1", "v2"]);
});
