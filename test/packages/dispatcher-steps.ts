/**
 * The dispatcher as a service on a booted machine: from an installation that has started nothing, to an upgrade.
 *
 * Each step but the first begins where the one before it has ended, with a dispatcher that runs and is connected.
 */
import assert from "node:assert/strict";
import {
  beginRun,
  configure,
  type DispatcherMachine,
  ending,
  isRestarted,
  letGo,
  register,
  STATE,
  serves,
  show,
  surroundings,
  WAITS_HOSTS,
  waiting,
} from "./dispatcher-unit.ts";
import type { Machine } from "./machine.ts";
import type { Step } from "./steps.ts";

const UNIT_DIRECTORY = "/etc/systemd/system/cb-dispatcher.service.d";
const EXAMPLES = "/usr/share/doc/cb/examples";

const beginDispatcher: readonly Step<DispatcherMachine>[] = [
  [
    "cb-dispatcher is neither enabled nor running, and its settings are open to root and its user",
    async ({ machine }) => {
      assert.equal((await machine.sh("systemctl is-enabled cb-dispatcher")).output, "disabled\n");
      assert.equal((await machine.sh("systemctl is-active cb-dispatcher")).output, "inactive\n");
      assert.equal(
        await machine.ok(`stat -c '%U:%G %a' /etc/cb/dispatcher.toml ${STATE}`),
        "root:cb-dispatcher 640\ncb-dispatcher:cb-dispatcher 700\n",
      );
    },
  ],
  [
    "cb-dispatcher without a server, and without a registration, says so and is not started again",
    async ({ machine }) => {
      await fails(machine, /cb: error: Cannot reach a Faraday server: none is set$/m);
      await configure(machine);
      await fails(machine, /cb: error: Cannot serve "http:\S+": no agent is registered in "\/var\/lib\//m);
    },
  ],
  [
    "root may look, register and not run; systemctl enable --now cb-dispatcher",
    async (subject) => {
      const { machine } = subject;
      const refused = await machine.sh("cb dispatcher run --token 123456");
      assert.equal(refused.status, 1);
      assert.match(
        refused.output,
        /^cb: error: Cannot use "\/var\/lib\/cb-dispatcher": it belongs to cb-disp/,
      );
      assert.match(refused.output, /^cb: hint: Run systemctl start cb-dispatcher, or runuser -u cb-disp/m);
      assert.equal(subject.faraday.server.agents.size, 0);
      await register(subject);
      assert.match(await machine.ok("cb dispatcher check"), /^ok +user +cb-dispatcher, the owner of /m);
      await machine.ok("systemctl enable --now cb-dispatcher");
      assert.equal((await machine.sh("systemctl is-active cb-dispatcher")).output, "active\n");
      await serves(subject);
      assert.match(await machine.ok("cb dispatcher status"), /^server +http:\/\/localhost:5985, connected/m);
    },
  ],
  [
    "an executor runs as cb-dispatcher, who can do little, and its result is posted",
    async (subject) => {
      assert.deepEqual(await surroundings(subject), {
        user: "cb-dispatcher",
        capabilities: "",
        secret: "",
        "write the system": "no",
        "write its home": "yes",
        "see people's files": "no",
        "see others' processes": "no",
        "see the machine's /tmp": "no",
        "become root": "no",
        "make a namespace": "no",
        "change its priority": "yes",
      });
    },
  ],
];

const alone: readonly Step<DispatcherMachine>[] = [
  [
    "systemd-analyze security takes the unit for closed",
    async ({ machine }) => {
      await machine.ok("systemd-analyze security --no-pager --threshold=20 cb-dispatcher");
    },
  ],
  [
    "raw sockets and credentials, plain and encrypted, come by the drop-ins",
    async (subject) => {
      const { machine } = subject;
      await machine.ok(
        "mkdir -p -m 700 /etc/credstore && cd /etc/credstore && umask 077 && echo hush >secret",
      );
      await machine.ok("mv /etc/credstore/secret /etc/credstore/cb-dispatcher.nessus.password");
      machine.write(
        "/etc/cb/run.d/about.toml",
        '[environment]\nSECRET = { credential = "nessus.password" }\n',
      );
      for (const name of ["raw-sockets", "credentials"])
        await machine.ok(
          `install -D -m 644 ${EXAMPLES}/cb-dispatcher-${name}.conf ${UNIT_DIRECTORY}/${name}.conf`,
        );
      await restart(subject);
      const { capabilities, secret } = await surroundings(subject);
      // CAP_NET_RAW is bit 13.
      assert.deepEqual([capabilities, secret], ["2000", "hush"]);
      assert.match(await machine.ok("cb dispatcher check"), /^ok +executor about +/m);

      const encrypted = "/etc/credstore.encrypted/cb-dispatcher.nessus.password";
      await machine.ok(
        `mkdir -p -m 700 /etc/credstore.encrypted && echo hushed | systemd-creds encrypt --name=nessus.password - ${encrypted}`,
      );
      await machine.ok(
        `cd ${UNIT_DIRECTORY} && ` +
          "sed -i '/^LoadCredential=/d; s/^#\\(LoadCredentialEncrypted=nessus\\)/\\1/' credentials.conf",
      );
      await restart(subject);
      assert.equal((await surroundings(subject))["secret"], "hushed");
      await machine.ok(
        `rm /etc/credstore/cb-dispatcher.* ${UNIT_DIRECTORY}/credentials.conf /etc/cb/run.d/about.toml`,
      );
      await restart(subject);
    },
  ],
  [
    "cb dispatcher check as root finds the secret and the settings that the service cannot read",
    async ({ machine }) => {
      await machine.ok("umask 077; echo hush >/etc/cb/secret");
      machine.write("/etc/cb/run.d/waits.toml", '[environment]\nSECRET = { file = "/etc/cb/secret" }\n');
      const { status, output } = await machine.sh("cb dispatcher check");
      assert.equal(status, 1, output);
      assert.match(output, /^FAILED +executor waits +.*, run: chown cb-dispatcher \/etc\/cb\/secret$/m);
      await machine.ok("chown cb-dispatcher /etc/cb/secret && chgrp root /etc/cb/dispatcher.toml");
      const closed = (await machine.sh("cb dispatcher check")).output;
      const mend = "chgrp cb-dispatcher /etc/cb/dispatcher.toml && chmod 640 /etc/cb/dispatcher.toml";
      assert.match(closed, new RegExp(`^FAILED +user +cb-dispatcher cannot read .*, run: ${mend}$`, "m"));
      await machine.ok(`${mend} && cb dispatcher check`);
    },
  ],
  [
    "after kill -9 it is started again, and posts what was in the spool",
    async (subject) => {
      const { machine, faraday } = subject;
      // systemd's pauses are long, for tests.
      machine.write(`${UNIT_DIRECTORY}/hasty.conf`, "[Service]\nRestartSec=0.1\nWatchdogSec=2\n");
      await restart(subject);
      const id = await beginRun(subject);
      await faraday.server.stop();
      await letGo(machine);
      await machine.eventually(async () => assert.equal(await waiting(machine), 1));
      const before = await show(machine, "MainPID");
      await machine.ok(`kill -KILL ${before}`);
      await machine.eventually(async () => assert.notEqual(await show(machine, "MainPID"), before));
      await faraday.server.start();
      await isRestarted(subject, before);
      const { message, hosts } = await ending(subject, id);
      assert.match(message, /^(cut off: the dispatcher was killed|finished in \S+ s), 2 results$/);
      assert.deepEqual(hosts, WAITS_HOSTS);
    },
  ],
  [
    "a dispatcher that stands still is killed and started again",
    async (subject) => {
      const { machine } = subject;
      const before = await show(machine, "MainPID");
      await machine.ok(`kill -STOP ${before}`);
      await isRestarted(subject, before);
      assert.match(await machine.ok("journalctl -u cb-dispatcher"), /Watchdog timeout/);
      await machine.ok(`rm ${UNIT_DIRECTORY}/hasty.conf`);
    },
  ],
  [
    "systemctl stop lets a run end for the stop wait, ends it then, and the server is told both",
    async (subject) => {
      const { machine } = subject;
      const patient = await beginRun(subject);
      const [stopped] = await Promise.all([
        machine.sh("systemctl stop cb-dispatcher"),
        machine
          .eventually(async () => assert.equal(await show(machine, "ActiveState"), "deactivating"))
          .then(() => letGo(machine)),
      ]);
      assert.equal(stopped.status, 0, stopped.output);
      assert.match((await ending(subject, patient)).message, /^finished in \S+ s, 2 results$/);

      await machine.ok("sed -i 's/^stop-wait = .*/stop-wait = 0.2/' /etc/cb/dispatcher.toml");
      await machine.ok("systemctl start cb-dispatcher");
      await serves(subject);
      const cut = await beginRun(subject);
      await machine.ok("systemctl stop cb-dispatcher");
      assert.equal(await show(machine, "Result"), "success");
      assert.match((await ending(subject, cut)).message, /^ended because the dispatcher stops, 1 result$/);
    },
  ],
  [
    "the service takes over what root has left in a state directory of root's",
    async (subject) => {
      const { machine } = subject;
      await machine.ok(`chown -R root:root ${STATE} && systemctl start cb-dispatcher`);
      await serves(subject);
      assert.equal(await machine.ok(`find ${STATE} ! -user cb-dispatcher`), "");
    },
  ],
];

/** @param install the next version, as an administrator would */
function upgrade<Subject extends DispatcherMachine>(
  install: (subject: Subject) => Promise<unknown>,
): Step<Subject> {
  return [
    "an upgrade restarts the dispatcher, and keeps its settings and a result that waits for the server",
    async (subject) => {
      const { machine, faraday } = subject;
      const before = await show(machine, "MainPID");
      const id = await beginRun(subject);
      await faraday.server.stop();
      await letGo(machine);
      await machine.eventually(async () => assert.equal(await waiting(machine), 1));
      await install(subject);
      await machine.eventually(async () => assert.notEqual(await show(machine, "MainPID"), before));
      await faraday.server.start();
      await isRestarted(subject, before);
      const { message, hosts } = await ending(subject, id);
      assert.match(message, /^finished in \S+ s, 2 results$/);
      assert.deepEqual(hosts, WAITS_HOSTS);
      await machine.ok(`grep -q '^name = "box"' /etc/cb/dispatcher.toml`);
      const owner = await machine.ok("stat -c '%U:%G %a' /etc/cb/dispatcher.toml");
      assert.equal(owner, "root:cb-dispatcher 640\n");
    },
  ];
}

/** All of it. */
export function dispatcherSteps<Subject extends DispatcherMachine>(
  install: (subject: Subject) => Promise<unknown>,
): readonly Step<Subject>[] {
  return [...beginDispatcher, ...alone, upgrade(install)];
}

/** What another kind of package may do otherwise. */
export function shortDispatcherSteps<Subject extends DispatcherMachine>(
  install: (subject: Subject) => Promise<unknown>,
): readonly Step<Subject>[] {
  return [...beginDispatcher, upgrade(install)];
}

async function fails(machine: Machine, words: RegExp): Promise<void> {
  assert.notEqual((await machine.sh("systemctl start cb-dispatcher")).status, 0);
  assert.equal(await show(machine, "ActiveState"), "failed");
  assert.equal(await show(machine, "ExecMainStatus"), "1");
  assert.equal(await show(machine, "NRestarts"), "0");
  assert.match(await machine.ok("journalctl --output=cat -u cb-dispatcher"), words);
}

async function restart(subject: DispatcherMachine): Promise<void> {
  await subject.machine.ok("systemctl daemon-reload && systemctl restart cb-dispatcher");
  await serves(subject);
}
