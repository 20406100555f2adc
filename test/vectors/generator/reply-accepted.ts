/** Sessions as they should be: each reply, each disposition, each ending. */
import { encode, type Fields } from "./cbor.ts";
import {
  agent,
  ended,
  exit,
  failing,
  hello,
  type Item,
  NOW,
  output,
  queued,
  type ReplyVector,
  renewed,
  running,
  taken,
  vector,
  web1,
  web2,
} from "./reply-scene.ts";

export function acceptedReplies(): ReplyVector[] {
  return [...dispositions(), ...hellos(), ...endings(), ...outputs(), ...rollouts()];
}

const REFUSALS = [
  "clock",
  "version",
  "malformed",
  "forbidden",
  "no-such-command",
  "masked",
  "not-a-file",
  "not-executable",
  "writable-by-others",
  "outside-run-directory",
  "manifest",
  "parameters",
  "state",
  "gone",
];

function good(
  name: string,
  comment: string,
  items: readonly Item[],
  request: Parameters<typeof vector>[3] = {},
): ReplyVector {
  return vector(`accepted-${name}`, comment, items, request);
}

function dispositions(): ReplyVector[] {
  const one = (name: string, comment: string, change: Fields) =>
    good(`hello-${name}`, comment, [taken(web1, 0, hello(web1, change))]);
  return [
    one("running", "an agent that runs the command", {}),
    one("queued", "an agent where the command waits its turn", { disposition: "queued" }),
    good(
      "hello-present",
      "an agent that is asked whether it is there",
      [taken(web1, 0, hello(web1, { disposition: "present" }))],
      { type: "ping" },
    ),
    ...["busy", "stopping"].map((reason) =>
      one(`declined-${reason}`, `declined: ${reason}`, { disposition: "declined", reason }),
    ),
    ...REFUSALS.map((reason) =>
      one(`refused-${reason}`, `refused: ${reason}`, { disposition: "refused", reason }),
    ),
    one("refused-bound", "refused, with a bound and a detail", {
      disposition: "refused",
      reason: "clock",
      detail: "expired",
      bound: NOW,
    }),
    one("refused-detail-empty", "refused, with an empty detail", {
      disposition: "refused",
      reason: "state",
      detail: "",
    }),
    one("refused-detail-256", "refused, with the longest detail there is", {
      disposition: "refused",
      reason: "version",
      detail: "ü".repeat(128),
    }),
  ];
}

function hellos(): ReplyVector[] {
  const longest = agent("w".repeat(64));
  const tags = Array.from({ length: 64 }, (_, index) => `t${100 + index}`.padEnd(64, "x"));
  return [
    good("hello-no-tags", "an agent without tags", [taken(web1, 0, hello(web1, { tags: [] }))]),
    good("hello-no-software", "an agent that names no version", [
      taken(web1, 0, hello(web1, { software: "" })),
    ]),
    good("hello-1970", "an agent whose clock was never set", [taken(web1, 0, hello(web1, { time: 0 }))]),
    good("hello-largest", "the longest names there are", [
      taken(longest, 0, hello(longest, { tags, software: "v".repeat(64), time: Number.MAX_SAFE_INTEGER })),
    ]),
    good("hello-two", "two agents", [taken(web1, 0, hello(web1)), taken(web2, 0, hello(web2))]),
    good("hello-targeted", "it has all the tags, and more", [taken(web1, 0, hello(web1))], {
      targetTags: ["web"],
    }),
    good(
      "hello-census",
      "an agent that is not meant, and says so",
      [taken(web1, 0, hello(web1, { tags: [], disposition: "not-targeted" }))],
      { targetTags: ["web"] },
    ),
  ];
}

function endings(): ReplyVector[] {
  const end = (name: string, comment: string, fields: Fields) =>
    good(`exit-${name}`, comment, [taken(web1, 0, hello(web1)), taken(web1, 1, fields)]);
  const queued = taken(web1, 0, hello(web1, { disposition: "queued" }));
  return [
    end("0", "the command exited 0", exit()),
    end("255", "the command exited 255", exit({ status: 255 })),
    end("signalled", "the command was killed", ended("signalled", { signal: "SIGKILL" })),
    end("time-limit", "the command was ended at its time limit", ended("time-limit")),
    end(
      "time-limit-signal",
      "the signal that ended it at its time limit",
      ended("time-limit", { signal: "SIGTERM" }),
    ),
    end("time-limit-status", "it left by itself when told to", ended("time-limit", { status: 0 })),
    end("stopped", "the command was ended with its agent", ended("stopped")),
    end("cancelled", "the command was cancelled", ended("cancelled")),
    end(
      "not-started",
      "the command could not be started",
      ended("not-started", { detail: "ENOEXEC", runTime: 0 }),
    ),
    end("state", "the journal could not be made durable", ended("state", { runTime: 0 })),
    good("exit-never-started", "its turn did not come while the request was valid", [
      queued,
      taken(web1, 1, ended("never-started", { runTime: 0 })),
    ]),
    good("exit-queued", "the command ran when its turn came", [
      queued,
      taken(web1, 1, running),
      taken(web1, 2, output(0, "hello\n")),
      taken(web1, 3, exit({ stdout: 6 })),
    ]),
    good("exit-never-started-stopped", "the agent was stopped before its turn came", [
      queued,
      taken(web1, 1, ended("never-started", { runTime: 0, detail: "the agent is stopping" })),
    ]),
    end("left-open", "a process left behind holds a stream", exit({ leftOpen: true })),
    end("detail-256", "the longest detail there is", exit({ detail: "d".repeat(256) })),
    end("longest-run", "the longest time there is", exit({ runTime: Number.MAX_SAFE_INTEGER })),
  ];
}

/** Of runs that are held. */
function rollouts(): ReplyVector[] {
  const isHeld = { isHeld: true };
  const held = taken(web1, 0, hello(web1, { disposition: "held" }));
  const again = renewed(web1);
  return [
    good("hello-held", "an agent where the command waits for its release", [held], isHeld),
    good(
      "held-released",
      "it is released, runs at once, says so again, and ends",
      [
        held,
        taken(web1, 1, running),
        taken(web1, 2, output(0, "hello\n")),
        taken(web1, 3, running),
        taken(web1, 4, exit({ stdout: 6 })),
      ],
      isHeld,
    ),
    good(
      "held-queued",
      "it is released, waits its turn, says so again, and runs",
      [held, taken(web1, 1, queued), taken(web1, 2, queued), taken(web1, 3, running), taken(web1, 4, exit())],
      isHeld,
    ),
    good(
      "exit-never-released",
      "no release came in time",
      [held, taken(web1, 1, ended("never-released", { runTime: 0, detail: "it was not released in time" }))],
      isHeld,
    ),
    good(
      "exit-held-cancelled",
      "it was cancelled while it waited",
      [held, taken(web1, 1, ended("cancelled", { runTime: 0 }))],
      isHeld,
    ),
    vector(
      "gone-held",
      "the agent was restarted, and has lost what it held",
      [
        held,
        { ...failing("gone", again, 0, hello(again, { disposition: "refused", reason: "gone" })) },
        failing("nothing", again, 1, running),
        failing("out-of-order", web1, 1, running),
      ],
      isHeld,
    ),
  ];
}

function outputs(): ReplyVector[] {
  const listing = encode({ commands: [{ name: "reload", digest: new Uint8Array(32) }] });
  return [
    good("output-both", "both streams, each with offsets of its own", [
      taken(web1, 0, hello(web1)),
      taken(web1, 1, output(0, "one\n")),
      taken(web1, 2, output(0, "warning\n", "stderr")),
      taken(web1, 3, output(4, "two\n")),
      taken(web1, 4, exit({ stdout: 8, stderr: 8 })),
    ]),
    good("output-one-byte", "the shortest output there is", [
      taken(web1, 0, hello(web1)),
      taken(web1, 1, output(0, new Uint8Array(1))),
    ]),
    good("output-largest", "64 KiB of output", [
      taken(web1, 0, hello(web1)),
      taken(
        web1,
        1,
        output(
          0,
          Uint8Array.from({ length: 65_536 }, (_, index) => index % 251),
        ),
      ),
    ]),
    good("output-binary", "output that is no text", [
      taken(web1, 0, hello(web1)),
      taken(web1, 1, output(0, Uint8Array.of(0, 255, 27, 91, 128))),
    ]),
    good(
      "output-listing",
      "the commands that an agent has, as the output of a list",
      [
        taken(web1, 0, hello(web1)),
        taken(web1, 1, output(0, listing)),
        taken(web1, 2, exit({ stdout: listing.length })),
      ],
      { type: "list" },
    ),
    good("two-agents", "two agents, their replies mixed", [
      taken(web1, 0, hello(web1)),
      taken(web2, 0, hello(web2)),
      taken(web2, 1, output(0, "two\n")),
      taken(web1, 1, output(0, "one\n")),
      taken(web2, 2, exit({ stdout: 4, status: 3 })),
      taken(web1, 2, exit({ stdout: 4 })),
    ]),
  ];
}
