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
  treat(decide: (number: number, body: string) => Treatment): void;
  /** Bodies of which the agent was told that they are taken. */
  readonly acknowledged: readonly string[];
  /** Posts answered with something else. */
  readonly spoiled: number;
};

/** What the proxy's URLs begin with. */
const BASE_ROUTE = "/base";

export async function startPostsProxy(target: URL): Promise<PostsProxy> {
  const acknowledged: string[] = [];
  let posts = 0;
  let spoiled = 0;
  let decide: (number: number, body: string) => Treatment = () => "pass";

  const server = createServer(async (ask, answer) => {
    const body = Buffer.concat(await ask.toArray());
    if (!(ask.url?.endsWith("/bulk_create") ?? false)) {
      pass(target, ask, body, answer);
      return;
    }
    posts += 1;
    const text = body.toString();
    const treatment = decide(posts, text);
    if (treatment === "pass") {
      pass(target, ask, body, answer, (status) => {
        if (status === 201) acknowledged.push(text);
      });
      return;
    }
    spoiled += 1;
    const spoil = () => {
      answer.writeHead(treatment.status, { "content-type": "text/plain" }).end(treatment.words);
    };
    if (treatment.passedOn) forward(target, ask, body, answer, (reply) => reply.resume().on("end", spoil));
    else spoil();
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
    acknowledged,
    get spoiled() {
      return spoiled;
    },
  };
}

function pass(
  target: URL,
  ask: IncomingMessage,
  body: Uint8Array,
  answer: ServerResponse,
  onStatus: (status: number) => void = () => undefined,
): void {
  forward(target, ask, body, answer, (reply) => {
    const status = reply.statusCode ?? 502;
    onStatus(status);
    answer.writeHead(status, reply.headers);
    reply.pipe(answer);
  });
}

function forward(
  target: URL,
  ask: IncomingMessage,
  body: Uint8Array,
  answer: ServerResponse,
  onReply: (reply: IncomingMessage) => void,
): void {
  const options = { method: ask.method, headers: ask.headers, agent: false };
  const upstream = request(new URL(inside(ask.url), target), options, onReply);
  // The server is away: what a proxy says then.
  upstream.on("error", () => {
    if (!answer.headersSent) answer.writeHead(502);
    answer.end();
  });
  upstream.end(body);
}

function inside(url = "/"): string {
  return url.startsWith(`${BASE_ROUTE}/`) ? url.slice(BASE_ROUTE.length) : "/outside-the-base-route";
}
