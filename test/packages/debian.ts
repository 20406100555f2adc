/**
 * The .deb on a booted Debian, from `apt install` to `apt purge`, by the README's own commands where it has them.
 *
 * Each step begins where the one before it has ended, with an agent that runs.
 */
import assert from "node:assert/strict";
import { isRestarted, serves, show, WAITS_OUTPUT, whileRunning } from "./agent-unit.ts";
import { dispatcherSteps } from "./dispatcher-steps.ts";
import { type DispatcherMachine, serves as dispatcherServes, STATE } from "./dispatcher-unit.ts";
import type { Machine } from "./machine.ts";
import type { Step } from "./steps.ts";

export type Debian = DispatcherMachine & {
  /** Files in /root: the package, and the same as a later version. */
  readonly deb: string;
  readonly nextDeb: string;
  readonly nextVersion: string;
  /** The files of the machine before the installation. */
  filesBefore: readonly string[];
};

const UNIT_DIRECTORY = "/etc/systemd/system/cb-agent.service.d";

export const debianSteps: readonly Step<Debian>[] = [
  [
    "apt install brings cb, and an agent that is neither enabled nor running",
    async (debian) => {
      const { machine, deb } = debian;
      debian.filesBefore = await files(machine);
      await machine.ok(`apt-get -y install ./${deb}`);
      assert.match(await machine.ok("cb --version"), /^cb \d+\.\d+\.\d+/);
      assert.equal((await machine.sh("systemctl is-enabled cb-agent")).output, "disabled\n");
      assert.equal((await machine.sh("systemctl is-active cb-agent")).output, "inactive\n");
      await machine.ok("getent passwd cb && test -d /etc/cb/run.d");
    },
  ],
  [
    "without keys the agent says so, ends with 1 and is not started again",
    async ({ machine }) => {
      assert.notEqual((await machine.sh("systemctl start cb-agent")).status, 0);
      assert.equal(await show(machine, "ActiveState"), "failed");
      assert.equal(await show(machine, "ExecMainStatus"), "1");
      assert.equal(await show(machine, "NRestarts"), "0");
      assert.match(await machine.ok("journalctl -u cb-agent"), /Cannot find the network secret key/);
    },
  ],
  [
    "cb-keygen, two keys into /etc/cb, systemctl enable --now cb-agent",
    async ({ machine }) => {
      await machine.ok("cb-keygen --directory ~/.config/cb");
      await machine.ok("cd ~/.config/cb && cp network.key base-station.pub /etc/cb/");
      await machine.ok("systemctl enable --now cb-agent");
      assert.equal((await machine.sh("systemctl is-active cb-agent")).output, "active\n");
      await machine.eventually(async () => {
        const shown = await machine.ok("systemctl status cb-agent");
        assert.match(shown, /Status: "channel default at redis:\/\/localhost:6379, 0 running"/);
      });
    },
  ],
  [
    "cb station run ping prints",
    async ({ machine }) => {
      assert.match(await machine.ok("cb station run ping"), /^\S+ │ pong$/m);
      assert.match(await machine.ok("cb station ping"), /^1 agent · 1 ok/m);
      assert.match(await machine.ok("cb agent --health"), /^channel default at .*, 0 running$/m);
    },
  ],
  [
    "an executable that is put into /etc/cb/run.d runs, and a link to /dev/null masks",
    async ({ machine }) => {
      machine.write("/root/reload", "#!/bin/sh\necho reloaded\n");
      await machine.ok("install -m755 reload /etc/cb/run.d/");
      assert.match(await machine.ok("cb station run reload"), / │ reloaded$/m);
      await machine.ok("ln -s /dev/null /etc/cb/run.d/ping");
      assert.equal((await machine.sh("cb station run ping")).status, 16);
      await machine.ok("rm /etc/cb/run.d/ping");
    },
  ],
  [
    "systemctl reload changes tags",
    async ({ machine }) => {
      const before = await show(machine, "MainPID");
      assert.equal((await machine.sh("cb station --tags fresh run ping")).status, 64);
      await machine.ok(`sed -i 's/^#tags = .*/tags = ["fresh"]/' /etc/cb/agent.toml`);
      await machine.ok("systemctl reload cb-agent");
      await machine.eventually(async () => void (await machine.ok("cb station --tags fresh run ping")));
      assert.equal(await show(machine, "MainPID"), before);
    },
  ],
  [
    "an upgrade lets a running command end, restarts the agent and keeps an edited file",
    async ({ machine, nextDeb, nextVersion }) => {
      const agent = await show(machine, "MainPID");
      await whileRunning(machine, 0, WAITS_OUTPUT, async () => {
        await machine.ok(`apt-get -y install ./${nextDeb}`);
        await machine.eventually(async () =>
          assert.equal(await show(machine, "ActiveState"), "deactivating"),
        );
        await machine.ok("touch go");
      });
      await isRestarted(machine, agent);
      assert.ok((await machine.ok("dpkg -s cb")).includes(`\nVersion: ${nextVersion}\n`));
      await machine.ok(`grep -q '^tags = ."fresh"' /etc/cb/agent.toml`);
      assert.equal((await machine.sh("systemctl is-enabled cb-agent")).output, "enabled\n");
    },
  ],
  [
    "an upgrade tells the station of a command that takes longer than stop-wait",
    async ({ machine, nextDeb }) => {
      await machine.ok(`sed -i 's/^stop-wait = .*/stop-wait = 1/' /etc/cb/agent.toml`);
      await machine.ok("systemctl reload cb-agent");
      const agent = await show(machine, "MainPID");
      await whileRunning(machine, 4, /ended because its agent was stopped/, async () => {
        await machine.ok(`dpkg -i ${nextDeb}`);
      });
      await isRestarted(machine, agent);
      await machine.ok(`sed -i 's/^stop-wait = .*/stop-wait = 55/' /etc/cb/agent.toml`);
      await machine.ok("systemctl reload cb-agent");
    },
  ],
  [
    "an upgrade that cb station run begins ends in order",
    async ({ machine, nextDeb }) => {
      const agent = await show(machine, "MainPID");
      machine.write("/etc/cb/run.d/upgrade", `#!/bin/sh\nexec dpkg -i /root/${nextDeb} 2>&1\n`, 0o755);
      assert.match(await machine.ok("cb station run upgrade"), / │ Setting up cb /);
      await isRestarted(machine, agent);
    },
  ],
  [
    "an upgrade leaves a stopped agent stopped",
    async ({ machine, nextDeb }) => {
      await machine.ok("systemctl stop cb-agent");
      assert.equal(await show(machine, "Result"), "success");
      await machine.ok(`dpkg -i ${nextDeb}`);
      assert.equal(await show(machine, "ActiveState"), "inactive");
      assert.equal((await machine.sh("systemctl is-enabled cb-agent")).output, "enabled\n");
      await machine.ok("systemctl start cb-agent");
      await serves(machine);
    },
  ],
  [
    "nothing runs while the journal's disk is full, and all is well when there is room again",
    async ({ machine }) => {
      await machine.ok("systemctl stop cb-agent");
      // The same agent, by its key, on a small disk.
      await machine.ok("mkdir small && mount -t tmpfs -o size=256k,mode=700 tmpfs small");
      await machine.ok("cp -a /var/lib/cb/. small/ && mount --bind small /var/lib/cb");
      await machine.ok("systemctl start cb-agent");
      await serves(machine);
      await machine.sh("dd if=/dev/zero of=/var/lib/cb/filler bs=4k 2>/dev/null");
      // A record is some bytes, and the journal's last block has room for many of them.
      const runs = "for run in $(seq 200); do cb station run ping >output 2>&1 || exit; done";
      const { status } = await machine.sh(runs);
      const output = await machine.ok("cat output");
      assert.equal(status, 16, output);
      assert.match(output, /state directory not writable/);
      assert.doesNotMatch(output, /pong/);
      await machine.ok("rm /var/lib/cb/filler");
      await serves(machine);
      await machine.ok("systemctl stop cb-agent && umount /var/lib/cb small && systemctl start cb-agent");
      await serves(machine);
    },
  ],
  [
    "keys come from systemd's credentials by the drop-in, and new ones at a restart",
    async ({ machine }) => {
      await machine.ok(
        "mkdir -p -m 700 /etc/credstore && cd /etc/cb && " +
          "mv network.key /etc/credstore/cb.network.key && mv base-station.pub /etc/credstore/cb.base-station.pub",
      );
      const example = "/usr/share/doc/cb/examples/cb-agent-credentials.conf";
      await machine.ok(`install -D -m 644 ${example} ${UNIT_DIRECTORY}/credentials.conf`);
      await machine.ok("systemctl daemon-reload && systemctl restart cb-agent");
      await serves(machine);

      await machine.ok(
        "cb-keygen --directory other && cp other/base-station.pub /etc/credstore/cb.base-station.pub",
      );
      await machine.ok("systemctl reload cb-agent");
      await serves(machine);
      await machine.ok("systemctl restart cb-agent");
      await machine.eventually(async () => void (await machine.ok("cb agent --health")));
      assert.notEqual((await machine.sh("cb station run ping")).status, 0);
    },
  ],
  [
    "keys come from encrypted credentials",
    async ({ machine }) => {
      await machine.ok("mkdir -p -m 700 /etc/credstore.encrypted");
      const encrypt = (from: string, name: string) =>
        machine.ok(`systemd-creds encrypt --name=${name} ${from} /etc/credstore.encrypted/cb.${name}`);
      await encrypt("/etc/credstore/cb.network.key", "network.key");
      await encrypt("~/.config/cb/base-station.pub", "base-station.pub");
      await machine.ok("rm /etc/credstore/cb.*");
      await machine.ok(
        `cd ${UNIT_DIRECTORY} && ` +
          "sed -i '/^LoadCredential=/d; s/^#LoadCredentialEncrypted=/LoadCredentialEncrypted=/' credentials.conf",
      );
      await machine.ok("systemctl daemon-reload && systemctl restart cb-agent");
      await serves(machine);
    },
  ],
  [
    "an agent that stands still is killed and started again",
    async ({ machine }) => {
      assert.equal(await show(machine, "WatchdogUSec"), "30s");
      machine.write(`${UNIT_DIRECTORY}/watchdog.conf`, "[Service]\nWatchdogSec=2\nRestartSec=0.1\n");
      await machine.ok("systemctl daemon-reload && systemctl restart cb-agent");
      const agent = await show(machine, "MainPID");
      await machine.ok(`kill -STOP ${agent}`);
      await isRestarted(machine, agent);
      assert.match(await machine.ok("journalctl -u cb-agent"), /Watchdog timeout/);
    },
  ],
  ...dispatcherSteps<Debian>(({ machine, nextDeb }) => machine.ok(`dpkg -i ${nextDeb}`)),
  [
    "apt remove stops agent and dispatcher, and an installation after it finds their settings",
    async (debian) => {
      const { machine, nextDeb } = debian;
      await machine.ok("apt-get -y remove cb");
      const { output } = await machine.sh("command -v cb || systemctl is-active cb-agent cb-dispatcher");
      assert.equal(output, "inactive\ninactive\n");
      await machine.ok("grep -q fresh /etc/cb/agent.toml");
      await machine.ok(`apt-get -y install ./${nextDeb} && systemctl start cb-agent cb-dispatcher`);
      await serves(machine);
      await dispatcherServes(debian);
    },
  ],
  [
    "apt purge leaves what is the administrator's, and names it",
    async ({ machine, filesBefore }) => {
      const output = await machine.ok("apt-get -y -o Dpkg::Use-Pty=0 purge cb");
      const now = await files(machine);
      const named = now.filter((path) => output.includes(`  ${path}\n`));
      assert.ok(named.includes("/etc/cb/run.d/reload"), output);
      assert.ok(named.includes("/etc/systemd/system/cb-dispatcher.service.d/raw-sockets.conf"), output);
      assert.notEqual((await machine.sh(`test -e ${STATE} || getent passwd cb-dispatcher`)).status, 0);
      // A directory stays for what is in it.
      const stays = (path: string) => named.some((file) => `${file}/`.startsWith(`${path}/`));
      const before = new Set(filesBefore);
      assert.deepEqual(
        now.filter((path) => !before.has(path) && !stays(path)),
        [],
      );
      assert.deepEqual(
        [...before].filter((path) => !now.includes(path)),
        [],
      );
      assert.notEqual((await machine.sh("getent passwd cb")).status, 0);
    },
  ],
  ["switches off", ({ machine }) => machine.powerOff()],
];

/** All files and directories but those that every installation changes, and those in which we work. */
async function files(machine: Machine): Promise<readonly string[]> {
  const others = [
    "/var/log",
    "/var/cache",
    "/var/lib/apt",
    "/var/lib/dpkg",
    "/var/lib/systemd",
    "/root",
    "/etc/credstore", // a step's own, where systemd has not made it
    "/var/tmp",
  ];
  // Copies of the users' files that sysusers and userdel leave.
  const copies = ["/etc/passwd-", "/etc/shadow-", "/etc/group-", "/etc/gshadow-", "/etc/.pwd.lock"];
  const prune = [...others, ...copies].map((path) => `-path ${path}`).join(" -o ");
  return (await machine.ok(`find / -xdev \\( ${prune} \\) -prune -o -print`)).trim().split("\n");
}
