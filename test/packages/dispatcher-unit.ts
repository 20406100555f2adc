/** What the steps ask and do of the dispatcher's unit on a booted machine. */
import assert from "node:assert/strict";
import { hostsIn } from "../support/scan-box.ts";
import type { Machine } from "./machine.ts";
import { FARADAY_URL, type MachineFaraday } from "./machine-faraday.ts";

export type DispatcherMachine = {
  readonly machine: Machine;
  readonly faraday: MachineFaraday;
};

export const STATE = "/var/lib/cb-dispatcher";
const RUN_DIRECTORY = "/etc/cb/run.d";

/** Prints what is to be known of where it runs, as the description of a host. */
const ABOUT = `#!/bin/sh
can() { if eval "$2" 2>/dev/null; then echo "$1: yes"; else echo "$1: no"; fi; }
about=$(
  echo "user: $(id -un)"
  echo "capabilities: $(sed -n 's/^CapEff:\\t0*//p' /proc/self/status)"
  echo "secret: $SECRET"
  can "write the system" "touch /etc/cb/x || touch /usr/x || touch /opt/x"
  can "write its home" 'touch "$HOME/x" && rm "$HOME/x"'
  can "see people's files" "ls /root || ls /home/*"
  can "see others' processes" "test -e /proc/1/status"
  can "see the machine's /tmp" "test -e /tmp/of-the-machine"
  can "become root" "setpriv --reuid=0 true"
  can "make a namespace" "unshare --user true"
  can "change its priority" "nice -n 5 true"
)
about=$(printf %s "$about" | tr '\\n' ';')
echo '{"hosts":[{"ip":"192.0.2.1","description":"'"$about"'"}]}'
`;
const result = (ip: string) => `echo '{"hosts":[{"ip":"${ip}","description":""}]}'`;

/** A result at once, and another one when there is a file in /etc/cb, as the service cannot see /root. */
const WAITS = `#!/bin/sh
${result("192.0.2.2")}
until [ -e /etc/cb/go ]; do sleep 0.05; done
${result("192.0.2.3")}
`;
export const WAITS_HOSTS = ["192.0.2.2", "192.0.2.3"];

const EXECUTORS = { about: ABOUT, waits: WAITS } as const;

/** A property of the unit. */
export async function show(machine: Machine, property: string): Promise<string> {
  return (await machine.ok(`systemctl show --property=${property} --value cb-dispatcher`)).trim();
}

/** Makes the executors, and has dispatcher.toml name them and the server, as an administrator would by hand. */
export async function configure(machine: Machine): Promise<void> {
  for (const [name, script] of Object.entries(EXECUTORS))
    machine.write(`${RUN_DIRECTORY}/${name}`, script, 0o755);
  const names = JSON.stringify(Object.keys(EXECUTORS));
  const settings = { server: JSON.stringify(FARADAY_URL), executors: names, name: '"box"' };
  for (const [key, value] of Object.entries(settings))
    await machine.ok(`sed -i 's|^#${key} = .*|${key} = ${value}|' /etc/cb/dispatcher.toml`);
  await machine.ok("touch /tmp/of-the-machine");
}

/** By root, for the service's user. */
export async function register({ machine, faraday }: DispatcherMachine): Promise<void> {
  await machine.ok(`cb dispatcher register --token ${faraday.server.registrationCode}`);
  assert.equal(await machine.ok(`stat -c '%U %a' ${STATE}/agent.json`), "cb-dispatcher 600\n");
}

/** @returns when it has joined, as `systemctl status` has it, and the server */
export async function serves({ machine, faraday }: DispatcherMachine): Promise<void> {
  await machine.eventually(async () => {
    const shown = await machine.ok("systemctl status cb-dispatcher");
    assert.match(shown, /Status: "http:\/\/localhost:5985, connected"/);
    assert.ok(faraday.server.channel.online);
  });
}

/**
 * @param before the process that was there
 * @returns when another one serves
 */
export async function isRestarted(subject: DispatcherMachine, before: string): Promise<void> {
  await subject.machine.eventually(async () => {
    assert.equal(await show(subject.machine, "ActiveState"), "active");
    assert.notEqual(await show(subject.machine, "MainPID"), before);
  });
  await serves(subject);
}

/** Starts `waits`. @returns the run, whose first result was posted */
export async function beginRun({ machine, faraday }: DispatcherMachine): Promise<number> {
  await machine.ok("rm -f /etc/cb/go");
  const [id = Number.NaN] = faraday.server.run("waits");
  await machine.eventually(async () => assert.equal(faraday.server.accepted(id).length, 1));
  return id;
}

/** Lets it go on. */
export async function letGo(machine: Machine): Promise<void> {
  await machine.ok("touch /etc/cb/go");
}

/** @returns how a run ended, once the server was told; and the addresses that were posted for it by then */
export async function ending({ machine, faraday }: DispatcherMachine, id: number) {
  const { channel } = faraday.server;
  let message = "";
  await machine.eventually(async () => {
    const ends = channel.statuses.filter(
      ({ execution_ids: ids, running }) => ids.includes(id) && running === false,
    );
    message = ends.at(-1)?.message ?? assert.fail(`run ${id} has not ended`);
  });
  return { message, hosts: [...new Set(hostsIn(faraday.server.accepted(id)))] };
}

/** What `about` says of where it runs. */
export async function surroundings(subject: DispatcherMachine): Promise<Readonly<Record<string, string>>> {
  const { server } = subject.faraday;
  const [id = Number.NaN] = server.run("about");
  const { message } = await ending(subject, id);
  const [host] = server.accepted(id).flatMap(({ hosts = [] }) => hosts);
  const lines = String(host?.["description"] ?? message).split(";");
  return Object.fromEntries(lines.map((line) => line.split(": ")));
}

/** @returns the results that wait in the spool */
export async function waiting(machine: Machine): Promise<number> {
  // It says how it is, too: status 1 where there is no connection.
  const { output } = await machine.sh("cb dispatcher status --output json");
  return JSON.parse(output).spool.results;
}
