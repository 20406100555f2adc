/**
 * The environment of a command: these variables and no others.
 *
 * Nothing of the agent's own environment is inherited: it may hold the Redis password, and what a command
 * does must not depend on the shell that the agent was started from. The table is the source of the
 * documentation too.
 */
import type { Channel, CommandName, Identity, Tag } from "../core/names.ts";

/** What an agent knows of one run. */
export type CommandFacts = {
  readonly identity: Identity;
  readonly channel: Channel;
  readonly tags: readonly Tag[];
  readonly command: CommandName;
  /** Session id in hexadecimal, as it stands in the logs of both sides. */
  readonly session: string;
  /** Name of the station, as the agent's key file gives it. */
  readonly station: string;
};

type Variable = {
  readonly name: string;
  readonly meaning: string;
  readonly value: (facts: CommandFacts) => string;
};

export const SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export const COMMAND_ENVIRONMENT: readonly Variable[] = [
  { name: "PATH", meaning: `always ${SEARCH_PATH}`, value: () => SEARCH_PATH },
  { name: "LANG", meaning: "always C.UTF-8", value: () => "C.UTF-8" },
  {
    name: "CB_IDENTITY",
    meaning: "identity of this agent, also argument 1",
    value: ({ identity }) => identity,
  },
  { name: "CB_CHANNEL", meaning: "channel that the request came on", value: ({ channel }) => channel },
  { name: "CB_TAGS", meaning: "tags of this agent, joined by commas", value: ({ tags }) => tags.join(",") },
  { name: "CB_COMMAND", meaning: "name of the command", value: ({ command }) => command },
  {
    name: "CB_SESSION",
    meaning: "session id in hexadecimal, as in the logs",
    value: ({ session }) => session,
  },
  { name: "CB_STATION", meaning: "name of the station that asked", value: ({ station }) => station },
];

/** The whole environment of one run. */
export function commandEnvironment(facts: CommandFacts): Readonly<Record<string, string>> {
  return Object.fromEntries(COMMAND_ENVIRONMENT.map(({ name, value }) => [name, value(facts)]));
}
