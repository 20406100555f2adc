/**
 * `cb-keygen`, `cb-keygen network` and `cb-keygen base-station`: new keys in new files.
 */
import { ExitStatus } from "../core/errors.ts";
import type { Values } from "../core/settings.ts";
import { authorisedStation, type StationAttributes } from "../protocol/authorised-station.ts";
import { cryptoReady, wipe } from "../protocol/crypto.ts";
import { forget, newNetworkKeyPair, newSeed, stationKeyPair } from "../protocol/keys.ts";
import type { Context, Invocation } from "./command.ts";
import { type NewKeyFile, newKeyFile, writeKeyFiles } from "./new-key-files.ts";
import { write } from "./output.ts";
import type {
  allKeysSettings,
  networkPairSettings,
  stationLineSettings,
  stationPairSettings,
} from "./settings/keygen.ts";

export async function makeAllKeys({
  settings,
  context,
}: Invocation<typeof allKeysSettings>): Promise<number> {
  const attributes = stationAttributes(settings);
  return makeKeys(settings, context, (created) => [
    ...networkFiles(created, settings.directory),
    ...stationFiles(created, settings.directory, attributes),
  ]);
}

export async function makeNetworkKeys({
  settings,
  context,
}: Invocation<typeof networkPairSettings>): Promise<number> {
  return makeKeys(settings, context, (created) => networkFiles(created, settings.directory, settings));
}

export async function makeStationKeys({
  settings,
  context,
}: Invocation<typeof stationPairSettings>): Promise<number> {
  const attributes = stationAttributes(settings);
  return makeKeys(settings, context, (created) =>
    stationFiles(created, settings.directory, attributes, settings),
  );
}

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
