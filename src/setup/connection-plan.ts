/** The first part of the wizard: where the server is, the way to it, and whom its certificate must be from. */
import { CbError } from "../core/errors.ts";
import type { ShownCertificate } from "../faraday/shown-certificates.ts";
import { ask, type Plan, perform, say } from "./plan.ts";
import { pathProblem, type Question } from "./question.ts";
import { parseProxyText, parseServerText, serverUrl, withoutPassword } from "./server-text.ts";
import type { Connection, Reach, Trust } from "./work.ts";

export type ConnectionStart = {
  /** As it is configured now, or given by options. */
  readonly server: string | undefined;
  readonly proxy: string | undefined;
  readonly trust: Trust;
  /** Whether any certificate was taken so far. */
  readonly wasInsecure: boolean;
  /** What HTTPS_PROXY and its like say, for people. */
  readonly proxyOfEnvironment: string | undefined;
};

export function* connectionPlan(start: ConnectionStart): Plan<Connection> {
  let { server, proxy, trust } = start;
  for (;;) {
    server = yield* serverPlan(server);
    proxy = yield* proxyPlan(proxy, start.proxyOfEnvironment);
    const reached = yield* reachPlan({ server, proxy, trust }, start.wasInsecure);
    if (reached !== undefined) return { server, proxy, trust: reached };
    trust = { kind: "system" };
  }
}

function* serverPlan(initial: string | undefined): Plan<string> {
  const text = yield* ask({
    id: "server",
    message: "Where is the Faraday server?",
    form: {
      kind: "text",
      initial: initial ?? "",
      placeholder: "faraday.example.org, or http://localhost:5985",
      problem: problemOf(parseServerText),
    },
    unasked: initial === undefined ? { option: "--server" } : { answer: initial },
  });
  const typed = parseServerText(text);
  if (typed.scheme !== undefined) return serverUrl(typed);
  const scheme = (yield* ask({
    id: "scheme",
    message: "Does it speak TLS?",
    form: {
      kind: "choice",
      initial: "https",
      choices: [
        { value: "https", label: "Yes, https://" },
        { value: "http", label: "No, http:// (anybody in between reads the results)" },
      ],
    },
    unasked: { option: "--server" },
  })) as "http" | "https";
  const port = typed.port ?? (yield* ask(portQuestion(scheme)));
  const path = typed.path ?? (yield* ask(BASE_ROUTE));
  return serverUrl({ scheme, host: typed.host, port, path: path.startsWith("/") ? path : `/${path}` });
}

function portQuestion(scheme: "http" | "https"): Question {
  const problem = (text: string) =>
    /^\d{1,5}$/.test(text) && Number(text) > 0 && Number(text) < 65536
      ? undefined
      : "expected a number from 1 to 65535";
  return {
    id: "port",
    message: "Its port?",
    // Faraday's own without TLS; with TLS it is a web server in front of it that answers.
    form: { kind: "text", initial: scheme === "https" ? "443" : "5985", problem },
    unasked: { option: "--server" },
  };
}

const BASE_ROUTE: Question = {
  id: "base-route",
  message: "Its base route, if it is not at the root?",
  form: {
    kind: "text",
    initial: "",
    placeholder: "none, or such as /faraday",
    problem: (text) => (/[\s?#]/.test(text) ? 'expected a path without blanks, "?" and "#"' : undefined),
  },
  unasked: { option: "--server" },
};

function* proxyPlan(present: string | undefined, environment: string | undefined): Plan<string | undefined> {
  const shown = present === undefined ? "" : withoutPassword(present);
  const text = yield* ask({
    id: "proxy",
    message: "A proxy on the way there?",
    form: {
      kind: "text",
      initial: shown,
      placeholder: environment === undefined ? "none" : `${environment}, as the environment says`,
      problem: (text) => (text === "" || text === "none" ? undefined : problemOf(parseProxyText)(text)),
    },
    unasked: { answer: shown },
  });
  if (text === "" || text === "none") return text === "" ? undefined : text;
  // With the password that it has.
  if (text === shown) return present;
  const url = parseProxyText(text);
  if (url.username === "") return url.href.replace(/\/$/, "");
  url.password = yield* ask({
    id: "proxy-password",
    message: "Its password?",
    form: { kind: "secret", problem: (text) => (text === "" ? "expected a password" : undefined) },
    unasked: { option: "--proxy" },
  });
  return url.href.replace(/\/$/, "");
}

/** Undefined where the server is to be another one. */
function* reachPlan(connection: Connection, wasInsecure: boolean): Plan<Trust | undefined> {
  const { server, proxy } = connection;
  let { trust } = connection;
  for (;;) {
    yield* say("step", `Looking for Faraday at ${server}`);
    const reach = yield* perform<"reach">({ do: "reach", connection: { server, proxy, trust } });
    if (reach.kind === "reached") {
      yield* say("done", `${reach.words}${wordsOf(server, reach.trust)}`);
      if (reach.trust.kind === "insecure" && server.startsWith("https:"))
        yield* say("warn", "Its certificate is not verified", IN_BETWEEN);
      return reach.trust;
    }
    const answer = yield* reach.kind === "failed"
      ? failedPlan(server, reach.reason, trust)
      : untrustedPlan(server, reach, wasInsecure);
    switch (answer) {
      case "again":
        break;
      case "server":
        return undefined;
      case "anyway":
        return trust;
      case "file":
        trust = { kind: "file", path: yield* ask(FILE) };
        break;
      case "insecure":
        yield* say("warn", IN_BETWEEN);
        yield* ask(INSECURE);
        trust = { kind: "insecure" };
        break;
      default:
        trust = { kind: "certificate", pem: pemOf(reach, answer) };
    }
  }
}

const IN_BETWEEN = "Whoever is in between reads the results and the agent's token";

function wordsOf(server: string, { kind }: Trust): string {
  if (server.startsWith("http:")) return ", without TLS";
  return kind === "insecure" ? "" : ", its certificate is verified";
}

function* failedPlan(server: string, reason: string, trust: Trust): Plan<string> {
  yield* say("warn", reason);
  const another = { value: "file", label: "Name another file of certificates" };
  return yield* ask({
    id: "failed",
    message: "What now?",
    form: {
      kind: "choice",
      initial: "again",
      choices: [
        { value: "again", label: "Try again" },
        ...(trust.kind === "file" ? [another] : []),
        { value: "server", label: "Change the server or the proxy" },
        // Of a fingerprint alone nothing could be written that holds to it.
        ...(trust.kind === "fingerprint" ? [] : [{ value: "anyway", label: "Go on all the same" }]),
      ],
    },
    unasked: { error: `Cannot reach "${server}": ${reason}` },
  });
}

function* untrustedPlan(
  server: string,
  { reason, shown, candidates }: Extract<Reach, { kind: "untrusted" }>,
  wasInsecure: boolean,
): Plan<string> {
  const [own] = shown;
  if (own === undefined) throw new CbError("server", `Cannot reach "${server}": it shows no certificate`);
  yield* say("warn", `The server is not trusted: ${reason}`, ...certificateLines(own));
  for (const authority of candidates.filter((one) => one !== own))
    yield* say(
      "warn",
      "An authority that has signed it, and that is not known here",
      ...certificateLines(authority),
    );
  const trusts = candidates.map((one) => ({
    value: one.fingerprint,
    label:
      one === own
        ? `Trust exactly this certificate, until ${one.to}`
        : `Trust all that ${one.subject} has signed`,
  }));
  return yield* ask({
    id: "trust",
    message: "Trust it? Compare the SHA-256 with the server's own",
    form: {
      kind: "choice",
      // What is taken by a key that was pressed once too often must do no harm.
      initial: wasInsecure ? "insecure" : "file",
      choices: [
        ...trusts,
        { value: "file", label: "Name a file with the certificate of its authority" },
        { value: "insecure", label: "Take any certificate from now on (insecure)" },
        { value: "again", label: "Try again" },
        { value: "server", label: "Change the server or the proxy" },
      ],
    },
    unasked: wasInsecure
      ? { answer: "insecure" }
      : {
          error: `Cannot trust "${server}": ${reason}`,
          hint: `Its SHA-256 is ${own.fingerprint}: if that is right, give it with --trust-fingerprint; or --tls-ca FILE`,
        },
  });
}

function certificateLines(certificate: ShownCertificate): readonly string[] {
  const { subject, issuer, isSelfSigned, names, from, to, fingerprint } = certificate;
  const half = fingerprint.length / 2;
  return [
    `subject   ${subject}`,
    `issuer    ${isSelfSigned ? "itself" : issuer}`,
    ...(names === "" ? [] : [`names     ${names}`]),
    `valid     from ${from} to ${to}`,
    // Too long for a line of 80 columns.
    `SHA-256   ${fingerprint.slice(0, half + 1)}`,
    `          ${fingerprint.slice(half + 1)}`,
  ];
}

function pemOf(reach: Reach, fingerprint: string): string {
  const candidates = reach.kind === "untrusted" ? reach.candidates : [];
  const found = candidates.find((one) => one.fingerprint === fingerprint);
  if (found === undefined) throw new Error("an answer that was not offered");
  return found.pem;
}

const FILE: Question = {
  id: "tls-ca",
  message: "The file, with certificates in PEM?",
  form: {
    kind: "text",
    initial: "",
    placeholder: "/etc/ssl/faraday-ca.pem",
    problem: pathProblem,
  },
  unasked: { option: "--tls-ca" },
};

const INSECURE: Question = {
  id: "insecure",
  message: "Type insecure to take any certificate",
  form: {
    kind: "text",
    initial: "",
    problem: (text) => (text === "insecure" ? undefined : 'expected the word "insecure"; Esc goes back'),
  },
  unasked: { answer: "insecure" },
};

/** For `Form.problem`. @param parse throws SyntaxError */
function problemOf(parse: (text: string) => unknown): (text: string) => string | undefined {
  return (text) => {
    try {
      parse(text);
      return undefined;
    } catch (error) {
      if (error instanceof SyntaxError) return error.message;
      throw error;
    }
  };
}
