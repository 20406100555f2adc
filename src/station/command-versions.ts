/**
 * Which commands agents have, in how many versions: those of one name that differ in executable, manifest or problem.
 *
 * Agents that say the same in the same bytes are one entry, so that a fleet that is all alike takes no more room, and no more
 * time, than one of its agents.
 */
import type { CommandName, Identity } from "../core/names.ts";
import { hex } from "../protocol/bytes.ts";
import { blake2b256 } from "../protocol/crypto.ts";
import { decodeListing, type ListedCommand, type Listing } from "../protocol/listing.ts";

export type CommandVersion = {
  readonly command: ListedCommand;
  /** In alphabetical order. */
  readonly agents: readonly Identity[];
  /** Whether it is not the one that the most agents have, if there is one. */
  readonly isOdd: boolean;
};

export type Lack = { readonly commands: readonly CommandName[]; readonly agents: readonly Identity[] };

type Alike = { readonly listing: Listing; readonly agents: Identity[] };

export class CommandVersions {
  readonly #alike = new Map<string, Alike>();

  /** @throws {CbError} `message-malformed` */
  add(identity: Identity, bytes: Uint8Array): void {
    const key = hex(blake2b256(bytes));
    const known = this.#alike.get(key);
    if (known === undefined) this.#alike.set(key, { listing: decodeListing(bytes), agents: [identity] });
    else known.agents.push(identity);
  }

  /** How many agents have said what they have. */
  get agents(): number {
    return [...this.#alike.values()].reduce((sum, { agents }) => sum + agents.length, 0);
  }

  /** Who has more commands than a listing can hold, and how many more. */
  get omissions(): readonly { readonly agents: readonly Identity[]; readonly omitted: number }[] {
    return [...this.#alike.values()]
      .filter(({ listing }) => listing.omitted > 0)
      .map(({ agents, listing: { omitted } }) => ({ agents, omitted }));
  }

  /** Commands that more than half of them have, in whatever version, and who has not: those of the same agents together. */
  get lacks(): readonly Lack[] {
    const having = new Map<CommandName, number>();
    for (const { listing, agents } of this.#alike.values())
      for (const { name } of listing.commands) having.set(name, (having.get(name) ?? 0) + agents.length);
    const common = [...having].filter(([, number]) => number < this.agents && number * 2 > this.agents);
    const byAgents = new Map<string, { readonly commands: CommandName[]; readonly agents: Identity[] }>();
    for (const [command] of common.sort(([one], [other]) => (one < other ? -1 : 1))) {
      const agents = this.#without(command);
      if (agents.length === 0) continue;
      const lack = byAgents.get(agents.join()) ?? { commands: [], agents };
      byAgents.set(agents.join(), lack);
      lack.commands.push(command);
    }
    return [...byAgents.values()];
  }

  /** Of whom not all is known, it is not known that they lack anything. */
  #without(command: CommandName): Identity[] {
    return [...this.#alike.values()]
      .filter(
        ({ listing: { commands, omitted } }) =>
          omitted === 0 && commands.every(({ name }) => name !== command),
      )
      .flatMap(({ agents }) => agents)
      .sort();
  }

  /** In alphabetical order of the names, and of each that which the most agents have first. */
  get versions(): readonly CommandVersion[] {
    const byName = new Map<string, Map<string, { command: ListedCommand; agents: Identity[] }>>();
    for (const { listing, agents } of this.#alike.values()) {
      for (const command of listing.commands) {
        const versions = byName.get(command.name) ?? new Map();
        byName.set(command.name, versions);
        const key = versionOf(command);
        const version = versions.get(key) ?? { command, agents: [] };
        versions.set(key, version);
        version.agents.push(...agents);
      }
    }
    return [...byName.entries()]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .flatMap(([, versions]) => ordered([...versions.values()]));
  }
}

function ordered(
  versions: readonly { readonly command: ListedCommand; readonly agents: readonly Identity[] }[],
): readonly CommandVersion[] {
  const all = versions.map(({ command, agents }) => ({ command, agents: [...agents].sort() }));
  const first = ({ agents: [name = ""] }: { readonly agents: readonly string[] }) => name;
  all.sort((one, other) => other.agents.length - one.agents.length || (first(one) < first(other) ? -1 : 1));
  const most = all[0]?.agents.length ?? 0;
  const isUsual = (number: number) => number === most && all[1]?.agents.length !== most;
  return all.map((version) => ({ ...version, isOdd: all.length > 1 && !isUsual(version.agents.length) }));
}

function versionOf({ problem, digest, manifest }: ListedCommand): string {
  return [problem ?? "", ...[digest, manifest].map((bytes) => (bytes ? hex(bytes) : ""))].join(" ");
}
