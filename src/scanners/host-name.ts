/** Names of hosts as they may be given to a scanner, and addresses as it may give them back. */
import { isIP } from "node:net";
import { domainToASCII } from "node:url";

const LABEL = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/;

/** A name in the letters that DNS knows; undefined for what is none, addresses and what could be an option among it. */
export function hostNameIn(text: string): string | undefined {
  const isAscii = /^[\x21-\x7e]+$/.test(text);
  const name = isAscii ? text : domainToASCII(text);
  const labels = name.replace(/\.$/, "").split(".");
  if (name.length > 253 || !labels.every((label) => LABEL.test(label))) return undefined;
  // A resolver takes "3" for the address 0.0.0.3; and "9-3" is a range that was mistyped.
  return /^([\d-]+|0x[\da-f]*)$/i.test(labels.at(-1) ?? "") ? undefined : name;
}

/** Whether it is an address of IPv4 or IPv6, and not whatever somebody wrote into a report. */
export function isAddress(text: string): boolean {
  return isIP(text) !== 0;
}
