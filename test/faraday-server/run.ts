/**
 * `npm run test:faraday [-- table] [acceptance] [--original] [--long] [--only=TEXT]`: `cb dispatcher` and a real Faraday server, which is
 * installed where it is missing. Ends with `N passed, N failed`.
 *
 * `--original` runs the cases of the table with the original agent instead, and passes where it does what the table
 * says. `--long` leaves the server its own heartbeat, and takes it away for five minutes. `--only` runs the cases that
 * have the text in their name.
 */
import { parseArgs } from "node:util";
import { Failure, program } from "../../build/program.ts";
import { FaradayApi } from "./api.ts";
import type { Case } from "./case.ts";
import { COMMAND_CASES } from "./command-cases.ts";
import { installation, versions } from "./installation.ts";
import { lossCases } from "./loss-cases.ts";
import { NMAP_CASE } from "./nmap-case.ts";
import { ORIGINAL } from "./original-agent.ts";
import { OURS } from "./our-agent.ts";
import { LAST_ROW, OUTPUT_ROWS } from "./output-rows.ts";
import { PROCESS_ROWS } from "./process-rows.ts";
import { Report } from "./report.ts";
import { Scene, type World } from "./scene.ts";
import { FaradayServer, type Heartbeat } from "./server.ts";
import { SETUP_ROWS } from "./setup-rows.ts";
import { Turns } from "./turns.ts";

/** With its own, a dead link would be seen after five minutes. */
const SHORT_HEARTBEAT: Heartbeat = { interval: 10, timeout: 20 };
const OWN_HEARTBEAT: Heartbeat = { interval: 60, timeout: 220 };

const TABLE = [...OUTPUT_ROWS, ...PROCESS_ROWS, ...SETUP_ROWS, LAST_ROW];

const OPTIONS = {
  original: { type: "boolean" },
  long: { type: "boolean" },
  only: { type: "string" },
} as const;
const PARTS = ["table", "acceptance"];

async function testFaraday(args: readonly string[], signal: AbortSignal): Promise<number> {
  const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  const { original = false, long = false, only = "" } = values;
  const unknown = positionals.find((part) => !PARTS.includes(part));
  if (unknown !== undefined) throw new Failure(`Cannot test "${unknown}": expected ${PARTS.join(" or ")}`);
  const isWanted = (part: string) => positionals.length === 0 || positionals.includes(part);
  const installed = await installation(signal);
  process.stdout.write(`${await versions(installed, signal)}\n`);
  const heartbeat = long ? OWN_HEARTBEAT : SHORT_HEARTBEAT;
  await using server = await FaradayServer.start(installed, heartbeat, signal);
  const api = new FaradayApi(server.url);
  await api.logIn();
  const kind = original ? ORIGINAL : OURS;
  const world: World = { server, api, installation: installed, kind, heartbeat, registrations: new Turns() };

  const report = new Report();
  let number = 0;
  const run = (one: Case) => {
    number += 1;
    const name = `case-${number}`;
    return report.run(one, kind.isOurs, (limit) => new Scene(world, name, limit), signal);
  };
  const runAll = async (cases: readonly Case[]) => {
    const wanted = cases.filter(({ name }) => name.includes(only));
    for (const one of wanted.filter(({ waits }) => waits !== true)) await run(one);
    // These wait for the server most of the time, and do nothing to it.
    await Promise.all(wanted.filter(({ waits }) => waits === true).map(run));
  };
  report.title(original ? "the original, now" : "cb");
  const acceptance = original ? [] : [...COMMAND_CASES, NMAP_CASE, ...lossCases(long ? 300 : 60)];
  await runAll([...(isWanted("table") ? TABLE : []), ...(isWanted("acceptance") ? acceptance : [])]);
  process.stdout.write(`\n${report.passed} passed, ${report.failed} failed\n`);
  return report.failed === 0 ? 0 : 1;
}

await program((signal) => testFaraday(process.argv.slice(2), signal));
