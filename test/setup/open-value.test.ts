import assert from "node:assert/strict";
import { test } from "node:test";
import { holdsSecret, isOpen } from "../../src/setup/open-value.ts";

test("isOpen() shows what is clearly no secret, and nothing else", () => {
  const open = [
    ["HOST", "10.0.0.1"],
    ["TENABLE_HOST", "sc.example"],
    ["PORT", "9390"],
    ["ARACHNI_PATH", "/opt/arachni/bin"],
    ["NUCLEI_TEMPLATES", "/opt/templates"],
    ["TENABLE_PULL_INTERVAL", "30"],
    ["GVM_USER", "admin"],
    ["INSIGHTVM_USR", "admin"],
    ["GITHUB_OWNER", "infobyte"],
    ["NESSUS_URL", "https://nessus.example:8834/a/b"],
    ["CYBERVISION_HTTPS_URL", "https://c.example"],
    ["ANYTHING_AT_ALL", ""],
    ["host", "10.0.0.1:8080"],
    ["PROXY_HOST", "[::1]:443"],
    ["HOST", "fe80::1"],
    ["SCAN_PATH", "/usr/bin:/opt/bin"],
  ] as const;
  const secret = [
    ["GVM_PASSW", "x"],
    ["INSIGHTVM_PASSWD", "x"],
    ["CYBERVISION_TOKEN", "x"],
    ["HCL_KEY_ID", "x"],
    ["CLIENT_SECRET", "x"],
    ["TENANT_ID", "x"],
    ["CLIENT_ID", "x"],
    ["KEY_FILE", "x"],
    ["PASSWORD_FILE", "x"],
    ["AUTH_USER", "x"],
    ["DEPTH", "3"],
    ["NESSUS_URL", "https://me:word@nessus.example"],
    ["NESSUS_URL", "https://nessus.example/?token=1"],
    ["PROXY_HOST", "me:word@proxy"],
    ["SONAR_URL", "sonar.example?token=1@x"],
    ["HOSTILE", "x"],
    ["GIT_USER", "u:SECRETPW"],
    ["GIT_USER", "u:1234"],
    ["PROXY_HOST", "me:word"],
    ["NESSUS_URL", "https://me:word"],
    ["CHAT_URL", "https://hooks.example/x/Zk3JxQ9wLmN4pRtYbV7c"],
    ["SLACK_WEBHOOK_URL", "https://hooks.example/T0/B0"],
  ] as const;
  for (const [name, value] of open) assert(isOpen(name, value), name);
  for (const [name, value] of secret) assert(!isOpen(name, value), `${name} ${value}`);
});

test("holdsSecret() sees passwords, tokens and keys in a command", () => {
  for (const command of [
    "curl -u admin:hunter2secret https://x/",
    "curl -uadmin:hunter2 https://x/",
    "curl --user 'admin:1234' https://x/",
    "curl --proxy-user=$ME:word https://x/",
    "curl -H 'Authorization: Bearer abcdef' https://x/",
    "curl 'https://x/?a=1&token=abc'",
    "curl https://me:word@x/",
    "secretsdump.py corp/me:word@10.0.0.1",
    "smbclient -U me%word //x/y",
    "sshpass -p word ssh x",
    "scan --passphrase word",
    "scan PWD=word",
    'scan \'{"password": "word"}\'',
    "scan 0123456789abcdef01234567",
    "scan ghp_Zk3JxQ9wLmN4pRtYbV7c",
  ])
    assert(holdsSecret(command), command);
});

test("holdsSecret() sees none in what commands otherwise hold", () => {
  for (const command of [
    'curl -u "$ME:$WORD" https://x/',
    'curl -H "Authorization: Bearer $TOKEN" https://x/',
    "curl https://me:$WORD@x/",
    "nuclei -u https://x.example:8443/",
    "scan -u 10.0.0.1:8080",
    "scan -u localhost:443/x",
    "docker run -u 1000:1000 -v /a:/b x@sha256:0123456789abcdef0123456789abcdef",
    "date -u +%Y",
    "ssh me@x.example",
    "pwd; ls",
    "scan --output=/var/tmp/results-of-the-whole-network.xml $EXECUTOR_CONFIG_TARGET",
    "git clone git@github.com:me/tools.git",
    // In no time, however long.
    "=a:".repeat(100_000),
  ])
    assert(!holdsSecret(command), command);
});
