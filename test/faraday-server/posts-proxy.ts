/**
 * A proxy between agent and server that spoils posts of results, and passes on everything else, the command channel
 * too; under a base route, as one in real life would.
 */
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";
import { type Front, listen, tie } from "./front.ts";

/** What becomes of a post: passed on, answered without the server, or passed on and then answered otherwise. */
export type Treatment =
  | "pass"
  | { readonly status: number; readonly words: string; readonly passedOn: boolean };

export type PostsProxy = Front & {
  /** How the next posts are treated; `number` counts them from 1. */
  treat(decide: (number: number) => Treatment): void;
  /** Posts that the server took, whatever the agent was told. */
  readonly taken: number;
  /** Posts that the agent was told are taken. */
  readonly acknowledged: number;
  /** Posts answered with something else. */
  readonly spoiled: number;
};

/** What the proxy's URLs begin with. */
const BASE_ROUTE = "/base";

export async function startPostsProxy(target: URL): Promise<PostsProxy> {
  const counts = { posts: 0, taken: 0, acknowledged: 0, spoiled: 0 };
  let decide: (number: number) => Treatment = () => "pass";

  const server = createServer((ask, answer) => {
    const isPost = ask.url?.endsWith("/bulk_create") ?? false;
    if (isPost) counts.posts += 1;
    const treatment = isPost ? decide(counts.posts) : "pass";
    if (treatment !== "pass") counts.spoiled += 1;
    const spoil = () => {
      if (treatment === "pass") return false;
      ask.resume();
      answer.writeHead(treatment.status, { "content-type": "text/plain" }).end(treatment.words);
      return true;
    };
    if (treatment !== "pass" && !treatment.passedOn) {
      ask.on("end", spoil).resume();
      return;
    }
    pass(target, ask, answer, (status) => {
      if (isPost && status === 201) counts.taken += 1;
      if (spoil()) return true;
      if (isPost && status === 201) counts.acknowledged += 1;
      return false;
    });
  });
  server.on("upgrade", (ask: IncomingMessage, client: Socket, head: Uint8Array) => {
    const upstream = connect(Number(target.port), target.hostname, () => {
      const headers = ask.rawHeaders.flatMap((name, index, all) =>
        index % 2 === 0 ? [`${name}: ${all[index + 1]}`] : [],
      );
      upstream.write([`GET ${inside(ask.url)} HTTP/1.1`, ...headers, "", ""].join("\r\n"));
      upstream.write(head);
      tie(client, upstream);
    });
    upstream.on("error", () => client.destroy());
  });

  const front = await listen(server, "http");
  return {
    url: new URL(BASE_ROUTE, front.url),
    stop: front.stop,
    treat: (next) => {
      decide = next;
    },
    get taken() {
      return counts.taken;
    },
    get acknowledged() {
      return counts.acknowledged;
    },
    get spoiled() {
      return counts.spoiled;
    },
  };
}

/** @param instead answers in the server's place where it says so */
function pass(
  target: URL,
  ask: IncomingMessage,
  answer: ServerResponse,
  instead: (status: number) => boolean,
): void {
  const options = { method: ask.method, headers: ask.headers, agent: false };
  const upstream = request(new URL(inside(ask.url), target), options, (reply) => {
    const status = reply.statusCode ?? 502;
    if (instead(status)) {
      reply.resume();
      return;
    }
    answer.writeHead(status, reply.headers);
    reply.pipe(answer);
  });
  // The server is away: what a proxy says then.
  upstream.on("error", () => {
    if (!answer.headersSent) answer.writeHead(502);
    answer.end();
  });
  ask.pipe(upstream);
}

function inside(url = "/"): string {
  return url.startsWith(`${BASE_ROUTE}/`) ? url.slice(BASE_ROUTE.length) : "/outside-the-base-route";
}
