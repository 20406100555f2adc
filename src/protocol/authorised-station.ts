/**
 * A base station that an agent obeys: what one line of `base-station.pub` says.
 */
import { ANY_NAME, matchesName, type NamePattern } from "../core/name-pattern.ts";
import { keyIdText, type StationPublicKey } from "./keys.ts";

export type AuthorisedStation = {
  readonly publicKey: StationPublicKey;
  /** Key id, 16 hexadecimal digits. */
  readonly id: string;
  /** For people and logs: `name=` of the line, or else the id. */
  readonly name: string;
  /** What this station may run: `commands=` of the line, or else any command. */
  readonly commands: readonly NamePattern[];
};

/** What may stand behind the key in its line. */
export type StationAttributes = { readonly name?: string; readonly commands?: readonly NamePattern[] };

export function authorisedStation(
  publicKey: StationPublicKey,
  { name, commands = [ANY_NAME] }: StationAttributes = {},
): AuthorisedStation {
  const id = keyIdText("base-station-public", publicKey);
  return { publicKey, id, name: name ?? id, commands };
}

/** Whether this base station may run the command of that name. */
export function mayRun(station: AuthorisedStation, command: string): boolean {
  return station.commands.some((pattern) => matchesName(pattern, command));
}
