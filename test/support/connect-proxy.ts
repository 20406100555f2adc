/** An HTTP proxy that knows CONNECT alone, or refuses it with a status. */
import { createServer, type IncomingMessage } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";

export class ConnectProxy {
  /** How often it connected somebody. */
  tunnels = 0;
  /** Of the last request. */
  authorization: string | undefined;
  readonly #http = createServer();
  readonly #sockets = new Set<Socket>();

  static async start(refusal?: number): Promise<ConnectProxy> {
    const proxy = new ConnectProxy();
    proxy.#http.on("connect", (request: IncomingMessage, socket: Socket) => {
      proxy.#know(socket);
      proxy.authorization = request.headers["proxy-authorization"];
      if (refusal !== undefined) {
        socket.end(`HTTP/1.1 ${refusal} No\r\n\r\n`);
        return;
      }
      proxy.tunnels += 1;
      const { hostname, port } = new URL(`http://${request.url}`);
      const target = proxy.#know(connect(Number(port), hostname));
      target.once("connect", () => {
        socket.write("HTTP/1.1 200 OK\r\n\r\n");
        target.pipe(socket).pipe(target);
      });
      socket.on("close", () => target.destroy());
      target.on("close", () => socket.destroy());
    });
    proxy.#http.listen(0, "127.0.0.1");
    await new Promise((resolve) => proxy.#http.once("listening", resolve));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}/`;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  #know(socket: Socket): Socket {
    this.#sockets.add(socket);
    return socket.on("error", () => {}).on("close", () => this.#sockets.delete(socket));
  }
}
