/** `cb station agents`: shows which agents this station knows, forgets some, accepts a changed key. */
import { CbError, ExitStatus } from "../core/errors.ts";
import { type Identity, parseName } from "../core/names.ts";
import type { Schema, Values } from "../core/settings.ts";
import { didYouMean } from "../core/suggestion.ts";
import { connectStationHub } from "../hub/station-hub.ts";
import { cryptoReady } from "../protocol/crypto.ts";
import { KEY_ID_BYTES } from "../protocol/keys.ts";
import { findAgentKey } from "../station/agent-key.ts";
import { agentsTable } from "../station/agents-table.ts";
import { AgentStoreFiles, storePlaces } from "./agent-store-files.ts";
import { type Context, defineCommand, parseOperand } from "./command.ts";
import { loadConnection } from "./hub-connection.ts";
import { loadNetworkPublic, loadStationSecret } from "./key-files.ts";
import { write } from "./output.ts";
import { stationSettings } from "./settings/station.ts";
import { stopSignal } from "./stop-signal.ts";

const acceptSettings = {
  ...stationSettings,
  fingerprint: {
    value: "<key>",
    file: false,
    parse: parseFingerprint,
    help: "fingerprint of the key to accept, as the agent logs it when it starts",
  },
} as const satisfies Schema;

const showCommand = defineCommand({
  words: ["station", "agents"],
  summary: "Show which agents are known, and by which keys",
  description: [
    "Lists tags, first and last answer and the fingerprint of the key of each agent that this station knows.",
  ],
  examples: ["cb station agents", "cb -c lab station agents"],
  settings: stationSettings,
  configFile: "station.toml",
  async run({ settings, context }) {
    const store = await openStore(settings, context);
    await write(context.stdout, agentsTable(store.discovered ?? new Map(), store.pins, context.clock.wall()));
    return ExitStatus.ok;
  },
});

const forgetCommand = defineCommand({
  words: ["station", "agents", "forget"],
  operands: [{ name: "name", repeatable: true }],
  summary: "Forget agents, keys and all",
  description: [
    "They are missed no more. When they answer again they are new, and are believed whatever their key is: to " +
      "take a changed key, rather accept it.",
  ],
  examples: ["cb station agents forget web40 web41"],
  settings: stationSettings,
  configFile: "station.toml",
  async run({ settings, operands, context }) {
    const store = await openStore(settings, context);
    const known = new Set([...(store.discovered?.keys() ?? []), ...store.pins.keys()]);
    const names = operands.map((text) => parseOperand("name", text, parseName<Identity>));
    const stranger = names.find((name) => !known.has(name));
    if (stranger !== undefined) {
      const why = `no such agent is known on channel "${settings.channel}"${didYouMean(stranger, known)}`;
      throw new CbError("usage", `Cannot forget "${stranger}": ${why}`);
    }
    store.forget(names);
    await write(context.stdout, names.map((name) => `Forgot ${name}\n`).join(""));
    return ExitStatus.ok;
  },
});

const acceptCommand = defineCommand({
  words: ["station", "agents", "accept"],
  operands: [{ name: "name" }],
  summary: "Accept the changed key of an agent",
  description: [
    "Asks the agent for its key, which must have the fingerprint that is given, and keeps it in place of the one " +
      "that was kept. Compare the fingerprint with the one that the agent itself logs when it starts, not with " +
      "the one in the station's message.",
  ],
  examples: ["cb station agents accept web1 --fingerprint 0123456789abcdef"],
  settings: acceptSettings,
  configFile: "station.toml",
  async run({ settings, operands: [text = ""], context }) {
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
  },
});

export const stationAgentsCommands = [showCommand, forgetCommand, acceptCommand] as const;

async function openStore(settings: Values<typeof stationSettings>, context: Context) {
  await cryptoReady();
  const store = new AgentStoreFiles(storePlaces(settings), settings.channel, context.clock);
  for (const notice of store.notices) await write(context.stderr, `cb: ${notice}\n`);
  return store;
}

async function ask(
  name: Identity,
  fingerprint: string,
  settings: Values<typeof stationSettings>,
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
    const sender = { identity, channel, tags: undefined, clock };
    // Without end, if that is what was asked for.
    const wait = settings["hello-wait"];
    const patience = Number.isFinite(wait) ? [AbortSignal.timeout(wait)] : [];
    const parts = { sender, network, station, hub, pins };
    return await findAgentKey(name, fingerprint, parts, AbortSignal.any([stop.signal, ...patience]));
  } finally {
    stop.release();
  }
}

function parseFingerprint(text: string): string {
  if (new RegExp(`^[0-9a-f]{${2 * KEY_ID_BYTES}}$`).test(text)) return text;
  throw new SyntaxError(`expected ${2 * KEY_ID_BYTES} hexadecimal digits, such as 0123456789abcdef`);
}
