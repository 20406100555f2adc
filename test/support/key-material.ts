/** Finds keys in what is handed out: those that `cb-keygen` writes, public ones too, and private keys in PEM. */
import { FORMS } from "../../src/protocol/key-forms.ts";

// The words alone stand in every program that reads keys; it is the key behind them that must not.
const KEY = new RegExp(`cb-(${Object.keys(FORMS).join("|")})1[02-9ac-hj-np-z]{40,}`, "i");
const PEM = /-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=\s:,-]{64}/;

/** What the first key in these bytes begins with, as far as it says what it is. */
export function keyMaterial(bytes: Uint8Array): string | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
  return (KEY.exec(text) ?? PEM.exec(text))?.[0].slice(0, 30);
}
