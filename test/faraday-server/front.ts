/** What the proxies of this folder share: a port of 127.0.0.1, and sockets that end together. */
import type { AddressInfo, Server, Socket } from "node:net";

export type Front = {
  readonly url: URL;
  /** Closes it and every connection through it. */
  stop(): Promise<void>;
};

/** @param server of node:net, node:tls or node:http */
export async function listen(server: Server, protocol: "http" | "https"): Promise<Front> {
  const sockets = new Set<Socket>();
  for (const event of ["connection", "secureConnection"]) {
    server.on(event, (socket: Socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
      socket.on("error", () => socket.destroy());
    });
  }
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: new URL(`${protocol}://127.0.0.1:${port}`),
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Passes on what comes, both ways; when one ends, so does the other. */
export function tie(one: Socket, other: Socket): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.on("error", () => to.destroy());
    from.on("close", () => to.destroy());
    from.pipe(to);
  }
}
