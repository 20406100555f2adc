/**
 * Packets of the Socket.IO protocol, version 5, as far as Faraday uses it: text alone, no attachments.
 *
 *   <type digit>[/<namespace>,][<id>][<JSON>]        42/dispatcher,7["run_status","{…}"]
 *
 * Source: https://github.com/socketio/socket.io-protocol. No library does only this: that of Socket.IO closes the
 * connection at an event that is called `disconnect`, which Faraday sends.
 */
import { parseJson } from "../core/json.ts";

/** Everything happens in this one. */
const NAMESPACE = "/dispatcher";

export type Packet =
  /** The answer to our own. */
  | { readonly kind: "connect" }
  | { readonly kind: "disconnect" }
  | { readonly kind: "event"; readonly name: string; readonly argument: unknown }
  | { readonly kind: "acknowledgement"; readonly id: number }
  | { readonly kind: "refused"; readonly reason: unknown };

/** With an object, as python-socketio sends it. */
export const CONNECT = `0${NAMESPACE},{}`;

/** @param id for which an acknowledgement is wanted */
export function eventPacket(name: string, id: number | undefined, ...argument: readonly unknown[]): string {
  return `2${NAMESPACE},${id ?? ""}${JSON.stringify([name, ...argument])}`;
}

/** What a text of the server's says; undefined for what is malformed, or of another namespace. */
export function readPacket(text: string): Packet | undefined {
  const match = /^([0-4])\/dispatcher(?:,(\d{0,15}))?/.exec(text);
  if (match === null) return undefined;
  const [head, type, id = ""] = match;
  const rest = text.slice(head.length);
  // `0/dispatcher2` is another namespace.
  if (rest !== "" && !head.includes(",")) return undefined;
  const data = rest === "" ? undefined : parseJson(rest);
  if (rest !== "" && data === undefined) return undefined;
  switch (type) {
    case "0":
      return { kind: "connect" };
    case "1":
      return { kind: "disconnect" };
    case "2":
      if (!Array.isArray(data) || typeof data[0] !== "string") return undefined;
      return { kind: "event", name: data[0], argument: data[1] };
    case "3":
      return id === "" ? undefined : { kind: "acknowledgement", id: Number(id) };
    default:
      return { kind: "refused", reason: data };
  }
}
