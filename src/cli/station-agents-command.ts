/** `cb station agents`: shows which agents this station knows, forgets some, accepts a changed key. */
import { CbError, ExitStatus } from "../core/errors.ts";
import { type Identity, parseName } from "../core/names.ts";
import type { Values } from "../core/settings.ts";
import { connectStationHub } from "../hub/station-hub.ts";
import { cryptoReady } from "../protocol/crypto.ts";
import { matchesTarget } from "../protocol/target.ts";
import { findAgentKey } from "../station/agent-key.ts";
import { agentsJson, agentsTable, knownAgents } from "../station/agents-table.ts";
import { targetWords } from "../station/target-words.ts";
import { addresseesOf } from "./addressees.ts";
import { AgentStoreFiles, storePlaces } from "./agent-store-files.ts";
import { type Context, type Invocation, parseOperand } from "./command.ts";
import { loadConnection } from "./hub-connection.ts";
import { loadNetworkPublic, loadStationSecret } from "./key-files.ts";
import { agentMeant, doubtsAbout, MAX_SAID } from "./name-doubts.ts";
import { write } from "./output.ts";
import { forgetRuns } from "./run-record-files.ts";
import type { acceptSettings, agentsSettings, forgetSettings } from "./settings/station.ts";
import { stopSignal } from "./stop-signal.ts";

/** @returns +64 where an agent that was named is not known, or nobody that the options mean */
export async function showAgents({
  settings,
  origins,
  context,
}: Invocation<typeof agentsSettings>): Promise<number> {
  const addressed = await addresseesOf(settings);
  const { target, named } = addressed;
  const store = await openStore(settings, context);
  const known = knownAgents(store.discovered ?? new Map(), store.pins);
  const isTyped = origins["not-to"] === "argument";
  const doubts = doubtsAbout({ ...addressed, isTyped, areNamesReported: true }, known);
  const shown = known.filter((agent) => matchesTarget(target, agent));
  const text = settings.json ? agentsJson(shown) : agentsTable(shown, context.clock.wall());
  await write(context.stdout, text);
  const identities = new Set(known.map(({ identity }) => identity));
  const strangers = [...named].filter((name) => !identities.has(name)).sort();
  const nobody = target !== undefined && shown.length === 0 && strangers.length === 0;
  const problems = [
    ...strangers.map(
      (name, at) => `${name} is not known${at < MAX_SAID ? agentMeant(name, identities) : ""}`,
    ),
    ...(nobody ? [`no known agent ${targetWords(target)}`] : []),
  ];
  await write(context.stderr, [...doubts, ...problems].map((problem) => `cb: ${problem}\n`).join(""));
  return problems.length === 0 ? ExitStatus.ok : ExitStatus.notAllRun;
}

export async function forgetAgents({
  settings,
  operands,
  context,
}: Invocation<typeof forgetSettings>): Promise<number> {
  const store = await openStore(settings, context);
  const known = new Set([...(store.discovered?.keys() ?? []), ...store.pins.keys()]);
  const names = operands.map((text) => parseOperand("name", text, parseName<Identity>));
  const stranger = names.find((name) => !known.has(name));
  if (stranger !== undefined) {
    const why = `no such agent is known on channel "${settings.channel}"${agentMeant(stranger, known)}`;
    throw new CbError("usage", `Cannot forget "${stranger}": ${why}`);
  }
  store.forget(names);
  // They are forgotten all the same; the next run of a command sets its record aside where that is damaged.
  const failures = forgetRuns(settings["state-directory"], settings.channel, names);
  await write(context.stderr, failures.map((why) => `cb: ${why}\n`).join(""));
  await write(context.stdout, names.map((name) => `Forgot ${name}\n`).join(""));
  return ExitStatus.ok;
}

export async function acceptAgent({
  settings,
  operands: [text = ""],
  context,
}: Invocation<typeof acceptSettings>): Promise<number> {
  const name = parseOperand("name", text, parseName<Identity>);
  const { fingerprint } = settings;
  if (fingerprint === undefined) {
    const hint = `Read the key in the log of ${name}, where it starts`;
    throw new CbError("usage", `Cannot accept a key for "${name}": --fingerprint is missing`, { hint });
  }
  const store = await openStore(settings, context);
  const { key, others } = await ask(name, fingerprint, settings, store, context);
  if (key === undefined) {
    const heard = others.length === 0 ? "it did not answer" : `it answered with ${others.join(" and ")}`;
    throw new CbError("key", `Cannot accept key ${fingerprint} for "${name}": ${heard}`);
  }
  store.repin(name, key);
  await write(context.stdout, `Accepted key ${fingerprint} for ${name}\n`);
  return ExitStatus.ok;
}

async function openStore(settings: Values<typeof forgetSettings>, context: Context) {
  await cryptoReady();
  const store = new AgentStoreFiles(storePlaces(settings), settings.channel, context.clock);
  for (const notice of store.notices) await write(context.stderr, `cb: ${notice}\n`);
  return store;
}

async function ask(
  name: Identity,
  fingerprint: string,
  settings: Values<typeof acceptSettings>,
  { pins }: AgentStoreFiles,
  { environment, clock, signal }: Context,
) {
  const network = loadNetworkPublic(settings["network-public-key"], environment);
  const station = loadStationSecret(settings["base-station-secret-key"], environment);
  const connection = loadConnection(settings, environment);
  const { channel, identity } = settings;
  const stop = stopSignal(signal);
  try {
    const hub = await connectStationHub(connection, channel, stop.signal);
    const sender = { identity, channel, target: undefined, named: new Set<Identity>(), clock };
    // Without end, if that is what was asked for.
    const wait = settings["hello-wait"];
    const patience = Number.isFinite(wait) ? [AbortSignal.timeout(wait)] : [];
    const parts = { sender, network, station, hub, pins };
    return await findAgentKey(name, fingerprint, parts, AbortSignal.any([stop.signal, ...patience]));
  } finally {
    stop.release();
  }
}
