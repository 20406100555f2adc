/** Messages as the vectors show them: with the names of the wire, bytes in hexadecimal, absent fields left out. */
import { hex } from "../../src/protocol/bytes.ts";
import type { Reply } from "../../src/protocol/reply.ts";
import type { StationMessage } from "../../src/protocol/request.ts";
import type { Target } from "../../src/protocol/target.ts";

export function requestJson({ replyAddress, ...fields }: StationMessage): unknown {
  const census = "census" in fields ? { census: fields.census || undefined } : {};
  const parameters = "parameters" in fields && fields.parameters.size === 0 ? { parameters: undefined } : {};
  const hold = "holdUntil" in fields ? { "hold-until": fields.holdUntil, holdUntil: undefined } : {};
  const target = "target" in fields && fields.target ? { target: targetJson(fields.target) } : {};
  return plain({ ...fields, reply: replyAddress, ...census, ...parameters, ...hold, ...target });
}

/** A target with the names that it has on the wire; for `plain` or JSON. */
export function targetJson({ tags, excludedTags, identities, excludedIdentities }: Target): unknown {
  return {
    tags,
    "excluded-tags": excludedTags,
    identities,
    "excluded-identities": excludedIdentities,
  };
}

export function replyJson(reply: Reply): unknown {
  switch (reply.type) {
    case "hello": {
      const { agentKey, disposition, ...fields } = reply;
      const { is, ...why } = disposition;
      return plain({ ...fields, key: agentKey, disposition: is, ...why });
    }
    case "exit":
      return plain({ ...reply, leftOpen: reply.leftOpen || undefined });
    default:
      return plain(reply);
  }
}

/** What JSON would keep of the value. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return hex(value);
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return plain(Object.fromEntries(value));
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([key, member]) => [key, plain(member)]));
}
