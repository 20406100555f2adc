/**
 * The socket below a connection to Redis, plain or TLS.
 *
 * A server that is not whom we expect never gets a byte of ours: Node, Bun and Deno emit `secureConnect` only for
 * a certificate that is valid, signed by one of `authorities` alone, and for this name. `rejectUnauthorized` is
 * said although it is the default, since NODE_TLS_REJECT_UNAUTHORIZED=0 would change that.
 * Source: https://nodejs.org/api/tls.html#tlsconnectoptions-callback
 */
import { createConnection, isIP, type Socket } from "node:net";
import { connect } from "node:tls";
import type { Connection, Tls } from "./connection-string.ts";

/** A socket on its way, and the event by which it says that it can be used. */
export type OpeningSocket = {
  readonly socket: Socket;
  readonly readyEvent: "connect" | "secureConnect";
};

export function openSocket({ address, tls }: Connection): OpeningSocket {
  if (address.kind === "unix") {
    return { socket: createConnection({ path: address.path }), readyEvent: "connect" };
  }
  const { host, port } = address;
  if (tls === undefined) return { socket: createConnection({ host, port }), readyEvent: "connect" };
  return { socket: connect({ host, port, ...optionsOf(tls, host) }), readyEvent: "secureConnect" };
}

function optionsOf({ authorities, identity, serverName }: Tls, host: string) {
  // Without it no name goes out at all; an address must not stand there (RFC 6066), and is verified as such.
  const servername = serverName ?? (isIP(host) === 0 ? host : undefined);
  return {
    rejectUnauthorized: true,
    ...(servername !== undefined && { servername }),
    ...(authorities !== undefined && { ca: authorities }),
    ...(identity !== undefined && { cert: identity.certificate, key: identity.key }),
  };
}
