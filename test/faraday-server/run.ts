/**
 * `npm run test:faraday [-- --original] [--long] [--only=TEXT]`: `cb dispatcher` and a real Faraday server, which is
 * installed where it is missing. Ends with `N passed, N failed`.
 *
 * `--original` runs the cases of the table with the original agent instead, and passes where it does what the table
 * says. `--long` leaves the server its heartbeat and takes it away for five minutes. `--only` runs the cases that have
 * the text in their name.
 */
import { parseArgs } from "node:util";
import { program } from "../../build/program.ts";
import { FaradayApi } from "./api.ts";
import type { Case } from "./case.ts";
import { COMMAND_CASES } from "./command-cases.ts";
import { installation, versions } from "./installation.ts";
import { lossCases } from "./loss-cases.ts";
import { ORIGINAL } from "./original-agent.ts";
import { OURS } from "./our-agent.ts";
import { LAST_ROW, OUTPUT_ROWS } from "./output-rows.ts";
import { PROCESS_ROWS } from "./process-rows.ts";
import { Report } from "./report.ts";
import { Scene, type World } from "./scene.ts";
import { FaradayServer, type Heartbeat } from "./server.ts";
import { SETUP_ROWS } from "./setup-rows.ts";

/** With its own, a dead link would be seen after five minutes. */
const SHORT_HEARTBEAT: Heartbeat = { interval: 10, timeout: 20 };
const OWN_HEARTBEAT: Heartbeat = { interval: 60, timeout: 220 };

const TABLE = [...OUTPUT_ROWS, ...PROCESS_ROWS, ...SETUP_ROWS, LAST_ROW];

async function testFaraday(args: readonly string[], signal: AbortSignal): Promise<number> {
  const options = {
    original: { type: "boolean" },
    long: { type: "boolean" },
    only: { type: "string" },
  } as const;
  const { original = false, long = false, only = "" } = parseArgs({ args: [...args], options }).values;
  const installed = await installation(signal);
  process.stdout.write(`${await versions(installed, signal)}\n`);
  const heartbeat = long ? OWN_HEARTBEAT : SHORT_HEARTBEAT;
  await using server = await FaradayServer.start(installed, heartbeat, signal);
  const api = new FaradayApi(server.url);
  await api.logIn();
  const kind = original ? ORIGINAL : OURS;
  const world: World = { server, api, installation: installed, kind, heartbeat };

  const report = new Report();
  let number = 0;
  const runAll = async (cases: readonly Case[]) => {
    for (const one of cases.filter(({ name }) => name.includes(only))) {
      number += 1;
      const name = `case-${number}`;
      await report.run(one, kind.isOurs, (limit) => new Scene(world, name, limit), signal);
    }
  };
  report.title("Table 11.4", original ? "the original, now" : "cb");
  await runAll(TABLE);
  if (!original) {
    report.title("Acceptance", "cb");
    await runAll([...COMMAND_CASES, ...lossCases(long ? 300 : 60)]);
  }
  process.stdout.write(`\n${report.passed} passed, ${report.failed} failed\n`);
  return report.failed === 0 ? 0 : 1;
}

await program((signal) => testFaraday(process.argv.slice(2), signal));
