/**
 * The text that says where Redis is and who we are there.
 *
 * | form                                            | as in                        |
 * |-------------------------------------------------|------------------------------|
 * | `redis://[user][:password]@host[:port][/db]`    | the IANA registration        |
 * | `rediss://…`, the same over TLS                 | the IANA registration        |
 * | `unix:///path[?db=N&user=USER&pass=PASSWORD]`   | redis-rs; also `redis+unix:` |
 *
 * The text may hold a password, so no error says any part of it, and whoever catches one must not quote the
 * text either: a password with a bare `/` or `#` ends up in places where nobody looks for a password. For the
 * same reason the error of `new URL` goes no further (Bun's quotes its input), and a user is never shown: who
 * forgets the colon has written a password there.
 */
import { printable } from "../core/text.ts";

export type Connection = {
  readonly address:
    | { readonly kind: "tcp"; readonly host: string; readonly port: number }
    | { readonly kind: "unix"; readonly path: string };
  readonly database: number;
  /** Undefined: the default user. */
  readonly user: string | undefined;
  /** Undefined, and no user either: nothing is proved to Redis. */
  readonly password: string | undefined;
  /** Undefined: no TLS. */
  readonly tls: Tls | undefined;
};

/** What the two sides of a TLS connection prove themselves with, as texts in PEM; the server always has to. */
export type Tls = {
  /** Who may have signed the server's certificate; absent: whom the runtime trusts. */
  readonly authorities?: string;
  /** Ours, for a server that asks for one. */
  readonly identity?: { readonly certificate: string; readonly key: string };
  /** The name in the server's certificate, where it is not the host of the address. */
  readonly serverName?: string;
};

const DEFAULT_PORT = 6379;
/** Bytes of a socket's path, without its final NUL (unix(7), sun_path). */
const MAX_PATH_BYTES = 107;
const UNIX_KEYS = ["db", "user", "pass"];

const EXPECTED =
  "expected redis://[user:password@]host[:port][/database], the same with rediss:// for TLS, or " +
  "unix:///path[?db=…&user=…&pass=…], with special characters as %XX";

/** @throws {SyntaxError} saying what is expected, never what was given */
export function parseConnectionString(text: string): Connection {
  const url = parseUrl(text);
  if (url.hash !== "") throw new SyntaxError('a "#" ends the address, write it as %23');
  switch (url.protocol) {
    case "redis:":
      return parseTcp(url, undefined);
    case "rediss:":
      return parseTcp(url, {});
    case "unix:":
    case "redis+unix:":
      return parseUnix(url);
    default:
      throw new SyntaxError(EXPECTED);
  }
}

/** The connection as logs and errors show it: without user and password. */
export function describeConnection({ address, database, tls }: Connection): string {
  if (address.kind === "unix") {
    return `unix://${printable(address.path)}${database === 0 ? "" : `?db=${database}`}`;
  }
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  const scheme = tls === undefined ? "redis" : "rediss";
  return `${scheme}://${printable(host)}:${address.port}${database === 0 ? "" : `/${database}`}`;
}

function parseUrl(text: string): URL {
  try {
    return new URL(text);
  } catch {
    throw new SyntaxError(EXPECTED);
  }
}

function parseTcp(url: URL, tls: Tls | undefined): Connection {
  if (url.search !== "") throw new SyntaxError(`no "?" is expected after ${url.protocol}//, ${EXPECTED}`);
  // `redis` is not one of URL's special schemes: the host comes percent-encoded, IPv6 in brackets.
  const host = decode(url.hostname).replace(/^\[(.*)\]$/, "$1");
  if (host === "") throw new SyntaxError(`a host is missing, ${EXPECTED}`);
  const port = url.port === "" ? DEFAULT_PORT : Number(url.port);
  if (port === 0) throw new SyntaxError("port 0 cannot be connected to, expected 1 to 65535");
  return {
    address: { kind: "tcp", host, port },
    database: parseDatabase(url.pathname.replace(/^\//, "")),
    user: decode(url.username) || undefined,
    password: decode(url.password) || undefined,
    tls,
  };
}

function parseUnix(url: URL): Connection {
  if (url.host !== "") throw new SyntaxError("a socket has no host, expected three slashes: unix:///path");
  const path = decode(url.pathname);
  if (!/^\/[^\0]*[^\0/]$/.test(path)) {
    throw new SyntaxError("expected the absolute path of a socket: unix:///path");
  }
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
    throw new SyntaxError(`the path of a socket can have ${MAX_PATH_BYTES} bytes at most`);
  }
  const keys = [...url.searchParams.keys()];
  if (keys.some((key) => !UNIX_KEYS.includes(key)) || new Set(keys).size < keys.length) {
    throw new SyntaxError('after "?" only db, user and pass are expected, each once');
  }
  return {
    address: { kind: "unix", path },
    database: parseDatabase(url.searchParams.get("db") ?? ""),
    user: url.searchParams.get("user") || undefined,
    password: url.searchParams.get("pass") || undefined,
    tls: undefined,
  };
}

function parseDatabase(text: string): number {
  if (!/^\d{0,9}$/.test(text)) throw new SyntaxError(`the database is a number, ${EXPECTED}`);
  return Number(text);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new SyntaxError('a "%" stands before two hexadecimal digits, write a bare one as %25');
  }
}
