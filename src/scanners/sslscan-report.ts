/**
 * sslscan's report in XML: what a server offers by TLS, and its certificate.
 *
 * One that cannot be reached is an <error> in place of a test; one that speaks no TLS is a test without a protocol.
 * Source: the reports of sslscan 2.0.7 in test/fixtures/sslscan.
 */
import { attribute, childrenOf, type XmlElement, XmlStream } from "./xml-stream.ts";

export type TlsCipher = {
  readonly name: string;
  /** Such as `TLSv1.2`. */
  readonly protocol: string;
  readonly bits: number;
  /** `strong`, `acceptable`, `weak`, `anonymous`, `null`, … */
  readonly strength: string;
  /** Of the Diffie-Hellman group; NaN where there is none. */
  readonly dhBits: number;
};

export type TlsCertificate = {
  readonly subject: string;
  readonly issuer: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly signature: string;
  readonly keyType: string;
  readonly keyBits: number;
  readonly isSelfSigned: boolean;
  readonly isExpired: boolean;
};

export type TlsTest = {
  /** As it was given to sslscan. */
  readonly host: string;
  readonly port: number;
  /** By which the server was asked; the same as the host where there was none. */
  readonly name: string;
  /** Those that are offered, such as `SSLv3`, `TLSv1.2`. */
  readonly protocols: readonly string[];
  readonly ciphers: readonly TlsCipher[];
  readonly isHeartbleedOpen: boolean;
  readonly isCompressing: boolean;
  readonly isRenegotiationInsecure: boolean;
  readonly certificates: readonly TlsCertificate[];
};

export type SslscanEvent =
  | { readonly kind: "test"; readonly test: TlsTest }
  | { readonly kind: "error"; readonly error: string };

export class SslscanReport {
  readonly #stream = new XmlStream("document");

  get problem(): string | undefined {
    return this.#stream.problem;
  }

  push(bytes: Uint8Array): readonly SslscanEvent[] {
    return this.#stream.push(bytes).flatMap(eventsOf);
  }

  end(): readonly SslscanEvent[] {
    return this.#stream.end().flatMap(eventsOf);
  }
}

function eventsOf(element: XmlElement): readonly SslscanEvent[] {
  if (element.name === "error") return [{ kind: "error", error: element.text.trim().replace(/\.$/, "") }];
  return element.name === "ssltest" ? [{ kind: "test", test: testOf(element) }] : [];
}

function testOf(element: XmlElement): TlsTest {
  const host = attribute(element, "host");
  const protocols = childrenOf(element, "protocol").filter((one) => attribute(one, "enabled") === "1");
  const [renegotiation] = childrenOf(element, "renegotiation");
  const isOn = (name: string, flag: string) =>
    childrenOf(element, name).some((one) => attribute(one, flag) === "1");
  return {
    host,
    port: Number(attribute(element, "port")),
    name: attribute(element, "sniname") || host,
    protocols: protocols.map((one) => `${attribute(one, "type").toUpperCase()}v${attribute(one, "version")}`),
    ciphers: childrenOf(element, "cipher").map(cipherOf),
    isHeartbleedOpen: isOn("heartbleed", "vulnerable"),
    isCompressing: isOn("compression", "supported"),
    isRenegotiationInsecure:
      attribute(renegotiation, "supported") === "1" && attribute(renegotiation, "secure") === "0",
    certificates: childrenOf(element, "certificates")
      .flatMap((list) => childrenOf(list, "certificate"))
      .filter((one) => attribute(one, "type") === "short")
      .map(certificateOf),
  };
}

function cipherOf(element: XmlElement): TlsCipher {
  return {
    name: attribute(element, "cipher"),
    protocol: attribute(element, "sslversion"),
    bits: Number(attribute(element, "bits")),
    strength: attribute(element, "strength"),
    dhBits: Number(attribute(element, "dhebits") || Number.NaN),
  };
}

function certificateOf(element: XmlElement): TlsCertificate {
  const text = (name: string) => childrenOf(element, name)[0]?.text.trim() ?? "";
  const [key] = childrenOf(element, "pk");
  return {
    subject: text("subject"),
    issuer: text("issuer"),
    notBefore: text("not-valid-before"),
    notAfter: text("not-valid-after"),
    signature: text("signature-algorithm"),
    keyType: attribute(key, "type"),
    keyBits: Number(attribute(key, "bits") || Number.NaN),
    isSelfSigned: text("self-signed") === "true",
    isExpired: text("expired") === "true",
  };
}
