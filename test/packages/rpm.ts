/**
 * The .rpm, by rpm itself, on a booted Debian: its own scripts, files and service, as there is no distribution that
 * uses rpm to be had. Its dependencies are Debian's here, so they are left unchecked.
 */
import assert from "node:assert/strict";
import { isRestarted, serves, show, WAITS_OUTPUT, whileRunning } from "./agent-unit.ts";
import { shortDispatcherSteps } from "./dispatcher-steps.ts";
import { type DispatcherMachine, STATE } from "./dispatcher-unit.ts";
import type { Machine } from "./machine.ts";
import type { Step } from "./steps.ts";

export type Rpm = DispatcherMachine & {
  /** Files in /root: the package, and a later version of it. */
  readonly rpm: string;
  readonly nextRpm: string;
};

// Debian's rpm refuses without the first.
const RPM = "rpm --force-debian --nodeps";

export const rpmSteps: readonly Step<Rpm>[] = [
  [
    "rpm -i brings cb, and an agent that is neither enabled nor running",
    async ({ machine, rpm }) => {
      await machine.ok(`${RPM} -i ${rpm}`);
      await verifies(machine);
      assert.equal((await machine.sh("systemctl is-enabled cb-agent")).output, "disabled\n");
      assert.equal((await machine.sh("systemctl is-active cb-agent")).output, "inactive\n");
      await machine.ok("getent passwd cb");
    },
  ],
  [
    "keys, systemctl enable --now cb-agent, cb station run ping",
    async ({ machine }) => {
      await machine.ok("cb-keygen --directory ~/.config/cb");
      await machine.ok("cd ~/.config/cb && cp network.key base-station.pub /etc/cb/");
      await machine.ok("systemctl enable --now cb-agent");
      await serves(machine);
      await verifies(machine);
    },
  ],
  [
    "rpm -U lets a running command end, restarts the agent and keeps an edited file",
    async ({ machine, nextRpm }) => {
      const agent = await show(machine, "MainPID");
      await machine.ok(`sed -i 's/^#tags = .*/tags = ["fresh"]/' /etc/cb/agent.toml`);
      await whileRunning(machine, 0, WAITS_OUTPUT, async () => {
        await machine.ok(`${RPM} -U ${nextRpm}`);
        await machine.eventually(async () =>
          assert.equal(await show(machine, "ActiveState"), "deactivating"),
        );
        await machine.ok("touch go");
      });
      await isRestarted(machine, agent);
      await machine.ok("cb station --tags fresh run ping");
      assert.equal((await machine.sh("systemctl is-enabled cb-agent")).output, "enabled\n");
    },
  ],
  // Once more the same version, which rpm takes for an upgrade, too.
  ...shortDispatcherSteps<Rpm>(({ machine, nextRpm }) => machine.ok(`${RPM} -U --replacepkgs ${nextRpm}`)),
  [
    "rpm -e stops agent and dispatcher, leaves what is the administrator's, and names it",
    async ({ machine }) => {
      const output = await machine.ok(`${RPM} -e cb`);
      const { output: active } = await machine.sh(
        "command -v cb || systemctl is-active cb-agent cb-dispatcher",
      );
      assert.equal(active, "inactive\ninactive\n");
      assert.ok(output.includes(`${STATE} is left: `), output);
      for (const file of ["agent.toml.rpmsave", "dispatcher.toml.rpmsave", "network.key", "run.d/waits"]) {
        assert.ok(output.includes(`  /etc/cb/${file}\n`), output);
        await machine.ok(`test -e /etc/cb/${file}`);
      }
    },
  ],
  ["switches off", ({ machine }) => machine.powerOff()],
];

/** Everything is as it was packed: contents, modes, owners, times. */
async function verifies(machine: Machine): Promise<void> {
  assert.equal(await machine.ok("rpm -V --nodeps cb"), "");
}
