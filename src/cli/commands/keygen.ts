/** What `cb-keygen` and its commands are; what they do is loaded when one is run. */
import { type Command, defineCommand } from "../command.ts";
import { outputSettings } from "../settings/common.ts";
import {
  allKeysSettings,
  importSettings,
  KIND_BY_ORIGINAL_NAME,
  networkPairSettings,
  stationPairSettings,
} from "../settings/keygen.ts";

const allCommand = defineCommand({
  words: ["keygen"],
  summary: "Make all keys of a fleet",
  description: [
    "Writes a network key pair (network.key, network.pub) and a base station key pair (base-station.key, " +
      "base-station.pub). Agents need network.key and base-station.pub, a base station the other two.",
    "Secret files get mode 0600. No file is ever overwritten: if one of the four exists, none is written.",
  ],
  examples: ["cb-keygen", "cb-keygen --directory ~/.config/cb", "cb-keygen --directory ./keys --name ops"],
  settings: allKeysSettings,
  run: async (invocation) => (await import("../keygen-command.ts")).makeAllKeys(invocation),
});

const networkCommand = defineCommand({
  words: ["keygen", "network"],
  summary: "Make a network key pair",
  description: ["Writes network.pub and network.key, or the files named. No file is ever overwritten."],
  examples: [
    "cb-keygen network",
    "cb-keygen network --directory ./new",
    "cb-keygen network -k network.pub -K network.key",
  ],
  settings: networkPairSettings,
  run: async (invocation) => (await import("../keygen-command.ts")).makeNetworkKeys(invocation),
});

const stationCommand = defineCommand({
  words: ["keygen", "base-station"],
  summary: "Make a base station key pair",
  description: [
    "Writes base-station.pub and base-station.key, or the files named. No file is ever overwritten.",
  ],
  examples: [
    "cb-keygen base-station --name ops --commands 'reload,restart-*'",
    "cb-keygen base-station --directory ~/.config/cb",
    "cb-keygen base-station -k ops.pub -K ops.key",
  ],
  settings: stationPairSettings,
  run: async (invocation) => (await import("../keygen-command.ts")).makeStationKeys(invocation),
});

const showCommand = defineCommand({
  words: ["keygen", "show"],
  operands: [{ name: "file" }],
  summary: "Show kind, id and public part of the keys in a file",
  description: ["Of a secret key its public half is shown, as a line for a public key file."],
  examples: [
    "cb-keygen show /etc/cb/network.key",
    "cb-keygen show network.pub",
    "cb-keygen show ~/.config/cb/base-station.key",
  ],
  settings: outputSettings,
  run: async (invocation) => (await import("../keygen-show.ts")).showKeys(invocation),
});

const importCommand = defineCommand({
  words: ["keygen", "import"],
  operands: [{ name: "file", repeatable: true }],
  summary: "Convert key files of cbradio 0.1",
  description: [
    `Takes any of ${[...KIND_BY_ORIGINAL_NAME.keys()].join(", ")}, or one file of another name and its --kind, and ` +
      "writes the same keys as network.key, network.pub, base-station.key, base-station.pub. The files taken " +
      "stay as they are, and no file is ever overwritten.",
  ],
  examples: [
    "cb-keygen import --directory ~/.config/cb ~/.config/cbradio/*",
    "cb-keygen import cbradio-network.key",
    "cb-keygen import --kind base-station-secret old.key",
  ],
  settings: importSettings,
  run: async (invocation) => (await import("../keygen-import.ts")).importKeys(invocation),
});

/** Every command of `cb-keygen`, in the order of the help. */
export const keygenCommands: readonly Command[] = [
  allCommand,
  networkCommand,
  stationCommand,
  showCommand,
  importCommand,
];
