/**
 * Sends one datagram to a unix socket, which no module of Node can; the only door to bun:ffi.
 *
 * Of the three runtimes Bun alone can call libc without a flag or an add-on, and Bun is what the executable is
 * made of. Source: unix(7), sendto(2).
 */

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;
/** Whoever should read may stand still, and this thread must not. */
const MSG_DONTWAIT = 0x40;
/** Bytes of `sun_path`. */
const MAX_PATH = 108;

/**
 * @param path of the socket; one that begins with "@" is in the abstract namespace
 * @returns whether the kernel took it, without waiting; false in other runtimes than Bun
 */
export async function sendDatagram(path: string, message: Uint8Array): Promise<boolean> {
  if (process.versions["bun"] === undefined) return false;
  const { dlopen } = await import("bun:ffi");
  const { symbols: libc } = dlopen("libc.so.6", {
    socket: { args: ["i32", "i32", "i32"], returns: "i32" },
    sendto: { args: ["i32", "ptr", "u64", "i32", "ptr", "u32"], returns: "i64" },
    close: { args: ["i32"], returns: "i32" },
  });
  const address = socketAddress(path);
  if (address === undefined) return false;
  const socket = Number(libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (socket < 0) return false;
  const sent = libc.sendto(
    socket,
    message,
    message.length,
    MSG_NOSIGNAL | MSG_DONTWAIT,
    address,
    address.length,
  );
  libc.close(socket);
  return Number(sent) === message.length;
}

/** A `sockaddr_un`: the family in the machine's byte order, which is little-endian wherever Bun runs, and the path. */
function socketAddress(path: string): Uint8Array | undefined {
  const isAbstract = path.startsWith("@");
  const name = Buffer.from(path);
  if (isAbstract) name[0] = 0;
  // A path in the file system ends with a zero byte; an abstract name ends where it ends.
  const end = isAbstract ? [] : [0];
  if (name.length + end.length > MAX_PATH) return undefined;
  return Uint8Array.from([AF_UNIX, 0, ...name, ...end]);
}
