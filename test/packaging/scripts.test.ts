/** What sh reads: maintainer scripts, scriptlets and executors. The booted systems of test:packages run them. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const PACKAGING = join(import.meta.dirname, "../../packaging");
// Beside executors there are manifests.
const SCRIPTS = globSync(["run.d/*", "executors/*", "debian/p*"], { cwd: PACKAGING })
  .filter((path) => !path.endsWith(".toml"))
  .sort();

/** Runs a script without systemd: dpkg's own way to say "not in this system" is DPKG_ROOT. */
function sh(script: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const options = { env: { PATH: "/usr/bin:/bin", LANG: "C.UTF-8", ...env }, encoding: "utf8" } as const;
  return spawnSync("/bin/sh", [join(PACKAGING, script), ...args], options);
}

function inDirectory(use: (directory: string) => void): void {
  const directory = mkdtempSync(join(tmpdir(), "cb-packaging-"));
  try {
    use(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test("every script is one that sh can read", () => {
  assert.ok(SCRIPTS.length >= 8);
  for (const script of SCRIPTS) {
    assert.ok(readFileSync(join(PACKAGING, script), "utf8").startsWith("#!/bin/sh\n# "), script);
    const { status, stderr } = spawnSync("/bin/sh", ["-n", join(PACKAGING, script)], { encoding: "utf8" });
    assert.equal(status, 0, stderr);
  }
});

test("every scriptlet of the .rpm is one that sh can read", () => {
  const spec = readFileSync(join(PACKAGING, "rpm/cb.spec"), "utf8");
  const scriptlets = [...spec.matchAll(/^%(pre|post|preun|postun|posttrans)\n([\s\S]*?)\n\n/gm)];
  assert.equal(scriptlets.length, 5);
  for (const [, name = "", body = ""] of scriptlets) {
    const { status, stderr } = spawnSync("/bin/sh", ["-n", "-c", body], { encoding: "utf8" });
    assert.equal(status, 0, `${name}: ${stderr}`);
  }
});

test("the maintainer scripts refuse what dpkg never says", () => {
  for (const script of ["postinst", "prerm", "postrm"]) {
    const { status, stderr } = sh(`debian/${script}`, ["no-such-word"]);
    assert.equal(status, 1, script);
    assert.match(stderr, new RegExp(`^${script} called with unknown argument "no-such-word"\n$`));
  }
});

test("postrm purge takes the state of agent and dispatcher, leaves what is the administrator's and names it, twice", () => {
  inDirectory((root) => {
    const drop = "etc/systemd/system/cb-dispatcher.service.d";
    for (const directory of [
      "etc/cb/run.d",
      "var/lib/cb/default/web1",
      "var/lib/cb-dispatcher/spool",
      drop,
    ]) {
      mkdirSync(join(root, directory), { recursive: true });
    }
    writeFileSync(join(root, "var/lib/cb/default/web1/agent.key"), "");
    writeFileSync(join(root, "var/lib/cb-dispatcher/agent.json"), "");
    writeFileSync(join(root, "etc/cb/network.key"), "");
    writeFileSync(join(root, drop, "memory.conf"), "");
    symlinkSync("/dev/null", join(root, "etc/cb/run.d/ping"));
    for (let times = 0; times < 2; times += 1) {
      const { status, stdout, stderr } = sh("debian/postrm", ["purge"], { DPKG_ROOT: root });
      assert.deepEqual([status, stderr], [0, ""]);
      const [first, ...left] = stdout.trimEnd().split("\n");
      assert.match(first ?? "", /are left:$/);
      const mine = ["etc/cb/network.key", "etc/cb/run.d/ping", `${drop}/memory.conf`];
      assert.deepEqual(
        left,
        mine.map((path) => `  ${root}/${path}`),
      );
      assert.deepEqual(globSync("var/lib/*", { cwd: root }), []);
    }
  });
});

test("postrm purge is silent where nothing is left", () => {
  inDirectory((root) => {
    const { status, stdout, stderr } = sh("debian/postrm", ["purge"], { DPKG_ROOT: root });
    assert.deepEqual([status, stdout, stderr], [0, "", ""]);
  });
});

test("ping and the examples run, and print what they say", () => {
  assert.equal(sh("run.d/ping", []).stdout, "pong\n");
  assert.match(sh("executors/uptime", []).stdout, /^up \d+ days \d\d:\d\d, load [\d. ]+, \d+ processors\n$/);
  const disk = sh("executors/disk", []);
  assert.match(
    disk.stdout,
    disk.status === 0 ? /^all below 90 %\n$/ : /^(.+ is \d+ % full, \d+ MiB left\n)+$/,
  );
});

test("reload-service takes the name of the service from that of the link, and is itself none", () => {
  inDirectory((directory) => {
    const log = join(directory, "log");
    writeFileSync(join(directory, "systemctl"), `#!/bin/sh\necho "$*" >>${log}\n`, { mode: 0o755 });
    cpSync(join(PACKAGING, "executors/reload-service"), join(directory, "reload-service"));
    const run = (command: string) =>
      spawnSync("/bin/sh", [join(directory, "reload-service"), "web1"], {
        env: { PATH: `${directory}:/usr/bin:/bin`, CB_COMMAND: command },
      }).status;
    assert.equal(run("reload-service"), 1);
    assert.equal(run("reload-nginx"), 0);
    assert.deepEqual(readFileSync(log, "utf8").split("\n").slice(0, 2), [
      "reload nginx.service",
      "--no-pager --lines=0 status nginx.service",
    ]);
  });
});
