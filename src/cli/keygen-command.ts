/**
 * `cb-keygen`, `cb-keygen network` and `cb-keygen base-station`: new keys in new files.
 */
import { ExitStatus } from "../core/errors.ts";
import type { Values } from "../core/settings.ts";
import { authorisedStation, type StationAttributes } from "../protocol/authorised-station.ts";
import { cryptoReady, wipe } from "../protocol/crypto.ts";
import { forget, newNetworkKeyPair, newSeed, stationKeyPair } from "../protocol/keys.ts";
import { type Command, type Context, defineCommand } from "./command.ts";
import { importCommand } from "./keygen-import.ts";
import { showCommand } from "./keygen-show.ts";
import { type NewKeyFile, newKeyFile, writeKeyFiles } from "./new-key-files.ts";
import { write } from "./output.ts";
import { outputSettings } from "./settings/common.ts";
import { directorySettings, pairSettings, stationLineSettings } from "./settings/keygen.ts";

const keygenCommand = defineCommand({
  words: ["keygen"],
  summary: "Make all keys of a fleet",
  description: [
    "Writes a network key pair (network.key, network.pub) and a base station key pair (base-station.key, " +
      "base-station.pub). Agents need network.key and base-station.pub, a base station the other two.",
    "Secret files get mode 0600. No file is ever overwritten: if one of the four exists, none is written.",
  ],
  examples: ["cb-keygen --directory ~/.config/cb"],
  settings: { ...outputSettings, ...directorySettings, ...stationLineSettings },
  async run({ settings, context }) {
    const attributes = stationAttributes(settings);
    return makeKeys(settings, context, (created) => [
      ...networkFiles(created, settings.directory),
      ...stationFiles(created, settings.directory, attributes),
    ]);
  },
});

const networkCommand = defineCommand({
  words: ["keygen", "network"],
  summary: "Make a network key pair",
  description: ["Writes network.pub and network.key, or the files named. No file is ever overwritten."],
  examples: ["cb-keygen network -k network.pub -K network.key"],
  settings: { ...outputSettings, ...pairSettings, ...directorySettings },
  async run({ settings, context }) {
    return makeKeys(settings, context, (created) => networkFiles(created, settings.directory, settings));
  },
});

const stationCommand = defineCommand({
  words: ["keygen", "base-station"],
  summary: "Make a base station key pair",
  description: [
    "Writes base-station.pub and base-station.key, or the files named. No file is ever overwritten.",
  ],
  examples: ["cb-keygen base-station --name ops --commands 'reload,restart-*'"],
  settings: { ...outputSettings, ...pairSettings, ...stationLineSettings, ...directorySettings },
  async run({ settings, context }) {
    const attributes = stationAttributes(settings);
    return makeKeys(settings, context, (created) =>
      stationFiles(created, settings.directory, attributes, settings),
    );
  },
});

/** Every command of `cb-keygen`. */
export const keygenCommands: readonly Command[] = [
  keygenCommand,
  networkCommand,
  stationCommand,
  showCommand,
  importCommand,
];

/** What goes behind the key in `base-station.pub`. */
function stationAttributes({ name, commands }: Values<typeof stationLineSettings>): StationAttributes {
  return { ...(name && { name }), ...(commands && { commands }) };
}

type Paths = { readonly "public-key"?: string | undefined; readonly "secret-key"?: string | undefined };

async function makeKeys(
  settings: { readonly directory: string; readonly "errors-only": boolean },
  context: Context,
  make: (created: number) => readonly NewKeyFile[],
): Promise<number> {
  await cryptoReady();
  const report = writeKeyFiles(make(context.clock.wall()), settings.directory);
  if (!settings["errors-only"]) await write(context.stdout, report);
  return ExitStatus.ok;
}

function networkFiles(created: number, directory: string, paths: Paths = {}): readonly NewKeyFile[] {
  const pair = newNetworkKeyPair();
  const files = [
    newKeyFile("network-secret", pair, created, directory, paths["secret-key"]),
    newKeyFile("network-public", pair.publicKey, created, directory, paths["public-key"]),
  ];
  forget(pair);
  return files;
}

function stationFiles(
  created: number,
  directory: string,
  attributes: StationAttributes,
  paths: Paths = {},
): readonly NewKeyFile[] {
  const seed = newSeed();
  const pair = stationKeyPair(seed);
  wipe(seed);
  const station = authorisedStation(pair.publicKey, attributes);
  const files = [
    newKeyFile("base-station-secret", pair, created, directory, paths["secret-key"]),
    newKeyFile("base-station-public", station, created, directory, paths["public-key"]),
  ];
  forget(pair);
  return files;
}
