/**
 * Which servers sslscan looks at, and how it is called for each.
 *
 * Targets come from whoever may press Run on a web page. sslscan is given an address that was looked up, and the name
 * by --sni-name alone, so that no target can be an option; and a process for each, for a certificate can end its
 * report wherever it likes. Source: sslscan(1), tried with 2.0.7 of Debian 12.
 */
import { isIP, isIPv6 } from "node:net";
import { CbError } from "../core/errors.ts";
import type { Environment } from "../core/settings.ts";
import { listIn, problem, textIn, variableOf } from "./executor-parameters.ts";
import { hostNameIn } from "./host-name.ts";

export type TlsTarget = {
  /** A name or an address. */
  readonly host: string;
  readonly port: number;
};

const TARGET_FORM =
  "expected a host name or an address, and perhaps a port, such as a.example:8443 or [::1]:443";

/** What a server speaks before TLS, and where it does by default. */
const STARTTLS: Readonly<Record<string, number>> = {
  ftp: 21,
  imap: 143,
  irc: 6667,
  ldap: 389,
  mysql: 3306,
  pop3: 110,
  psql: 5432,
  smtp: 25,
  xmpp: 5222,
};
const HTTPS = 443;

/** @throws {CbError} `setting` for a parameter that is missing or that cannot be one */
export function sslscanTargets(environment: Environment): readonly TlsTarget[] {
  const protocol = starttlsIn(environment);
  const port = protocol === undefined ? HTTPS : (STARTTLS[protocol] ?? HTTPS);
  const items = listIn(environment, variableOf("TARGET")).flatMap((item) => item.split(","));
  if (items.length === 0) {
    const hint = `Set ${variableOf("TARGET")}`;
    throw new CbError("setting", `Cannot scan: TARGET is missing, ${TARGET_FORM}`, { hint });
  }
  const targets = items.map((item) => {
    const target = targetIn(item, port);
    if (target === undefined) throw problem("TARGET", item, TARGET_FORM);
    return [`${target.host} ${target.port}`, target] as const;
  });
  return [...new Map(targets).values()];
}

/** @param address of the target's host */
export function sslscanArguments(
  environment: Environment,
  { host, port }: TlsTarget,
  address: string,
): readonly string[] {
  const protocol = starttlsIn(environment);
  return [
    "--xml=-",
    "--no-colour",
    ...(protocol === undefined ? [] : [`--starttls-${protocol}`]),
    ...(isIP(host) === 0 ? [`--sni-name=${host}`] : []),
    isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`,
  ];
}

function starttlsIn(environment: Environment): string | undefined {
  const text = textIn(environment, variableOf("STARTTLS"))?.toLowerCase();
  if (text === undefined || Object.hasOwn(STARTTLS, text)) return text;
  throw problem("STARTTLS", text, `expected ${Object.keys(STARTTLS).join(", ")}`);
}

function targetIn(text: string, standardPort: number): TlsTarget | undefined {
  if (isIPv6(text)) return text.includes("%") ? undefined : { host: text, port: standardPort };
  const [, bracketed, bare = "", digits] =
    /^(?:\[([\da-f:.]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/i.exec(text) ?? [];
  const isAddress = bracketed === undefined ? isIP(bare) === 4 : isIPv6(bracketed);
  const host = isAddress ? (bracketed ?? bare) : bracketed === undefined ? hostNameIn(bare) : undefined;
  const port = digits === undefined ? standardPort : Number(digits);
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port };
}
