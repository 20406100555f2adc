/**
 * nmap's report in XML (`-oX`): hosts, one at a time, as soon as each is complete; and what else it has to say.
 *
 * nmap writes hosts in groups as it finishes them. Before that it writes each as a <hosthint>, whose ports nobody
 * has looked at yet: those are no hosts. Whatever a server sent that XML cannot hold stands there as \xNN.
 * Source: nmap.dtd of nmap 7.93, and the reports of test/fixtures/nmap.
 */
import { attribute, childrenOf, type XmlElement, XmlStream } from "./xml-stream.ts";

/** What a script of nmap has found; `data` holds the same as elements <table> and <elem>. */
export type NmapScript = { readonly id: string; readonly output: string; readonly data: XmlElement };

export type NmapService = {
  readonly name: string;
  readonly product: string;
  readonly version: string;
  readonly extraInfo: string;
  /** `ssl`, or empty. */
  readonly tunnel: string;
  /** `probed`, or `table` where the port's number is all that is known. */
  readonly method: string;
  readonly osType: string;
  readonly deviceType: string;
  readonly cpes: readonly string[];
};

export type NmapPort = {
  readonly protocol: string;
  readonly port: number;
  /** `open`, `closed`, `filtered`, `unfiltered`, `open|filtered` or `closed|filtered`. */
  readonly state: string;
  /** Why, such as `syn-ack`, `no-response`. */
  readonly reason: string;
  readonly service: NmapService;
  readonly scripts: readonly NmapScript[];
};

export type NmapHost = {
  readonly isUp: boolean;
  /** Why it is taken for up; `user-set` where nobody looked (`-Pn`). */
  readonly reason: string;
  /** Whether nmap has given it up, since its time was over: then no port of it is known. */
  readonly isTimedOut: boolean;
  /** IPv4, or else IPv6; empty where there is neither. */
  readonly ip: string;
  readonly mac: string;
  /** Of the network card. */
  readonly vendor: string;
  readonly hostnames: readonly string[];
  /** Best first. */
  readonly systems: readonly { readonly name: string; readonly accuracy: number }[];
  readonly ports: readonly NmapPort[];
  /** Ports that are not listed, such as 997 that are closed. */
  readonly otherPorts: readonly { readonly state: string; readonly count: number }[];
  readonly scripts: readonly NmapScript[];
};

export type NmapEvent =
  | { readonly kind: "host"; readonly host: NmapHost }
  | { readonly kind: "progress"; readonly task: string; readonly percent: number }
  /** One that looks at no host of its own, such as those that listen for broadcasts. */
  | { readonly kind: "script"; readonly script: NmapScript }
  /** A target that nmap could make nothing of. */
  | { readonly kind: "skipped"; readonly target: string }
  /** nmap's last words; no error where all went well. */
  | { readonly kind: "finished"; readonly error: string };

export class NmapReport {
  readonly #stream = new XmlStream("nmaprun");

  /** What keeps the rest from being read; hosts that came before it are good. */
  get problem(): string | undefined {
    return this.#stream.problem;
  }

  push(bytes: Uint8Array): readonly NmapEvent[] {
    return this.#stream.push(bytes).flatMap(eventsOf);
  }

  /** The report has ended; `problem` says whether it was whole. */
  end(): readonly NmapEvent[] {
    return this.#stream.end().flatMap(eventsOf);
  }
}

function eventsOf(element: XmlElement): readonly NmapEvent[] {
  switch (element.name) {
    case "host":
      return [{ kind: "host", host: hostOf(element) }];
    case "taskprogress":
      return [{ kind: "progress", task: attribute(element, "task"), percent: numberOf(element, "percent") }];
    case "prescript":
    case "postscript":
      return scriptsOf(element).map((script) => ({ kind: "script", script }));
    case "target":
      return attribute(element, "status") === "skipped"
        ? [{ kind: "skipped", target: attribute(element, "specification") }]
        : [];
    case "runstats": {
      const [finished] = childrenOf(element, "finished");
      const isError = attribute(finished, "exit") === "error";
      return [{ kind: "finished", error: isError ? errorOf(attribute(finished, "errormsg")) : "" }];
    }
    default:
      return [];
  }
}

/** A line of it; where a script cannot be found, that stands in the second, and a stack trace of Lua follows. */
function errorOf(message: string): string {
  const [words = ""] = message.split(/\n *stack traceback/);
  return (
    words
      .trim()
      .split(/\s*\n\s*/)
      .join(" ") || "nmap failed"
  );
}

function hostOf(element: XmlElement): NmapHost {
  const [status] = childrenOf(element, "status");
  const addresses = childrenOf(element, "address");
  const ofType = (type: string) => addresses.find((address) => attribute(address, "addrtype") === type);
  const mac = ofType("mac");
  const names = childrenOf(element, "hostnames").flatMap((list) => childrenOf(list, "hostname"));
  const ports = childrenOf(element, "ports");
  const systems = childrenOf(element, "os")
    .flatMap((os) => childrenOf(os, "osmatch"))
    .map((match) => ({ name: attribute(match, "name"), accuracy: numberOf(match, "accuracy") }));
  return {
    isUp: attribute(status, "state") === "up",
    reason: attribute(status, "reason"),
    isTimedOut: attribute(element, "timedout") === "true",
    ip: attribute(ofType("ipv4"), "addr") || attribute(ofType("ipv6"), "addr"),
    mac: attribute(mac, "addr"),
    vendor: attribute(mac, "vendor"),
    // One that was asked for and that its address leads back to is there twice.
    hostnames: [...new Set(names.map((name) => attribute(name, "name")))].filter((name) => name !== ""),
    systems: systems.toSorted((one, other) => other.accuracy - one.accuracy),
    ports: ports.flatMap((list) => childrenOf(list, "port")).flatMap((port) => portOf(port) ?? []),
    otherPorts: ports
      .flatMap((list) => childrenOf(list, "extraports"))
      .map((extra) => ({ state: attribute(extra, "state"), count: numberOf(extra, "count") })),
    scripts: childrenOf(element, "hostscript").flatMap(scriptsOf),
  };
}

function portOf(element: XmlElement): NmapPort | undefined {
  const port = numberOf(element, "portid");
  const protocol = attribute(element, "protocol");
  if (!Number.isInteger(port) || port < 0 || port > 0xffff || protocol === "") return undefined;
  const [state] = childrenOf(element, "state");
  const [service] = childrenOf(element, "service");
  return {
    protocol,
    port,
    state: attribute(state, "state"),
    reason: attribute(state, "reason"),
    service: {
      name: attribute(service, "name"),
      product: attribute(service, "product"),
      version: attribute(service, "version"),
      extraInfo: attribute(service, "extrainfo"),
      tunnel: attribute(service, "tunnel"),
      method: attribute(service, "method"),
      osType: attribute(service, "ostype"),
      deviceType: attribute(service, "devicetype"),
      cpes: childrenOf(service, "cpe").map(({ text }) => text.trim()),
    },
    scripts: scriptsOf(element),
  };
}

/** In the order of their names: nmap writes them in the order in which they happened to end. */
function scriptsOf(element: XmlElement): readonly NmapScript[] {
  return childrenOf(element, "script")
    .map((data) => ({ id: attribute(data, "id"), output: attribute(data, "output"), data }))
    .filter(({ id }) => id !== "")
    .toSorted((one, other) => (one.id < other.id ? -1 : Number(one.id > other.id)));
}

/** NaN where there is none. */
function numberOf(element: XmlElement | undefined, name: string): number {
  const text = attribute(element, name);
  return /^\d{1,9}(\.\d{1,9})?$/.test(text) ? Number(text) : Number.NaN;
}
