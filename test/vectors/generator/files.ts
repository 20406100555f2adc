/** All vector files, as paths below `test/vectors` and their text. */
import sodium from "libsodium-wrappers";

export async function vectorFiles(): Promise<ReadonlyMap<string, string>> {
  // The scenes are made as their modules are loaded, which needs a library that is ready.
  await sodium.ready;
  const { requestEnvelopes } = await import("./request-envelopes.ts");
  const { requestForms } = await import("./request-forms.ts");
  const { requestBodies } = await import("./request-bodies.ts");
  const { requestTimes } = await import("./request-times.ts");
  const { requestCancels } = await import("./request-cancels.ts");
  const { requestGoes } = await import("./request-goes.ts");
  const { replyBodies } = await import("./reply-bodies.ts");
  const { replyEnvelopes } = await import("./reply-envelopes.ts");
  const { replySessions } = await import("./reply-sessions.ts");
  const { acceptedReplies } = await import("./reply-accepted.ts");
  const { tables } = await import("./tables.ts");
  const files = new Map<string, string>();
  const add = (prefix: string, vectors: readonly (readonly [string, string])[]) => {
    for (const [name, text] of vectors) {
      const path = `${prefix}${name}.txt`;
      if (files.has(path)) throw new Error(`two vectors are called ${path}`);
      files.set(path, text);
    }
  };
  add("request/", [...requestEnvelopes(), ...requestForms(), ...requestBodies(), ...requestTimes()]);
  add("request/", requestCancels());
  add("request/", requestGoes());
  add("reply/", [...replyBodies(), ...replyEnvelopes(), ...replySessions(), ...acceptedReplies()]);
  add("", tables());
  return files;
}
