/**
 * What completions know of a fleet: who answered before, and what could be run here; of a dispatcher, see
 * `complete-dispatcher.ts`.
 *
 * Only local files are read, none is written, and of what is missing or damaged there is simply nothing to offer:
 * whoever runs the command is told. All names are checked by the readers (core/names.ts), so that what a stranger has
 * put into a file cannot become part of a command line.
 */
import type { Channel, Identity, Tag } from "../core/names.ts";
import { type Environment, resolve } from "../core/settings.ts";
import { count } from "../core/text.ts";
import { channelsIn, type Discovered, discoveredOn, EMPTY_DISCOVERY } from "../station/discovery.ts";
import { EMPTY_PINS, pinsOn } from "../station/pins.ts";
import { pinFile, readDiscovery, readPins } from "./agent-store-files.ts";
import type { Command } from "./command.ts";
import type { Split } from "./command-line.ts";
import { knownToDispatcher } from "./complete-dispatcher.ts";
import { commandsIn, type KnownName, orElse } from "./complete-files.ts";
import { optionTexts, settingOf } from "./options.ts";
import { stationSettings } from "./settings/station.ts";
import { sourcesOf } from "./sources.ts";

export type Known = {
  readonly channels: () => readonly KnownName[];
  readonly tags: () => readonly KnownName[];
  readonly agents: () => readonly KnownName[];
  /** What this machine could run: of the others nothing is known here. */
  readonly commands: () => readonly KnownName[];
  /** Of the dispatcher: what it could run, what it has not yet finished, and what its server has refused. */
  readonly executors: () => readonly KnownName[];
  readonly runs: () => readonly KnownName[];
  readonly posts: () => readonly KnownName[];
};

/** Where the packages and the administrator put commands. */
export const RUN_DIRECTORIES: readonly string[] = ["/etc/cb/run.d", "/usr/lib/cb/run.d"];

/** The settings of a station that say what to look at. */
const { channel, "discovery-file": file, "no-discovery": isOff, "state-directory": state } = stationSettings;
const storeSettings = {
  channel,
  "discovery-file": file,
  "no-discovery": isOff,
  "state-directory": state,
} as const;

/**
 * @param commands among which there are those of the station
 * @param line its options count as they will when it is run
 */
export function knownTo(
  commands: readonly Command[],
  line: Split,
  environment: Environment,
  runDirectories: readonly string[],
): Known {
  const store = () => orElse(EMPTY_STORE, () => readStore(commands, line, environment));
  return {
    channels: () => store().channels.map((name) => ({ name })),
    tags: () => {
      const numbers = new Map<Tag, number>();
      for (const tag of [...store().discovered.values()].flatMap(({ tags }) => tags)) {
        numbers.set(tag, (numbers.get(tag) ?? 0) + 1);
      }
      return [...numbers].sort().map(([name, number]) => ({ name, about: count(number, "agent") }));
    },
    agents: () => {
      const { discovered, pinned } = store();
      const names = [...new Set([...discovered.keys(), ...pinned])].sort();
      return names.map((name) => ({ name, about: discovered.get(name)?.tags.join(",") || "no tags" }));
    },
    commands: () => commandsIn(runDirectories),
    ...knownToDispatcher(commands, line, environment),
  };
}

type Store = {
  readonly channels: readonly Channel[];
  readonly discovered: Discovered;
  readonly pinned: readonly Identity[];
};

const EMPTY_STORE: Store = { channels: [], discovered: new Map(), pinned: [] };

/** Without `AgentStoreFiles`, which sets a damaged file aside. */
function readStore(commands: readonly Command[], line: Split, environment: Environment): Store {
  const settings = settingsOf(commands, line, environment);
  const document = settings["no-discovery"]
    ? EMPTY_DISCOVERY
    : orElse(EMPTY_DISCOVERY, () => readDiscovery(settings["discovery-file"]).content);
  const pins = orElse(EMPTY_PINS, () => readPins(pinFile(settings["state-directory"])).content);
  return {
    channels: channelsIn(document),
    discovered: discoveredOn(settings.channel, document),
    pinned: [...pinsOn(settings.channel, pins).keys()],
  };
}

function settingsOf(commands: readonly Command[], { words, uses }: Split, environment: Environment) {
  const station = commands.find(({ configFile }) => configFile === "station.toml");
  if (station === undefined) throw new Error("a command of the station is expected");
  // The files that the line of an agent names are none of a station's.
  const table = words.length === 0 || words[0] === "station" ? station.settings : { channel };
  const own = uses.filter((use) => settingOf(table, use) !== undefined);
  const texts = optionTexts(own, table, "");
  return resolve(storeSettings, sourcesOf(station, texts, environment)).values;
}
