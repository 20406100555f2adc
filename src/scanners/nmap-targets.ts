/**
 * Which targets nmap is given: addresses, networks, ranges and names, and nothing that it could take for an option or
 * a file.
 *
 * They come from whoever may press Run on a web page. nmap looks IPv6 up in a scan of its own (-6), so the two kinds
 * are kept apart; a name is looked up for IPv4. Source: nmap(1), TARGET SPECIFICATION, tried with 7.93.
 */
import { isIPv6 } from "node:net";
import { hostNameIn } from "./host-name.ts";

export type NmapTargets = { readonly ipv4: readonly string[]; readonly ipv6: readonly string[] };

export const TARGET_FORM =
  "expected a host name, an IPv4 or IPv6 address, a network such as 10.0.0.0/24, or a range such as 10.0.0-3.1-254";

/** One or several of them in one text; undefined for what is none. */
export function targetsIn(text: string): NmapTargets | undefined {
  // Within an address commas are nmap's own: 10.0.0.1,5.
  const parts = isIpv4(text) ? [text] : text.split(",");
  const targets = { ipv4: [] as string[], ipv6: [] as string[] };
  for (const part of parts) {
    const name = nameIn(part);
    if (isIpv4(part)) targets.ipv4.push(part);
    else if (isIpv6(part)) targets.ipv6.push(part);
    else if (name !== undefined) targets.ipv4.push(name);
    else return undefined;
  }
  return targets;
}

/** Four numbers, each of them perhaps a range, a list or all, and perhaps a mask. */
function isIpv4(text: string): boolean {
  const [address = "", mask, ...rest] = text.split("/");
  const octets = address.split(".");
  return (
    /^[\d*]/.test(text) &&
    rest.length === 0 &&
    isMask(mask, 32) &&
    octets.length === 4 &&
    octets.every(isOctet)
  );
}

function isOctet(text: string): boolean {
  return text.split(",").every((part) => {
    if (part === "*") return true;
    const found = /^(\d{0,3})(?:-(\d{0,3}))?$/.exec(part);
    if (part === "" || found === null) return false;
    const from = Number(found[1]);
    const to = found[2] === undefined ? from : Number(found[2] || 255);
    return from <= to && to <= 255;
  });
}

/** Perhaps with a zone, which link-local addresses need, or with a mask. */
function isIpv6(text: string): boolean {
  const [address = "", mask, ...rest] = text.split("/");
  const [bare = "", zone = "0", ...zones] = address.split("%");
  const isZone = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/.test(zone);
  return isIPv6(bare) && isZone && zones.length === 0 && rest.length === 0 && isMask(mask, 128);
}

function isMask(text: string | undefined, most: number): boolean {
  return text === undefined || (/^\d{1,3}$/.test(text) && Number(text) <= most);
}

/** A name, perhaps with a mask. */
function nameIn(text: string): string | undefined {
  const [written = "", mask, ...rest] = text.split("/");
  const name = hostNameIn(written);
  if (name === undefined || rest.length > 0 || !isMask(mask, 32)) return undefined;
  return mask === undefined ? name : `${name}/${mask}`;
}
