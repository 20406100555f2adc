/** `cb dispatcher wizard` and certificates: what is shown, what is trusted for it, and that nothing is ignored in silence. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Authority, type Identity, openssl } from "../support/certificates.ts";
import type { FaradayOptions } from "../support/faraday-server.ts";
import { RUNTIMES } from "../support/fleet.ts";
import { ScanBox } from "../support/scan-box.ts";
import {
  CONFIG,
  configFile,
  KEYS,
  runUnattended,
  startWritten,
  WizardTerminal,
} from "../support/wizard-box.ts";

let directory: string;
let authority: Authority;
let own: Identity;

before(() => {
  directory = mkdtempSync(join(tmpdir(), "cb-wizard-tls-"));
  authority = new Authority(directory, "authority");
  own = { certificate: join(directory, "own.pem"), key: join(directory, "own.key") };
  const request =
    "req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost -addext subjectAltName=DNS:localhost";
  openssl(...request.split(" "), "-keyout", own.key, "-out", own.certificate);
});

after(() => rmSync(directory, { recursive: true }));

function fingerprintOf(path: string): string {
  const text = execFileSync("openssl", ["x509", "-in", path, "-noout", "-fingerprint", "-sha256"], {
    encoding: "utf8",
  });
  return text.trim().replace(/^.*=/, "");
}

/** @param chain files behind the server's own */
function tls(
  { certificate, key }: Identity,
  ...chain: readonly string[]
): NonNullable<FaradayOptions["tls"]> {
  const cert = [certificate, ...chain].map((path) => readFileSync(path, "utf8")).join("");
  return { cert, key: readFileSync(key) };
}

async function boxWith(server: FaradayOptions["tls"] & object, runtime = "executable"): Promise<ScanBox> {
  const box = await ScanBox.start({ runtime, tls: server });
  box.ownState();
  configFile(box, "run.d/scan", `#!/bin/sh\necho '{"hosts":[{"ip":"192.0.2.1"}]}'\n`, 0o755);
  return box;
}

const UNASKED = ["--executors", "scan", "--token", "123456", "--name", "box", "--description", ""] as const;

async function assertRuns(box: ScanBox): Promise<void> {
  const dispatcher = await startWritten(box);
  assert.equal((await dispatcher.run("scan")).successful, true);
}

for (const runtime of RUNTIMES) {
  test(`cb dispatcher wizard on ${runtime} shows a certificate that has signed itself, and trusts it once it is told to`, async () => {
    await using box = await boxWith(tls(own), runtime);
    await using wizard = new WizardTerminal(box, { options: ["--server", box.url, ...UNASKED] });
    await wizard.answer("A proxy on the way there?");
    await wizard.says("The server is not trusted");
    await wizard.says("subject   CN=localhost");
    await wizard.says("issuer    itself");
    const fingerprint = fingerprintOf(own.certificate);
    await wizard.says(`SHA-256   ${fingerprint.slice(0, 48)}`);
    await wizard.says(fingerprint.slice(48));
    await wizard.says("Trust it?");
    // Not what is marked at first, but what is above it.
    await wizard.press("Name a file", KEYS.up, KEYS.enter);
    await wizard.says("its certificate is verified");
    await wizard.answer("Another executor?");
    await wizard.answer("Write that?");
    await wizard.says("certificate verified");
    assert.equal(await wizard.status(), 0);
    const kept = box.path("config/cb/localhost.pem");
    assert.equal(readFileSync(kept, "utf8"), readFileSync(own.certificate, "utf8"));
    assert.match(box.read(CONFIG), new RegExp(`^tls-ca = "${kept}"$`, "m"));
    await assertRuns(box);
  });
}

test("cb dispatcher wizard trusts one certificate of an authority, or the authority, or a file with it", async () => {
  const shows = {
    ours: tls(authority.issue("ours"), authority.certificate),
    alone: tls(authority.issue("alone")),
  };
  const cases = [
    { server: shows.ours, up: 2, kept: join(directory, "ours.pem") },
    { server: shows.ours, up: 1, kept: authority.certificate },
    { server: shows.alone, up: 1, kept: join(directory, "alone.pem") },
    { server: shows.alone, up: 0, kept: undefined },
  ];
  for (const { server, up, kept } of cases) {
    await using box = await boxWith(server);
    await using wizard = new WizardTerminal(box, { options: ["--server", box.url, ...UNASKED] });
    await wizard.answer("A proxy on the way there?");
    await wizard.says("Trust it?");
    await wizard.press("Name a file", ...Array(up).fill(KEYS.up), KEYS.enter);
    if (kept === undefined) await wizard.answer("The file, with certificates in PEM?", authority.certificate);
    await wizard.says("its certificate is verified");
    await wizard.answer("Another executor?");
    await wizard.answer("Write that?");
    assert.equal(await wizard.status(), 0);
    if (kept === undefined)
      assert.match(box.read(CONFIG), new RegExp(`^tls-ca = "${authority.certificate}"$`, "m"));
    else assert.equal(box.read("config/cb/localhost.pem"), readFileSync(kept, "utf8"));
    await assertRuns(box);
  }
});

test("cb dispatcher wizard offers no trust in a certificate for another name, and is insecure only by word", async () => {
  await using box = await boxWith(
    tls(authority.issue("far", { names: "DNS:far.example" }), authority.certificate),
  );
  await using wizard = new WizardTerminal(box, { options: ["--server", box.url, ...UNASKED] });
  await wizard.answer("A proxy on the way there?");
  await wizard.says("names     DNS:far.example");
  await wizard.press("Trust it?", KEYS.down, KEYS.enter);
  await wizard.says("Whoever is in between reads the results and the agent's token");
  await wizard.press("Type insecure to take any certificate", `yes${KEYS.enter}`);
  await wizard.says('expected the word "insecure"');
  wizard.terminal.type(`${KEYS.clear}insecure${KEYS.enter}`);
  await wizard.says("Its certificate is not verified");
  await wizard.answer("Another executor?");
  await wizard.says("NOT verified");
  await wizard.answer("Write that?");
  await wizard.says("FAILED   TLS");
  assert.equal(await wizard.status(), 1);
  assert(!wizard.transcript.includes("Trust exactly"));
  assert.match(box.read(CONFIG), /^insecure = true$/m);
  await assertRuns(box);
});

test("cb dispatcher wizard says in one line, where it cannot ask, which fingerprint to compare, and takes it", async () => {
  await using box = await boxWith(tls(own));
  const options = ["--server", box.url, ...UNASKED];
  const fingerprint = fingerprintOf(own.certificate);
  const refused = await runUnattended(box, options);
  assert.equal(refused.status, 1);
  const url = box.url;
  assert.equal(
    refused.stderr,
    `cb: error: Cannot trust "${url}": its certificate is not from an authority that we trust (--tls-ca)\n` +
      `cb: hint: Its SHA-256 is ${fingerprint}: if that is right, give it with --trust-fingerprint; or --tls-ca FILE\n`,
  );
  const other = `${"0".repeat(63)}1`;
  const wrong = await runUnattended(box, [...options, "--trust-fingerprint", other]);
  assert.equal(wrong.status, 1);
  assert.match(
    wrong.stderr,
    new RegExp(`^cb: error: Cannot reach ".*": its certificate has the SHA-256 ${fingerprint}, expected 00:`),
  );
  assert.deepEqual([box.server.agents.size, box.read(CONFIG), box.server.asked], [0, "", []]);
  const done = await runUnattended(box, [
    ...options,
    "--trust-fingerprint",
    fingerprint.toLowerCase().replaceAll(":", ""),
  ]);
  assert.equal(done.status, 0, done.stderr + done.stdout);
  await assertRuns(box);
});

test("cb dispatcher wizard takes the fingerprint of an authority too, and pins also what the system trusts", async () => {
  await using box = await boxWith(tls(authority.issue("pinned"), authority.certificate));
  const options = ["--server", box.url, ...UNASKED, "--trust-fingerprint"];
  const environment = { SSL_CERT_FILE: authority.certificate };
  const done = await runUnattended(box, [...options, fingerprintOf(authority.certificate)], environment);
  assert.equal(done.status, 0, done.stderr + done.stdout);
  assert.equal(box.read("config/cb/localhost.pem"), readFileSync(authority.certificate, "utf8"));
  await assertRuns(box);
});

test("cb dispatcher wizard takes --tls-ca and --insecure without a question, and one of them alone", async () => {
  await using box = await boxWith(tls(authority.issue("file")));
  const options = ["--server", box.url, ...UNASKED];
  const both = await runUnattended(box, [...options, "--insecure", "--tls-ca", authority.certificate]);
  assert.match(both.stderr, /^cb: error: Cannot use --tls-ca with --insecure: expected one of them\n$/);
  const missing = await runUnattended(box, [...options, "--tls-ca", "/missing"]);
  assert.match(
    missing.stderr,
    /^cb: error: Cannot reach ".*": Cannot read "\/missing": no such file or directory\n$/,
  );
  const insecure = await runUnattended(box, [...options, "--insecure"]);
  assert.equal(insecure.status, 1);
  assert.match(insecure.stdout, /Its certificate is not verified\n {2}Whoever is in between/);
  assert.match(box.read(CONFIG), /^insecure = true$/m);
  // Once the certificate can be verified nothing is left of that.
  const again = ["--server", box.url, "--replace", "--tls-ca", authority.certificate];
  const mended = await runUnattended(box, again);
  assert.equal(mended.status, 0, mended.stderr + mended.stdout);
  assert.doesNotMatch(box.read(CONFIG), /insecure/);
  await assertRuns(box);
});
