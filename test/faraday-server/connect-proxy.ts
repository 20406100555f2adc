/** An HTTP proxy that knows CONNECT alone, as `HTTPS_PROXY` wants it. */
import { connect, createServer, type Socket } from "node:net";
import { type Front, listen, tie } from "./front.ts";

export type ConnectProxy = Front & {
  /** `host:port` of each tunnel so far. */
  readonly tunnels: readonly string[];
};

export async function startConnectProxy(): Promise<ConnectProxy> {
  const tunnels: string[] = [];
  const server = createServer((client) => {
    let head = "";
    const read = (data: Uint8Array) => {
      head += Buffer.from(data).toString("latin1");
      if (!head.includes("\r\n\r\n")) return;
      client.off("data", read);
      const [, host = "", port = ""] = /^CONNECT ([^\s:]+):(\d+) /.exec(head) ?? [];
      if (host === "") client.end("HTTP/1.1 405 Method Not Allowed\r\n\r\n");
      else {
        tunnels.push(`${host}:${port}`);
        openTunnel(client, host, Number(port));
      }
    };
    client.on("data", read);
  });
  return { ...(await listen(server, "http")), tunnels };
}

function openTunnel(client: Socket, host: string, port: number): void {
  const target = connect(port, host, () => {
    client.write("HTTP/1.1 200 Connection established\r\n\r\n");
    tie(client, target);
  });
  target.on("error", () => client.destroy());
}
