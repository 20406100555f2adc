/** What stands in front of a Faraday server to give it TLS, as a reverse proxy does in real life. */
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { createServer } from "node:tls";
import type { Identity } from "../support/certificates.ts";
import { type Front, listen, tie } from "./front.ts";

export async function startTlsFront(target: URL, { certificate, key }: Identity): Promise<Front> {
  const files = { cert: readFileSync(certificate), key: readFileSync(key) };
  const server = createServer(files, (client) => tie(client, connect(Number(target.port), target.hostname)));
  // A client that does not like the certificate leaves in the middle of the handshake.
  server.on("tlsClientError", () => undefined);
  return listen(server, "https");
}
