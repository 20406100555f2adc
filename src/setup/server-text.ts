/** A server or a proxy as a person types it: a whole URL, or a host and perhaps more. */

/** Of a whole URL all is there; of less, what was typed. */
export type ServerText = {
  readonly scheme: "http" | "https" | undefined;
  /** An IPv6 address is in brackets. */
  readonly host: string;
  readonly port: string | undefined;
  /** The base route, from its slash on; undefined where a host alone was typed. */
  readonly path: string | undefined;
};

const EXPECTED = "expected a host, or a URL such as https://faraday.example.org";

/** @throws {SyntaxError} `expected …`, without what was typed, which may have a password in it */
export function parseServerText(text: string): ServerText {
  const [, scheme, rest = ""] = /^(?:([A-Za-z][A-Za-z0-9+.-]*):\/\/)?(.*)$/.exec(text.trim()) ?? [];
  if (scheme !== undefined && !/^https?$/i.test(scheme))
    throw new SyntaxError("expected http:// or https://");
  if (rest.includes("@")) throw new SyntaxError("expected no name or password in it");
  if (/[?#]/.test(rest)) throw new SyntaxError('expected no "?" and "#" in it');
  const [, host = "", port, path] =
    /^([^\s/:[\]]+|\[[0-9a-fA-F:.]+\])(?::(\d{1,5}))?(\/\S*)?$/.exec(rest) ?? [];
  if (!URL.canParse(`http://${host}:${port ?? ""}/`)) throw new SyntaxError(EXPECTED);
  return {
    scheme: scheme === undefined ? undefined : scheme.toLowerCase() === "https" ? "https" : "http",
    host,
    port,
    path: scheme === undefined ? path : (path ?? "/"),
  };
}

/** @param server all of it known; a port that its scheme has by itself is left out */
export function serverUrl({ scheme, host, port, path }: ServerText): string {
  const url = new URL(`${scheme ?? "https"}://${host}${port === undefined ? "" : `:${port}`}${path ?? "/"}`);
  return url.href.replace(/\/+$/, "");
}

/** A URL without the password in it, if there is one; the name stays. */
export function withoutPassword(text: string): string {
  if (!URL.canParse(text)) return text;
  const url = new URL(text);
  url.password = "";
  return url.href.replace(/\/$/, "");
}

/**
 * A proxy as it is typed; the scheme may be left out, and the password must be.
 *
 * @throws {SyntaxError} `expected …`
 */
export function parseProxyText(text: string): URL {
  const whole = text.includes("://") ? text.trim() : `http://${text.trim()}`;
  const url = URL.canParse(whole) ? new URL(whole) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.pathname !== "/" || url.search || url.hash)
    throw new SyntaxError("expected a URL such as http://proxy.example:3128");
  if (url.password !== "") throw new SyntaxError("expected no password in it, it is asked for next");
  return url;
}
