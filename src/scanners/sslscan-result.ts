/**
 * What sslscan saw of a server as Faraday's bulk_create takes it.
 *
 * Names and descs are the same for every server and every scan, so that a second scan adds nothing; what was seen is
 * in `data`. Ratings are those of common practice: what breaks encryption or proof of identity is high, what helps an
 * attacker who has more is med or low.
 */
import type { AgentOptions } from "./agent-options.ts";
import { hostNameIn, isAddress } from "./host-name.ts";
import type { HostResult } from "./host-result.ts";
import type { TlsCertificate, TlsCipher, TlsTest } from "./sslscan-report.ts";
import { type Finding, rank, type Severity, vulnerability } from "./vulnerability.ts";

/** Whether it says where it was made: a report may hold whatever somebody wrote into it. */
export function hasPlace({ host, port }: TlsTest): boolean {
  return (isAddress(host) || hostNameIn(host) === host) && port >= 1 && port <= 65_535;
}

/** @returns undefined for a server that speaks no TLS, or of which nobody knows where it is */
export function tlsResult(test: TlsTest, options: AgentOptions): HostResult | undefined {
  if (test.protocols.length === 0 || !hasPlace(test)) return undefined;
  const vulnerabilities = findingsOf(test)
    .filter(({ severity }) => options.isWanted(severity))
    .toSorted((one, other) => rank(other.severity) - rank(one.severity))
    .map((finding) => vulnerability(finding, options.vulnerabilityTags));
  const { host, port, name } = test;
  const tagged = (tags: readonly string[]) => (tags.length === 0 ? {} : { tags });
  return {
    services: 1,
    vulnerabilities: vulnerabilities.length,
    host: {
      ip: host,
      description: "",
      hostnames: name === host ? [] : [name],
      services: [
        {
          port,
          protocol: "tcp",
          name: port === 443 ? "https" : "ssl",
          status: "open",
          version: "",
          description: `Offers ${test.protocols.join(", ")}`,
          vulnerabilities,
          ...tagged(options.serviceTags),
        },
      ],
      vulnerabilities: [],
      ...tagged(options.hostTags),
    },
  };
}

function findingsOf(test: TlsTest): readonly Finding[] {
  return [...protocolFindings(test), ...cipherFindings(test), ...faults(test), ...certificateFindings(test)];
}

function finding(
  id: string,
  severity: Severity,
  name: string,
  desc: string,
  more: { readonly data?: string; readonly cve?: readonly string[] } = {},
): Finding {
  return { name, severity, desc, externalId: `sslscan:${id}`, ...more };
}

const OLD_PROTOCOLS: readonly (readonly [
  protocol: string,
  severity: Severity,
  desc: string,
  cve: readonly string[],
])[] = [
  ["SSLv2", "high", "SSL 2.0 is broken, and lets TLS of the same key be decrypted.", ["CVE-2016-0800"]],
  ["SSLv3", "high", "SSL 3.0 is broken: its padding gives bytes of the text away.", ["CVE-2014-3566"]],
  ["TLSv1.0", "low", "TLS 1.0 is deprecated since 2021 (RFC 8996).", []],
  ["TLSv1.1", "low", "TLS 1.1 is deprecated since 2021 (RFC 8996).", []],
];

function protocolFindings({ protocols }: TlsTest): readonly Finding[] {
  const old = OLD_PROTOCOLS.filter(([protocol]) => protocols.includes(protocol));
  return old.map(([protocol, severity, desc, cve]) =>
    finding(`protocol:${protocol}`, severity, `${protocol} is offered`, desc, { cve }),
  );
}

const CIPHER_CLASSES: readonly (readonly [
  id: string,
  severity: Severity,
  name: string,
  desc: string,
  isOne: (cipher: TlsCipher) => boolean,
])[] = [
  [
    "null",
    "high",
    "TLS without encryption is offered",
    "With some of the ciphers that the server offers everybody on the way can read along.",
    ({ strength }) => strength === "null",
  ],
  [
    "anonymous",
    "high",
    "TLS without authentication is offered",
    "With some of the ciphers that the server offers it does not prove who it is.",
    ({ strength }) => strength === "anonymous",
  ],
  [
    "weak",
    "med",
    "Weak ciphers are offered",
    "Some of the ciphers that the server offers can be broken with enough effort or enough traffic.",
    ({ strength }) => strength === "weak" || strength === "medium",
  ],
  [
    "dh",
    "med",
    "A small Diffie-Hellman group is used",
    "Groups of less than 2048 bits can be broken by some; one breach opens all that was recorded.",
    ({ dhBits }) => dhBits < 2048,
  ],
];

function cipherFindings({ ciphers }: TlsTest): readonly Finding[] {
  const all = ciphers.map(lineOf).join("\n");
  const classes = CIPHER_CLASSES.flatMap(([id, severity, name, desc, isOne]) => {
    const data = ciphers.filter(isOne).map(lineOf).join("\n");
    return data === "" ? [] : [finding(`cipher:${id}`, severity, name, desc, { data })];
  });
  if (all === "") return classes;
  const offer = "What the server offers, in the order in which it prefers it.";
  return [...classes, finding("ciphers", "info", "TLS ciphers", offer, { data: all })];
}

function lineOf({ protocol, name, bits, dhBits }: TlsCipher): string {
  const group = Number.isNaN(dhBits) ? "" : `, DH ${dhBits} bits`;
  return `${protocol} ${name} (${bits} bits${group})`;
}

function faults({ isHeartbleedOpen, isCompressing, isRenegotiationInsecure }: TlsTest): readonly Finding[] {
  const heartbleed = "The server gives away what is in its memory, keys and passwords among it.";
  const crime = "TLS compression lets an attacker who can make a browser send requests guess its cookies.";
  const renegotiation = "An attacker on the way can put a request of their own in front of another's.";
  return [
    ...(isHeartbleedOpen
      ? [finding("heartbleed", "critical", "Heartbleed", heartbleed, { cve: ["CVE-2014-0160"] })]
      : []),
    ...(isCompressing
      ? [finding("compression", "med", "TLS compression is on", crime, { cve: ["CVE-2012-4929"] })]
      : []),
    ...(isRenegotiationInsecure
      ? [
          finding("renegotiation", "med", "TLS renegotiation is not secure", renegotiation, {
            cve: ["CVE-2009-3555"],
          }),
        ]
      : []),
  ];
}

/** The server's own comes first; a second one is that of another kind of key. */
function certificateFindings({ certificates }: TlsTest): readonly Finding[] {
  const data = certificates.map(certificateText).join("\n\n");
  const some = (isOne: (certificate: TlsCertificate) => boolean) => certificates.some(isOne);
  const about = (id: string, severity: Severity, name: string, desc: string) =>
    finding(`certificate:${id}`, severity, name, desc, { data });
  const shortKey = ({ keyType, keyBits }: TlsCertificate) => keyType === "RSA" && keyBits < 2048;
  const oldHash = ({ signature }: TlsCertificate) => /^(md[245]|sha1)/i.test(signature);
  return [
    ...(some(({ isExpired }) => isExpired)
      ? [
          about(
            "expired",
            "med",
            "Certificate has expired",
            "Its time is over: clients warn, or are told not to.",
          ),
        ]
      : []),
    ...(some(({ isSelfSigned }) => isSelfSigned)
      ? [about("self-signed", "low", "Certificate is self-signed", "No authority vouches for the server.")]
      : []),
    ...(some(shortKey)
      ? [about("key", "med", "Key of the certificate is short", "RSA keys have 2048 bits at least.")]
      : []),
    ...(some(oldHash)
      ? [about("hash", "med", "Certificate is signed with a broken hash", "MD5 and SHA-1 can be forged.")]
      : []),
    ...(data === ""
      ? []
      : [about("shown", "info", "TLS certificate", "The certificate that the server shows.")]),
  ];
}

function certificateText(certificate: TlsCertificate): string {
  const { subject, issuer, notBefore, notAfter, signature, keyType, keyBits } = certificate;
  return [
    `Subject: ${subject}`,
    `Issuer: ${issuer}`,
    `Valid: ${notBefore} to ${notAfter}`,
    `Key: ${keyType}${Number.isNaN(keyBits) ? "" : ` ${keyBits} bits`}`,
    `Signature: ${signature}`,
  ].join("\n");
}
