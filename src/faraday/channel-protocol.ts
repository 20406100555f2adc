/**
 * Which protocol the command channel of a server speaks, by what it answers to the first request of Engine.IO; pure.
 *
 * Faraday 5 answers with a handshake. Before, there was nothing at that path, which those servers, and the reverse
 * proxies that Faraday configures for them, say with the page of the application, and others with 404. Anything else
 * comes from what lies in between, and says nothing of what is behind.
 * Source: seen with 3.19.0, 4.6.2 and 5.25.2. That of 3 and 4 says "This is a websocket port." at its other port.
 */
import type { ChannelProtocol } from "./command-channel.ts";
import type { HttpAnswer } from "./http-client.ts";
import { isWebPage } from "./server-answer.ts";

/** Of the path and query below the channel's URL. */
export const PROBE_PATH = "/socket.io/?EIO=4&transport=polling";

/** Undefined where the answer decides nothing. */
export function protocolOf(answer: HttpAnswer): ChannelProtocol | undefined {
  const { status, mediaType, text } = answer;
  if (status === 200 && /^0\{.*"sid"/.test(text)) return "socket.io";
  // Engine.IO's word for a request that it does not like, such as one for polling where that is turned off.
  if (status === 400 && mediaType !== "text/html") return "socket.io";
  if (isWebPage(answer) || status === 404 || status === 405) return "legacy";
  return undefined;
}
