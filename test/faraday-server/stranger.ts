/**
 * Somebody without any credential who joins with a token that is none. The server tells every agent that a join was
 * refused, and the original takes that for its own.
 */

/** Milliseconds. */
const LIMIT = 15_000;

/** @returns when the server has refused it */
export async function refusedJoin(server: URL): Promise<void> {
  const url = new URL("/socket.io/?EIO=4&transport=websocket", server);
  url.protocol = "ws:";
  const socket = new WebSocket(url);
  let timer: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error("The server does not refuse the join")), LIMIT);
      socket.addEventListener("error", () => reject(new Error("Cannot connect to the command channel")));
      socket.addEventListener("message", ({ data }) => {
        const packet = String(data);
        if (packet.startsWith("0")) socket.send("40/dispatcher,{}");
        if (packet.startsWith("40/dispatcher"))
          socket.send(
            '42/dispatcher,["join_agent",{"action":"JOIN_AGENT","token":"rubbish","executors":[]}]',
          );
        if (packet.includes('["disconnect"')) resolve();
      });
    });
  } finally {
    clearTimeout(timer);
    socket.close();
  }
}
