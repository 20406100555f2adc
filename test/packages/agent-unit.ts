/** What the steps ask and do of the agent's unit on a booted machine. */
import assert from "node:assert/strict";
import type { Machine } from "./machine.ts";

/** An executor that prints, goes on until there is a file /root/go, and prints again. */
const WAITS = `#!/bin/sh
echo begins
until [ -e /root/go ]; do sleep 0.05; done
echo ends
`;
export const WAITS_OUTPUT = / │ begins\n(.*\n)*.* │ ends\n/;

/** A property of the unit. */
export async function show(machine: Machine, property: string): Promise<string> {
  return (await machine.ok(`systemctl show --property=${property} --value cb-agent`)).trim();
}

/** @returns when a command has been run; an agent that systemd takes for started may not have subscribed yet */
export async function serves(machine: Machine): Promise<void> {
  await machine.eventually(async () => assert.match(await machine.ok("cb station run ping"), / │ pong$/m));
}

/**
 * @param agent the process that was there before
 * @returns when another one serves
 */
export async function isRestarted(machine: Machine, agent: string): Promise<void> {
  await machine.eventually(async () => {
    assert.equal(await show(machine, "ActiveState"), "active");
    assert.notEqual(await show(machine, "MainPID"), agent);
  });
  await serves(machine);
}

/**
 * Runs `waits` and does something as soon as it has begun.
 *
 * @param status what the station must end with
 * @param pattern what it must print
 */
export async function whileRunning(
  machine: Machine,
  status: number,
  pattern: RegExp,
  action: () => Promise<void>,
): Promise<void> {
  machine.write("/etc/cb/run.d/waits", WAITS, 0o755);
  await machine.ok("rm -f go output");
  const station = machine.sh("cb station run waits >output 2>&1");
  const begun = machine.eventually(async () => void (await machine.ok("grep begins output")));
  const [ended] = await Promise.all([station, begun.then(action)]);
  const output = await machine.ok("cat output");
  assert.equal(ended.status, status, output);
  assert.match(output, pattern);
}
