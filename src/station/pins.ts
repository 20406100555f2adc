/**
 * Which key each agent answered with when it was first seen, as `known_agents` has it, a line an agent:
 *
 *     CHANNEL IDENTITY cb-agent-public1…
 *
 * Lines that begin with `#` are comments. A pin is never changed by what a session brings, only by the operator;
 * and no two agents of a channel share a key, so that a copied disk shows. Source: PROTOCOL.md §10; the idea and
 * the name are those of ssh's known_hosts. Pure; the file itself is `cli/agent-store-files.ts`.
 */
import { CbError } from "../core/errors.ts";
import { type Channel, type Identity, isName } from "../core/names.ts";
import { printable } from "../core/text.ts";
import { hex } from "../protocol/bytes.ts";
import { keyFromBytes, parseKeyFile, publicLine } from "../protocol/key-text.ts";
import type { AgentPublicKey } from "../protocol/keys.ts";

/** The keys of the agents of one channel. */
export type Pins = ReadonlyMap<Identity, AgentPublicKey>;

type Pin = { readonly channel: Channel; readonly identity: Identity; readonly key: AgentPublicKey };
type Line = { readonly text: string; readonly pin?: Pin };

/** The lines of a pin file. */
export type PinFile = readonly Line[];

export const EMPTY_PINS: PinFile = [
  { text: "# The keys that agents answered with when cb station first saw them: CHANNEL IDENTITY KEY" },
];

/**
 * The lines of a pin file; each must be sound, for of a damaged one nobody knows whom it should keep out.
 *
 * @param path for messages
 * @throws {CbError} `key`, naming the line
 */
export function parsePins(text: string, path: string): PinFile {
  const refuse = (reason: string) => new CbError("key", `Cannot use "${printable(path)}": ${reason}`);
  const lines: Line[] = [];
  /** Line numbers by what must not come twice. */
  const lineOf = new Map<string, number>();
  for (const [index, line] of text.replace(/\n$/, "").split("\n").entries()) {
    const [channel = "", identity = "", keyText = "", ...rest] = line.trim().split(/[ \t]+/);
    if (channel === "" || channel.startsWith("#")) {
      lines.push({ text: line });
      continue;
    }
    const number = index + 1;
    if (!isName<Channel>(channel) || !isName<Identity>(identity) || keyText === "" || rest.length > 0) {
      throw refuse(`line ${number} is not CHANNEL IDENTITY KEY`);
    }
    const key = parseKey(keyText);
    if (key === undefined) throw refuse(`the key in line ${number} is damaged`);
    for (const [what, unique] of [
      ["agent", `${channel} ${identity}`],
      ["key", `${channel} key ${hex(key)}`],
    ] as const) {
      const other = lineOf.get(unique);
      if (other !== undefined) throw refuse(`lines ${other} and ${number} are of the same ${what}`);
      lineOf.set(unique, number);
    }
    lines.push({ text: line, pin: { channel, identity, key } });
  }
  return lines;
}

export function formatPins(file: PinFile): string {
  return file.map(({ text }) => `${text}\n`).join("");
}

export function pinsOn(channel: Channel, file: PinFile): Pins {
  const pins = file.flatMap(({ pin }) => (pin?.channel === channel ? [pin] : []));
  return new Map(pins.map(({ identity, key }) => [identity, key]));
}

export type Pinned = {
  readonly file: PinFile;
  /** Those that were not pinned, since another key is pinned for them, or their key for another agent. */
  readonly refused: readonly Identity[];
};

/** Pins agents that are not pinned yet; a pin that is there stays as it is. */
export function withPins(file: PinFile, channel: Channel, fresh: Pins): Pinned {
  const pins = new Map(pinsOn(channel, file));
  const owners = ownersOf(pins);
  const added: Line[] = [];
  const refused: Identity[] = [];
  for (const [identity, key] of fresh) {
    const known = pins.get(identity);
    const owner = owners.get(hex(key));
    if (known === undefined && owner === undefined) {
      pins.set(identity, key);
      owners.set(hex(key), identity);
      added.push(newLine({ channel, identity, key }));
    } else if (owner !== identity) {
      refused.push(identity);
    }
  }
  return { file: [...file, ...added], refused };
}

/** The file without the pins of some agents. */
export function withoutPins(file: PinFile, channel: Channel, identities: readonly Identity[]): PinFile {
  return file.filter(({ pin }) => pin?.channel !== channel || !identities.includes(pin.identity));
}

/** Whose key each is, by its hexadecimal digits. */
export function ownersOf(pins: Pins): Map<string, Identity> {
  return new Map([...pins].map(([identity, key]) => [hex(key), identity]));
}

function newLine(pin: Pin): Line {
  const key = publicLine(keyFromBytes("agent-public", pin.key));
  return { text: `${pin.channel} ${pin.identity} ${key}`, pin };
}

function parseKey(text: string): AgentPublicKey | undefined {
  try {
    return parseKeyFile(text, "agent-public", "")[0];
  } catch (error) {
    if (error instanceof CbError) return undefined;
    throw error;
  }
}
