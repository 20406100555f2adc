/** Authorities and certificates of a test's own, made with openssl(1). */
import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { type RedisServer, startRedis } from "./redis-server.ts";

/** The files of a certificate and its key, in PEM. */
export type Identity = { readonly certificate: string; readonly key: string };

type Issue = {
  /** As in `DNS:localhost,IP:127.0.0.1`. */
  readonly names?: string;
  /** From now on; -1 has been over for a day. */
  readonly days?: number;
};

export class Authority {
  readonly #directory: string;
  readonly #self: Identity;

  /** @param directory where its files go, and those of what it issues */
  constructor(directory: string, name: string) {
    this.#directory = directory;
    this.#self = this.#files(name);
    const request = ["req", "-x509", "-new", ...NEW_KEY, "-keyout", this.#self.key, "-subj", `/CN=${name}`];
    openssl(...request, "-days", "30", "-out", this.#self.certificate);
  }

  /** The file that `--tls-ca` takes. */
  get certificate(): string {
    return this.#self.certificate;
  }

  issue(name: string, { names = "DNS:localhost,IP:127.0.0.1", days = 30 }: Issue = {}): Identity {
    const issued = this.#files(name);
    const [request, extensions] = [`${issued.key}.request`, `${issued.key}.extensions`];
    // Without the first line it could itself sign certificates, and Deno takes none such from a server.
    writeFileSync(extensions, `basicConstraints=critical,CA:FALSE\nsubjectAltName=${names}\n`);
    openssl("req", "-new", ...NEW_KEY, "-keyout", issued.key, "-subj", `/CN=${name}`, "-out", request);
    const signer = ["-CA", this.#self.certificate, "-CAkey", this.#self.key, "-CAcreateserial"];
    const validity = ["-days", String(days), "-extfile", extensions];
    openssl("x509", "-req", "-in", request, ...signer, ...validity, "-out", issued.certificate);
    for (const path of [request, extensions]) rmSync(path);
    return issued;
  }

  #files(name: string): Identity {
    return { certificate: join(this.#directory, `${name}.pem`), key: join(this.#directory, `${name}.key`) };
  }
}

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"] as const;

/** @throws what it says where it fails */
export function openssl(...args: readonly string[]): void {
  execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
}

/**
 * A Redis that speaks TLS on a port, and plainly on its socket, for a test's own questions.
 *
 * @param wanted the file of the authority whose certificates clients must show; without it they need none
 */
export async function startTlsRedis(
  server: Identity,
  wanted?: string,
): Promise<{ readonly redis: RedisServer; readonly port: number }> {
  const port = await freePort();
  const files = ["--tls-cert-file", server.certificate, "--tls-key-file", server.key];
  const clients =
    wanted === undefined
      ? ["--tls-auth-clients", "no", "--tls-ca-cert-file", server.certificate]
      : ["--tls-ca-cert-file", wanted];
  const redis = await startRedis({ extraArgs: ["--tls-port", String(port), ...files, ...clients] });
  return { redis, port };
}

/** A port of this machine on which nobody listens; somebody might, a moment later. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== "object" || address === null) throw new Error("A port is expected");
  return address.port;
}
